//! Spare workers: those that sleep because the most workers already poll.
//!
//! They are needed when the others block, so that only the client that needs a disk waits for it. When a worker
//! enters a blocking section while spare workers sleep, one of them becomes the monitor, unless there is one. Where
//! requests are served from memory there are no sections, and no thread is woken. The invariant: *while a worker is
//! blocked and another is spare, one that is not blocked is awake*: it works, or it is the monitor.
//!
//! It holds because a worker first marks its section, and then looks for spare workers and for a monitor:
//!
//! 1. No spare worker waits. One that comes later counts itself first, and looks for sections before it sleeps. All
//!    four steps are `SeqCst`, so at least one of the two workers sees the other.
//! 2. There is no monitor. It calls one, and the call stays in `calls` until a spare worker takes it.
//! 3. There is a monitor, which resigns because its last look was before the section. It looks for sections once more
//!    before it sleeps, and finds this one, which was marked while the monitor's place was taken.
//! 4. There is a monitor, which resigns to work. So it is awake. It calls another monitor when it enters a section
//!    itself, looks for sections when it becomes spare, and as a poller it is woken when there is work.
//!
//! A new monitor looks at all workers. So the monitor that is called last finds the sections that called none.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use super::monitor::{LookOutcome, Monitor};
use super::worker_activity::BlockingSection;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{self, Condvar, Mutex, lock};

/// The time between two looks of the monitor: some hundred times that of a request from memory. A worker that is
/// blocked delays others for twice this time at most.
const INTERVAL: Duration = Duration::from_millis(1);

/// See the module's description.
pub(crate) struct SpareWorkers {
    monitor: Monitor,
    /// Workers that sleep here, with the monitor.
    waiting: AtomicUsize,
    /// Guards the calls that no spare worker has answered.
    calls: Mutex<Calls>,
    called: Condvar,
    workers: usize,
}

/// The calls to spare workers.
#[derive(Debug, Default)]
struct Calls {
    /// This many must work.
    work: usize,
    /// One must become the monitor. The place is reserved for it.
    monitor: bool,
}

/// The task of a spare worker.
enum Duty {
    Work,
    Monitor,
}

impl SpareWorkers {
    /// A place to sleep for some of `workers`.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            monitor: Monitor::new(workers),
            waiting: AtomicUsize::new(0),
            calls: Mutex::default(),
            called: Condvar::new(),
            workers,
        }
    }

    /// The number of workers, those that work included.
    pub(crate) fn workers(&self) -> usize {
        self.workers
    }

    /// Whether a worker is spare now.
    pub(crate) fn are_waiting(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// Sets the thread of `worker`: the one with this `/proc/thread-self/stat`.
    pub(crate) fn bind_to_thread(&self, worker: usize, stat: Arc<File>) {
        self.monitor.activity(worker).bind_to_thread(stat);
    }

    /// Sleeps until a call to work. If this worker becomes the monitor, also until the monitor goes to work.
    pub(crate) fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        loop {
            match self.next_duty() {
                Duty::Work => break,
                Duty::Monitor if self.is_needed_while_watching() => break,
                Duty::Monitor => {}
            }
        }
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Calls one worker to work. If no worker sleeps, the next one that is about to sleep answers the call.
    pub(crate) fn call(&self) {
        let mut calls = lock(&self.calls);
        calls.work = (calls.work + 1).min(self.workers);
        drop(calls);
        self.called.notify_one();
    }

    /// Enters a blocking section of this worker, which leaves it before it enters another.
    pub(crate) fn enter_blocking_section(&self, worker: usize) -> BlockingSection<'_> {
        let section = self.monitor.enter(worker);
        // Either this worker sees the one that goes to sleep, or that one sees this section.
        if self.are_waiting() && self.monitor.appoint() {
            lock(&self.calls).monitor = true;
            self.called.notify_one();
        }
        section
    }

    fn next_duty(&self) -> Duty {
        let mut calls = lock(&self.calls);
        loop {
            if calls.work > 0 {
                calls.work -= 1;
                return Duty::Work;
            }
            // A section that was entered before this worker went to sleep, or while there was another monitor or this
            // one was it, has called none.
            if std::mem::take(&mut calls.monitor)
                || (self.monitor.has_unclaimed() && self.monitor.appoint())
            {
                return Duty::Monitor;
            }
            calls = sync::wait(&self.called, calls);
        }
    }

    /// Is the monitor until there is nothing to watch, or until this worker must work: then true.
    fn is_needed_while_watching(&self) -> bool {
        let mut watch = self.monitor.watch();
        loop {
            sync::sleep(INTERVAL);
            if self.take_call_to_work() {
                // This worker is awake now, and the next worker that enters a section calls another.
                self.monitor.resign();
                return true;
            }
            match watch.look() {
                LookOutcome::Claimed => return true,
                LookOutcome::Nothing => {}
                LookOutcome::Idle => return false,
            }
        }
    }

    fn take_call_to_work(&self) -> bool {
        let mut calls = lock(&self.calls);
        let is_called = calls.work > 0;
        calls.work = calls.work.saturating_sub(1);
        is_called
    }
}

#[cfg(test)]
impl SpareWorkers {
    /// Spare workers, one of which seems to sleep.
    pub(crate) fn asleep() -> Self {
        let spares = Self::new(4);
        spares.waiting.store(1, Ordering::SeqCst);
        spares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_monitor_called(spares: &SpareWorkers) -> bool {
        std::mem::take(&mut lock(&spares.calls).monitor)
    }

    #[test]
    fn no_monitor_is_called_where_nobody_sleeps() {
        let spares = SpareWorkers::new(1);
        drop(spares.enter_blocking_section(0));
        assert!(!is_monitor_called(&spares));
    }

    #[test]
    fn call_before_the_sleep_is_not_lost() {
        let spares = SpareWorkers::new(1);
        spares.call();
        spares.wait();
        assert_eq!(spares.waiting.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn no_more_calls_are_kept_than_there_are_workers() {
        let spares = SpareWorkers::new(2);
        for _ in 0..5 {
            spares.call();
        }
        assert_eq!(lock(&spares.calls).work, 2);
    }

    #[test]
    fn one_monitor_is_called_for_many_sections() {
        let spares = SpareWorkers::asleep();
        let first = spares.enter_blocking_section(0);
        assert!(is_monitor_called(&spares));
        let others = [1, 2, 3].map(|worker| spares.enter_blocking_section(worker));
        assert!(!is_monitor_called(&spares));
        drop((first, others));
    }

    #[test]
    fn worker_that_goes_to_sleep_beside_a_blocked_one_becomes_the_monitor_and_then_works() {
        let spares = SpareWorkers::new(2);
        let section = spares.enter_blocking_section(0);
        spares.wait(); // finds a section that lasts, without being called
        assert!(!spares.monitor.has_unclaimed());
        drop(section);
    }

    #[test]
    fn monitor_answers_a_call_to_work() {
        let spares = SpareWorkers::asleep();
        assert!(spares.monitor.appoint());
        spares.call();
        assert!(spares.is_needed_while_watching());
        assert!(spares.monitor.appoint(), "its place is free");
    }

    #[test]
    fn monitor_ends_when_there_is_nothing_to_watch() {
        let spares = SpareWorkers::asleep();
        drop(spares.enter_blocking_section(0));
        assert!(is_monitor_called(&spares));
        assert!(!spares.is_needed_while_watching());
        assert!(spares.monitor.appoint(), "its place is free");
    }
}
