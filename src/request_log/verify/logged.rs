//! The entries of the log, in order, each with the hash of its content.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use crate::request_log::format::line::LoggedRequest;
use crate::request_log::read::Reader;
use crate::request_log::read::fault::{Fault, Nature, ReadError};
use crate::seal::chain::Hash;

/// The bytes at one place of a log, interpreted.
#[derive(Debug)]
pub(super) struct Logged {
    /// The offset of its first byte.
    pub(super) offset: u64,
    /// The offset of the next entry.
    pub(super) end: u64,
    pub(super) what: LoggedEntry,
}

#[derive(Debug)]
pub(super) enum LoggedEntry {
    /// A whole entry.
    Whole {
        first_line: Box<str>,
        hash: Option<Hash>,
    },
    /// An incomplete entry, or several that were never begun.
    Torn {
        /// `None` if it is not whole.
        first_line: Option<Box<str>>,
    },
    /// Bytes that no server writes. Reading stops here unless they are skipped.
    Corrupt(Fault),
}

/// The entries of a log.
pub(super) struct LoggedEntries<R> {
    reader: Reader<R>,
}

impl<R: Read> LoggedEntries<R> {
    pub(super) fn new(log: R) -> Self {
        Self {
            reader: Reader::new(log),
        }
    }

    /// Continues with the entry at this offset.
    pub(super) fn skip_to(&mut self, offset: u64) -> io::Result<bool> {
        self.reader.skip_to(offset)
    }

    /// The next entry; `None` at the end, and after a corrupt one.
    pub(super) fn next(&mut self) -> io::Result<Option<Logged>> {
        let head = match self.reader.next_entry() {
            Ok(Some(head)) => head,
            Ok(None) => return Ok(None),
            Err(error) => return self.broken(None, error).map(Some),
        };
        let has_content = matches!(head.kind, LoggedRequest::Success { method: "PUT", .. });
        let mut hasher = has_content.then(Sha256::new);
        loop {
            match self.reader.content() {
                Ok(Some(piece)) => {
                    if let Some(hasher) = &mut hasher {
                        hasher.update(piece);
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    let first_line = self.first_line();
                    return self.broken(Some(first_line), error).map(Some);
                }
            }
        }
        Ok(Some(Logged {
            offset: head.offset,
            end: self.reader.position(),
            what: LoggedEntry::Whole {
                first_line: self.first_line(),
                hash: hasher.map(|hasher| Hash(hasher.finalize().into())),
            },
        }))
    }

    /// Parsed first lines are ASCII.
    fn first_line(&self) -> Box<str> {
        String::from_utf8_lossy(self.reader.first_line()).into()
    }

    fn broken(&self, first_line: Option<Box<str>>, error: ReadError) -> io::Result<Logged> {
        let fault = match error {
            ReadError::Fault(fault) => fault,
            ReadError::Input(error) => return Err(error),
        };
        let offset = fault.entry;
        Ok(Logged {
            offset,
            end: self.reader.position(),
            what: match fault.nature {
                Nature::Torn => LoggedEntry::Torn { first_line },
                Nature::Corrupt => LoggedEntry::Corrupt(fault),
            },
        })
    }
}
