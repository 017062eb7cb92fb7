//! Reads a log while a server writes it: each entry when it is complete.
//!
//! A server reserves the place of an entry, writes it from front to back, and may write later entries before this one
//! is complete. So an entry is read when its separator is in place; until then the reader waits. An incomplete entry
//! counts as torn if it has not grown for [`STALL`], and more bytes follow it or the log is finished.

use crate::failure::Failure;
use crate::log_reader::{LogItem, LogReader};
use crate::source::LogSource;
use httpserver::request_log::format::layout::{SEPARATOR, rows_len};
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::EntryHead;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The time for which an incomplete entry may stop growing.
const STALL: Duration = Duration::from_secs(5);

/// Bytes of an unfinished entry that are compared to detect growth.
const LOOK: usize = 64 * 1024;

/// The number of reads before an entry counts as corrupt, since it may be read while it is written.
const READINGS: u32 = 3;

/// Whether a log is still written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LogWriting {
    GoesOn,
    /// Another file has its name.
    Ended,
}

/// The next part of a log.
#[derive(Debug)]
pub(crate) enum Grown {
    /// An entry, and its place.
    Item(LogItem, Range<u64>),
    /// Nothing yet: the log ends here.
    End,
    /// An incomplete entry.
    Unfinished,
}

/// See the module's description.
pub(crate) struct GrowingLog<'s> {
    source: &'s LogSource,
    /// The reader; dropped if its buffer may be outdated.
    reader: Option<LogReader<'s>>,
    /// The next entry: where it begins, and its number.
    offset: u64,
    number: u64,
    /// The offset and the number of the entry after the last complete one.
    whole_end: u64,
    whole_number: u64,
    unfinished: Option<UnfinishedEntry>,
    corrupt_readings: u32,
}

/// An incomplete entry.
#[derive(Debug)]
struct UnfinishedEntry {
    offset: u64,
    /// The end of its written bytes.
    written: u64,
    /// The time of its last growth.
    since: Instant,
}

impl<'s> GrowingLog<'s> {
    pub(crate) fn new(source: &'s LogSource) -> Self {
        Self {
            source,
            reader: None,
            offset: 0,
            number: 1,
            whole_end: 0,
            whole_number: 1,
            unfinished: None,
            corrupt_readings: 0,
        }
    }

    /// Where the next entry begins.
    pub(crate) fn position(&self) -> u64 {
        self.offset
    }

    /// The first line of the entry that was returned last.
    pub(crate) fn first_line(&self) -> String {
        let reader = self.reader.as_ref();
        reader.map_or_else(String::new, |reader| reader.first_line().into_owned())
    }

    /// The next part. Contents are passed to `look`.
    pub(crate) fn next(
        &mut self,
        writing: LogWriting,
        look: impl FnMut(&[u8]),
    ) -> Result<Grown, Failure> {
        let length = self.source.current_length()?;
        if length < self.offset && length >= self.whole_end {
            // A server cut off a torn tail at its start.
            self.reader = None;
            self.offset = self.whole_end;
            self.number = self.whole_number;
        }
        if length < self.offset {
            return Err(Failure::Shrunk {
                log: self.source.name().to_owned(),
                length,
                read: self.offset,
            });
        }
        if length == self.offset {
            self.unfinished = None;
            return Ok(Grown::End);
        }
        match self.whole_head() {
            Ok(Some(head)) => self.finish(head, look),
            Ok(None) => self.wait(length, writing, look),
            Err(error) if self.corrupt_readings >= READINGS => Err(error),
            Err(_) => {
                self.corrupt_readings += 1;
                self.reader = None;
                Ok(Grown::Unfinished)
            }
        }
    }

    /// The head of the next entry if the entry is complete.
    fn whole_head(&mut self) -> Result<Option<EntryHead>, Failure> {
        let reader = self.reader()?;
        let Some(LogItem::Whole(head)) = reader.next_head_item()? else {
            self.reader = None;
            return Ok(None);
        };
        let end = end_of(&head, reader.position());
        let mut separator = [0; SEPARATOR.len()];
        let at = end.saturating_sub(SEPARATOR.len() as u64);
        let count = self.source.read_at(&mut separator, at)?;
        if count == separator.len() && separator == SEPARATOR {
            return Ok(Some(head));
        }
        self.reader = None;
        Ok(None)
    }

