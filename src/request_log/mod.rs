//! The request log: one entry per request, end to end, from offset 0 to the end of the file.
//!
//! What an entry looks like stands in [`layout`] and [`hex`] alone; whatever writes entries ([`Recorder`], [`Dump`])
//! and whatever reads them back ([`reader`]) goes through these two, so they cannot disagree. This room knows nothing
//! of HTTP or of sockets: it takes and gives plain values.

pub mod fault;
pub mod hex;
pub mod layout;
pub mod line;
pub mod reader;

mod dump;
mod open;
mod recorder;
mod recover;
mod space;
mod window;

pub use self::dump::{BLOCK, Dump};
pub use self::open::{LogError, Mode};
pub use self::recorder::{EntryRoom, Recorder, Refused};
pub use self::space::KEPT_FOR_SMALL_ENTRIES;
