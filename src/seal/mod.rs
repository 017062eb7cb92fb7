//! The seal: a file beside the request log that shows when, from where and by whom each entry was made, and by which an
//! alteration of the log is found.
//!
//! It has a line for each entry, in the log's order. Each line ends with a chain value, which is the SHA-256 of the chain
//! value before it and of the line itself; so no line can be changed, removed, added or moved without a change of all
//! chain values behind it. With a [`Key`](key::Key) that is replaced by its own hash again and again, lines also carry
//! authentication codes, which cannot be made afterwards.
//!
//! This room is the format, and pure: [`line`](mod@line), [`mod@text`] and [`chain`] say what a line is, [`mod@read`] reads
//! lines back, [`state`] is what a server keeps between two starts, and [`checkpoint`] what others keep.
//! `docs/log-format.md` specifies it. [`crate::request_log::write`] writes the lines, and [`crate::request_log::verify`]
//! compares them with the log.

pub mod chain;
pub mod checkpoint;
pub mod clock;
pub mod key;
pub mod line;
pub mod read;
pub mod state;
pub mod text;
pub mod time;
