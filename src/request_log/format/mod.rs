//! The bytes of an entry: its lines, its hex rows, and where each stands.
//!
//! Pure functions between values and bytes; files are the business of `write` and `read`. docs/log-format.md specifies
//! these bytes.

pub mod hex;
pub mod layout;
pub mod line;
