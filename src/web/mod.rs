//! The web dialect: a directory tree for browsers and every other client (RFC 9110).
//!
//! The modules here are the dialect's pure parts: bytes in, values out, no sockets, no files.

pub mod condition;
pub mod date;
pub mod etag;
pub mod multipart;
pub mod range;
pub mod target;
