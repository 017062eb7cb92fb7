//! A log, read back: its entries, and the number of torn ones. A corrupt one is a failure.

use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::Reader;
use httpserver::request_log::read::fault::{Nature, ReadError};
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

/// The content of one whole entry.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum JournalEntry {
    /// A GET of this name succeeded.
    Get(String),
    /// A file was stored.
    Put(String, Vec<u8>),
    /// A file was removed.
    Delete(String),
    /// A request was refused with this status.
    Failure(u16),
}

/// The content of a log.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) entries: Vec<JournalEntry>,
    /// Entries that have their place and are not whole.
    pub(crate) torn: usize,
}

impl Journal {
    /// The files that the store must hold by this log, as far as the log knows.
    pub(crate) fn replay(&self) -> BTreeMap<String, Vec<u8>> {
        let puts = self.entries.iter().filter_map(|entry| match entry {
            JournalEntry::Put(name, content) => Some((name.clone(), content.clone())),
            JournalEntry::Get(_) | JournalEntry::Delete(_) | JournalEntry::Failure(_) => None,
        });
        puts.collect()
    }

    /// How many requests were refused with this status.
    pub(crate) fn failures(&self, status: u16) -> usize {
        let refused = |entry: &&JournalEntry| **entry == JournalEntry::Failure(status);
        self.entries.iter().filter(refused).count()
    }
}

/// Reads the log at `path`.
pub(crate) fn read(path: &Path) -> Journal {
    let mut reader = Reader::new(File::open(path).unwrap());
    let mut journal = Journal::default();
    loop {
        match next(&mut reader) {
            Ok(Some(entry)) => journal.entries.push(entry),
            Ok(None) => return journal,
            Err(ReadError::Fault(fault)) => {
                assert_eq!(fault.nature, Nature::Torn, "{fault}");
                journal.torn += 1;
            }
            Err(error @ ReadError::Input(_)) => panic!("{error}"),
        }
    }
}

fn next(reader: &mut Reader<File>) -> Result<Option<JournalEntry>, ReadError> {
    let Some(head) = reader.next_entry()? else {
        return Ok(None);
    };
    let mut content = Vec::new();
    while let Some(piece) = reader.content()? {
        content.extend_from_slice(piece);
    }
    Ok(Some(match head.kind {
        LoggedRequest::Success {
            method: "GET",
            name,
            ..
        } => JournalEntry::Get(name),
        LoggedRequest::Success {
            method: "PUT",
            name,
            ..
        } => JournalEntry::Put(name, content),
        LoggedRequest::Success {
            method: "DELETE",
            name,
            ..
        } => JournalEntry::Delete(name),
        LoggedRequest::Success { method, .. } => panic!("{method} cannot succeed"),
        LoggedRequest::Failure { status, .. } => JournalEntry::Failure(status),
    }))
}
