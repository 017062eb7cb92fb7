//! What is known of a log that was verified.

use std::collections::BTreeMap;

use super::finding::{EntryName, Finding, LogFault};
use crate::seal::chain::Hash;
use crate::seal::clock::Clock;
use crate::seal::key::Key;
use crate::seal::line::{Begin, TornOutcome};
use crate::seal::state::Tip;
use crate::seal::time::Moment;

/// What is known of a log that was compared with its seal.
#[derive(Debug, Clone)]
pub struct SealReport {
    /// What is wrong; the first of it, if there is too much.
    pub findings: Vec<Finding>,
    /// What the first line of the seal says; `None` if it has none.
    pub beginning: Option<SealStart>,
    /// Entries that the seal has.
    pub entries: u64,
    /// The number of the last of them.
    pub last_entry: u64,
    /// Torn ones among them.
    pub torn: Vec<TornEntry>,
    /// Where the last whole entry ends in the log.
    pub whole_end: u64,
    /// Where the last whole line ends in the seal.
    pub seal_end: u64,
    /// The last line.
    pub tip: Tip,
    /// The clock at the last line.
    pub clock: Clock,
    /// The time of the last line that has one.
    pub last_time: Moment,
    /// Times at which the system's clock was set back.
    pub clock_steps: u64,
    /// The log that follows, if the seal says that one does.
    pub next: Option<String>,
    /// Authentication codes in the seal.
    pub codes: u64,
    /// How many of these were verified.
    pub verified_codes: u64,
    /// Lines behind the last code.
    pub lines_after_code: u64,
    /// The key for the next code, if there is one.
    pub key: Option<Key>,
    /// The chain values that were wanted, as far as these lines are in this file.
    pub chain_at: BTreeMap<u64, Hash>,
}

/// What the first line of a seal says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealStart {
    /// The identity of the seal.
    pub identity: u64,
    /// The number of the file.
    pub file: u64,
    /// Lines of all files before it.
    pub lines: u64,
    /// Where the first sealed entry is in the log.
    pub start: u64,
    /// The chain value that it continues.
    pub previous: Hash,
    /// When it began.
    pub time: Moment,
    /// The name of the log.
    pub name: String,
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
        }
    }
}

/// A sealed entry that is not whole in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TornEntry {
    /// Which.
    pub entry: EntryName,
    /// Where it is, or was.
    pub offset: u64,
    /// What a server did with it when it found it; `None` if none has found it.
    pub place: Option<TornOutcome>,
}

/// What came of the comparison of entries.
pub(super) struct Matched {
    pub(super) findings: Vec<LogFault>,
    pub(super) torn: Vec<TornEntry>,
    pub(super) whole_end: u64,
}
