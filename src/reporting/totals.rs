//! How many requests there were, and what they moved.

use std::fmt;
use std::ops::AddAssign;
use std::sync::Mutex;

use crate::access_log::Record;
use crate::sync::lock;

/// Counts of requests that have ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Requests.
    pub requests: u64,
    /// Those with a status of 400 or more, or without a response.
    pub failures: u64,
    /// Bytes received, as they were on the wire.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Entries in the request log.
    pub entries: u64,
}

/// One for each worker, and one for all other threads.
pub(super) struct WorkerTotals(Box<[Slot]>);

/// By itself in a cache line or two, since the next is another worker's.
#[derive(Default)]
#[repr(align(128))]
struct Slot(Mutex<Totals>);

impl Totals {
    fn of(record: &Record<'_>) -> Self {
        Self {
            requests: 1,
            failures: record.status.is_none_or(|status| status >= 400).into(),
            bytes_in: record.bytes_in,
            bytes_out: record.bytes_out,
            entries: record.entry.is_some().into(),
        }
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, more: Self) {
        self.requests += more.requests;
        self.failures += more.failures;
        self.bytes_in += more.bytes_in;
        self.bytes_out += more.bytes_out;
        self.entries += more.entries;
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
        *lock(totals) += Totals::of(record);
    }

    pub(super) fn sum(&self) -> Totals {
        let mut sum = Totals::default();
        for Slot(totals) in &self.0 {
            sum += *lock(totals);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
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
    }
}
