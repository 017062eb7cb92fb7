//! The reserve: workers for whom the waiting room has no seat, since there are as many awake as pay.
//!
//! They are needed when work takes long, so that nobody waits for a disk but who asked for it. Which work does is not
//! guessed. While work is under way that a worker has announced, one in the reserve is the *sentry*: it wakes every
//! millisecond, and goes to work itself for a worker whose work has not ended since; once for each such work. So as
//! many are awake as the disk keeps waiting, and one. Where files of the root itself come from memory nothing is announced, and
//! no thread switch is paid.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

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
    /// One for each worker.
    posts: Box<[Post]>,
}

/// The work of one worker, as the sentry sees it.
#[derive(Debug, Default)]
struct Post {
    /// Announcements and ends so far: odd while announced work is under way.
    turns: AtomicU64,
    /// The turn for which somebody went to work.
    heeded: AtomicU64,
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
pub(super) struct Announced<'r>(&'r Post);

fn is_under_way(turn: u64) -> bool {
    turn % 2 == 1
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
            posts: (0..workers).map(|_| Post::default()).collect(),
        }
    }

    /// Waits until called to work, or as the sentry until work is overdue.
    pub(super) fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // Who announced before that has called nobody.
        let mut watch = self.has_unheeded() && self.begin_to_watch();
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
        let mut before = self.turns();
        loop {
            // Not a wait for a call with a time-out: the channel would spin before it sleeps.
            thread::sleep(WATCH);
            let called = self.calls.try_recv() == Ok(Call::Work);
            let now = self.turns();
            if called || self.heed_one(&before, &now) {
                // This worker is awake now; who announces next calls another.
                self.watched.store(false, Ordering::SeqCst);
                return true;
            }
            if now == before {
                self.watched.store(false, Ordering::SeqCst);
                // Whoever announced before this call ended has relied on it.
                if self.turns() == now || !self.begin_to_watch() {
                    return false;
                }
            }
            before = now;
        }
    }

    /// Whether there is no sentry yet; from now on there is.
    fn begin_to_watch(&self) -> bool {
        !self.watched.load(Ordering::SeqCst) && !self.watched.swap(true, Ordering::SeqCst)
    }

    fn turns(&self) -> Vec<u64> {
        let turns = |post: &Post| post.turns.load(Ordering::SeqCst);
        self.posts.iter().map(turns).collect()
    }

    /// Whether there is work for which nobody went to work yet, and which was under way both then and now. From now
    /// on somebody did.
    fn heed_one(&self, then: &[u64], now: &[u64]) -> bool {
        self.posts
            .iter()
            .zip(then.iter().zip(now))
            .any(|(post, (then, now))| {
                then == now
                    && is_under_way(*now)
                    && post.heeded.swap(*now, Ordering::SeqCst) != *now
            })
    }

    fn has_unheeded(&self) -> bool {
        self.posts.iter().any(|post| {
            let turn = post.turns.load(Ordering::SeqCst);
            is_under_way(turn) && post.heeded.load(Ordering::SeqCst) != turn
        })
    }

    /// Calls one worker. A call that finds nobody waiting is answered by the next who would wait.
    pub(super) fn call(&self) {
        // If it is full, as many are called as there are.
        let _ = self.caller.try_send(Call::Work);
    }

    /// Announces work of this worker's that may be long. It announces no other until that has ended.
    pub(super) fn announce(&self, worker: usize) -> Announced<'_> {
        let post = &self.posts[worker];
        post.turns.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 && self.begin_to_watch() {
            // There is room for it: only one such call is under way.
            let _ = self.caller.try_send(Call::Watch);
        }
        Announced(post)
    }
}

impl Drop for Announced<'_> {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reserve in which somebody seems to wait.
    fn reserve() -> Reserve {
        let reserve = Reserve::new(4);
        reserve.waiting.store(1, Ordering::SeqCst);
        reserve
    }

    fn is_watched(reserve: &Reserve) -> bool {
        reserve.watched.load(Ordering::SeqCst)
    }

    #[test]
    fn nobody_is_called_where_nobody_waits() {
        let reserve = Reserve::new(1);
        drop(reserve.announce(0));
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
        let work: Vec<_> = (0..4).map(|worker| reserve.announce(worker)).collect();
        assert_eq!(reserve.calls.try_iter().collect::<Vec<_>>(), [Call::Watch]);
        drop(work);
    }

    #[test]
    fn somebody_goes_to_work_once_for_each_work_that_hangs() {
        let reserve = reserve();
        let work = [reserve.announce(0), reserve.announce(2)];
        for _ in &work {
            assert!(reserve.watch());
            assert!(!is_watched(&reserve));
        }
        assert!(!reserve.has_unheeded());
        assert!(!reserve.watch());
        drop(work);
        let again = reserve.announce(2);
        assert!(reserve.watch());
        drop(again);
    }

    /// While one worker hangs, another that is busy must not make it look alive.
    #[test]
    fn who_is_busy_does_not_hide_who_hangs() {
        let reserve = reserve();
        let hangs = reserve.announce(0);
        let before = reserve.turns();
        drop(reserve.announce(1));
        let busy = reserve.announce(1);
        assert!(reserve.heed_one(&before, &reserve.turns()));
        drop((hangs, busy));
    }

    #[test]
    fn a_sentry_is_relieved_when_there_is_no_more_to_watch() {
        let reserve = reserve();
        drop(reserve.announce(0));
        assert_eq!(reserve.calls.recv(), Ok(Call::Watch));
        assert!(!reserve.watch());
        assert!(!is_watched(&reserve));
    }

    #[test]
    fn who_comes_while_nobody_watches_is_the_sentry() {
        let reserve = Reserve::new(1);
        let work = reserve.announce(0);
        reserve.wait();
        drop(work);
    }

    #[test]
    fn a_sentry_answers_a_call() {
        let reserve = reserve();
        reserve.watched.store(true, Ordering::SeqCst);
        reserve.call();
        assert!(reserve.watch());
    }
}
