//! The faults of a log, each described in one line.
//!
//! A fault has its position, the expected and the actual bytes. It does not have the name of the file; the caller knows
//! that.

use std::fmt;
use std::io;

use crate::input_window::to_usize;
use crate::request_log::format::layout::{ROW, offset_digits, row_position};

/// The cause of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// The server was killed while it wrote the entry, or the disk was full: a correct beginning is followed by the end
    /// of the file, or by reserved space that was never written (NUL bytes).
    Torn,
    /// No interruption of the server causes this: bytes were altered, added or removed.
    Corrupt,
}

impl fmt::Display for Nature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Torn => "torn",
            Self::Corrupt => "corrupt",
        })
    }
}

/// One fault of a log. Offsets are bytes from the start of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{nature} entry at byte {entry}: expected {expected} at byte {offset}, found {found}")]
pub struct Fault {
    /// The cause.
    pub nature: Nature,
    /// The offset of the entry with the fault.
    pub entry: u64,
    /// The offset of the first wrong or missing byte.
    pub offset: u64,
    /// The expected text.
    pub expected: String,
    /// The actual text.
    pub found: String,
}

/// Why reading a log stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log has a fault. After a torn entry the reader can continue with the next one.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The input failed.
    #[error("reading failed: {0}")]
    Input(io::Error),
}

/// A byte in readable form.
pub(super) fn describe(byte: u8) -> String {
    match byte {
        0 => "a NUL byte".to_owned(),
        b'\n' => "a newline".to_owned(),
        b' ' => "a space".to_owned(),
        0x21..=0x7E => format!("`{}`", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}

/// The expectation at index `at` of the rows of the content from `from` to `to`.
pub(super) fn expected_in_rows(from: u64, to: u64, at: usize) -> String {
    let mut column = at;
    let mut offset = from;
    loop {
        let digits = offset_digits(offset);
        let row_len = to_usize(row_position(to.min(offset + ROW as u64)) - row_position(offset));
        if column < digits {
            return format!("row offset {offset:08}");
        }
        if column + 1 == row_len {
            return format!("a newline, the end of row {offset:08}");
        }
        if column < row_len {
            let what = if (column - digits).is_multiple_of(3) {
                "a space"
            } else {
                "a lower-case hex digit"
            };
            return format!("{what} in row {offset:08}");
        }
        column -= row_len;
        offset += ROW as u64;
    }
}
