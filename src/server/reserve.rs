//! The reserve: workers for whom the waiting room has no seat, since there are as many awake as pay.
//!
//! They are called when work turns out to be long, so that nobody waits for a disk but who asked for it. Whether it is
//! long is judged by evidence, in two ways. What a worker announces as long is believed for a while after such work did
//! take long, and somebody is called at once. And while work is announced, one in the reserve is the *sentry*: it wakes
//! every few milliseconds, and goes to work itself when none of the announced work has ended since. Where files come
//! from memory nobody is called and there is no sentry, and no thread switch is paid.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

/// Work that takes longer than this is long: some hundred times what a request served from memory takes.
const LONG: Duration = Duration::from_millis(1);

/// How many announcements are believed after work that was long.
const BELIEVED: usize = 16;

/// How often the sentry looks. Work that hangs holds others up for twice this time at most.
const WATCH: Duration = Duration::from_millis(5);

/// See the module's description.
pub(super) struct Reserve {
    caller: Sender<Call>,
    calls: Receiver<Call>,
    /// Workers that wait to be called.
    waiting: AtomicUsize,
    /// Announcements that are still believed.
    belief: AtomicUsize,
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

/// Work that was announced as long; until it is dropped, it has not ended.
#[must_use = "what is announced is under way until it is dropped"]
pub(super) struct Announced<'r> {
    reserve: &'r Reserve,
    since: Instant,
}

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
            belief: AtomicUsize::new(0),
            watched: AtomicBool::new(false),
            announced: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// Waits until called to work, or as the sentry until work is overdue.
    pub(super) fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // It cannot be disconnected: this value holds a sender.
        while self.calls.recv() == Ok(Call::Watch) {
            if self.watch() {
                break;
            }
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
                if !self.progress().is_under_way() || self.watched.swap(true, Ordering::SeqCst) {
                    return false;
                }
            }
            before = now;
        }
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

    /// Announces work that may be long; tells whether that is believed.
    pub(super) fn announce(&self) -> (Announced<'_>, bool) {
        self.announced.fetch_add(1, Ordering::SeqCst);
        let announced = Announced {
            reserve: self,
            since: Instant::now(),
        };
        if self.waiting.load(Ordering::SeqCst) == 0 {
            return (announced, false);
        }
        let believed = self
            .belief
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                left.checked_sub(1)
            })
            .is_ok();
        if !believed && !self.watched.swap(true, Ordering::SeqCst) {
            // There is room for it: only one such call is under way.
            let _ = self.caller.try_send(Call::Watch);
        }
        (announced, believed)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.reserve.ended.fetch_add(1, Ordering::SeqCst);
        if self.since.elapsed() > LONG {
            self.reserve.belief.store(BELIEVED, Ordering::Relaxed);
        }
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

    fn is_believed(reserve: &Reserve) -> bool {
        reserve.announce().1
    }

    #[test]
    fn announcements_are_believed_after_long_work_for_a_while() {
        let reserve = reserve();
        assert!(!is_believed(&reserve));
        let (mut long, _) = reserve.announce();
        long.since = Instant::now().checked_sub(2 * LONG).unwrap();
        drop(long);
        for _ in 0..BELIEVED {
            assert!(is_believed(&reserve));
        }
        assert!(!is_believed(&reserve));
    }

    #[test]
    fn nobody_is_called_where_nobody_waits() {
        let reserve = Reserve::new(1);
        reserve.belief.store(BELIEVED, Ordering::SeqCst);
        assert!(!is_believed(&reserve));
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
        let work: Vec<_> = (0..4).map(|_| reserve.announce().0).collect();
        assert_eq!(reserve.calls.try_iter().collect::<Vec<_>>(), [Call::Watch]);
        drop(work);
    }

    #[test]
    fn a_sentry_goes_to_work_when_work_is_overdue() {
        let reserve = reserve();
        let (work, _) = reserve.announce();
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
