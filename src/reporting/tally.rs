//! What is counted: requests by method and status, how long they took, bytes, turns. The status shows it, and the summary
//! at the end is drawn from it.
//!
//! Each worker has a tally of its own (`worker_tally`). They are summed on request.

use std::array;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use super::handshake::HandshakeResult;
use super::turn_time::TurnTime;
use super::worker_tally::WorkerTally;
use crate::access_log::Record;
use crate::sync::lock;

/// The upper bounds of the buckets of durations, in microseconds.
pub const BUCKETS: [u64; 16] = [
    100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
    1_000_000, 2_500_000, 5_000_000, 10_000_000,
];

/// The method of a request, as far as methods are told apart: a client can make up any number of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MethodLabel {
    /// GET
    Get,
    /// HEAD
    Head,
    /// PUT
    Put,
    /// DELETE
    Delete,
    /// OPTIONS
    Options,
    /// Any other, and none.
    Other,
}

/// How long requests took.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Durations {
    /// How many took so long, by bucket: above the bound before, and up to its own. The last has no bound.
    pub counts: [u64; BUCKETS.len() + 1],
    /// All durations together.
    pub sum: Duration,
}

/// Counts of requests that have ended, of bytes, and of turns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Requests by method and status; without a status, their clients were gone before there was a response.
    pub requests: BTreeMap<(MethodLabel, Option<u16>), u64>,
    /// From the first byte of a request to the last byte of its response.
    pub durations: [Durations; MethodLabel::ALL.len()],
    /// Bytes of these requests and of their responses.
    pub exchanged: Moved,
    /// Entries in the request log.
    pub entries: u64,
    /// All bytes of connections, those of requests in progress among them.
    pub moved: Moved,
    /// Turns of connections.
    pub turns: u64,
    /// The longest turn so far.
    pub longest_turn: TurnTime,
    /// TLS handshakes that have ended, by the version that was agreed on, if one was, and by what came of them.
    pub handshakes: BTreeMap<(Option<&'static str>, HandshakeResult), u64>,
}

/// Bytes that were moved, as they were on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes received.
    pub received: u64,
    /// Bytes sent.
    pub sent: u64,
}

/// One for each worker, and one for all other threads.
pub(super) struct WorkerTallies {
    workers: Box<[WorkerTally]>,
    /// Guards what other threads count, and what is rare: handshakes.
    others: Mutex<Tally>,
}

impl MethodLabel {
    /// All of them, in their order.
    pub const ALL: [Self; 6] = [
        Self::Get,
        Self::Head,
        Self::Put,
        Self::Delete,
        Self::Options,
        Self::Other,
    ];

    /// Its name; `other` for those that are not told apart.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Other => "other",
        }
    }

    /// The label of a method as it was received.
    pub(crate) fn of(received: Option<&[u8]>) -> Self {
        match received {
            Some(b"GET") => Self::Get,
            Some(b"HEAD") => Self::Head,
            Some(b"PUT") => Self::Put,
            Some(b"DELETE") => Self::Delete,
            Some(b"OPTIONS") => Self::Options,
            _ => Self::Other,
        }
    }
}

impl Durations {
    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn plus(&self, more: &Self) -> Self {
        Self {
            counts: array::from_fn(|at| self.counts[at] + more.counts[at]),
            sum: self.sum + more.sum,
        }
    }
}

impl Moved {
    fn add(&mut self, more: Self) {
        self.received += more.received;
        self.sent += more.sent;
    }
}

impl Tally {
    /// Requests that have ended.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.values().sum()
    }

    /// Those with a status of 500 or more.
    #[must_use]
    pub fn server_errors(&self) -> u64 {
        let all = self.requests.iter();
        all.filter(|((_, status), _)| status.is_some_and(|status| status >= 500))
            .map(|(_, count)| count)
            .sum()
    }

    fn add(&mut self, more: &Self) {
        for (key, count) in &more.requests {
            *self.requests.entry(*key).or_default() += count;
        }
        self.durations = array::from_fn(|at| self.durations[at].plus(&more.durations[at]));
        self.exchanged.add(more.exchanged);
        self.entries += more.entries;
        self.moved.add(more.moved);
        self.turns += more.turns;
        self.longest_turn = self.longest_turn.max(more.longest_turn);
        for (key, count) in &more.handshakes {
            *self.handshakes.entry(*key).or_default() += count;
        }
    }
}

