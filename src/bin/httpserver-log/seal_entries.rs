//! The lines of a seal that belong to entries, in their order, each checked against the chain.
//!
//! Which entry of the log a line belongs to is for [`crate::records`] to say. What was cut off the log by a server at its
//! start is left out, so the lines that are given out are in the order of their places.

use crate::failure::Failure;
use crate::source::LogSource;
use httpserver::request_log::verify::torn_entries;
use httpserver::seal::chain::Hash;
use httpserver::seal::line::{Begin, EntryLine, LineContent, TornOutcome};
use httpserver::seal::read::{SealError, SealReader};
use httpserver::seal::time::Moment;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::io::Read;

/// What the line of an entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedEntry {
    /// Its number in the seal. It differs from that in the log where entries are torn.
    pub(crate) number: u64,
    /// Where it begins in the log, and its length there, in bytes.
    pub(crate) offset: u64,
    pub(crate) length: u64,
    pub(crate) time: Moment,
    /// `ADDRESS:PORT`, an address, or `unix`.
    pub(crate) peer: String,
    /// Escaped as a word.
    pub(crate) user: Option<String>,
    pub(crate) status: u16,
    /// SHA-256 of the content that was stored.
    pub(crate) hash: Option<Hash>,
    pub(crate) server: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) first_line: String,
    /// Whether its chain value follows from the line and what is before it.
    pub(crate) is_chained: bool,
}

/// A seal that is read from front to back.
pub(crate) struct SealEntries<'s> {
    name: String,
    reader: SealReader<Box<dyn Read + Send + 's>>,
    /// Entries that servers found torn.
    torn: BTreeMap<u64, TornOutcome>,
    /// Where sealing began in the log.
    start: u64,
    /// The next entry, if it was looked at.
    next: Option<SealedEntry>,
    /// The first thing that is wrong with a line that is no entry's.
    fault: Option<String>,
}

impl<'s> SealEntries<'s> {
    /// Opens a seal, and reads its first line.
    pub(crate) fn open(seal: &'s LogSource) -> Result<Self, Failure> {
        let hidden = ProgressBar::hidden();
        let torn = torn_entries(seal.bytes(&hidden)?).map_err(Failure::file(seal.name()))?;
        let mut lines = Self {
            name: seal.name().to_owned(),
            reader: SealReader::new(seal.bytes(&hidden)?),
            torn,
            start: 0,
            next: None,
            fault: None,
        };
        lines.begin()?;
        Ok(lines)
    }

    /// What messages call the seal.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where the first sealed entry begins in the log, in bytes.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// What is wrong with the seal besides the lines of entries; once.
    pub(crate) fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }

    /// The next entry that was not cut off the log; `None` at the end of the seal, or as long as there is no other.
    pub(crate) fn peek(&mut self) -> Result<Option<&SealedEntry>, Failure> {
        while self.next.is_none() && self.read()? == NextLine::Some {}
        Ok(self.next.as_ref())
    }

    /// Takes that entry.
    pub(crate) fn take(&mut self) -> Option<SealedEntry> {
        self.next.take()
    }

    fn begin(&mut self) -> Result<(), Failure> {
        self.read()?;
        if self.reader.lines() == 0 || self.next.is_some() {
            self.note("its first line is missing".to_owned());
        }
        Ok(())
    }

    /// Reads a line.
    fn read(&mut self) -> Result<NextLine, Failure> {
        let line = match self.reader.next_line() {
            // The server is writing what does not end yet, or was killed while it did.
            Ok(None) | Err(SealError::Torn { .. }) => return Ok(NextLine::End),
            Ok(Some(line)) => line,
            Err(error @ SealError::NotALine { .. }) => {
                self.note(error.to_string());
                return Ok(NextLine::Some);
            }
            Err(SealError::Input(error)) => return Err(Failure::file(&self.name)(error)),
        };
        let (number, is_chained) = (line.number, line.is_chained);
        match line.line {
            LineContent::Entry(entry) => {
                if self.torn.get(&entry.number) != Some(&TornOutcome::Cut) {
                    self.next = Some(owned(&entry, is_chained));
                }
                return Ok(NextLine::Some);
            }
            LineContent::Begin(Begin { start, .. }) if number == 1 => self.start = start,
            _ => {}
        }
        if !is_chained {
            self.note(format!("line {number} was altered: the chain breaks there"));
        }
        Ok(NextLine::Some)
    }

    fn note(&mut self, fault: String) {
        self.fault.get_or_insert(fault);
    }
}

/// Whether a line was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NextLine {
    Some,
    End,
}

fn owned(entry: &EntryLine<'_>, is_chained: bool) -> SealedEntry {
    SealedEntry {
        number: entry.number,
        offset: entry.offset,
        length: entry.length,
        time: entry.time,
        peer: entry.origin.peer.to_owned(),
        user: entry.origin.user.map(str::to_owned),
        status: entry.status,
        hash: entry.hash,
        server: entry.server.map(str::to_owned),
        version: entry.version.map(str::to_owned),
        first_line: entry.first_line.to_owned(),
        is_chained,
    }
}
