//! The reserve: workers for whom the waiting room has no seat, since there are as many awake as pay.
//!
//! They are needed when work takes long, so that nobody waits for a disk but who asked for it. Which work does is not
//! guessed. While work is under way that a worker has announced, one in the reserve is the *sentry*: it wakes every
//! millisecond, and goes to work itself for a worker whose work has not ended since; once for each such work. So as
//! many are awake as the disk keeps waiting, and one. A worker that waits for a processor needs no help for some
//! looks: a colleague would only take that from it. Where files of the root itself come from memory nothing is
//! announced, and no thread switch is paid.

use std::fs::File;
use std::io::Read;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use memchr::memrchr;
use rustix::thread::gettid;

/// How often the sentry looks: some hundred times what a request served from memory takes. Work that hangs holds
/// others up for twice this time at most.
const WATCH: Duration = Duration::from_millis(1);

/// So many looks in a row may find a worker that could run and does not, for want of a processor.
const STARVED: u32 = 10;

/// See the module's description.
pub(crate) struct SpareWorkers {
    caller: Sender<Call>,
    calls: Receiver<Call>,
    /// Workers that wait to be called.
    waiting: AtomicUsize,
    /// Whether there is a sentry, or one was called.
    watched: AtomicBool,
    /// One for each worker.
    activities: Box<[WorkerActivity]>,
}

/// The work of one worker, as the sentry sees it.
#[derive(Debug, Default)]
struct WorkerActivity {
    /// Announcements and ends so far: odd while announced work is under way.
    turns: AtomicU64,
    /// The turn for which somebody went to work.
    claimed: AtomicU64,
    /// The worker's thread, as gettid(2) has it; 0 until that is known.
    thread: AtomicI32,
}

/// What the sentry saw of one worker.
struct Look<'r> {
    activity: &'r WorkerActivity,
    turn: u64,
    /// Looks in a row that found it in this turn, and able to run.
    runnable: u32,
    /// The processor time that its thread had used at the last of them, in ns.
    used: u64,
}

/// Whether a thread could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It waits, for a disk most likely.
    Waits,
    /// It runs, or would if there were a processor for it; it has used so many ns of one so far.
    Runnable(u64),
}

/// What the sentry sees of one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It has no work, or work for which somebody went to work.
    Rests,
    /// It gets on, or will when it has a processor.
    Works,
    /// Its work has not ended since the last look, and it waits; or computes, or has had no processor for long.
    Hangs,
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
pub(crate) struct BlockingSection<'r>(&'r WorkerActivity);

fn is_under_way(turn: u64) -> bool {
    turn % 2 == 1
}

impl WorkerActivity {
    fn turn(&self) -> u64 {
        self.turns.load(Ordering::SeqCst)
    }

    /// Whether work is under way in this turn for which nobody went to work.
    fn is_unclaimed(&self, turn: u64) -> bool {
        is_under_way(turn) && self.claimed.load(Ordering::SeqCst) != turn
    }

    /// What the worker's thread does; see /proc/pid/stat and /proc/pid/schedstat in proc(5).
    fn state(&self) -> State {
        // It begins with the number, the name, of 15 bytes at most, in parentheses, and the state.
        let mut text = [0_u8; 64];
        let stat = self.about("stat", &mut text);
        if !memrchr(b')', stat).is_some_and(|at| stat[at..].starts_with(b") R")) {
            return State::Waits;
        }
        let times = str::from_utf8(self.about("schedstat", &mut text)).unwrap_or_default();
        let used = times.split(' ').next().and_then(|used| used.parse().ok());
        State::Runnable(used.unwrap_or(0))
    }

    /// The beginning of what /proc says of the worker's thread; nothing if it says nothing.
    fn about<'t>(&self, what: &str, text: &'t mut [u8]) -> &'t [u8] {
        let thread = self.thread.load(Ordering::Relaxed);
        let length = File::open(format!("/proc/self/task/{thread}/{what}"))
            .and_then(|mut file| file.read(text))
            .unwrap_or(0);
        &text[..length]
    }
}

impl<'r> Look<'r> {
    fn first(activity: &'r WorkerActivity) -> Self {
        Self {
            activity,
            turn: activity.turn(),
            runnable: 0,
            used: 0,
        }
    }

    /// Looks once more.
    fn again(&mut self) -> Seen {
        if !self.holds() {
            *self = Self::first(self.activity);
            Seen::Works
        } else if !self.activity.is_unclaimed(self.turn) {
            Seen::Rests
        } else {
            self.judge(self.activity.state())
        }
    }

