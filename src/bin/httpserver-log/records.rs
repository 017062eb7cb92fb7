//! The entries of a log, each with the line of the seal that belongs to it.
//!
//! A line belongs to an entry if it is chained, and has the entry's place, length, first line and content. Everything
//! else is a mismatch: the entry is given out without what a line says, and why is noted for the user. So no entry gets
//! the time or the peer of another. Authentication codes are not verified; `check` does that.
//!
//! Memory is constant: one entry and one line, and the numbers of torn entries.

use crate::failure::Failure;
use crate::log_reader::{LogItem, LogReader};
use crate::record::{EntryRecord, SealMatch};
use crate::seal_entries::{SealEntries, SealedEntry};
use crate::text::count;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::{Fault, Nature};
use httpserver::seal::chain::Hash;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;

/// A log, and its seal if there is one, read from front to back.
pub(crate) struct Records<'s> {
    name: String,
    log: LogReader<'s>,
    seal: Option<SealEntries<'s>>,
    /// Records that are made and not yet given out.
    made: VecDeque<EntryRecord>,
    /// Where the log ends; `None` as long as it goes on.
    end: Option<u64>,
    notes: Mismatches,
}

/// What does not match, for the user.
#[derive(Debug, Default)]
struct Mismatches {
    texts: VecDeque<String>,
    unmatched: u64,
    /// Entries of the seal that are not in the log.
    missing: u64,
    /// Those that the log ends before.
    behind_end: u64,
}

impl<'s> Records<'s> {
    /// Reads a log that is called `name`.
    pub(crate) fn new(name: &str, log: LogReader<'s>, seal: Option<SealEntries<'s>>) -> Self {
        Self {
            name: name.to_owned(),
            log,
            seal,
            made: VecDeque::new(),
            end: None,
            notes: Mismatches::default(),
        }
    }

    /// A line for the user about what does not match, each once.
    pub(crate) fn take_note(&mut self) -> Option<String> {
        if let Some(seal) = &mut self.seal
            && let Some(fault) = seal.take_fault()
        {
            return Some(format!("{}: {fault}", seal.name()));
        }
        self.notes.texts.pop_front()
    }

    /// Whether something does not match.
    pub(crate) fn has_mismatch(&self) -> bool {
        self.notes.unmatched + self.notes.missing > 0
    }

    /// The next entry; `None` at the end of the log. A corrupt entry is an error.
    pub(crate) fn next(&mut self) -> Result<Option<EntryRecord>, Failure> {
        loop {
            if let Some(record) = self.made.pop_front() {
                return Ok(Some(record));
            }
            if let Some(end) = self.end {
                return self.next_behind(end);
            }
            self.read()?;
        }
    }

    /// Reads what comes next in the log.
    fn read(&mut self) -> Result<(), Failure> {
        let offset = self.log.position();
        let mut hasher = self.seal.as_ref().map(|_| Sha256::new());
        let item = self.log.next_item_with(|piece| {
            if let Some(hasher) = &mut hasher {
                hasher.update(piece);
            }
        })?;
        let end = self.log.position();
        let Some(item) = item else {
            self.end = Some(end);
            return Ok(());
        };
        match item {
            LogItem::Whole(head) => {
                let is_put = matches!(head.kind, LoggedRequest::Success { method: "PUT", .. });
                let hash = hasher
                    .filter(|_| is_put)
                    .map(|hasher| Hash(hasher.finalize().into()));
                self.add_with_head(head, offset..end, None, hash)
            }
            LogItem::Torn(Some(head), fault) => {
                self.add_with_head(head, offset..end, Some(fault), None)
            }
            LogItem::Torn(None, fault) => self.add_without_head(offset..end, fault),
        }
    }

