//! The reading side of the log: entries from bytes, and what is wrong with bytes that are none.

mod diagnosis;
pub mod fault;
mod reader;

pub use self::reader::{EntryHead, Reader};
