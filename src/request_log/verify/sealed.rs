//! The entries of a seal, line by line. Its other lines are recorded for the report.

use std::collections::BTreeMap;
use std::io::{self, Read};

use super::audit::Audit;
use super::evidence::Evidence;
use super::finding::{EntryName, Finding, SealFault};
use super::seal_report::{Matched, SealReport, SealStart};
use crate::seal::chain::Hash;
use crate::seal::clock::Clock;
use crate::seal::line::{EntryLine, LineContent, Torn, TornOutcome};
use crate::seal::read::{SealError, SealLine, SealReader};
use crate::seal::state::Tip;

/// An entry of the seal.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) name: EntryName,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) hash: Option<Hash>,
    /// The server's action when it found the entry torn.
    pub(super) place: Option<TornOutcome>,
}

/// The entries of a seal.
pub(super) struct SealedEntries<R> {
    reader: SealReader<R>,
    evidence: Evidence,
    audit: Audit,
    /// The entry of the first line, which is read before the others; `None` if it is not the line of an entry.
    first: Option<Sealed>,
    noted: Noted,
    seal_end: u64,
}

/// The values of lines besides their entries.
#[derive(Default)]
struct Noted {
    beginning: Option<SealStart>,
    /// Microseconds that the seal's clock is ahead of the system's.
    ahead: u64,
    clock_steps: u64,
    next: Option<String>,
    chain_at: BTreeMap<u64, Hash>,
}

/// Reads from a seal the fate of the entries that servers found torn.
///
/// # Errors
/// If it cannot be read.
pub fn torn_entries(seal: impl Read) -> io::Result<BTreeMap<u64, TornOutcome>> {
    let mut reader = SealReader::new(seal);
    let mut torn = BTreeMap::new();
    loop {
        match reader.next_line() {
            Ok(None) | Err(SealError::Torn { .. }) => return Ok(torn),
            Ok(Some(SealLine {
                line: LineContent::Torn(Torn { number, place, .. }),
                ..
            })) => {
                torn.insert(number, place);
            }
            Ok(Some(_)) | Err(SealError::NotALine { .. }) => {}
            Err(SealError::Input(error)) => return Err(error),
        }
    }
}

impl<R: Read> SealedEntries<R> {
    pub(super) fn new(seal: R, mut evidence: Evidence) -> Self {
        Self {
            reader: SealReader::new(seal),
            audit: Audit::new(evidence.key.take()),
            evidence,
            first: None,
            noted: Noted::default(),
            seal_end: 0,
        }
    }

    /// Reads the first line; returns the offset of the first sealed entry in the log.
    pub(super) fn begin(&mut self) -> io::Result<u64> {
        while self.first.is_none() && self.noted.beginning.is_none() {
            match self.read()? {
                LineRead::End => break,
                LineRead::Other => {}
                LineRead::Entry(entry) => self.first = Some(entry),
            }
        }
        let beginning = self.noted.beginning.as_ref();
        let start = beginning.map(|beginning| beginning.start);
        if start.is_none() {
            self.audit.no_beginning();
        }
        Ok(start.unwrap_or_default())
    }

    /// The next entry.
    pub(super) fn next(&mut self) -> io::Result<Option<Sealed>> {
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        loop {
            match self.read()? {
                LineRead::End => return Ok(None),
                LineRead::Other => {}
                LineRead::Entry(entry) => return Ok(Some(entry)),
            }
        }
    }

