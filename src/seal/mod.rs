//! The seal: a file beside the request log. It records the time, the peer and the user of each entry, and reveals
//! alterations of the log.
//!
//! It has a line for each entry, in the log's order. Each line ends with a chain value, which is the SHA-256 of the
//! chain value before it and of the line itself; so a line that is changed, removed, added or moved changes all later
//! chain values. With a [`Key`](key::Key) that is replaced by its own hash after each use, lines also have
//! authentication codes, which cannot be made afterwards.
//!
//! This room is the format, and pure: [`line`](mod@line), [`mod@text`] and [`chain`] define a line, [`line_group`] puts
//! lines into the chain, and [`mod@read`] reads them. [`state`] is stored between two starts of a server, and a
//! [`checkpoint`] is kept elsewhere.
//! `docs/log-format.md` specifies the format. [`crate::request_log::write`] writes the lines, and
//! [`crate::request_log::verify`] compares them with the log.

pub mod chain;
pub mod checkpoint;
pub mod clock;
pub mod key;
pub mod line;
pub mod line_group;
pub mod read;
pub mod state;
pub mod text;
pub mod time;
mod words;
