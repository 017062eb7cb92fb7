//! The tallies of all workers, and their sum.

use std::sync::Mutex;

use super::handshake::HandshakeResult;
use super::tally::{Moved, Tally};
use super::turn_time::TurnTime;
use super::worker_tally::WorkerTally;
use crate::access_log::Record;
use crate::sync::lock;

/// One tally for each worker, and one for all other threads.
pub(super) struct WorkerTallies {
    workers: Box<[WorkerTally]>,
    /// Guards the counts of other threads, and of handshakes, which are rare.
    others: Mutex<Tally>,
}

impl WorkerTallies {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers: (0..workers).map(|_| WorkerTally::new()).collect(),
            others: Mutex::default(),
        }
    }

    /// Counts a request that has ended, in a turn with the worker that calls this, or on another thread.
    pub(super) fn add(&self, worker: Option<usize>, record: &Record<'_>) {
        if let Some(tally) = worker.and_then(|worker| self.workers.get(worker)) {
            return tally.add(record);
        }
        lock(&self.others).add_request(record);
    }

    /// Counts a turn. Only its worker may call it.
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
    use std::time::Duration;

    use super::super::tally::MethodLabel;
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
