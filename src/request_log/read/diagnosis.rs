//! Distinguishes a torn entry from a corrupt one.
//!
//! The writer reserves space first, writes an entry from front to back, and may write later entries after it. So an
//! interrupted writer leaves a correct beginning (possibly empty), followed by the end of the file or by NUL bytes up
//! to the entry's end. Everything else is corrupt.

use super::fault::{Fault, Nature, ReadError, describe};
use super::reader::{EntryInProgress, Reader, ReaderState};
use crate::input_window::to_usize;
use crate::request_log::format::layout::LINE_LIMIT;
use crate::request_log::format::line::LineError;
use std::io::Read;

impl<R: Read> Reader<R> {
    /// The fault of a first line with `line_len` unread bytes.
    pub(super) fn broken_line(
        &mut self,
        entry: u64,
        line_len: usize,
        error: LineError,
    ) -> ReadError {
        match error {
            LineError::Wrong { at, expected } => self.corrupt(entry, at, expected),
            LineError::Unfinished { .. } if line_len == LINE_LIMIT => self.corrupt(
                entry,
                line_len - 1,
                format!("the end of a line of at most {LINE_LIMIT} bytes"),
            ),
            LineError::Unfinished { expected } => self.torn(entry, line_len, None, expected),
        }
    }

    /// The fault of a body with unread bytes that are correct up to index `at`.
    pub(super) fn broken_body(
        &mut self,
        body: EntryInProgress,
        at: usize,
        expected: String,
    ) -> ReadError {
        match self.window.unread().get(at) {
            None | Some(0) => self.torn(body.entry, at, Some(body.end), expected),
            Some(_) => self.corrupt(body.entry, at, expected),
        }
    }

    /// Skips a torn entry. Its unread bytes are correct up to index `at`, where the input ends or NUL bytes begin. It
    /// skips up to `end`, or all NUL bytes if the end of the entry is not known.
    pub(super) fn torn(
        &mut self,
        entry: u64,
        at: usize,
        end: Option<u64>,
        expected: String,
    ) -> ReadError {
        self.state = ReaderState::Line;
        self.window.consume(at);
        let offset = self.window.position();
        let ended = loop {
            match self.window.fill(1) {
                Ok([]) => break true,
                Ok(_) => {}
                Err(error) => return ReadError::Input(error),
            }
            let left = to_usize(end.map_or(u64::MAX, |end| end - self.window.position()));
            let nuls = self
                .window
                .unread()
                .iter()
                .take(left)
                .take_while(|&&byte| byte == 0)
                .count();
            if nuls == 0 {
                break false;
            }
            self.window.consume(nuls);
        };
        let behind = self.window.position();
        let found = match (ended, end) {
            (true, _) if behind == offset => "the end of the file".to_owned(),
            (true, _) => format!("NUL bytes up to the end of the file, byte {behind}"),
            (false, Some(end)) if behind < end => {
                let expected = format!(
                    "a NUL byte, as the entry breaks off at byte {offset} and would end at byte {end}"
                );
                return self.corrupt(entry, 0, expected);
            }
            (false, _) => format!("NUL bytes up to byte {behind}"),
        };
        Fault {
            nature: Nature::Torn,
            entry,
            offset,
            expected,
            found,
        }
        .into()
    }

    /// The fault of an entry with a wrong unread byte at index `at`.
    fn corrupt(&mut self, entry: u64, at: usize, expected: String) -> ReadError {
        self.state = ReaderState::Lost;
        let found = self
            .window
            .unread()
            .get(at)
            .copied()
            .map_or_else(String::new, describe);
        let offset = self.window.position() + at as u64;
        Fault {
            nature: Nature::Corrupt,
            entry,
            offset,
            expected,
            found,
        }
        .into()
    }
}
