//! The entry lines of a seal, in their order, each checked against the chain.
//!
//! [`crate::pairing`] finds the entry of the log that a line belongs to. Lines of entries that a server cut off at its
//! start are skipped, so the other lines are in the order of their offsets.

use crate::failure::Failure;
use crate::source::LogSource;
use httpserver::change_version::ChangeVersion;
use httpserver::request_log::verify::{SealStart, torn_entries};
use httpserver::seal::chain::Hash;
use httpserver::seal::line::{EntryLine, LineContent, TornOutcome};
use httpserver::seal::read::{SealError, SealLine, SealReader};
use httpserver::seal::state::Tip;
use httpserver::seal::time::Moment;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::sync::Arc;

/// The values of an entry's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SealedEntry {
    /// Its number in the seal. It differs from the number in the log if there are torn entries.
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
    /// The name of the server that wrote it.
    pub(crate) server: Option<Arc<str>>,
    /// The version of its change, if servers shared the root.
    pub(crate) version: Option<ChangeVersion>,
    pub(crate) first_line: String,
    /// Why its values are not those of the server, or may not be.
    pub(crate) fault: Option<LineFault>,
}

/// Why the values of a line are not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LineFault {
    /// Its chain value does not follow from the line and the chain value before.
    NotChained,
    /// Its time refers to a line that was altered or removed.
    TimeUnknown,
}

impl fmt::Display for LineFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotChained => "was altered, or one before it was removed: the chain breaks there",
            Self::TimeUnknown => "has a time that refers to a line that was altered or removed",
        })
    }
}

type SealBytes<'s> = Box<dyn Read + Send + 's>;

/// A seal that is read from front to back.
pub(crate) struct SealEntries<'s> {
    name: String,
    reader: SealReader<SealBytes<'s>>,
    /// Entries that servers found torn.
    torn: BTreeMap<u64, TornOutcome>,
    /// A second reader of a growing seal, which finds these entries ahead.
    torn_reader: Option<SealReader<SealBytes<'s>>>,
    beginning: Option<SealStart>,
    /// The name of the server, which the first line says.
    server: Option<Arc<str>>,
    /// Whether it says that another log follows.
    has_next: bool,
    /// The next entry, if it was already read.
    next: Option<SealedEntry>,
    /// The first fault of a line other than an entry's.
    fault: Option<String>,
}

impl<'s> SealEntries<'s> {
    /// Opens a seal, and reads its first line.
    pub(crate) fn open(seal: &'s LogSource) -> Result<Self, Failure> {
        let hidden = ProgressBar::hidden();
        let torn = torn_entries(seal.bytes(&hidden)?).map_err(Failure::file(seal.name()))?;
        Self::new(seal.name(), seal.bytes(&hidden)?, torn, None)
    }

    /// The same of a seal that grows.
    pub(crate) fn follow(seal: &'s LogSource) -> Result<Self, Failure> {
        let torn_reader = Some(SealReader::new(seal.whole_lines()?));
        Self::new(
            seal.name(),
            seal.whole_lines()?,
            BTreeMap::new(),
            torn_reader,
        )
    }

    fn new(
        name: &str,
        input: SealBytes<'s>,
        torn: BTreeMap<u64, TornOutcome>,
        torn_reader: Option<SealReader<SealBytes<'s>>>,
    ) -> Result<Self, Failure> {
        let mut lines = Self {
            name: name.to_owned(),
            reader: SealReader::new(input),
            torn,
            torn_reader,
            beginning: None,
            server: None,
            has_next: false,
            next: None,
            fault: None,
        };
        lines.begin()?;
        Ok(lines)
    }

    /// The name of the seal in messages.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The values of its first line.
    pub(crate) fn beginning(&self) -> Option<&SealStart> {
        self.beginning.as_ref()
    }

    /// Where the first sealed entry begins in the log, in bytes.
    pub(crate) fn start(&self) -> u64 {
        self.beginning().map_or(0, |beginning| beginning.start)
    }

