//! The writing side of the log: opening it, reserving space, and writing entries.

mod entry;
mod error;
mod keep;
mod location;
mod open;
mod pending;
mod recorder;
mod recover;
mod space;

pub use self::entry::{BLOCK, EntryWriter};
pub use self::error::LogError;
pub use self::location::{Location, LogName};
pub use self::open::Mode;
pub use self::recorder::{EntryReservation, Recorder, Refused};
pub use self::space::{Preallocated, RESERVED_FOR_SMALL_ENTRIES};
