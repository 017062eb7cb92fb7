//! The result of a verification.

use std::collections::BTreeMap;

use super::finding::{EntryName, Finding, LogFault};
use crate::seal::chain::Hash;
use crate::seal::clock::Clock;
use crate::seal::key::Key;
use crate::seal::line::{Begin, TornOutcome};
use crate::seal::state::Tip;
use crate::seal::time::Moment;

/// The result of comparing a log with its seal.
#[derive(Debug, Clone)]
pub struct SealReport {
    /// The findings; only the first ones if there are too many.
    pub findings: Vec<Finding>,
    /// The first line of the seal; `None` if it is missing.
    pub beginning: Option<SealStart>,
    /// Entries that the seal has.
    pub entries: u64,
    /// The number of the last of them.
    pub last_entry: u64,
    /// Torn ones among them.
    pub torn: Vec<TornEntry>,
    /// The end of the last whole entry in the log.
    pub whole_end: u64,
    /// The end of the last whole line in the seal.
    pub seal_end: u64,
    /// The last line.
    pub tip: Tip,
    /// The clock at the last line.
    pub clock: Clock,
    /// The time of the last line that has one.
    pub last_time: Moment,
    /// Times at which the system's clock was set back.
    pub clock_steps: u64,
    /// The next log, if the seal names one.
    pub next: Option<String>,
    /// Authentication codes in the seal.
    pub codes: u64,
    /// The number of codes that were verified.
    pub verified_codes: u64,
    /// Lines after the last code.
    pub lines_after_code: u64,
    /// The key for the next code, if there is one.
    pub key: Option<Key>,
    /// The requested chain values of lines in this file.
    pub chain_at: BTreeMap<u64, Hash>,
}

/// The first line of a seal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealStart {
    /// The identity of the seal.
    pub identity: u64,
    /// The number of the file.
    pub file: u64,
    /// Lines of all files before it.
    pub lines: u64,
    /// The offset of the first sealed entry in the log.
    pub start: u64,
    /// The chain value before it.
    pub previous: Hash,
    /// The time of its beginning.
    pub time: Moment,
    /// The name of the log.
    pub name: String,
    /// The name of the server, if it has one.
    pub server: Option<String>,
}

impl From<&Begin<'_>> for SealStart {
    fn from(begin: &Begin<'_>) -> Self {
        Self {
            identity: begin.identity,
            file: begin.file,
            lines: begin.lines,
            start: begin.start,
            previous: begin.previous,
            time: begin.time,
            name: begin.name.to_owned(),
            server: begin.server.map(str::to_owned),
        }
    }
}

/// A sealed entry that is incomplete in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornEntry {
    /// The entry.
    pub entry: EntryName,
    /// Its offset, present or former.
    pub offset: u64,
    /// The server's action when it found the entry; `None` if no server has found it.
    pub place: Option<TornOutcome>,
}

/// The result of the comparison of entries.
pub(super) struct Matched {
    pub(super) findings: Vec<LogFault>,
    pub(super) torn: Vec<TornEntry>,
    pub(super) whole_end: u64,
}
