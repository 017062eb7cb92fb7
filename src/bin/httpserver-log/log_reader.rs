//! A log that is read from front to back, entry by entry.

use crate::failure::Failure;
use httpserver::request_log::read::fault::{Fault, Nature, ReadError};
use httpserver::request_log::read::{EntryHead, Reader};
use std::borrow::Cow;
use std::io::Read;

/// An open log.
pub(crate) struct LogReader<'s> {
    name: String,
    reader: Reader<Box<dyn Read + 's>>,
}

/// One part of a log.
#[derive(Debug)]
pub(crate) enum LogItem {
    /// A complete and correct entry.
    Whole(EntryHead),
    /// A torn entry; its head, if that is complete.
    Torn(Option<EntryHead>, Fault),
}

impl<'s> LogReader<'s> {
    /// A log that is read from `input`; messages call it `name`.
    pub(crate) fn new(name: &str, input: Box<dyn Read + 's>) -> Self {
        Self::resume(name, input, 0, 1)
    }

    /// The same from entry `number` on, which begins at byte `offset` of the log.
    pub(crate) fn resume(name: &str, input: Box<dyn Read + 's>, offset: u64, number: u64) -> Self {
        Self {
            name: name.to_owned(),
            reader: Reader::resume(input, offset, number),
        }
    }

    /// How far it has been read, in bytes.
    pub(crate) fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The first line of the current entry, without its newline.
    pub(crate) fn first_line(&self) -> Cow<'_, str> {
        // Parsed lines are ASCII.
        String::from_utf8_lossy(self.reader.first_line())
    }

    /// The next entry, completely checked; `None` at the end of the log. A corrupt entry is an error.
    pub(crate) fn next_item(&mut self) -> Result<Option<LogItem>, Failure> {
        self.next_item_with(|_| {})
    }

    /// The same; passes each piece of its content to `look`.
    pub(crate) fn next_item_with(
        &mut self,
        mut look: impl FnMut(&[u8]),
    ) -> Result<Option<LogItem>, Failure> {
        match self.next_head_item()? {
            Some(LogItem::Whole(head)) => self.finish(head, &mut look).map(Some),
            torn => Ok(torn),
        }
    }

    /// The head of the next entry, with unread content. The entry counts as complete if its head is.
    pub(crate) fn next_head_item(&mut self) -> Result<Option<LogItem>, Failure> {
        match self.reader.next_entry() {
            Ok(head) => Ok(head.map(LogItem::Whole)),
            Err(error) => self.torn(None, error).map(Some),
        }
    }

    /// The rest of the entry with this head; passes each piece of its content to `look`.
    pub(crate) fn finish(
        &mut self,
        head: EntryHead,
        mut look: impl FnMut(&[u8]),
    ) -> Result<LogItem, Failure> {
        loop {
            match self.reader.content() {
                Ok(Some(piece)) => look(piece),
                Ok(None) => return Ok(LogItem::Whole(head)),
                Err(error) => return self.torn(Some(head), error),
            }
        }
    }

    /// The next entry whose head is whole, its content unread.
    pub(crate) fn next_head(&mut self) -> Result<Option<EntryHead>, Failure> {
        loop {
            match self.reader.next_entry() {
                Ok(head) => return Ok(head),
                Err(error) => self.torn(None, error)?,
            };
        }
    }

    /// The next piece of the content of the entry whose head was read last; `None` at its end.
    pub(crate) fn content(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.reader
            .content()
            .map_err(|error| Failure::reading(&self.name, error))
    }

    fn torn(&self, head: Option<EntryHead>, error: ReadError) -> Result<LogItem, Failure> {
        match error {
            ReadError::Fault(fault) if fault.nature == Nature::Torn => {
                Ok(LogItem::Torn(head, fault))
            }
            error => Err(Failure::reading(&self.name, error)),
        }
    }
}
