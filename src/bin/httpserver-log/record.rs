//! An entry with all its data from the log and from its line of the seal.

use crate::seal_entries::SealedEntry;
use crate::text::{address_and_port, seconds};
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::fault::Fault;
use httpserver::seal::chain::Hash;

/// One entry.
#[derive(Debug)]
pub(crate) struct EntryRecord {
    /// Its number in the log; `None` if its first line is not whole.
    pub(crate) number: Option<u64>,
    /// Where it begins in the log, in bytes.
    pub(crate) offset: u64,
    /// Its bytes in the log. A torn entry without a line in the seal ends at the next entry.
    pub(crate) length: u64,
    /// Its first line; for a torn entry, possibly from the seal alone.
    pub(crate) kind: Option<LoggedRequest>,
    /// Why it is incomplete.
    pub(crate) torn: Option<Fault>,
    /// SHA-256 of the content of a PUT as it is in the log, if contents are hashed.
    pub(crate) hash: Option<Hash>,
    /// The seal's data for it.
    pub(crate) seal: SealMatch,
}

/// The seal's data for an entry.
#[derive(Debug)]
pub(crate) enum SealMatch {
    /// The line that belongs to it.
    Line(Box<SealedEntry>),
    /// The log is sealed at this place, but no line belongs to the entry.
    Mismatch,
    /// None: the log has no seal, or is sealed from a later byte on.
    Absent,
}

impl EntryRecord {
    /// The line of the seal.
    pub(crate) fn sealed(&self) -> Option<&SealedEntry> {
        match &self.seal {
            SealMatch::Line(line) => Some(line),
            SealMatch::Mismatch | SealMatch::Absent => None,
        }
    }

    /// Method and name, as the log writes them.
    pub(crate) fn method_and_name(&self) -> Option<(&str, &str)> {
        Some(match self.kind.as_ref()? {
            LoggedRequest::Success { method, name, .. } => (method, name),
            LoggedRequest::Failure { method, name, .. } => (method, name),
        })
    }

    /// Bytes of content in the entry; `None` for a failed request.
    pub(crate) fn bytes(&self) -> Option<u64> {
        match self.kind.as_ref()? {
            LoggedRequest::Success { length, .. } => Some(*length),
            LoggedRequest::Failure { .. } => None,
        }
    }

    /// The status of the response: from the seal, or, for a failed request, from the log.
    pub(crate) fn status(&self) -> Option<u16> {
        match (self.sealed(), &self.kind) {
            (Some(line), _) => Some(line.status),
            (None, Some(LoggedRequest::Failure { status, .. })) => Some(*status),
            (None, Some(LoggedRequest::Success { .. }) | None) => None,
        }
    }

    /// Whether the request failed.
    pub(crate) fn is_failed(&self) -> bool {
        matches!(self.kind, Some(LoggedRequest::Failure { .. }))
    }

    /// Time, peer and user as columns of a table: `-` for unknown values.
    pub(crate) fn requester_cells(&self) -> [String; 3] {
        let absent = || "-".to_owned();
        let line = self.sealed();
        [
            line.map_or_else(absent, |line| seconds(line.time)),
            line.map_or_else(absent, |line| address_and_port(&line.peer).0),
            line.and_then(|line| line.user.clone())
                .unwrap_or_else(absent),
        ]
    }

    /// The status as a word: the number, `ok` if only success is known, or `torn`.
    pub(crate) fn status_word(&self) -> String {
        match (&self.torn, self.status(), &self.kind) {
            (Some(_), ..) => "torn".to_owned(),
            (None, Some(status), _) => status.to_string(),
            (None, None, Some(_)) => "ok".to_owned(),
            (None, None, None) => "-".to_owned(),
        }
    }
}
