//! Matches the entries of the log with the lines of the seal.
//!
//! While both agree, each entry is compared with its line and dropped. After a difference, `resync` finds the next
//! agreement, and `conclusion` names the alteration.

use std::collections::VecDeque;
use std::io::{self, Read};

use super::finding::{LogFault, MOST};
use super::logged::{Logged, LoggedEntries, LoggedEntry};
use super::pairing::{is_same, push_capped};
use super::seal_report::TornEntry;
use super::sealed::{Sealed, SealedEntries};
use crate::seal::line::TornOutcome;

/// See the module's description.
pub(super) struct Matching {
    pub(super) sealed: VecDeque<Sealed>,
    pub(super) logged: VecDeque<Logged>,
    pub(super) findings: Vec<LogFault>,
    pub(super) torn: Vec<TornEntry>,
    /// The end of the last whole entry.
    pub(super) whole_end: u64,
    /// The present shift of entries in the log from their sealed offsets, modulo 2^64.
    pub(super) shift: u64,
    /// Entries of the seal that are not in their places.
    pub(super) missing: Vec<Sealed>,
    /// Entries of the seal beyond the end of the log.
    pub(super) missing_at_end: Vec<Sealed>,
    /// Entries of the log that are not in the seal at this place.
    pub(super) added: Vec<Logged>,
}

impl Matching {
    /// A log with its first sealed entry at this byte.
    pub(super) fn new(start: u64) -> Self {
        Self {
            sealed: VecDeque::new(),
            logged: VecDeque::new(),
            findings: Vec::new(),
            torn: Vec::new(),
            whole_end: start,
            shift: 0,
            missing: Vec::new(),
            missing_at_end: Vec::new(),
            added: Vec::new(),
        }
    }

    /// Compares all entries of both.
    pub(super) fn run<S: Read, L: Read>(
        &mut self,
        seal: &mut SealedEntries<S>,
        log: &mut LoggedEntries<L>,
    ) -> io::Result<()> {
        loop {
            self.fill(seal, log, 1)?;
            if self.findings.len() + self.missing.len() + self.added.len() > MOST {
                self.findings.push(LogFault::More);
                // The report also covers the rest of the seal.
                while seal.next()?.is_some() {}
                return Ok(());
            }
            let Some(logged) = self.logged.front() else {
                if self.sealed.is_empty() {
                    return Ok(());
                }
                self.lose_end(seal)?;
                return Ok(());
            };
            match &logged.what {
                LoggedEntry::Torn { .. } => self.pass_torn(seal)?,
                LoggedEntry::Corrupt(_) => self.pass_corrupt(seal, log)?,
                LoggedEntry::Whole { .. } => match self.sealed.front() {
                    Some(sealed) if is_same(sealed, logged) => {
                        self.whole_end = logged.end;
                        self.shift = logged.offset.wrapping_sub(sealed.offset);
                        self.sealed.pop_front();
                        self.logged.pop_front();
                    }
                    _ => self.resync(seal, log)?,
                },
            }
        }
    }

    /// Reads ahead up to this many entries of both.
    pub(super) fn fill<S: Read, L: Read>(
        &mut self,
        seal: &mut SealedEntries<S>,
        log: &mut LoggedEntries<L>,
        count: usize,
    ) -> io::Result<()> {
        while self.logged.len() < count {
            match log.next()? {
                Some(logged) => {
                    let is_corrupt = matches!(logged.what, LoggedEntry::Corrupt(_));
                    self.logged.push_back(logged);
                    if is_corrupt {
                        break;
                    }
                }
                None => break,
            }
        }
        self.fill_sealed(seal, count)
    }

    fn fill_sealed<S: Read>(
        &mut self,
        seal: &mut SealedEntries<S>,
        count: usize,
    ) -> io::Result<()> {
        while self.sealed.len() < count {
            match seal.next()? {
                // Entries that were cut are not in the log.
                Some(sealed) if sealed.place == Some(TornOutcome::Cut) => self.note_torn(sealed),
                Some(sealed) => self.sealed.push_back(sealed),
                None => break,
            }
        }
        Ok(())
    }

    fn note_torn(&mut self, sealed: Sealed) {
        self.torn.push(TornEntry {
            entry: sealed.name,
            offset: sealed.offset,
            place: sealed.place,
        });
    }

    /// Skips a torn entry, or several that were never begun.
    fn pass_torn<S: Read>(&mut self, seal: &mut SealedEntries<S>) -> io::Result<()> {
        let Some(logged) = self.logged.pop_front() else {
            return Ok(());
        };
        let mut first_line = match &logged.what {
            LoggedEntry::Torn { first_line } => first_line.clone(),
            LoggedEntry::Whole { .. } | LoggedEntry::Corrupt(_) => None,
        };
        let mut is_sealed = false;
        loop {
            self.fill_sealed(seal, 1)?;
            let is_covered =
                |sealed: &Sealed| (logged.offset..logged.end).contains(&self.place_of(sealed));
            if !self.sealed.front().is_some_and(is_covered) {
                break;
            }
            let Some(sealed) = self.sealed.pop_front() else {
                break;
            };
            is_sealed = true;
            // Only the first of several has one.
            match first_line.take() {
                Some(line) if line != sealed.name.first_line => {
                    self.findings.push(LogFault::FirstLineAltered {
                        entry: sealed.name,
                        logged: line,
                    });
                }
                _ => self.note_torn(sealed),
            }
        }
        if !is_sealed {
            push_capped(&mut self.added, logged);
        }
        Ok(())
    }

    /// The expected offset of an entry in the log.
    pub(super) fn place_of(&self, sealed: &Sealed) -> u64 {
        sealed.offset.wrapping_add(self.shift)
    }

    /// Skips invalid bytes; continues with the next entry in the seal.
    fn pass_corrupt<S: Read, L: Read>(
        &mut self,
        seal: &mut SealedEntries<S>,
        log: &mut LoggedEntries<L>,
    ) -> io::Result<()> {
        let Some(Logged {
            offset,
            what: LoggedEntry::Corrupt(fault),
            ..
        }) = self.logged.pop_front()
        else {
            return Ok(());
        };
        self.fill_sealed(seal, 1)?;
        let is_here = self
            .sealed
            .front()
            .is_some_and(|sealed| self.place_of(sealed) == offset);
        let sealed = if is_here {
            self.sealed.pop_front()
        } else {
            None
        };
        self.findings.push(LogFault::Corrupt {
            entry: sealed.as_ref().map(|sealed| sealed.name.clone()),
            fault: fault.to_string(),
        });
        self.fill_sealed(seal, 1)?;
        let later = self.sealed.iter().map(|sealed| self.place_of(sealed));
        if let Some(next) = later.into_iter().find(|place| *place > offset) {
            log.skip_to(next)?;
        }
        Ok(())
    }

    /// Reports that the remaining entries of the seal are not in the log.
    fn lose_end<S: Read>(&mut self, seal: &mut SealedEntries<S>) -> io::Result<()> {
        loop {
            self.fill_sealed(seal, 1)?;
            match self.sealed.pop_front() {
                None => return Ok(()),
                Some(sealed) if sealed.place.is_some() => self.note_torn(sealed),
                Some(sealed) => push_capped(&mut self.missing_at_end, sealed),
            }
        }
    }
}
