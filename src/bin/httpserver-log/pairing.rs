//! Finds for each entry of a log the line of the seal that belongs to it.
//!
//! A line belongs to an entry if it is in the chain, and has the entry's place, length, first line and content.
//! Everything else is a mismatch: the entry is shown without a line, and a message has the reason. So no entry is shown
//! with the time or the peer of another. Authentication codes are not verified; `check` does that.

use crate::failure::Failure;
use crate::log_reader::LogItem;
use crate::mismatches::Mismatches;
use crate::record::{EntryRecord, SealMatch};
use crate::seal_entries::{SealEntries, SealedEntry};
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::{Fault, Nature};
use httpserver::request_log::verify::SealStart;
use httpserver::seal::chain::Hash;
use httpserver::seal::state::Tip;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::ops::Range;

/// The hash of the content of a PUT, if contents are hashed.
pub(crate) fn hash_of(item: &LogItem, hasher: Option<Sha256>) -> Option<Hash> {
    match item {
        LogItem::Whole(EntryHead {
            kind: LoggedRequest::Success { method: "PUT", .. },
            ..
        }) => Some(Hash(hasher?.finalize().into())),
        LogItem::Whole(_) | LogItem::Torn(..) => None,
    }
}

/// A log that is compared with its seal, if there is one.
pub(crate) struct Pairing<'s> {
    name: String,
    seal: Option<SealEntries<'s>>,
    /// Finished records.
    made: VecDeque<EntryRecord>,
    notes: Mismatches,
}

impl<'s> Pairing<'s> {
    /// A comparison for the log `name`.
    pub(crate) fn new(name: &str, seal: Option<SealEntries<'s>>) -> Self {
        Self {
            name: name.to_owned(),
            seal,
            made: VecDeque::new(),
            notes: Mismatches::default(),
        }
    }

    /// Whether there is a seal, so that contents have to be hashed.
    pub(crate) fn is_sealed(&self) -> bool {
        self.seal.is_some()
    }

    /// The values of the seal's first line.
    pub(crate) fn beginning(&self) -> Option<&SealStart> {
        self.seal.as_ref()?.beginning()
    }

    /// The last line of the seal that was read.
    pub(crate) fn tip(&self) -> Option<Tip> {
        self.seal.as_ref()?.tip()
    }

    /// Whether the seal was read to its end, and names a next log.
    pub(crate) fn is_ended(&mut self) -> Result<bool, Failure> {
        match &mut self.seal {
            Some(seal) => seal.is_ended(),
            None => Ok(false),
        }
    }

    /// The messages about mismatches, each once.
    pub(crate) fn take_note(&mut self) -> Option<String> {
        if let Some(seal) = &mut self.seal
            && let Some(fault) = seal.take_fault()
        {
            return Some(format!("{}: {fault}", seal.name()));
        }
        self.notes.texts.pop_front()
    }

    /// Whether there is a mismatch.
    pub(crate) fn has_mismatch(&self) -> bool {
        self.notes.is_any()
    }

    /// The next finished record.
    pub(crate) fn take(&mut self) -> Option<EntryRecord> {
        self.made.pop_front()
    }

    /// Adds a part of the log. `hash` is the hash of a PUT's content, if the log is sealed.
    pub(crate) fn add(
        &mut self,
        item: LogItem,
        first_line: &str,
        place: Range<u64>,
        hash: Option<Hash>,
    ) -> Result<(), Failure> {
        match item {
            LogItem::Whole(head) => self.add_with_head(head, first_line, place, None, hash),
            LogItem::Torn(Some(head), fault) => {
                self.add_with_head(head, first_line, place, Some(fault), None)
            }
            LogItem::Torn(None, fault) => self.add_without_head(place, &fault),
        }
    }

    /// An entry with a complete first line.
    fn add_with_head(
        &mut self,
        head: EntryHead,
        first_line: &str,
        place: Range<u64>,
        torn: Option<Fault>,
        hash: Option<Hash>,
    ) -> Result<(), Failure> {
        let found = LoggedHalf {
            offset: place.start,
            length: torn.is_none().then_some(place.end - place.start),
            first_line,
            hash,
        };
        let seal = self.match_line(&found)?;
        let length = match &seal {
            SealMatch::Line(line) => line.length,
            SealMatch::Mismatch | SealMatch::Absent => place.end - place.start,
        };
        self.made.push_back(EntryRecord {
            number: Some(head.number),
            offset: place.start,
            length,
            kind: Some(head.kind),
            torn,
            hash,
            seal,
        });
        Ok(())
    }

