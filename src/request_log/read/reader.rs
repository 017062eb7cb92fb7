//! Reads a log, entry by entry, and checks everything.
//!
//! Every byte is checked: first lines, the offset, width and digits of every row, their number, separators. It streams:
//! memory is constant for any length of the log or an entry. It reads from any [`Read`], and the caller decides what to
//! do with the entries.
//!
//! Rows are checked by writing them again: the content is decoded from the hex digits, the writer's code encodes it
//! again, and both texts must be equal.
//!
//! The log has no checksums, so some changes cannot be detected: another hex digit in a row; another visible byte in a
//! name or in a part of a failed request (if escapes remain valid); another status between 300 and 599; and a file that
//! is cut between two entries.

use super::fault::{ReadError, expected_in_rows};
use crate::input_window::{InputWindow, to_usize};
use crate::request_log::format::hex::{push_rows, read_rows};
use crate::request_log::format::layout::{LINE_LIMIT, ROW, SEPARATOR, row_position, rows_len};
use crate::request_log::format::line::{LoggedRequest, common_prefix, parse};
use std::io::{self, Read};

#[cfg(test)]
mod tests;

/// Rows that are read and checked at a time: enough to make the cost per piece negligible, and few enough to stay in
/// the cache.
const PIECE_ROWS: u64 = 512;

/// Content bytes of a piece.
const PIECE: u64 = PIECE_ROWS * ROW as u64;

/// Bytes of the window: twice the longest piece of rows (offsets of 20 digits) or first line, so that reads are large.
const WINDOW: usize = 2 * LINE_LIMIT;

/// The first line of an entry, and its position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryHead {
    /// The number of the entry, from 1. Entries with an incomplete first line are not counted.
    pub number: u64,
    /// The offset of the entry, in bytes from the start of the log.
    pub offset: u64,
    /// Its content.
    pub kind: LoggedRequest,
}

/// Reads the entries of a log from a [`Read`]; it buffers by itself.
///
/// ```
/// use httpserver::request_log::read::Reader;
///
/// let log = b"PUT a length 2\n00000000 68 69\n========\n";
/// let mut reader = Reader::new(&log[..]);
/// let entry = reader.next_entry()?.ok_or("an empty log")?;
/// assert_eq!(entry.number, 1);
/// while let Some(piece) = reader.content()? {
///     assert_eq!(piece, b"hi");
/// }
/// assert_eq!(reader.next_entry()?, None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reader<R> {
    pub(super) window: InputWindow<R>,
    next_number: u64,
    pub(super) state: ReaderState,
    /// The first line that was read last, without its newline.
    first_line: Vec<u8>,
    /// The piece of content that was read last.
    content: Vec<u8>,
    /// The expected rows of this piece.
    rows: Vec<u8>,
}

/// The part that the next unread byte belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) enum ReaderState {
    /// The first line of an entry.
    Line,
    /// The rows or the separator of an entry.
    Body(EntryInProgress),
    /// Nothing: after a corrupt entry, the start of the next one is unknown.
    Lost,
}

/// An entry after its first line has been read.
#[derive(Debug, Clone, Copy)]
pub(super) struct EntryInProgress {
    /// The offset of the entry.
    pub(super) entry: u64,
    /// The end of the entry.
    pub(super) end: u64,
    /// Bytes of its content.
    length: u64,
    /// Content bytes in the rows that have been read.
    done: u64,
}

impl<R: Read> Reader<R> {
    /// Reads a log from its start.
    pub fn new(input: R) -> Self {
        Self::resume(input, 0, 1)
    }

