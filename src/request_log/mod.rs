//! The request log: one entry per request, end to end, from offset 0 to the end of the file.
//!
//! Only [`mod@format`] defines the bytes of an entry. The writer ([`mod@write`]) and the reader ([`read`]) both use it,
//! so they cannot disagree. This room does not depend on HTTP or sockets: its arguments and results are plain values.

pub mod format;
pub mod read;
pub mod verify;
pub mod write;
