//! The writing side of the log: opening it, reserving space, and writing entries.

mod current_log;
mod entry;
mod entry_reservation;
mod error;
mod figures;
mod keep;
mod location;
mod open;
mod pending;
mod preallocation;
mod probe;
mod recorder;
mod recover;
mod reservation;
mod seal_file;
mod seal_key;
mod seal_lines;
mod seal_open;
mod seal_pair;
mod seal_resume;
mod sealer;
mod space;
mod space_file;
mod succession;

pub use self::entry::{BLOCK, EntryWriter};
pub use self::entry_reservation::EntryReservation;
pub use self::error::LogError;
pub use self::figures::LogFigures;
pub use self::location::{Location, LogName};
pub use self::open::Mode;
pub use self::preallocation::Preallocated;
pub use self::probe::{LogProbe, LogProbeError};
pub use self::recorder::{Recorder, Refused, Reopened};
pub use self::sealer::Sealing;
pub use self::space::RESERVED_FOR_SMALL_ENTRIES;