    /// What it means for work that has not ended since the last look that its worker is in this state now.
    fn judge(&mut self, state: State) -> Seen {
        let State::Runnable(used) = state else {
            return Seen::Hangs;
        };
        let computes = self.runnable > 0 && used > self.used;
        self.used = used;
        self.runnable += 1;
        if computes || self.runnable > STARVED {
            Seen::Hangs
        } else {
            Seen::Works
        }
    }

    /// Whether the worker still is in the turn that was seen.
    fn holds(&self) -> bool {
        self.activity.turn() == self.turn
    }

    /// Whether nobody went to work for this yet. From now on somebody did.
    fn claim(&self) -> bool {
        self.activity.claimed.swap(self.turn, Ordering::SeqCst) != self.turn
    }
}

impl SpareWorkers {
    /// A reserve of up to `workers`.
    pub(crate) fn new(workers: usize) -> Self {
        let (caller, calls) = bounded(workers + 1);
        Self {
            caller,
            calls,
            waiting: AtomicUsize::new(0),
            watched: AtomicBool::new(false),
            activities: (0..workers).map(|_| WorkerActivity::default()).collect(),
        }
    }

    /// Takes note of the calling thread as that of a worker.
    pub(crate) fn sign_on(&self, worker: usize) {
        let thread = gettid().as_raw_nonzero().get();
        self.activities[worker]
            .thread
            .store(thread, Ordering::Relaxed);
    }

    /// Waits until called to work, or as the sentry until work is overdue.
    pub(crate) fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        // Who announced before that has called nobody.
        let mut watch = self.has_unclaimed() && self.begin_to_watch();
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
        let mut looks: Vec<_> = self.activities.iter().map(Look::first).collect();
        loop {
            // Not a wait for a call with a time-out: the channel would spin before it sleeps.
            thread::sleep(WATCH);
            let called = self.calls.try_recv() == Ok(Call::Work);
            let seen: Vec<_> = looks.iter_mut().map(Look::again).collect();
            let mut hanging = looks
                .iter()
                .zip(&seen)
                .filter(|(_, seen)| **seen == Seen::Hangs);
            if called || hanging.any(|(look, _)| look.claim()) {
                // This worker is awake now; who announces next calls another.
                self.watched.store(false, Ordering::SeqCst);
                return true;
            }
            if seen.iter().all(|&seen| seen == Seen::Rests) {
                self.watched.store(false, Ordering::SeqCst);
                // Whoever announced before this call ended has relied on it.
                if looks.iter().all(Look::holds) || !self.begin_to_watch() {
                    return false;
                }
            }
        }
    }

    /// Whether there is no sentry yet; from now on there is.
    fn begin_to_watch(&self) -> bool {
        !self.watched.load(Ordering::SeqCst) && !self.watched.swap(true, Ordering::SeqCst)
    }

    fn has_unclaimed(&self) -> bool {
        self.activities
            .iter()
            .any(|activity| activity.is_unclaimed(activity.turn()))
    }

    /// Calls one worker. A call that finds nobody waiting is answered by the next who would wait.
    pub(crate) fn call(&self) {
        // If it is full, as many are called as there are.
        let _ = self.caller.try_send(Call::Work);
    }

    /// Announces work of this worker's that may be long. It announces no other until that has ended.
    pub(crate) fn enter_blocking_section(&self, worker: usize) -> BlockingSection<'_> {
        let activity = &self.activities[worker];
        activity.turns.fetch_add(1, Ordering::SeqCst);
        if self.waiting.load(Ordering::SeqCst) > 0 && self.begin_to_watch() {
            // There is room for it: only one such call is under way.
            let _ = self.caller.try_send(Call::Watch);
        }
        BlockingSection(activity)
    }
}