    /// Reads the rest of an entry that seems complete.
    fn finish(&mut self, head: EntryHead, look: impl FnMut(&[u8])) -> Result<Grown, Failure> {
        let reader = self.reader()?;
        match reader.finish(head, look) {
            Ok(LogItem::Whole(head)) => Ok(self.give(LogItem::Whole(head))),
            // The reader's buffer may be older than the last write.
            Ok(LogItem::Torn(..)) => {
                self.reader = None;
                Ok(Grown::Unfinished)
            }
            Err(error) if self.corrupt_readings >= READINGS => Err(error),
            Err(_) => {
                self.corrupt_readings += 1;
                self.reader = None;
                Ok(Grown::Unfinished)
            }
        }
    }

    /// Returns an entry that the reader has read to its end.
    fn give(&mut self, item: LogItem) -> Grown {
        let begin = self.offset;
        if let Some(reader) = &self.reader {
            self.offset = reader.position();
        }
        if matches!(item, LogItem::Whole(_) | LogItem::Torn(Some(_), _)) {
            self.number += 1;
        }
        if matches!(item, LogItem::Whole(_)) {
            self.whole_end = self.offset;
            self.whole_number = self.number;
        }
        self.unfinished = None;
        self.corrupt_readings = 0;
        Grown::Item(item, begin..self.offset)
    }

    /// Handles an incomplete entry: returns it as torn if it will not grow any more.
    fn wait(
        &mut self,
        length: u64,
        writing: LogWriting,
        look: impl FnMut(&[u8]),
    ) -> Result<Grown, Failure> {
        let written = self.written(length)?;
        let now = Instant::now();
        let offset = self.offset;
        let is_stalled = match &self.unfinished {
            Some(entry) if entry.offset == offset && entry.written == written => {
                now.duration_since(entry.since) >= STALL
            }
            _ => {
                self.unfinished = Some(UnfinishedEntry {
                    offset,
                    written,
                    since: now,
                });
                false
            }
        };
        if !is_stalled {
            return Ok(Grown::Unfinished);
        }
        self.reader = None;
        let reader = self.reader()?;
        let item = reader.next_item_with(look)?;
        let is_behind = reader.position() < length || writing == LogWriting::Ended;
        match item {
            Some(item @ LogItem::Whole(_)) => Ok(self.give(item)),
            Some(item) if is_behind => {
                let grown = self.give(item);
                self.reader = None;
                Ok(grown)
            }
            _ => {
                self.reader = None;
                Ok(Grown::Unfinished)
            }
        }
    }

    /// The end of the written bytes of the next entry, or at least a point beyond the last one.
    fn written(&self, length: u64) -> Result<u64, Failure> {
        let mut at = match &self.unfinished {
            Some(entry) if entry.offset == self.offset => entry.written,
            _ => self.offset,
        };
        let mut bytes = vec![0; LOOK];
        for _ in 0..LOOK {
            let count = self.source.read_at(&mut bytes, at)?;
            let written = memchr::memchr(0, &bytes[..count]).unwrap_or(count);
            at += written as u64;
            if written < LOOK || at >= length {
                break;
            }
        }
        Ok(at)
    }

    fn reader(&mut self) -> Result<&mut LogReader<'s>, Failure> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => self
                .source
                .read_from(self.offset, self.number)
                .ok_or_else(|| Failure::NotFollowed {
                    log: self.source.name().to_owned(),
                })?,
        };
        Ok(self.reader.insert(reader))
    }
}

/// The end of an entry with a first line that ends at `position`.
fn end_of(head: &EntryHead, position: u64) -> u64 {
    let length = match head.kind {
        LoggedRequest::Success { length, .. } => length,
        LoggedRequest::Failure { .. } => 0,
    };
    position.saturating_add(rows_len(length) + SEPARATOR.len() as u64)
}
