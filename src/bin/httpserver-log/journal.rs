//! What a directory holds according to a log: the last PUT or DELETE of each name.
//!
//! One record per name is kept, never content; that is read again, in a second pass through the log. This file touches
//! no directory.

use crate::failure::Failure;
use crate::log_file::{Item, LogFile};
use crate::source::Source;
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::Kind;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::Fault;
use indicatif::ProgressBar;
use std::collections::BTreeMap;

/// Bytes of a log that are rather read than passed over, since a place to read from costs a new buffer.
const NEAR: u64 = 1024 * 1024;

/// The last that happened to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Put(Put),
    Delete(Delete),
}

/// A PUT entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Put {
    /// The entry's number.
    pub(crate) number: u64,
    /// Where it begins, in bytes from the start of the log.
    at: u64,
    /// Bytes of content.
    pub(crate) length: u64,
}

/// A DELETE entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Delete {
    /// The entry's number.
    pub(crate) number: u64,
}

/// What to remember while a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The last entry of each name.
    Names,
    /// How many entries there are: for logs of any number of names, in constant memory.
    Counts,
}

/// The state of every name in a log, by the name's bytes.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    names: BTreeMap<Vec<u8>, Last>,
    /// Names of torn PUT and DELETE entries and where these begin: what became of them is not known.
    uncertain: BTreeMap<Vec<u8>, u64>,
    /// Whole entries read.
    pub(crate) entries: u64,
    /// Torn entries passed over.
    pub(crate) torn: u64,
    /// Bytes read.
    pub(crate) bytes: u64,
}

impl Journal {
    /// Reads a log to its end and reports each torn entry to `on_torn`.
    pub(crate) fn read(
        log: &mut LogFile<'_>,
        keep: Keep,
        mut on_torn: impl FnMut(Option<&EntryHead>, &Fault) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let mut journal = Self::default();
        while let Some(item) = log.next_item()? {
            match item {
                Item::Whole(head) => {
                    journal.entries += 1;
                    if keep == Keep::Names {
                        journal.note(&head);
                    }
                }
                Item::Torn(head, fault) => {
                    journal.torn += 1;
                    if keep == Keep::Names {
                        journal.note_torn(head.as_ref());
                    }
                    on_torn(head.as_ref(), &fault)?;
                }
            }
        }
        journal.bytes = log.position();
        Ok(journal)
    }

    /// How many names the log has stored or deleted.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether the log has stored or deleted a file of this name.
    pub(crate) fn has(&self, name: &[u8]) -> bool {
        self.names.contains_key(name)
    }

    /// Every name, with the number of its last entry.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&[u8], u64)> {
        self.names.iter().map(|(name, last)| match *last {
            Last::Put(Put { number, .. }) | Last::Delete(Delete { number }) => (&name[..], number),
        })
    }

    /// The names whose last entry is a PUT, in the order of the log.
    pub(crate) fn stored(&self) -> Vec<(&[u8], Put)> {
        let mut stored: Vec<_> = self
            .names
            .iter()
            .filter_map(|(name, last)| match *last {
                Last::Put(put) => Some((&name[..], put)),
                Last::Delete(_) => None,
            })
            .collect();
        stored.sort_unstable_by_key(|(_, put)| put.at);
        stored
    }

    /// The names whose last entry is a DELETE, what is in a directory before the directory.
    pub(crate) fn deleted(&self) -> impl Iterator<Item = (&[u8], Delete)> {
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

    fn note(&mut self, head: &EntryHead) {
        let &EntryHead {
            number,
            offset: at,
            ref kind,
        } = head;
        let Kind::Success {
            method,
            name,
            length,
        } = kind
        else {
            return;
        };
        let last = match *method {
            "PUT" => Last::Put(Put {
                number,
                at,
                length: *length,
            }),
            "DELETE" => Last::Delete(Delete { number }),
            _ => return,
        };
        self.names.insert(decode_name(name), last);
    }

    fn note_torn(&mut self, head: Option<&EntryHead>) {
        if let Some(EntryHead {
            offset,
            kind:
                Kind::Success {
                    method: "PUT" | "DELETE",
                    name,
                    ..
                },
            ..
        }) = head
        {
            self.uncertain.insert(decode_name(name), *offset);
        }
    }
}

/// The second pass through a log, for the contents of PUT entries in the log's order.
///
/// A plain log is read where they are; a compressed one is decompressed again from its start.
pub(crate) struct Contents<'s> {
    source: &'s Source,
    log: LogFile<'s>,
}

impl<'s> Contents<'s> {
    /// Starts at the beginning of the log.
    pub(crate) fn open(source: &'s Source) -> Result<Self, Failure> {
        let log = source.read(&ProgressBar::hidden())?;
        Ok(Self { source, log })
    }

    /// Goes to an entry that is not before the one that it went to last.
    pub(crate) fn find(&mut self, put: &Put) -> Result<(), Failure> {
        if put.at.saturating_sub(self.log.position()) > NEAR
            && let Some(log) = self.source.read_from(put.at, put.number)
        {
            self.log = log;
        }
        while let Some(head) = self.log.next_head()? {
            if head.offset == put.at {
                return Ok(());
            }
        }
        Err(Failure::Changed {
            log: self.source.name().to_owned(),
        })
    }

    /// The next piece of that entry's content, `None` at the end.
    pub(crate) fn next_piece(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.log.content()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_names_come_in_the_order_of_the_log_and_deleted_ones_from_below() {
        let text = b"PUT b length 1\n00000000 62\n========\n\
            DELETE d length 0\n========\nDELETE d/e length 0\n========\nDELETE d/e/f length 0\n========\n\
            PUT a length 0\n========\nGET g length 0\n========\n";
        let mut log = LogFile::new("log", Box::new(&text[..]));
        let journal = Journal::read(&mut log, Keep::Names, |_, _| Ok(())).unwrap();
        let stored: Vec<_> = journal.stored().iter().map(|(name, _)| *name).collect();
        assert_eq!(stored, [b"b", b"a"]);
        let deleted: Vec<_> = journal.deleted().map(|(name, _)| name).collect();
        assert_eq!(deleted, [&b"d/e/f"[..], b"d/e", b"d"]);
    }
}