impl Drop for BlockingSection<'_> {
    fn drop(&mut self) {
        self.0.turns.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reserve in which somebody seems to wait.
    fn spares() -> SpareWorkers {
        let spares = SpareWorkers::new(4);
        spares.waiting.store(1, Ordering::SeqCst);
        spares
    }

    fn is_watched(spares: &SpareWorkers) -> bool {
        spares.watched.load(Ordering::SeqCst)
    }

    #[test]
    fn nobody_is_called_where_nobody_waits() {
        let spares = SpareWorkers::new(1);
        drop(spares.enter_blocking_section(0));
        assert!(spares.calls.is_empty());
    }

    #[test]
    fn a_call_before_the_wait_is_not_lost() {
        let spares = SpareWorkers::new(1);
        spares.call();
        spares.wait();
        assert_eq!(spares.waiting.load(Ordering::SeqCst), 0);
    }

    #[test]
    fn one_sentry_is_called_however_much_is_announced() {
        let spares = spares();
        let work: Vec<_> = (0..4)
            .map(|worker| spares.enter_blocking_section(worker))
            .collect();
        assert_eq!(spares.calls.try_iter().collect::<Vec<_>>(), [Call::Watch]);
        drop(work);
    }

    #[test]
    fn somebody_goes_to_work_once_for_each_work_that_hangs() {
        let spares = spares();
        let work = [
            spares.enter_blocking_section(0),
            spares.enter_blocking_section(2),
        ];
        for _ in &work {
            assert!(spares.watch());
            assert!(!is_watched(&spares));
        }
        assert!(!spares.has_unclaimed());
        assert!(!spares.watch());
        drop(work);
        let again = spares.enter_blocking_section(2);
        assert!(spares.watch());
        drop(again);
    }

    /// While one worker hangs, another that is busy must not make it look alive.
    #[test]
    fn who_is_busy_does_not_hide_who_hangs() {
        let spares = spares();
        let hangs = spares.enter_blocking_section(0);
        let mut looks = [0, 1].map(|worker| Look::first(&spares.activities[worker]));
        drop(spares.enter_blocking_section(1));
        let busy = spares.enter_blocking_section(1);
        assert_eq!(
            looks.each_mut().map(Look::again),
            [Seen::Hangs, Seen::Works]
        );
        assert!(looks[0].claim() && !looks[0].claim());
        assert_eq!(
            looks.each_mut().map(Look::again),
            [Seen::Rests, Seen::Hangs]
        );
        drop((hangs, busy));
        assert_eq!(
            looks.each_mut().map(Look::again),
            [Seen::Works, Seen::Works]
        );
        assert_eq!(
            looks.each_mut().map(Look::again),
            [Seen::Rests, Seen::Rests]
        );
    }

    /// Who has no processor needs no colleague for a while; who uses one, or waits for something else, does.
    #[test]
    fn what_the_state_of_a_worker_means() {
        use Seen::{Hangs, Works};
        use State::{Runnable, Waits};
        let starved = [Runnable(5); STARVED as usize];
        for (states, expected) in [
            (&[Waits][..], Hangs),
            (&[Runnable(5)], Works),
            (&[Runnable(5), Runnable(5), Runnable(5)], Works),
            (&[Runnable(5), Runnable(6)], Hangs),
            (&[Runnable(5), Runnable(5), Runnable(6)], Hangs),
            (&[Runnable(5), Waits], Hangs),
            (&starved, Works),
            (&[&starved[..], &[Runnable(5)]].concat(), Hangs),
        ] {
            let spares = spares();
            let mut look = Look::first(&spares.activities[0]);
            let seen = states.iter().map(|&state| look.judge(state)).last();
            assert_eq!(seen, Some(expected), "{states:?}");
        }
    }

    #[test]
    fn the_state_of_a_thread() {
        let spares = spares();
        let activity = &spares.activities[0];
        assert_eq!(activity.state(), State::Waits, "nobody has signed on");
        spares.sign_on(0); // this thread, which runs
        assert!(matches!(activity.state(), State::Runnable(_)));
        let (caller, calls) = bounded::<()>(0);
        thread::scope(|scope| {
            // Its name does not matter.
            let waits = thread::Builder::new().name("a) R (".to_owned());
            let (ready, told) = bounded(1);
            let spares = &spares;
            waits
                .spawn_scoped(scope, move || {
                    spares.sign_on(0);
                    ready.send(()).unwrap();
                    calls.recv().unwrap_err();
                })
                .unwrap();
            told.recv().unwrap();
            while activity.state() != State::Waits {
                thread::yield_now();
            }
            drop(caller);
        });
    }

    #[test]
    fn a_sentry_is_relieved_when_there_is_no_more_to_watch() {
        let spares = spares();
        drop(spares.enter_blocking_section(0));
        assert_eq!(spares.calls.recv(), Ok(Call::Watch));
        assert!(!spares.watch());
        assert!(!is_watched(&spares));
    }

    #[test]
    fn who_comes_while_nobody_watches_is_the_sentry() {
        let spares = SpareWorkers::new(1);
        let work = spares.enter_blocking_section(0);
        spares.wait();
        drop(work);
    }

    #[test]
    fn a_sentry_answers_a_call() {
        let spares = spares();
        spares.watched.store(true, Ordering::SeqCst);
        spares.call();
        assert!(spares.watch());
    }
}
