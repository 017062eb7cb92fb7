//! The request log: one entry per request, end to end, from offset 0 to the end of the file.
//!
//! What an entry looks like stands in [`layout`] and [`hex`] alone; whatever writes entries and whatever
//! reads them back ([`reader`]) goes through these two, so they cannot disagree. This room knows nothing
//! of HTTP or of sockets: it takes and gives plain values.

pub mod fault;
pub mod hex;
pub mod layout;
pub mod line;
pub mod reader;
mod window;