impl WorkerTallies {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| WorkerTally::new()).collect(),
            others: Mutex::default(),
        }
    }

    /// Counts a request that has ended: in a turn with this worker, which calls this itself, or elsewhere.
    pub(super) fn add(&self, worker: Option<usize>, record: &Record<'_>) {
        if let Some(tally) = worker.and_then(|worker| self.workers.get(worker)) {
            return tally.add(record);
        }
        let one = WorkerTally::new();
        one.add(record);
        lock(&self.others).add(&one.tally());
    }

    /// Counts a turn. To be called by its worker.
    pub(super) fn add_turn(&self, worker: usize, moved: Moved, time: TurnTime) {
        if let Some(tally) = self.workers.get(worker) {
            tally.add_turn(moved, time);
        }
    }

    /// Counts a TLS handshake that has ended.
    pub(super) fn add_handshake(&self, version: Option<&'static str>, result: HandshakeResult) {
        let mut tally = lock(&self.others);
        *tally.handshakes.entry((version, result)).or_default() += 1;
    }

    pub(super) fn sum(&self) -> Tally {
        // The lock is held for a copy only.
        let mut sum = lock(&self.others).clone();
        for worker in &self.workers {
            sum.add(&worker.tally());
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry_range::EntryRange;

    #[test]
    fn requests_of_all_workers_are_summed_by_method_and_status() {
        let tallies = WorkerTallies::new(2);
        for (worker, method, status) in [
            (Some(0), Some(&b"GET"[..]), Some(200)),
            (Some(1), Some(b"GET"), Some(200)),
            (Some(1), Some(b"get"), Some(405)),
            (None, Some(b"PUT"), None),
            (Some(7), None, Some(500)),
        ] {
            let record = Record {
                method,
                status,
                ..Record::sample()
            };
            tallies.add(worker, &record);
        }
        let tally = tallies.sum();
        assert_eq!(
            tally.requests.into_iter().collect::<Vec<_>>(),
            [
                ((MethodLabel::Get, Some(200)), 2),
                ((MethodLabel::Put, None), 1),
                ((MethodLabel::Other, Some(405)), 1),
                ((MethodLabel::Other, Some(500)), 1),
            ]
        );
        let counts = tally.durations.map(|durations| durations.count());
        assert_eq!(counts, [2, 0, 1, 0, 0, 2]);
        let tally = tallies.sum();
        assert_eq!((tally.requests(), tally.server_errors()), (5, 1));
    }

    #[test]
    fn bytes_and_entries_of_requests_are_summed() {
        let tallies = WorkerTallies::new(1);
        let entry = Some(EntryRange {
            offset: 0,
            length: 50,
        });
        for (worker, entry, bytes_in) in [(Some(0), entry, 1), (None, None, 2)] {
            let record = Record {
                entry,
                bytes_in,
                bytes_out: 10 * bytes_in,
                ..Record::sample()
            };
            tallies.add(worker, &record);
        }
        let tally = tallies.sum();
        let exchanged = Moved {
            received: 3,
            sent: 30,
        };
        assert_eq!((tally.exchanged, tally.entries), (exchanged, 1));
        assert_eq!(tally.moved, Moved::default());
    }

    #[test]
    fn handshakes_are_counted_by_version_and_result() {
        let tallies = WorkerTallies::new(2);
        let (old, new) = (Some("TLSv1.2"), Some("TLSv1.3"));
        for (version, result) in [
            (new, HandshakeResult::Full),
            (new, HandshakeResult::Full),
            (new, HandshakeResult::Resumed),
            (old, HandshakeResult::Full),
            (None, HandshakeResult::Failed),
        ] {
            tallies.add_handshake(version, result);
        }
        assert_eq!(
            tallies.sum().handshakes.into_iter().collect::<Vec<_>>(),
            [
                ((None, HandshakeResult::Failed), 1),
                ((old, HandshakeResult::Full), 1),
                ((new, HandshakeResult::Full), 2),
                ((new, HandshakeResult::Resumed), 1),
            ]
        );
    }

    #[test]
    fn turns_add_up_and_the_longest_is_kept() {
        let tallies = WorkerTallies::new(2);
        let time = |wall, processor| TurnTime {
            wall: Duration::from_micros(wall),
            processor: Duration::from_micros(processor),
        };
        for (worker, sent, time) in [(0, 1, time(3, 1)), (1, 2, time(5, 1)), (1, 4, time(4, 2))] {
            tallies.add_turn(worker, Moved { received: 1, sent }, time);
        }
        let tally = tallies.sum();
        let moved = Moved {
            received: 3,
            sent: 7,
        };
        assert_eq!((tally.moved, tally.turns), (moved, 3));
        assert_eq!(tally.longest_turn, time(5, 2));
        assert_eq!(time(5, 2).to_string(), "5 us, 2 us of processor time");
    }
}
