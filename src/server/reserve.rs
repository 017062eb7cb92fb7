//! The reserve: workers for whom the waiting room has no seat, since there are as many awake as pay.
//!
//! They are needed when work takes long, so that nobody waits for a disk but who asked for it. Which work does is not
//! guessed. While work is under way that a worker has announced, one in the reserve is the *sentry*: it wakes every
//! millisecond, and goes to work itself when none of it has ended since. Later it stays awake if it finds a seat, so as
//! many are awake as the disk keeps waiting, and one. Where files come from memory nothing is announced, and no thread
//! switch is paid.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

/// How often the sentry looks: some hundred times what a request served from memory takes. Work that hangs holds
/// others up for twice this time at most.
const WATCH: Duration = Duration::from_millis(1);

/// See the module's description.
pub(super) struct Reserve {
    caller: Sender<Call>,
    calls: Receiver<Call>,
    /// Workers that wait to be called.
    waiting: AtomicUsize,
    /// Whether there is a sentry, or one was called.
    watched: AtomicBool,
    /// Announcements so far, and how many of them have ended.
    announced: AtomicU64,
    ended: AtomicU64,
}

/// What a worker is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// To work.
    Work,
    /// To be the sentry.
    Watch,
}

/// Work that was announced; until this is dropped, it has not ended.
#[must_use = "what is announced is under way until it is dropped"]
pub(super) struct Announced<'r>(&'r Reserve);

/// How announced work stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    announced: u64,
    ended: u64,
}

impl Progress {
    fn is_under_way(self) -> bool {
        self.announced != self.ended
    }
}

impl Reserve {
    /// A reserve of up to `workers`.
    pub(super) fn new(workers: usize) -> Self {
        let (caller, calls) = bounded(workers + 1);
        Self {
            caller,
            calls,
            waiting: AtomicUsize::new(0),
            watched: AtomicBool::new(false),
            announced: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// Waits until called to work, or as the sentry until work is overdue.
    pub(super) fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // Who announced before that has called nobody.
        let mut watch = self.progress().is_under_way() && self.begin_to_watch();
        while !(watch && self.watch()) {
            // It cannot be disconnected: this value holds a sender.
            if self.calls.recv() != Ok(Call::Watch) {
                break;
            }
            watch = true;
        }
        self.waiting.fetch_sub(1, Ordering::SeqCst);
    }

    /// Stands sentry: true as soon as this worker is needed, false when there is nothing to watch any more.
    fn watch(&self) -> bool {
        let mut before = self.progress();
        loop {
            let called = match self.calls.recv_timeout(WATCH) {
                Ok(call) => call == Call::Work,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => false,
            };
            let now = self.progress();
            if called || before.is_under_way() && now.ended == before.ended {
                self.watched.store(false, Ordering::SeqCst);
                return true;
            }
            if now == before {
                self.watched.store(false, Ordering::SeqCst);
                // Whoever announced before this call ended has relied on it.
                if !self.progress().is_under_way() || !self.begin_to_watch() {
                    return false;
                }
            }
            before = now;
        }
    }

    /// Whether there is no sentry yet; from now on there is.
    fn begin_to_watch(&self) -> bool {
        !self.watched.swap(true, Ordering::SeqCst)
    }

    fn progress(&self) -> Progress {
        // In this order, so that what has ended was announced.
        let ended = self.ended.load(Ordering::SeqCst);
        let announced = self.announced.load(Ordering::SeqCst);
        Progress { announced, ended }
    }

    /// Calls one worker. A call that finds nobody waiting is answered by the next who would wait.
    pub(super) fn call(&self) {
        // If it is full, as many are called as there are.
        let _ = self.caller.try_send(Call::Work);
    }

    /// Announces work that may be long.
    pub(super) fn announce(&self) -> Announced<'_> {
        self.announced.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 && self.begin_to_watch() {
            // There is room for it: only one such call is under way.
            let _ = self.caller.try_send(Call::Watch);
        }
        Announced(self)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// A reserve in which somebody seems to wait.
    fn reserve() -> Reserve {
        let reserve = Reserve::new(2);
        reserve.waiting.store(1, Ordering::SeqCst);
        reserve
    }

    #[test]
    fn nobody_is_called_where_nobody_waits() {
        let reserve = Reserve::new(1);
        drop(reserve.announce());
        assert!(reserve.calls.is_empty());
    }

    #[test]
    fn a_call_before_the_wait_is_not_lost() {
        let reserve = Reserve::new(1);
        reserve.call();
        reserve.wait();
        assert_eq!(reserve.waiting.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn one_sentry_is_called_however_much_is_announced() {
        let reserve = reserve();
        let work: Vec<_> = (0..4).map(|_| reserve.announce()).collect();
        assert_eq!(reserve.calls.try_iter().collect::<Vec<_>>(), [Call::Watch]);
        drop(work);
    }

    #[test]
    fn a_sentry_goes_to_work_when_work_is_overdue() {
        let reserve = reserve();
        let work = reserve.announce();
        reserve.wait();
        assert!(!reserve.watched.load(Ordering::SeqCst));
        drop(work);
    }

    #[test]
    fn a_sentry_is_relieved_when_there_is_no_more_to_watch() {
        let reserve = reserve();
        drop(reserve.announce());
        assert_eq!(reserve.calls.recv(), Ok(Call::Watch));
        assert!(!reserve.watch());
        assert!(!reserve.watched.load(Ordering::SeqCst));
    }

    #[test]
    fn who_comes_while_nobody_watches_is_the_sentry() {
        let reserve = Reserve::new(1);
        let work = reserve.announce();
        reserve.wait();
        drop(work);
    }

    #[test]
    fn a_sentry_answers_a_call() {
        let reserve = Reserve::new(2);
        thread::scope(|scope| {
            let sentry = scope.spawn(|| {
                reserve.watched.store(true, Ordering::SeqCst);
                reserve.watch()
            });
            reserve.call();
            assert!(sentry.join().unwrap());
        });
    }
}