    /// Reads a log from entry `number` on. The entry begins at byte `offset` of the log, and `input` begins with it.
    pub fn resume(input: R, offset: u64, number: u64) -> Self {
        let window = InputWindow::new(input, WINDOW, offset);
        Self {
            window,
            next_number: number,
            state: ReaderState::Line,
            first_line: Vec::new(),
            content: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// The end of the bytes that were read and checked, in bytes from the start of the log.
    pub fn position(&self) -> u64 {
        self.window.position()
    }

    /// The first line of the current entry as it stands in the log, without its newline.
    pub fn first_line(&self) -> &[u8] {
        &self.first_line
    }

    /// Skips to the entry at byte `offset`, without checking the bytes before it. `false` if that offset is already
    /// passed, or the log ends before it.
    pub fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        while self.position() < offset {
            if self.window.fill(1)?.is_empty() {
                return Ok(false);
            }
            let left = to_usize(offset - self.position());
            self.window.consume(left);
        }
        self.state = ReaderState::Line;
        Ok(self.position() == offset)
    }

    /// Checks the rest of the current entry, if there is one, and reads the first line of the next.
    ///
    /// `None` is the end of the log. After a torn entry, the next call continues with the following entry. After a
    /// corrupt one, the start of the next entry is unknown, and the next call returns `None`.
    pub fn next_entry(&mut self) -> Result<Option<EntryHead>, ReadError> {
        self.finish_entry()?;
        if matches!(self.state, ReaderState::Lost) {
            return Ok(None);
        }
        let entry = self.window.position();
        match self.window.fill(1).map_err(ReadError::Input)? {
            [] => return Ok(None),
            [0] => return Err(self.torn(entry, 0, None, "the first line of an entry".to_owned())),
            _ => {}
        }
        let line_len = self.fill_line()?;
        let kind = match parse(&self.window.unread()[..line_len]) {
            Ok(kind) => kind,
            Err(error) => return Err(self.broken_line(entry, line_len, error)),
        };
        self.first_line.clear();
        let line = &self.window.unread()[..line_len - 1];
        self.first_line.extend_from_slice(line);
        self.window.consume(line_len);
        let length = match kind {
            LoggedRequest::Success { length, .. } => length,
            LoggedRequest::Failure { .. } => 0,
        };
        let body_len = rows_len(length) + SEPARATOR.len() as u64;
        let end = self.window.position().saturating_add(body_len);
        self.state = ReaderState::Body(EntryInProgress {
            entry,
            end,
            length,
            done: 0,
        });
        let number = self.next_number;
        self.next_number += 1;
        Ok(Some(EntryHead {
            number,
            offset: entry,
            kind,
        }))
    }

    /// Reads and checks the next piece of the current entry's content. At its end it checks the separator and returns
    /// `None`.
    ///
    /// Each piece is checked before it is returned, but the whole entry is valid only when `None` is returned.
    pub fn content(&mut self) -> Result<Option<&[u8]>, ReadError> {
        let ReaderState::Body(mut body) = self.state else {
            return Ok(None);
        };
        if body.done == body.length {
            let text = self
                .window
                .fill(SEPARATOR.len())
                .map_err(ReadError::Input)?;
            if text == SEPARATOR {
                self.window.consume(SEPARATOR.len());
                self.state = ReaderState::Line;
                return Ok(None);
            }
            let at = common_prefix(text, SEPARATOR);
            return Err(self.broken_body(
                body,
                at,
                "the separator `========` and a newline".to_owned(),
            ));
        }
        let from = body.done;
        body.done = body.length.min(from + PIECE);
        let rows_len = to_usize(row_position(body.done) - row_position(from));
        let text = self.window.fill(rows_len).map_err(ReadError::Input)?;
        self.content.clear();
        self.rows.clear();
        read_rows(&mut self.content, from, to_usize(body.done - from), text);
        push_rows(&mut self.rows, from, &self.content);
        if text != self.rows {
            let at = common_prefix(text, &self.rows);
            let expected = expected_in_rows(from, body.done, at);
            return Err(self.broken_body(body, at, expected));
        }
        self.window.consume(rows_len);
        self.state = ReaderState::Body(body);
        Ok(Some(&self.content))
    }

    /// Checks the rest of the current entry without returning its content.
    pub fn finish_entry(&mut self) -> Result<(), ReadError> {
        while self.content()?.is_some() {}
        Ok(())
    }

    /// Fetches the first line of an entry: up to its newline, a NUL byte (which is not part of it), the end of the
    /// input, or [`LINE_LIMIT`]. Returns its length.
    fn fill_line(&mut self) -> Result<usize, ReadError> {
        let find = |bytes: &[u8]| memchr::memchr2(b'\n', 0, bytes);
        let found = self.window.find(LINE_LIMIT, find);
        let found = found.map_err(ReadError::Input)?;
        let unread = self.window.unread();
        Ok(match found {
            Some(at) if unread[at] == 0 => at,
            Some(at) => at + 1,
            None => unread.len().min(LINE_LIMIT),
        })
    }
}
