//! What a log says a directory holds: the last PUT or DELETE of each name.
//!
//! It keeps one record per name, never content; that is read again where it stands. It touches no directory.

use crate::failure::Failure;
use crate::log_file::{Item, LogFile, Section, failure};
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::Kind;
use httpserver::request_log::read::fault::{Fault, ReadError};
use httpserver::request_log::read::{EntryHead, Reader};
use std::collections::BTreeMap;
use std::fs::File;

/// The last thing that happened to a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Last {
    /// It was stored, and these bytes of the log are the entry.
    Put {
        number: u64,
        at: u64,
        end: u64,
        length: u64,
    },
    /// It was deleted.
    Delete { number: u64 },
}

/// What to remember while a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The last entry of each name.
    Names,
    /// How many entries there are: for logs of any number of names, in constant memory.
    Counts,
}

/// The state of every name a log tells of, by the name's bytes.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    pub(crate) names: BTreeMap<Vec<u8>, Last>,
    /// Names of torn PUT and DELETE entries and where these begin: what became of them is not known.
    pub(crate) uncertain: BTreeMap<Vec<u8>, u64>,
    /// Whole entries read.
    pub(crate) entries: u64,
    /// Torn entries passed over.
    pub(crate) torn: u64,
}

impl Journal {
    /// Reads a log to its end and tells `on_torn` of each torn entry.
    pub(crate) fn read(
        log: &mut LogFile,
        keep: Keep,
        mut on_torn: impl FnMut(Option<&EntryHead>, &Fault) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let mut journal = Self::default();
        while let Some(item) = log.next_item()? {
            match item {
                Item::Whole(head) => {
                    journal.entries += 1;
                    if keep == Keep::Names {
                        journal.note(&head, log.position());
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
        Ok(journal)
    }

    fn note(&mut self, head: &EntryHead, end: u64) {
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
            "PUT" => Last::Put {
                number,
                at,
                end,
                length: *length,
            },
            "DELETE" => Last::Delete { number },
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

/// Reads the content of a PUT entry again, piece by piece.
pub(crate) struct Content<'a> {
    log: String,
    reader: Reader<Section<'a>>,
}

impl<'a> Content<'a> {
    /// The content of entry `number`, the bytes `at..end` of `file`, which messages call `log`.
    pub(crate) fn open(
        log: &str,
        file: &'a File,
        number: u64,
        at: u64,
        end: u64,
    ) -> Result<Self, Failure> {
        let mut reader = Reader::resume(Section { file, at, end }, at, number);
        reader.next_entry().map_err(|error| failure(log, error))?;
        Ok(Self {
            log: log.to_owned(),
            reader,
        })
    }

    /// The next piece, `None` at the end.
    pub(crate) fn next_piece(&mut self) -> Result<Option<&[u8]>, Failure> {
        self.reader
            .content()
            .map_err(|error: ReadError| failure(&self.log, error))
    }
}
