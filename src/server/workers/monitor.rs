//! The monitor: it finds blocking sections that last, as sysmon does in Go's runtime.
//!
//! A spare worker is the monitor while there are blocking sections. It looks at all workers once a millisecond, and
//! goes to work itself for a section that has lasted from one look to the next; once for each section. So as many
//! workers are awake as wait for the disk, and one more. A worker that waits for a processor is ignored for some
//! looks: another worker would only take that processor from it. Nothing here sleeps or calls a spare worker: `spares`
//! does that.

use super::thread_state::ThreadState;
use super::worker_activity::{BlockingSection, SectionNumber, WorkerActivity};
use crate::sync::atomic::{AtomicBool, Ordering};

/// The number of looks in a row that may find a worker able to run and still in the same section.
const STARVED: u32 = 10;

/// The activities of all workers, and whether a monitor looks at them.
pub(super) struct Monitor {
    /// One activity for each worker.
    activities: Box<[WorkerActivity]>,
    /// Whether there is a monitor, or a spare worker was called to be it.
    exists: AtomicBool,
}

/// The observations of the monitor about all workers.
pub(super) struct Watch<'m> {
    monitor: &'m Monitor,
    observations: Vec<Observation<'m>>,
}

/// The result of one look at all workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LookOutcome {
    /// A section lasts, and this thread has claimed it: it must work, and is no longer the monitor.
    Claimed,
    /// The next look may find a section that lasts.
    Nothing,
    /// There is no section to look at. This thread is no longer the monitor.
    Idle,
}

/// The observations of the monitor about one worker.
struct Observation<'m> {
    activity: &'m WorkerActivity,
    section: SectionNumber,
    /// Looks in a row that found the worker in this section, and able to run.
    runnable: u32,
}

/// The result of one look at one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    /// It is not in a blocking section, or the section is claimed.
    NotBlocked,
    /// It makes progress, or will when it has a processor.
    Progressing,
    /// It was in the same section at the last look, and sleeps; or has had no processor for long.
    Blocked,
}

impl Monitor {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            activities: (0..workers).map(|_| WorkerActivity::new()).collect(),
            exists: AtomicBool::new(false),
        }
    }

    pub(super) fn activity(&self, worker: usize) -> &WorkerActivity {
        &self.activities[worker]
    }

    /// Enters a blocking section of this worker.
    pub(super) fn enter(&self, worker: usize) -> BlockingSection<'_> {
        self.activities[worker].enter()
    }

    /// Whether any worker is in a section that no monitor has claimed.
    pub(super) fn has_unclaimed(&self) -> bool {
        let mut activities = self.activities.iter();
        activities.any(|activity| activity.is_unclaimed(activity.section()))
    }

    /// Claims the monitor's place, for the caller or for the worker that the caller calls. False if it is taken.
    pub(super) fn appoint(&self) -> bool {
        !self.exists.load(Ordering::SeqCst) && !self.exists.swap(true, Ordering::SeqCst)
    }

    /// Gives up the monitor's place.
    pub(super) fn resign(&self) {
        self.exists.store(false, Ordering::SeqCst);
    }

    /// Begins to watch, after [`Monitor::appoint`].
    pub(super) fn watch(&self) -> Watch<'_> {
        Watch {
            monitor: self,
            observations: self.activities.iter().map(Observation::new).collect(),
        }
    }
}

impl Watch<'_> {
    /// Looks at all workers once more.
    pub(super) fn look(&mut self) -> LookOutcome {
        let mut is_idle = true;
        for observation in &mut self.observations {
            let seen = observation.look();
            is_idle &= seen == Seen::NotBlocked;
            if seen == Seen::Blocked && observation.claim() {
                self.monitor.resign();
                return LookOutcome::Claimed;
            }
        }
        if !is_idle {
            return LookOutcome::Nothing;
        }
        // A worker that enters a section before this sees a monitor, and calls none. This thread looks for such a
        // section before it sleeps, and a worker that enters one later calls another monitor.
        self.monitor.resign();
        LookOutcome::Idle
    }
}

