//! The figures of the last minutes, for the plots of the page.
//!
//! They are kept by the thread of the status, which wakes every [`INTERVAL`] to take them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::snapshot::Snapshot;

/// The time between two samples.
const INTERVAL: Duration = Duration::from_secs(2);

/// Samples that are kept: those of five minutes.
const SAMPLES: usize = 150;

/// See the module's description.
pub(super) struct History {
    samples: VecDeque<Sample>,
    /// When the next sample is due.
    pub(super) due: Instant,
}

/// The plotted quantities.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Sample {
    uptime_seconds: f64,
    requests: u64,
    server_errors: u64,
    bytes_in: u64,
    bytes_out: u64,
    connections: u64,
    queued: u64,
    busy: u64,
    blocked: u64,
}

impl History {
    /// Begins now.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            samples: VecDeque::with_capacity(SAMPLES),
            due: now,
        }
    }

    /// Takes in the figures of a moment, in place of the oldest.
    pub(super) fn add(&mut self, snapshot: &Snapshot, now: Instant) {
        if self.samples.len() == SAMPLES {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample::of(snapshot));
        self.due = now + INTERVAL;
    }

    /// The samples, the oldest first.
    pub(super) fn samples(&self) -> &VecDeque<Sample> {
        &self.samples
    }
}

impl Sample {
    fn of(snapshot: &Snapshot) -> Self {
        let tally = snapshot.tally.clone().unwrap_or_default();
        let pool = &snapshot.pool;
        Self {
            uptime_seconds: snapshot.uptime().as_secs_f64(),
            requests: tally.requests(),
            server_errors: tally.server_errors(),
            bytes_in: tally.moved.received,
            bytes_out: tally.moved.sent,
            connections: pool.connections.open(),
            queued: pool.queued,
            busy: pool.busy,
            blocked: pool.blocked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_sample_is_dropped() {
        let now = Instant::now();
        let mut history = History::new(now);
        let mut snapshot = Snapshot::sample();
        for queued in 0..=SAMPLES as u64 {
            snapshot.pool.queued = queued;
            history.add(&snapshot, now);
        }
        assert_eq!(history.samples().len(), SAMPLES);
        assert_eq!(history.samples()[0].queued, 1);
        assert_eq!(history.due, now + INTERVAL);
        let json = serde_json::to_value(history.samples()).unwrap();
        assert_eq!(json[0]["requests"], 10);
    }
}
