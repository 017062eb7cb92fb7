//! The reading side of the log: it parses entries and describes faults.

mod diagnosis;
pub mod fault;
mod reader;

pub use self::reader::{EntryHead, Reader};
