//! What can be wrong with a log, said in one line.
//!
//! A fault knows where it is, what should stand there and what does. It does not know which file it is
//! about: the caller that opened it does.

use std::fmt;
use std::io;

use crate::input_window::to_usize;
use crate::request_log::format::layout::{ROW, offset_digits, row_position};

/// How a fault can have come about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nature {
    /// The server was stopped while it wrote the entry, or the disk was full: what is there is a correct
    /// beginning, and then the file ends or the reserved room was never written (NUL bytes).
    Torn,
    /// No interruption of the server leaves this: bytes were altered, added or taken away.
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

/// One place where a log is not what it should be. Offsets are bytes from the start of the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{nature} entry at byte {entry}: expected {expected} at byte {offset}, found {found}")]
pub struct Fault {
    /// How it can have come about.
    pub nature: Nature,
    /// Where the entry begins that the fault is in.
    pub entry: u64,
    /// Where the first byte stands, or is missing, that is wrong.
    pub offset: u64,
    /// What should stand there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

/// Why a log could not be read on.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The log is not what it should be. After a torn entry the reader goes on with the next one.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The input failed.
    #[error("reading failed: {0}")]
    Input(io::Error),
}

/// Names a byte as a person would.
pub(super) fn describe(byte: u8) -> String {
    match byte {
        0 => "a NUL byte".to_owned(),
        b'\n' => "a newline".to_owned(),
        b' ' => "a space".to_owned(),
        0x21..=0x7E => format!("`{}`", char::from(byte)),
        _ => format!("byte 0x{byte:02x}"),
    }
}

/// What stands at index `at` of the rows of the content from `from` to `to`.
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
