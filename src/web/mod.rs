//! The web dialect: a directory tree for browsers and every other client (RFC 9110).
//!
//! The modules here are the dialect's pure parts: bytes in, values out, no sockets, no files.

pub mod accept;
pub mod accept_encoding;
pub mod condition;
pub mod date;
mod dictionary;
pub mod digest;
pub mod error_page;
mod escape;
pub mod etag;
pub mod listing;
pub mod media_type;
pub mod multipart;
mod preference;
pub mod range;
pub mod target;