    /// The line of the seal that belongs to an entry.
    fn match_line(&mut self, found: &LoggedHalf<'_>) -> Result<SealMatch, Failure> {
        let Self {
            seal: Some(seal),
            notes,
            name,
            ..
        } = self
        else {
            return Ok(SealMatch::Absent);
        };
        if found.offset < seal.start() {
            return Ok(SealMatch::Absent);
        }
        notes.pass_missing(name, seal, found.offset)?;
        let is_here = seal.peek()?.is_some_and(|line| line.offset == found.offset);
        let line = if is_here { seal.take() } else { None };
        let objection = match &line {
            None => Some(format!("{} has no line of it", seal.name())),
            Some(line) => found
                .objection(line)
                .map(|objection| format!("its line in {} {objection}", seal.name())),
        };
        match (line, objection) {
            (Some(line), None) => Ok(SealMatch::Line(Box::new(line))),
            (_, objection) => {
                notes.unmatched(name, found.offset, &objection.unwrap_or_default());
                Ok(SealMatch::Mismatch)
            }
        }
    }

    /// A place without a complete first line: one entry with a part of its line, or several that were never begun and
    /// look like one.
    fn add_without_head(&mut self, place: Range<u64>, fault: &Fault) -> Result<(), Failure> {
        let (offset, end) = (place.start, place.end);
        if let Some(seal) = &mut self.seal {
            self.notes.pass_missing(&self.name, seal, offset)?;
            while seal.peek()?.is_some_and(|line| line.offset < end) {
                let Some(line) = seal.take() else { break };
                if let Some(fault) = line.fault {
                    let objection = format!("its line in {} {fault}", seal.name());
                    self.notes.unmatched(&self.name, line.offset, &objection);
                } else {
                    self.made.push_back(from_seal(line, fault.clone()));
                }
            }
        }
        if self.made.is_empty() {
            self.made.push_back(EntryRecord {
                number: None,
                offset,
                length: end - offset,
                kind: None,
                torn: Some(fault.clone()),
                hash: None,
                seal: SealMatch::Absent,
            });
        }
        Ok(())
    }

    /// Entries of the seal beyond the end of the log.
    pub(crate) fn next_behind(&mut self, end: u64) -> Result<Option<EntryRecord>, Failure> {
        let Some(seal) = &mut self.seal else {
            return Ok(None);
        };
        self.notes.pass_missing(&self.name, seal, end)?;
        while seal.peek()?.is_some() {
            let Some(line) = seal.take() else { break };
            if let Some(fault) = line.fault {
                let objection = format!("its line in {} {fault}", seal.name());
                self.notes.unmatched(&self.name, line.offset, &objection);
                continue;
            }
            self.notes.behind_end += 1;
            let fault = Fault {
                nature: Nature::Torn,
                entry: line.offset,
                offset: end,
                expected: "the entry".to_owned(),
                found: "the end of the file".to_owned(),
            };
            return Ok(Some(from_seal(line, fault)));
        }
        self.notes.sum_up(&self.name, seal.name());
        self.seal = None;
        Ok(None)
    }
}

/// An entry that only the seal has.
fn from_seal(line: SealedEntry, fault: Fault) -> EntryRecord {
    EntryRecord {
        number: None,
        offset: line.offset,
        length: line.length,
        kind: LoggedRequest::read(&line.first_line),
        torn: Some(fault),
        hash: None,
        seal: SealMatch::Line(Box::new(line)),
    }
}

/// An entry as it is in the log.
struct LoggedHalf<'f> {
    offset: u64,
    /// `None` if it is torn.
    length: Option<u64>,
    first_line: &'f str,
    hash: Option<Hash>,
}

impl LoggedHalf<'_> {
    /// Why a line does not belong to the entry.
    fn objection(&self, line: &SealedEntry) -> Option<String> {
        if let Some(fault) = line.fault {
            return Some(fault.to_string());
        }
        if line.first_line != self.first_line {
            return Some(format!("is that of `{}`", line.first_line));
        }
        match self.length {
            Some(length) if length != line.length => {
                Some(format!("says that it has {} bytes", line.length))
            }
            Some(_) if self.hash != line.hash => Some("is that of another content".to_owned()),
            Some(_) | None => None,
        }
    }
}