    /// The last line that was read; `None` if the first was not.
    pub(crate) fn tip(&self) -> Option<Tip> {
        let beginning = self.beginning()?;
        Some(Tip {
            identity: beginning.identity,
            file: beginning.file,
            lines: beginning.lines + self.reader.lines(),
            chain: self.reader.chain(),
        })
    }

    /// Whether the seal was read to its end, and names a next log.
    pub(crate) fn is_ended(&mut self) -> Result<bool, Failure> {
        Ok(self.peek()?.is_none() && self.has_next)
    }

    /// A fault of the seal besides the lines of entries; returned once.
    pub(crate) fn take_fault(&mut self) -> Option<String> {
        self.fault.take()
    }

    /// The next entry that was not cut off; `None` at the end of the seal, or while there is no further entry.
    pub(crate) fn peek(&mut self) -> Result<Option<&SealedEntry>, Failure> {
        self.read_torn()?;
        let cut = |number| self.torn.get(&number) == Some(&TornOutcome::Cut);
        if self.next.as_ref().is_some_and(|entry| cut(entry.number)) {
            self.next = None;
        }
        while self.next.is_none() && self.read()? == NextLine::Some {}
        Ok(self.next.as_ref())
    }

    /// Consumes that entry.
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

    /// Finds the entries that a server found torn, ahead of the others: a server cuts them off before it adds entries.
    fn read_torn(&mut self) -> Result<(), Failure> {
        let Some(reader) = &mut self.torn_reader else {
            return Ok(());
        };
        loop {
            match reader.next_line() {
                Ok(Some(line)) => {
                    if let LineContent::Torn(torn) = line.line {
                        self.torn.insert(torn.number, torn.place);
                    }
                }
                Ok(None) | Err(SealError::Torn { .. }) => return Ok(()),
                Err(SealError::Input(error)) => return Err(Failure::file(&self.name)(error)),
                Err(SealError::NotALine { .. }) => {}
            }
        }
    }

    /// Reads a line.
    fn read(&mut self) -> Result<NextLine, Failure> {
        let line = match self.reader.next_line() {
            // The server is writing this line, or was killed while it did.
            Ok(None) | Err(SealError::Torn { .. }) => return Ok(NextLine::End),
            Ok(Some(line)) => line,
            Err(error @ SealError::NotALine { .. }) => {
                self.note(error.to_string());
                return Ok(NextLine::Some);
            }
            Err(SealError::Input(error)) => return Err(Failure::file(&self.name)(error)),
        };
        let (number, fault) = (line.number, fault_of(&line));
        match line.line {
            LineContent::Entry(entry) => {
                if self.torn.get(&entry.number) != Some(&TornOutcome::Cut) {
                    self.next = Some(owned(&entry, self.server.clone(), fault));
                }
                return Ok(NextLine::Some);
            }
            LineContent::Begin(begin) if number == 1 => {
                self.server = begin.server.map(Arc::from);
                self.beginning = Some(SealStart::from(&begin));
            }
            LineContent::Next { .. } => self.has_next = true,
            _ => {}
        }
        if fault == Some(LineFault::NotChained) {
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

fn fault_of(line: &SealLine<'_>) -> Option<LineFault> {
    if !line.is_chained {
        Some(LineFault::NotChained)
    } else if matches!(line.line, LineContent::Entry(_)) && !line.is_time_certain {
        Some(LineFault::TimeUnknown)
    } else {
        None
    }
}

fn owned(entry: &EntryLine<'_>, server: Option<Arc<str>>, fault: Option<LineFault>) -> SealedEntry {
    SealedEntry {
        number: entry.number,
        offset: entry.offset,
        length: entry.length,
        time: entry.time.moment,
        peer: entry.origin.peer.to_owned(),
        user: entry.origin.user.map(str::to_owned),
        status: entry.status,
        hash: entry.hash,
        server,
        version: entry.version.and_then(ChangeVersion::parse),
        first_line: entry.first_line.to_owned(),
        fault,
    }
}
