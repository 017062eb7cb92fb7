//! The request log: one entry per request, end to end, from offset 0 to the end of the file.
//!
//! What an entry looks like stands in [`mod@format`] alone; what writes entries ([`mod@write`]) and what reads them back
//! ([`read`]) both go through it, so they cannot disagree. This room knows nothing of HTTP or of sockets: it takes and
//! gives plain values.

pub mod format;
pub mod read;
pub mod verify;
pub mod write;
