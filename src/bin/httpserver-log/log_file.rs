//! The log as it was named on the command line: a file or standard input, and the name for messages.
//!
//! It reads whole entries for those who want only heads; those who want content use the [`Reader`].

use crate::failure::Failure;
use httpserver::request_log::read::fault::{Fault, Nature, ReadError};
use httpserver::request_log::read::{EntryHead, Reader};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// An open log, read from front to back.
pub(crate) struct LogFile {
    name: String,
    reader: Reader<Box<dyn Read>>,
}

/// What stands at one place of a log.
#[derive(Debug)]
pub(crate) enum Item {
    /// An entry, all of which is right.
    Whole(EntryHead),
    /// An entry that was not written to its end; its head, if that was written.
    Torn(Option<EntryHead>, Fault),
}

/// Opens a log: `-` is standard input. `watch` may wrap the input, and is told its length if that is known.
pub(crate) fn open(
    path: &Path,
    watch: impl FnOnce(Box<dyn Read>, Option<u64>) -> Box<dyn Read>,
) -> Result<LogFile, Failure> {
    let name = path.display().to_string();
    let (input, length): (Box<dyn Read>, _) = if is_stdin(path) {
        (Box::new(io::stdin().lock()), None)
    } else {
        let file = File::open(path).map_err(Failure::file(path))?;
        let metadata = file.metadata().map_err(Failure::file(path))?;
        (Box::new(file), metadata.is_file().then_some(metadata.len()))
    };
    Ok(LogFile {
        name,
        reader: Reader::new(watch(input, length)),
    })
}

/// Opens a log and just reads it.
pub(crate) fn open_plain(path: &Path) -> Result<LogFile, Failure> {
    open(path, |input, _| input)
}

/// Opens a log for reading entries at any place, or says that `purpose` needs a file.
pub(crate) fn open_again(path: &Path, purpose: &'static str) -> Result<File, Failure> {
    if is_stdin(path) {
        return Err(Failure::ReadTwice { purpose });
    }
    File::open(path).map_err(Failure::file(path))
}

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

impl LogFile {
    /// What messages call the log.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How far it has been read, in bytes.
    pub(crate) fn position(&self) -> u64 {
        self.reader.position()
    }

    /// The next entry with all that belongs to it checked; `None` at the end of the log. A corrupt entry is an error.
    pub(crate) fn next_item(&mut self) -> Result<Option<Item>, Failure> {
        let head = match self.reader.next_entry() {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) => return self.torn(None, error).map(Some),
        };
        match self.reader.finish_entry() {
            Ok(()) => Ok(Some(Item::Whole(head))),
            Err(error) => self.torn(Some(head), error).map(Some),
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

    /// The next piece of the content of the entry whose head was read last.
    pub(crate) fn content(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.reader
            .content()
            .map_err(|error| failure(&self.name, error))
    }

    fn torn(&self, head: Option<EntryHead>, error: ReadError) -> Result<Item, Failure> {
        match error {
            ReadError::Fault(fault) if fault.nature == Nature::Torn => Ok(Item::Torn(head, fault)),
            error => Err(failure(&self.name, error)),
        }
    }
}

/// The failure of reading the log called `name`.
pub(crate) fn failure(name: &str, error: ReadError) -> Failure {
    match error {
        ReadError::Fault(fault) => Failure::Fault {
            log: name.to_owned(),
            fault,
        },
        ReadError::Input(cause) => Failure::File {
            path: name.to_owned(),
            cause,
        },
    }
}

/// The bytes `at..end` of a file, read without moving anybody's position.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) file: &'a File,
    pub(crate) at: u64,
    pub(crate) end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at)
            .unwrap_or(usize::MAX)
            .min(out.len());
        let count = self.file.read_at(&mut out[..left], self.at)?;
        self.at += count as u64;
        Ok(count)
    }
}
