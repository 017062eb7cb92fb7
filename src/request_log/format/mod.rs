//! The bytes of an entry: its lines and its hex rows, and their positions.
//!
//! These are pure functions between values and bytes; `write` and `read` use files. docs/log-format.md specifies the
//! bytes.

pub mod hex;
pub mod layout;
pub mod line;
