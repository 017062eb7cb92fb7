//! The counters of one worker.
//!
//! Only the worker adds, and any thread may read at any time. So counting is a load and a store in a cache line that no
//! other thread writes, without a lock and without an atomic read-modify-write operation. A reading thread may see some
//! counts of a request before the others.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::tally::{BUCKETS, Durations, MethodLabel, Moved, Tally, bucket, nanoseconds};
use super::turn_time::TurnTime;
use crate::access_log::Record;

/// No response, and each status code from 100 to 599.
const STATUSES: usize = 1 + 500;

/// See the module's description. It shares no cache line with the counters of other workers.
#[repr(align(128))]
pub(super) struct WorkerTally {
    turns: SingleWriterCounter,
    moved: MovedCounters,
    exchanged: MovedCounters,
    entries: SingleWriterCounter,
    /// In nanoseconds.
    longest_wall: SingleWriterCounter,
    longest_processor: SingleWriterCounter,
    durations: [DurationCounters; MethodLabel::ALL.len()],
    /// The counts of all statuses for each method, see [`STATUSES`].
    requests: Box<[SingleWriterCounter]>,
}

#[derive(Default)]
struct MovedCounters {
    received: SingleWriterCounter,
    sent: SingleWriterCounter,
}

#[derive(Default)]
struct DurationCounters {
    counts: [SingleWriterCounter; BUCKETS.len() + 1],
    /// In nanoseconds.
    sum: SingleWriterCounter,
}

/// A counter that only one thread changes.
#[derive(Default)]
struct SingleWriterCounter(AtomicU64);

impl SingleWriterCounter {
    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self, more: u64) {
        self.0
            .store(self.get().wrapping_add(more), Ordering::Relaxed);
    }

    fn raise_to(&self, least: u64) {
        if self.get() < least {
            self.0.store(least, Ordering::Relaxed);
        }
    }
}

impl MovedCounters {
    fn add(&self, more: Moved) {
        self.received.add(more.received);
        self.sent.add(more.sent);
    }

    fn get(&self) -> Moved {
        Moved {
            received: self.received.get(),
            sent: self.sent.get(),
        }
    }
}

impl WorkerTally {
    pub(super) fn new() -> Self {
        let requests = MethodLabel::ALL.len() * STATUSES;
        Self {
            turns: SingleWriterCounter::default(),
            moved: MovedCounters::default(),
            exchanged: MovedCounters::default(),
            entries: SingleWriterCounter::default(),
            longest_wall: SingleWriterCounter::default(),
            longest_processor: SingleWriterCounter::default(),
            durations: array::from_fn(|_| DurationCounters::default()),
            requests: (0..requests)
                .map(|_| SingleWriterCounter::default())
                .collect(),
        }
    }

    /// Counts a request that has ended. Only the worker may call it.
    pub(super) fn add(&self, record: &Record<'_>) {
        let method = MethodLabel::of(record.method) as usize;
        self.requests[method * STATUSES + status_index(record.status)].add(1);
        let nanoseconds = nanoseconds(record.duration);
        let durations = &self.durations[method];
        durations.counts[bucket(nanoseconds)].add(1);
        durations.sum.add(nanoseconds);
        self.exchanged.add(Moved {
            received: record.bytes_in,
            sent: record.bytes_out,
        });
        self.entries.add(u64::from(record.entry.is_some()));
    }

    /// Counts a turn. Only the worker may call it.
    pub(super) fn add_turn(&self, moved: Moved, time: TurnTime) {
        self.turns.add(1);
        self.moved.add(moved);
        self.longest_wall.raise_to(nanoseconds(time.wall));
        self.longest_processor.raise_to(nanoseconds(time.processor));
    }

    /// The counts so far.
    pub(super) fn tally(&self) -> Tally {
        let methods = self.requests.chunks(STATUSES).zip(MethodLabel::ALL);
        let requests = methods.flat_map(|(statuses, method)| {
            let counts = statuses.iter().map(SingleWriterCounter::get).enumerate();
            counts
                .filter(|&(_, count)| count > 0)
                .map(move |(index, count)| ((method, status(index)), count))
        });
        Tally {
            requests: requests.collect(),
            durations: array::from_fn(|method| Durations {
                counts: array::from_fn(|bucket| self.durations[method].counts[bucket].get()),
                sum: Duration::from_nanos(self.durations[method].sum.get()),
            }),
            exchanged: self.exchanged.get(),
            entries: self.entries.get(),
            moved: self.moved.get(),
            turns: self.turns.get(),
            longest_turn: TurnTime {
                wall: Duration::from_nanos(self.longest_wall.get()),
                processor: Duration::from_nanos(self.longest_processor.get()),
            },
            ..Tally::default()
        }
    }
}

/// The index of a status among the counts of a method.
fn status_index(status: Option<u16>) -> usize {
    // Other codes are invalid (RFC 9110 §15).
    status.map_or(0, |code| usize::from(code.clamp(100, 599)) - 99)
}

/// The status with this index.
fn status(index: usize) -> Option<u16> {
    let code = u16::try_from(index + 99).ok();
    code.filter(|_| index > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_count_of_its_own() {
        let tally = WorkerTally::new();
        for status in [None, Some(100), Some(200), Some(599)] {
            tally.add(&Record {
                status,
                ..Record::sample()
            });
        }
        let requests = tally.tally().requests;
        let statuses: Vec<_> = requests.keys().map(|(_, status)| *status).collect();
        assert_eq!(statuses, [None, Some(100), Some(200), Some(599)]);
        assert!(requests.values().all(|&count| count == 1));
    }

    #[test]
    fn durations_add_up() {
        let tally = WorkerTally::new();
        for _ in 0..2 {
            tally.add(&Record {
                duration: Duration::from_micros(1_500_001),
                ..Record::sample()
            });
        }
        let durations = &tally.tally().durations[MethodLabel::Get as usize];
        assert_eq!(durations.sum, Duration::from_micros(3_000_002));
        assert_eq!(durations.counts[bucket(1_500_001_000)], 2);
    }
}
