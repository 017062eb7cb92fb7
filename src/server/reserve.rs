//! The reserve: workers for whom the waiting room has no seat, since there are as many awake as pay.
//!
//! They are called when work turns out to be long, so that the processor does not idle while a worker waits for a disk.
//! Whether it is long is judged by evidence: what a worker announces as long is believed for a while after such work
//! did take long. Where files come from memory nobody is called, and no thread switch is paid.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Work that takes longer than this is long: some hundred times what a request served from memory takes.
const LONG: Duration = Duration::from_millis(1);

/// How many announcements are believed after work that was long.
const BELIEVED: usize = 16;

/// See the module's description.
pub(super) struct Reserve {
    caller: Sender<()>,
    calls: Receiver<()>,
    /// Workers that wait to be called.
    waiting: AtomicUsize,
    /// Announcements that are still believed.
    belief: AtomicUsize,
}

/// Work that was announced as long, and when it began.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced(Instant);

impl Reserve {
    /// A reserve of up to `workers`.
    pub(super) fn new(workers: usize) -> Self {
        let (caller, calls) = bounded(workers);
        Self {
            caller,
            calls,
            waiting: AtomicUsize::new(0),
            belief: AtomicUsize::new(0),
        }
    }

    /// Waits until called.
    pub(super) fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // It cannot be disconnected: this value holds a sender.
        let _ = self.calls.recv();
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Calls one worker. A call that finds nobody waiting is answered by the next who would wait.
    pub(super) fn call(&self) {
        // If it is full, as many are called as there are.
        let _ = self.caller.try_send(());
    }

    /// Announces work that may be long; tells whether that is believed.
    pub(super) fn announce(&self) -> (Announced, bool) {
        let believed = self.waiting.load(Ordering::SeqCst) > 0
            && self
                .belief
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok();
        (Announced(Instant::now()), believed)
    }

    /// Takes note of how long announced work took.
    pub(super) fn ended(&self, work: Announced) {
        if work.0.elapsed() > LONG {
            self.belief.store(BELIEVED, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_believed_after_long_work_for_a_while() {
        let reserve = Reserve::new(1);
        reserve.waiting.store(1, Ordering::SeqCst);
        assert!(!reserve.announce().1);
        let long_ago = Instant::now().checked_sub(2 * LONG).unwrap();
        reserve.ended(Announced(long_ago));
        for _ in 0..BELIEVED {
            assert!(reserve.announce().1);
        }
        assert!(!reserve.announce().1);
    }

    #[test]
    fn nobody_is_called_where_nobody_waits() {
        let reserve = Reserve::new(1);
        reserve.belief.store(BELIEVED, Ordering::SeqCst);
        assert!(!reserve.announce().1);
    }

    #[test]
    fn a_call_before_the_wait_is_not_lost() {
        let reserve = Reserve::new(1);
        reserve.call();
        reserve.wait();
        assert_eq!(reserve.waiting.load(Ordering::SeqCst), 0);
    }
}
