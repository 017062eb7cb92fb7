//! The contents of a directory according to a log: the last PUT or DELETE of each name.
//!
//! It keeps one record per name and no content; a second pass through the log reads the content. This module does not
//! access the directory.
//!
//! A DELETE with a final slash removed an empty directory: at that place in the log, neither this name nor any name
//! below it exists. A later PUT below it creates the directory again.

use crate::failure::Failure;
use crate::log_reader::{LogItem, LogReader};
use crate::record::EntryRecord;
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::Fault;
use std::collections::BTreeMap;

/// The last change of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Put(PutEntry),
    Delete(DeleteEntry),
}

/// A PUT entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PutEntry {
    /// Which log it is in, if several are read, from 0.
    pub(crate) log: usize,
    /// The entry's number.
    pub(crate) number: u64,
    /// Where it begins, in bytes from the start of the log.
    pub(crate) at: u64,
    /// Bytes of content.
    pub(crate) length: u64,
}

impl PutEntry {
    /// The entry of the log number `log`, from 0, if it is a whole PUT.
    pub(crate) fn of(log: usize, record: &EntryRecord) -> Option<Self> {
        let (Some(number), None) = (record.number, &record.torn) else {
            return None;
        };
        match record.kind {
            Some(LoggedRequest::Success {
                method: "PUT",
                length,
                ..
            }) => Some(Self {
                log,
                number,
                at: record.offset,
                length,
            }),
            _ => None,
        }
    }
}

/// A DELETE entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeleteEntry {
    /// Which log it is in, if several are read, from 0.
    pub(crate) log: usize,
    /// The entry's number.
    pub(crate) number: u64,
    /// The removed file or directory.
    pub(crate) what: Deleted,
}

/// The object of a DELETE entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// A file. A directory of this name may exist.
    File,
    /// A file or a directory.
    Anything,
}

/// The data to keep while a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Retention {
    /// The last entry of each name.
    Names,
    /// Only the number of entries: constant memory for any number of names.
    Counts,
}

/// The state of every name in a log, by the name's bytes.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    names: BTreeMap<Vec<u8>, Last>,
    /// Whether a directory was deleted.
    has_deleted_directories: bool,
    /// Names of torn PUT and DELETE entries, with their offsets. Whether these changes took effect is not known.
    uncertain: BTreeMap<Vec<u8>, u64>,
    /// Whole entries read.
    pub(crate) entries: u64,
    /// Torn entries that were skipped.
    pub(crate) torn: u64,
    /// Bytes read.
    pub(crate) bytes: u64,
}

impl Journal {
    /// Reads a log to its end and reports each torn entry to `on_torn`.
    pub(crate) fn read(
        log: &mut LogReader<'_>,
        keep: Retention,
        mut on_torn: impl FnMut(Option<&EntryHead>, &Fault) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let mut journal = Self::default();
        while let Some(item) = log.next_item()? {
            match item {
                LogItem::Whole(head) => {
                    journal.entries += 1;
                    if keep == Retention::Names {
                        journal.note(0, head.number, head.offset, &head.kind);
                    }
                }
                LogItem::Torn(head, fault) => {
                    journal.torn += 1;
                    if keep == Retention::Names
                        && let Some(head) = &head
                    {
                        journal.note_torn(head.offset, &head.kind);
                    }
                    on_torn(head.as_ref(), &fault)?;
                }
            }
        }
        journal.bytes = log.position();
        Ok(journal)
    }

    /// Adds an entry of the log number `log`, from 0.
    pub(crate) fn add(&mut self, log: usize, record: &EntryRecord) {
        if record.torn.is_some() {
            self.torn += 1;
            if let Some(kind) = &record.kind {
                self.note_torn(record.offset, kind);
            }
        } else if let (Some(number), Some(kind)) = (record.number, &record.kind) {
            self.entries += 1;
            self.note(log, number, record.offset, kind);
        }
    }

