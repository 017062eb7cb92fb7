//! Reports of connections and requests of a running server: the access log, lines on stderr, and the totals of a
//! summary.
//!
//! It uses neither sockets nor files: a connection passes a [`Record`] when a request has ended, and a [`LineWriter`]
//! writes the lines, which never delays a worker. Lines are formatted in the caller's buffer.

mod answer_limit;
mod console;
mod handshake;
mod tallies;
mod tally;
mod totals;
mod turn_time;
mod worker_tally;

use std::sync::Arc;

pub use self::answer_limit::AnswerLimit;
pub use self::console::Detail;
pub use self::handshake::HandshakeResult;
use self::tallies::WorkerTallies;
pub use self::tally::{BUCKETS, Durations, MethodLabel, Moved, Tally};
pub use self::totals::Totals;
pub use self::turn_time::TurnTime;
use crate::access_log::{AccessLogFormat, Record};
use crate::entry_range::Receipts;
use crate::line_writer::LineWriter;
use crate::peer::Peer;
use crate::server_id::ServerId;

/// See the module's description.
pub struct Reporter {
    access_log: Option<(AccessLogFormat, Arc<LineWriter>)>,
    server: Option<ServerId>,
    console: Option<(Detail, Arc<LineWriter>)>,
    summary: Summary,
    answers: Option<AnswerLimit>,
    /// The counts for a summary, for the status, or for both.
    tallies: Option<WorkerTallies>,
}

/// The destinations of reports.
pub struct Reports {
    /// The access log.
    pub access_log: Option<(AccessLogFormat, Arc<LineWriter>)>,
    /// The name of the server, if it has one.
    pub server: Option<ServerId>,
    /// The kinds of lines for people, if there are any.
    pub console: Option<(Detail, Arc<LineWriter>)>,
    /// Whether there is a summary.
    pub summary: Summary,
    /// The limit of `--exit-after`.
    pub answers: Option<AnswerLimit>,
    /// Whether there is a status.
    pub tally: Counting,
}

/// Whether requests are counted for a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counting {
    /// They are counted: see [`Reporter::tally`].
    On,
    /// They are not counted.
    Off,
}

/// The values of a request that a reporter needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// All values of a [`Record`].
    Everything,
    /// Only its method, status and duration; the other values are ignored.
    Counts,
}

/// The measurements of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnClock {
    /// Nothing.
    None,
    /// The elapsed time.
    Wall,
    /// The elapsed time, and the processor time of its thread.
    WallAndProcessor,
}

/// Whether requests are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    /// They are counted; see [`Reporter::totals`].
    Kept,
    /// They are not counted.
    Omitted,
}

impl Reporter {
    /// A reporter for this many workers; `None` if there is nothing to report.
    #[must_use]
    pub fn new(reports: Reports, workers: usize) -> Option<Self> {
        let Reports {
            access_log,
            server,
            console,
            summary,
            answers,
            tally,
        } = reports;
        let is_tallied = summary == Summary::Kept || tally == Counting::On;
        let tallies = is_tallied.then(|| WorkerTallies::new(workers));
        let has_lines = access_log.is_some() || console.is_some();
        let is_wanted = has_lines || is_tallied || answers.is_some();
        is_wanted.then_some(Self {
            access_log,
            server,
            console,
            summary,
            answers,
            tallies,
        })
    }

    /// The detail that it needs of each request.
    #[must_use]
    pub fn needs(&self) -> Needs {
        if self.access_log.is_some() || self.console.is_some() || self.has_summary() {
            Needs::Everything
        } else {
            Needs::Counts
        }
    }

    /// Whether reports contain the places of entries in the request log.
    #[must_use]
    pub fn receipts(&self) -> Receipts {
        let is_json = matches!(self.access_log, Some((AccessLogFormat::Json, _)));
        if is_json || self.has_summary() {
            Receipts::Made
        } else {
            Receipts::Omitted
        }
    }

    /// Reports a request that has ended, from this worker (by its own thread), or from another thread. `line` is room
    /// for a line.
    pub fn request(&self, worker: Option<usize>, record: &Record<'_>, line: &mut Vec<u8>) {
        if let Some((format, writer)) = &self.access_log {
            line.clear();
            let server = self.server.as_ref().map(ServerId::as_str);
            format.push(line, server, record);
            writer.append(worker, line);
        }
        if let Some((detail, writer)) = &self.console {
            line.clear();
            console::push_request(line, *detail, record);
            writer.append(worker, line);
        }
        if let (Some(answers), Some(_)) = (&self.answers, record.status) {
            answers.count();
        }
        if let Some(tallies) = &self.tallies {
            tallies.add(worker, record);
        }
    }

    /// Reports that a connection was opened.
    pub fn opened(&self, connection: u64, peer: Peer) {
        if let Some((Detail::Connections, writer)) = &self.console {
            let mut line = Vec::new();
            console::push_opened(&mut line, connection, peer);
            writer.append(None, &line);
        }
    }

    /// Reports that a connection was closed, with its number of requests and the reason.
    pub fn closed(&self, connection: u64, peer: Peer, requests: u64, reason: &str) {
        if let Some((Detail::Connections, writer)) = &self.console {
            let mut line = Vec::new();
            console::push_closed(&mut line, connection, peer, requests, reason);
            writer.append(None, &line);
        }
    }

    /// The measurements of turns that it needs.
    #[must_use]
    pub fn turn_clock(&self) -> TurnClock {
        match (self.summary, &self.tallies) {
            (Summary::Kept, _) => TurnClock::WallAndProcessor,
            (Summary::Omitted, Some(_)) => TurnClock::Wall,
            (Summary::Omitted, None) => TurnClock::None,
        }
    }

    /// Reports a turn of this worker, with its duration and the moved bytes.
    pub fn turn(&self, worker: usize, time: TurnTime, moved: Moved) {
        if let Some(tallies) = &self.tallies {
            tallies.add_turn(worker, moved, time);
        }
    }

    /// Reports the result of a handshake, and its version of TLS.
    pub fn handshake(&self, version: Option<&'static str>, result: HandshakeResult) {
        if let Some(tallies) = &self.tallies {
            tallies.add_handshake(version, result);
        }
    }

    /// The counts so far, if requests are counted.
    #[must_use]
    pub fn tally(&self) -> Option<Tally> {
        self.tallies.as_ref().map(WorkerTallies::sum)
    }

    /// The totals so far, if there is a summary.
    #[must_use]
    pub fn totals(&self) -> Option<Totals> {
        let tally = self.has_summary().then(|| self.tally()).flatten();
        tally.as_ref().map(Totals::of)
    }

    fn has_summary(&self) -> bool {
        self.summary == Summary::Kept
    }
}