    /// Reads a line.
    fn read(&mut self) -> io::Result<LineRead> {
        let line = match self.reader.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(LineRead::End),
            Err(SealError::Torn { number }) => {
                self.audit.find(SealFault::TornLine { line: number });
                return Ok(LineRead::End);
            }
            Err(error @ SealError::NotALine { .. }) => {
                let reason = error.to_string();
                self.audit.find(SealFault::NotALine { reason });
                return Ok(LineRead::Other);
            }
            Err(SealError::Input(error)) => return Err(error),
        };
        // The line that ends the file may have a code.
        if self.noted.next.is_some() && !matches!(line.line, LineContent::Mac { .. }) {
            let fault = SealFault::AfterEnd { line: line.number };
            self.audit.find(fault);
        }
        let read = self.noted.note(&line, &mut self.audit, &self.evidence);
        match &read {
            LineRead::Entry(entry) => self.audit.entry(&entry.name, &line),
            LineRead::Other | LineRead::End => self.audit.other(line.number, line.is_chained),
        }
        self.seal_end = self.reader.position();
        Ok(read)
    }

    /// The report at the end.
    pub(super) fn report(mut self, matched: Matched) -> SealReport {
        let Matched {
            findings,
            torn,
            whole_end,
        } = matched;
        let lines = self.reader.lines();
        let of_seal = self.audit.take_findings().into_iter().map(Finding::Seal);
        let all = of_seal.chain(findings.into_iter().map(Finding::Log));
        let Noted {
            beginning,
            ahead,
            clock_steps,
            next,
            chain_at,
        } = self.noted;
        let begun = beginning.as_ref();
        SealReport {
            findings: all.collect(),
            entries: self.audit.entries,
            last_entry: self.audit.number,
            torn,
            whole_end,
            seal_end: self.seal_end,
            tip: Tip {
                identity: begun.map_or(0, |beginning| beginning.identity),
                file: begun.map_or(0, |beginning| beginning.file),
                lines: begun.map_or(0, |beginning| beginning.lines) + lines,
                chain: self.reader.chain(),
            },
            beginning,
            clock: Clock::resume(self.audit.last_time, ahead),
            last_time: self.audit.last_time,
            clock_steps,
            next,
            codes: self.audit.codes,
            verified_codes: self.audit.verified_codes,
            lines_after_code: lines - self.audit.line_of_code,
            key: self.audit.key,
            chain_at,
        }
    }
}

/// The kind of a line.
enum LineRead {
    /// The line of an entry.
    Entry(Sealed),
    /// Another line.
    Other,
    /// No line: the seal ends.
    End,
}

impl Noted {
    /// Records a line.
    fn note(&mut self, line: &SealLine<'_>, audit: &mut Audit, evidence: &Evidence) -> LineRead {
        let mut read = LineRead::Other;
        match line.line {
            LineContent::Entry(entry) => read = LineRead::Entry(sealed(&entry, evidence)),
            LineContent::Begin(begin) if line.number == 1 => {
                audit.time(begin.time);
                self.beginning = Some(SealStart::from(&begin));
                self.note_chain(evidence, begin.lines, line.before);
            }
            // A `begin` line is never in the middle of a file.
            LineContent::Begin(_) => audit.other(line.number, false),
            LineContent::Torn(Torn { time, .. }) => audit.time(time),
            LineContent::Clock { time, system } => {
                audit.time(time);
                self.ahead = time.microseconds().saturating_sub(system.microseconds());
                self.clock_steps += 1;
            }
            LineContent::Mac { epoch, code } => audit.code(line.number, epoch, &code, &line.before),
            LineContent::Next { time, name } => {
                audit.time(time);
                self.next = Some(name.to_owned());
            }
        }
        let before = self
            .beginning
            .as_ref()
            .map_or(0, |beginning| beginning.lines);
        self.note_chain(evidence, before + line.number, line.chain);
        read
    }

    /// Keeps the chain value of a line, counted over all files, if it is requested.
    fn note_chain(&mut self, evidence: &Evidence, line: u64, chain: Hash) {
        if evidence.wanted.contains(&line) {
            self.chain_at.insert(line, chain);
        }
    }
}

fn sealed(entry: &EntryLine<'_>, evidence: &Evidence) -> Sealed {
    Sealed {
        name: EntryName {
            number: entry.number,
            time: entry.time.moment,
            first_line: entry.first_line.into(),
        },
        offset: entry.offset,
        length: entry.length,
        hash: entry.hash,
        place: evidence.torn.get(&entry.number).copied(),
    }
}
