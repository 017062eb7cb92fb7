//! How many requests there were, and what they moved.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;

use super::turn_time::TurnTime;
use crate::access_log::Record;
use crate::sync::lock;

/// Counts of requests that have ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Those with a status of 400 or more, or without a response.
    pub failures: u64,
    /// Those with a response, by its status.
    pub by_status: BTreeMap<u16, u64>,
    /// Bytes received, as they were on the wire.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Entries in the request log.
    pub entries: u64,
    /// The longest turn of a connection.
    pub longest_turn: TurnTime,
}

/// One for each worker, and one for all other threads.
pub(super) struct WorkerTotals(Box<[Slot]>);

/// By itself in a cache line or two, since the next is another worker's.
#[derive(Default)]
#[repr(align(128))]
struct Slot(Mutex<Totals>);

impl Totals {
    fn count(&mut self, record: &Record<'_>) {
        self.requests += 1;
        self.failures += u64::from(record.status.is_none_or(|status| status >= 400));
        if let Some(status) = record.status {
            *self.by_status.entry(status).or_default() += 1;
        }
        self.bytes_in += record.bytes_in;
        self.bytes_out += record.bytes_out;
        self.entries += u64::from(record.entry.is_some());
    }

    fn add(&mut self, more: &Self) {
        self.requests += more.requests;
        self.failures += more.failures;
        for (status, count) in &more.by_status {
            *self.by_status.entry(*status).or_default() += count;
        }
        self.bytes_in += more.bytes_in;
        self.bytes_out += more.bytes_out;
        self.entries += more.entries;
        self.longest_turn = self.longest_turn.max(more.longest_turn);
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}, {}; {} in, {} out; {}",
            counted(self.requests, "request", "requests"),
            counted(self.failures, "failure", "failures"),
            counted(self.bytes_in, "byte", "bytes"),
            counted(self.bytes_out, "byte", "bytes"),
            counted(self.entries, "log entry", "log entries"),
        )
    }
}

fn counted(count: u64, one: &str, many: &str) -> String {
    let noun = if count == 1 { one } else { many };
    format!("{count} {noun}")
}

impl WorkerTotals {
    pub(super) fn new(workers: usize) -> Self {
        Self((0..=workers).map(|_| Slot::default()).collect())
    }

    pub(super) fn add(&self, worker: Option<usize>, record: &Record<'_>) {
        let others = self.0.len() - 1;
        let Slot(totals) = &self.0[worker.unwrap_or(others).min(others)];
        lock(totals).count(record);
    }

    pub(super) fn add_turn(&self, worker: usize, time: TurnTime) {
        let Slot(totals) = &self.0[worker.min(self.0.len() - 1)];
        let mut totals = lock(totals);
        totals.longest_turn = totals.longest_turn.max(time);
    }

    pub(super) fn sum(&self) -> Totals {
        let mut sum = Totals::default();
        for Slot(totals) in &self.0 {
            sum.add(&lock(totals));
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::entry_range::EntryRange;

    #[test]
    fn requests_of_all_workers_are_counted() {
        let totals = WorkerTotals::new(2);
        let shown = |totals: &WorkerTotals| totals.sum().to_string();
        assert_eq!(
            shown(&totals),
            "0 requests, 0 failures; 0 bytes in, 0 bytes out; 0 log entries"
        );
        let entry = Some(EntryRange {
            offset: 0,
            length: 50,
        });
        let good = Record {
            entry,
            bytes_in: 1,
            ..Record::sample()
        };
        totals.add(Some(0), &good);
        assert_eq!(
            shown(&totals),
            "1 request, 0 failures; 1 byte in, 126 bytes out; 1 log entry"
        );
        for (worker, status) in [(Some(1), Some(399)), (Some(2), Some(400)), (None, None)] {
            let record = Record {
                status,
                ..Record::sample()
            };
            totals.add(worker, &record);
        }
        assert_eq!(
            shown(&totals),
            "4 requests, 2 failures; 241 bytes in, 504 bytes out; 1 log entry"
        );
        let by_status = [(200, 1), (399, 1), (400, 1)];
        assert_eq!(totals.sum().by_status, BTreeMap::from(by_status));
    }

    #[test]
    fn longest_turn_of_all_workers_is_kept() {
        let totals = WorkerTotals::new(2);
        let time = |wall, processor| TurnTime {
            wall: Duration::from_micros(wall),
            processor: Duration::from_micros(processor),
        };
        for (worker, wall, processor) in [(0, 3, 1), (1, 5, 1), (1, 4, 2)] {
            totals.add_turn(worker, time(wall, processor));
        }
        assert_eq!(totals.sum().longest_turn, time(5, 2));
        assert_eq!(time(5, 2).to_string(), "5 us, 2 us of processor time");
    }
}