impl<'m> Observation<'m> {
    fn new(activity: &'m WorkerActivity) -> Self {
        Self {
            activity,
            section: activity.section(),
            runnable: 0,
        }
    }

    fn look(&mut self) -> Seen {
        if !self.is_current() {
            *self = Self::new(self.activity);
            Seen::Progressing
        } else if self.activity.is_unclaimed(self.section) {
            self.judge(self.activity.thread_state())
        } else {
            Seen::NotBlocked
        }
    }

    /// The result for a worker that is in the same section as at the last look.
    fn judge(&mut self, state: ThreadState) -> Seen {
        match state {
            ThreadState::Sleeps => Seen::Blocked,
            ThreadState::Runnable if self.runnable == STARVED => Seen::Blocked,
            ThreadState::Runnable => {
                self.runnable += 1;
                Seen::Progressing
            }
        }
    }

    /// Whether the worker is still in the observed section.
    fn is_current(&self) -> bool {
        self.activity.section() == self.section
    }

    fn claim(&self) -> bool {
        self.activity.claim(self.section)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A monitor whose place is taken, as when a thread watches.
    fn monitor(workers: usize) -> Monitor {
        let monitor = Monitor::new(workers);
        assert!(monitor.appoint() && !monitor.appoint());
        monitor
    }

    #[test]
    fn section_that_lasts_is_claimed_once() {
        let monitor = monitor(4);
        let sections = [monitor.enter(0), monitor.enter(2)];
        for _ in &sections {
            assert_eq!(monitor.watch().look(), LookOutcome::Claimed);
            assert!(monitor.appoint(), "the monitor has gone to work");
        }
        assert!(!monitor.has_unclaimed());
        assert_eq!(monitor.watch().look(), LookOutcome::Idle);
        drop(sections);
        let again = monitor.enter(2);
        assert!(monitor.has_unclaimed());
        assert_eq!(monitor.watch().look(), LookOutcome::Claimed);
        drop(again);
    }

    /// While one worker is blocked, another that is busy must not make it look alive.
    #[test]
    fn busy_worker_does_not_hide_a_blocked_one() {
        let monitor = monitor(2);
        let blocked = monitor.enter(0);
        let mut watch = monitor.watch();
        drop(monitor.enter(1));
        let busy = monitor.enter(1);
        assert_eq!(watch.look(), LookOutcome::Claimed);
        assert!(monitor.appoint());
        // The second worker is in another section than at the first look.
        assert_eq!(watch.look(), LookOutcome::Nothing);
        assert_eq!(watch.look(), LookOutcome::Claimed);
        drop((blocked, busy));
    }

    #[test]
    fn monitor_ends_when_there_is_nothing_to_watch() {
        let monitor = monitor(2);
        let mut watch = monitor.watch();
        drop(monitor.enter(0));
        assert_eq!(watch.look(), LookOutcome::Nothing, "something has changed");
        assert_eq!(watch.look(), LookOutcome::Idle);
        assert!(monitor.appoint(), "its place is free");
    }

    /// A worker without a processor needs no help for a while; one that sleeps does.
    #[test]
    fn state_of_a_thread_decides_after_ten_looks_at_the_latest() {
        use Seen::{Blocked, Progressing};
        use ThreadState::{Runnable, Sleeps};
        let starved = [Runnable; STARVED as usize];
        for (states, expected) in [
            (&[Sleeps][..], Blocked),
            (&[Runnable], Progressing),
            (&[Runnable, Sleeps], Blocked),
            (&starved, Progressing),
            (&[&starved[..], &[Runnable]].concat(), Blocked),
        ] {
            let monitor = monitor(1);
            let mut observation = Observation::new(monitor.activity(0));
            let seen = states.iter().map(|&state| observation.judge(state)).last();
            assert_eq!(seen, Some(expected), "{states:?}");
        }
    }
}