    /// An entry whose first line is whole.
    fn add_with_head(
        &mut self,
        head: EntryHead,
        place: std::ops::Range<u64>,
        torn: Option<Fault>,
        hash: Option<Hash>,
    ) -> Result<(), Failure> {
        let first_line = self.log.first_line().into_owned();
        let found = Found {
            offset: place.start,
            length: torn.is_none().then_some(place.end - place.start),
            first_line: &first_line,
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
            seal,
        });
        Ok(())
    }

    /// The line of the seal that belongs to an entry.
    fn match_line(&mut self, found: &Found<'_>) -> Result<SealMatch, Failure> {
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
                notes.mismatch(name, found.offset, &objection.unwrap_or_default());
                Ok(SealMatch::Mismatch)
            }
        }
    }

    /// What was not begun: one entry of which only a part of the first line is there, or several that look like one.
    fn add_without_head(
        &mut self,
        place: std::ops::Range<u64>,
        fault: Fault,
    ) -> Result<(), Failure> {
        let (offset, end) = (place.start, place.end);
        if let Some(seal) = &mut self.seal {
            self.notes.pass_missing(&self.name, seal, offset)?;
            while seal.peek()?.is_some_and(|line| line.offset < end) {
                let Some(line) = seal.take() else { break };
                if line.is_chained {
                    self.made.push_back(from_seal(line, fault.clone()));
                } else {
                    let objection = format!("its line in {} {ALTERED}", seal.name());
                    self.notes.mismatch(&self.name, line.offset, &objection);
                }
            }
        }
        if self.made.is_empty() {
            self.made.push_back(EntryRecord {
                number: None,
                offset,
                length: end - offset,
                kind: None,
                torn: Some(fault),
                seal: SealMatch::Absent,
            });
        }
        Ok(())
    }

    /// Entries that the seal has and the log ends before.
    fn next_behind(&mut self, end: u64) -> Result<Option<EntryRecord>, Failure> {
        let Some(seal) = &mut self.seal else {
            return Ok(None);
        };
        self.notes.pass_missing(&self.name, seal, end)?;
        while seal.peek()?.is_some() {
            let Some(line) = seal.take() else { break };
            if !line.is_chained {
                let objection = format!("its line in {} {ALTERED}", seal.name());
                self.notes.mismatch(&self.name, line.offset, &objection);
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

const ALTERED: &str = "was altered, or one before it was removed: the chain breaks there";

/// An entry of which only the seal knows.
fn from_seal(line: SealedEntry, fault: Fault) -> EntryRecord {
    EntryRecord {
        number: None,
        offset: line.offset,
        length: line.length,
        kind: LoggedRequest::read(&line.first_line),
        torn: Some(fault),
        seal: SealMatch::Line(Box::new(line)),
    }
}

/// An entry as it is in the log.
struct Found<'f> {
    offset: u64,
    /// `None` if it is torn.
    length: Option<u64>,
    first_line: &'f str,
    hash: Option<Hash>,
}

impl Found<'_> {
    /// Why a line is not the entry's.
    fn objection(&self, line: &SealedEntry) -> Option<String> {
        if !line.is_chained {
            return Some(ALTERED.to_owned());
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

impl Mismatches {
    /// Passes lines of entries that should begin before `offset`.
    fn pass_missing(
        &mut self,
        log: &str,
        seal: &mut SealEntries<'_>,
        offset: u64,
    ) -> Result<(), Failure> {
        while let Some(line) = seal.peek()?.filter(|line| line.offset < offset) {
            self.missing += 1;
            if self.missing == 1 {
                let SealedEntry {
                    number,
                    offset,
                    first_line,
                    ..
                } = line;
                let text = format!(
                    "{log}: no entry begins at byte {offset}, where the seal has its entry {number}, `{first_line}`; {CHECK}"
                );
                self.texts.push_back(text);
            }
            seal.take();
        }
        Ok(())
    }

    fn mismatch(&mut self, log: &str, offset: u64, objection: &str) {
        self.unmatched += 1;
        if self.unmatched == 1 {
            self.texts.push_back(format!(
                "{log}: entry at byte {offset}: {objection}; it is shown without what the seal says; {CHECK}"
            ));
        }
    }

    /// How much it was.
    fn sum_up(&mut self, log: &str, seal: &str) {
        if self.behind_end > 0 {
            let entries = count(self.behind_end, "entry", "entries");
            self.texts.push_back(format!(
                "{log}: it ends before the last {entries} of {seal}: cut off, or not written yet, or never written \
                 because the server was killed"
            ));
        }
        if self.unmatched > 1 {
            let entries = count(self.unmatched, "entry", "entries");
            self.texts.push_back(format!(
                "{log}: {entries} do not match their lines in {seal}"
            ));
        }
        if self.missing > 1 {
            let entries = count(self.missing, "entry", "entries");
            self.texts.push_back(format!(
                "{log}: {entries} of {seal} are not in their places"
            ));
        }
    }
}

const CHECK: &str = "`httpserver-log check` says what was altered";
