//! Checks that the workers make progress, for the watchdog of a service manager.
//!
//! A worker with work is stuck if it makes no progress for half of the watchdog's time. All workers are stuck if jobs
//! wait in the queue for that long and none is taken. The main thread runs the check, so it need not be checked.

use std::time::{Duration, Instant};

use super::variables::{Variable, is_for_this_process, number, value};
use httpserver::server::{WorkerOccupation, WorkerProgress, Workload};

/// The number of messages within the watchdog's time.
const CALLS: u32 = 4;

/// The watchdog's time, and the state of the workers.
#[derive(Debug)]
pub(super) struct Watchdog {
    /// The service manager ends the server after this time without a message.
    interval: Duration,
    workers: Vec<WatchdogObservation>,
    /// The time since which jobs wait without progress of a worker.
    untouched_since: Option<Instant>,
}

/// The last state of a worker.
#[derive(Debug, Clone, Copy)]
struct WatchdogObservation {
    progress: WorkerProgress,
    since: Instant,
}

/// The part of the server that is stuck.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stuck {
    /// This worker, from 0, makes no progress.
    Worker(usize),
    /// No worker takes the jobs in the queue.
    Queue,
}

impl Watchdog {
    /// The watchdog of these variables, if it is enabled for this process.
    pub(super) fn of(variables: &[Variable]) -> Option<Self> {
        let wanted = value(variables, "WATCHDOG_USEC")?;
        let is_set = value(variables, "WATCHDOG_PID").is_some();
        if is_set && !is_for_this_process(variables, "WATCHDOG_PID") {
            return None;
        }
        let interval = number(wanted).map(Duration::from_micros);
        if interval.is_none() {
            let wanted = wanted.to_string_lossy().escape_debug().to_string();
            log::warn!(
                "the watchdog is off: '{wanted}' is not a value for WATCHDOG_USEC: it must be a number of microseconds"
            );
        }
        let interval = interval.filter(|interval| !interval.is_zero())?;
        Some(Self {
            interval,
            workers: Vec::new(),
            untouched_since: None,
        })
    }

    /// The time between two checks.
    pub(super) fn period(&self) -> Duration {
        self.interval / CALLS
    }

    /// Checks the workers at `now`; returns the stuck part, if there is one.
    pub(super) fn look(&mut self, now: Instant, workload: &Workload) -> Option<Stuck> {
        let before = std::mem::take(&mut self.workers);
        let observed = workload
            .workers
            .iter()
            .enumerate()
            .map(|(number, progress)| {
                let seen = before.get(number).copied();
                seen.filter(|seen| seen.progress == *progress)
                    .unwrap_or(WatchdogObservation {
                        progress: *progress,
                        since: now,
                    })
            });
        self.workers = observed.collect();
        let has_changed = self.workers.iter().any(|worker| worker.since == now);
        if has_changed || workload.queued == 0 {
            self.untouched_since = None;
        } else {
            self.untouched_since.get_or_insert(now);
        }
        let limit = self.interval / 2;
        let lasts = |since: Instant| now.saturating_duration_since(since) >= limit;
        let is_stuck = |worker: &WatchdogObservation| {
            worker.progress.occupation == WorkerOccupation::Busy && lasts(worker.since)
        };
        let worker = self.workers.iter().position(is_stuck);
        worker.map(Stuck::Worker).or_else(|| {
            let since = self.untouched_since.filter(|since| lasts(*since));
            since.map(|_| Stuck::Queue)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::variables::variables;
    use super::*;
    use WorkerOccupation::{Busy, Idle};

    fn watchdog(microseconds: &str) -> Option<Watchdog> {
        Watchdog::of(&variables(&[("WATCHDOG_USEC", microseconds)]))
    }

    #[test]
    fn watchdog_is_for_the_process_that_is_named() {
        let own = std::process::id().to_string();
        for (microseconds, pid, expected) in [
            ("8000000", &*own, Some(2)),
            ("8000000", "", Some(2)),
            ("8000000", "1", None),
            ("0", &own, None),
            ("", &own, None),
            ("soon", &own, None),
        ] {
            let set = [("WATCHDOG_USEC", microseconds), ("WATCHDOG_PID", pid)];
            let watchdog = Watchdog::of(&variables(&set));
            let period = watchdog.map(|watchdog| watchdog.period().as_secs());
            assert_eq!(period, expected, "{microseconds} {pid}");
        }
    }

    /// Jobs in the queue, and for each worker whether it is busy, and how often that has changed.
    type Row<'r> = (usize, &'r [(WorkerOccupation, u64)]);

    /// Looks once a second with a limit of four; what each look finds.
    fn looks(table: &[Row<'_>]) -> Vec<Option<Stuck>> {
        let mut watchdog = watchdog("8000000").unwrap();
        let start = Instant::now();
        let look = |(second, (queued, workers)): (u64, &Row<'_>)| {
            let workers = workers.iter().map(|&(occupation, changes)| WorkerProgress {
                occupation,
                changes,
            });
            let workload = Workload {
                queued: *queued,
                workers: workers.collect(),
            };
            watchdog.look(start + Duration::from_secs(second), &workload)
        };
        (0..).zip(table).map(look).collect()
    }

    #[test]
    fn worker_with_work_and_without_progress_is_stuck_after_half_the_time() {
        let idle = (0, &[(Idle, 4), (Busy, 7)][..]);
        let stuck = Some(Stuck::Worker(1));
        let expected = [None, None, None, None, stuck, stuck];
        assert_eq!(looks(&[idle; 6]), expected);
        // A worker that makes progress in between is not stuck.
        let other = (0, &[(Idle, 4), (Busy, 9)][..]);
        let table = [idle, idle, idle, other, other, other, other, other];
        let expected = [None, None, None, None, None, None, None, stuck];
        assert_eq!(looks(&table), expected);
    }

    #[test]
    fn idle_workers_are_not_stuck() {
        assert_eq!(looks(&[(0, &[(Idle, 1), (Idle, 2)][..]); 9]), [None; 9]);
    }

    #[test]
    fn jobs_in_the_queue_are_stuck_after_half_the_time() {
        let waiting = (1, &[(Idle, 1)][..]);
        let found = looks(&[waiting; 7]);
        assert_eq!(found[..5], [None; 5]);
        assert_eq!(found[5..], [Some(Stuck::Queue); 2]);
        let taken = (1, &[(Idle, 3)][..]);
        let found = looks(&[waiting, waiting, waiting, waiting, taken, taken, taken]);
        assert_eq!(found, [None; 7]);
    }
}