    /// The number of names that the log has stored or deleted, including directories.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the log has stored or deleted something of this name.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.names.contains_key(name)
    }

    /// Every name, with the log and the number of its last entry.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&[u8], usize, u64)> {
        self.names.iter().map(|(name, last)| match *last {
            Last::Put(PutEntry { log, number, .. })
            | Last::Delete(DeleteEntry { log, number, .. }) => (&name[..], log, number),
        })
    }

    /// The names whose last entry is a PUT, in the order of the logs.
    pub(crate) fn stored(&self) -> Vec<(&[u8], PutEntry)> {
        let mut stored: Vec<_> = self
            .names
            .iter()
            .filter_map(|(name, last)| match *last {
                Last::Put(put) => Some((&name[..], put)),
                Last::Delete(_) => None,
            })
            .collect();
        stored.sort_unstable_by_key(|(_, put)| (put.log, put.at));
        stored
    }

    /// The names with a DELETE as their last entry, the contents of a directory before the directory.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = (&[u8], DeleteEntry)> {
        self.names
            .iter()
            .rev()
            .filter_map(|(name, last)| match *last {
                Last::Put(_) => None,
                Last::Delete(delete) => Some((&name[..], delete)),
            })
    }

    /// Where a torn entry with this name begins, if there is one.
    pub(crate) fn torn_entry_of(&self, name: &[u8]) -> Option<u64> {
        self.uncertain.get(name).copied()
    }

    fn note(&mut self, log: usize, number: u64, at: u64, kind: &LoggedRequest) {
        let LoggedRequest::Success {
            method,
            name,
            length,
        } = kind
        else {
            return;
        };
        let name = decode_name(name);
        match *method {
            "PUT" => {
                self.note_directories_of(&name);
                let put = PutEntry {
                    log,
                    number,
                    at,
                    length: *length,
                };
                self.names.insert(name, Last::Put(put));
            }
            "DELETE" => self.note_delete(log, name, number),
            _ => {}
        }
    }

    /// A stored file means that the directories of its path exist.
    fn note_directories_of(&mut self, name: &[u8]) {
        if !self.has_deleted_directories {
            return;
        }
        for slash in memchr::memchr_iter(b'/', name) {
            if let Some(Last::Delete(delete)) = self.names.get_mut(&name[..slash]) {
                delete.what = Deleted::File;
            }
        }
    }

    fn note_delete(&mut self, log: usize, mut name: Vec<u8>, number: u64) {
        let mut what = Deleted::File;
        if let Some(directory) = name.strip_suffix(b"/") {
            what = Deleted::Anything;
            self.has_deleted_directories = true;
            // Between a slash and the byte after it is every name below.
            let below = name.clone()..[directory, b"0"].concat();
            for (_, last) in self.names.range_mut(below) {
                *last = Last::Delete(DeleteEntry { log, number, what });
            }
            name.pop();
        }
        self.names
            .insert(name, Last::Delete(DeleteEntry { log, number, what }));
    }

    fn note_torn(&mut self, offset: u64, kind: &LoggedRequest) {
        if let LoggedRequest::Success {
            method: "PUT" | "DELETE",
            name,
            ..
        } = kind
        {
            let mut name = decode_name(name);
            if name.ends_with(b"/") {
                name.pop();
            }
            self.uncertain.insert(name, offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal(entries: &[&str]) -> Journal {
        let end = " length 0\n========\n";
        let text = format!("{}{end}", entries.join(end));
        let mut log = LogReader::new("log", Box::new(text.as_bytes()));
        Journal::read(&mut log, Retention::Names, |_, _| Ok(())).unwrap()
    }

    /// Entries of a log, the names that are stored by it, and those that are deleted.
    type Row<'r> = (&'r [&'r str], &'r [&'r str], &'r [(&'r str, Deleted)]);

    #[test]
    fn directory_that_was_deleted_leaves_nothing_until_a_file_is_stored_below_it() {
        use Deleted::{Anything, File};
        let rows: &[Row<'_>] = &[
            (&["DELETE d/"], &[], &[("d", Anything)]),
            (
                &["PUT d/f", "DELETE d/f", "DELETE d/"],
                &[],
                &[("d/f", Anything), ("d", Anything)],
            ),
            // Files that another program or a torn entry removed are also gone.
            (
                &["PUT d/e/f", "PUT d.x", "PUT d0", "DELETE d/"],
                &["d.x", "d0"],
                &[("d/e/f", Anything), ("d", Anything)],
            ),
            (
                &["DELETE d/e/", "DELETE d/", "PUT d/f"],
                &["d/f"],
                &[("d/e", Anything), ("d", File)],
            ),
            (
                &["DELETE d/", "PUT d/e/f", "DELETE d/e/f"],
                &[],
                &[("d/e/f", File), ("d", File)],
            ),
            (&["DELETE d/", "PUT d"], &["d"], &[]),
            (&["PUT d", "DELETE d", "DELETE d/"], &[], &[("d", Anything)]),
        ];
        for (entries, stored, deleted) in rows {
            let journal = journal(entries);
            let found: Vec<_> = journal.stored().iter().map(|(name, _)| *name).collect();
            let expected: Vec<_> = stored.iter().map(|name| name.as_bytes()).collect();
            assert_eq!(found, expected, "{entries:?}");
            let found: Vec<_> = journal
                .deleted()
                .map(|(name, delete)| (name, delete.what))
                .collect();
            let expected: Vec<_> = deleted
                .iter()
                .map(|(name, what)| (name.as_bytes(), *what))
                .collect();
            assert_eq!(found, expected, "{entries:?}");
        }
    }

    #[test]
    fn stored_names_come_in_the_order_of_the_log_and_deleted_ones_from_below() {
        let text = b"PUT b length 1\n00000000 62\n========\n\
            DELETE d length 0\n========\nDELETE d/e length 0\n========\nDELETE d/e/f length 0\n========\n\
            PUT a length 0\n========\nGET g length 0\n========\n";
        let mut log = LogReader::new("log", Box::new(&text[..]));
        let journal = Journal::read(&mut log, Retention::Names, |_, _| Ok(())).unwrap();
        let stored: Vec<_> = journal.stored().iter().map(|(name, _)| *name).collect();
        assert_eq!(stored, [b"b", b"a"]);
        let deleted: Vec<_> = journal.deleted().map(|(name, _)| name).collect();
        assert_eq!(deleted, [&b"d/e/f"[..], b"d/e", b"d"]);
    }
}
