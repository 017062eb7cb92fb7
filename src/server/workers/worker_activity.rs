//! The activity of one worker, for the monitor: whether it is in a blocking section, and whether its thread runs.

use std::fs::File;
use std::sync::Arc;

use super::thread_state::{ThreadState, WorkerThread};
use crate::sync::atomic::{AtomicU64, Ordering};

/// The activity of one worker. The worker writes it, and the monitor reads it.
#[derive(Debug)]
pub(super) struct WorkerActivity {
    /// Blocking sections entered, plus those left: odd while the worker is in one.
    sections: AtomicU64,
    /// The section for which a spare worker went to work, as `sections` counts; 0 before the first.
    claimed: AtomicU64,
    thread: WorkerThread,
}

/// One blocking section of one worker, or the time between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SectionNumber(u64);

/// A worker in a blocking section, until this is dropped.
#[must_use = "the section ends when this is dropped"]
pub(crate) struct BlockingSection<'a>(&'a WorkerActivity);

impl WorkerActivity {
    /// A worker that is not in a section, and has no thread yet.
    pub(super) fn new() -> Self {
        Self {
            sections: AtomicU64::new(0),
            claimed: AtomicU64::new(0),
            thread: WorkerThread::default(),
        }
    }

    /// Sets the worker's thread: the one with this `/proc/thread-self/stat`.
    pub(super) fn bind_to_thread(&self, stat: Arc<File>) {
        self.thread.bind(stat);
    }

    /// Enters a blocking section. The worker leaves it before it enters another.
    pub(super) fn enter(&self) -> BlockingSection<'_> {
        self.sections.fetch_add(1, Ordering::SeqCst);
        BlockingSection(self)
    }

    /// The current section, or the time between two.
    pub(super) fn section(&self) -> SectionNumber {
        SectionNumber(self.sections.load(Ordering::SeqCst))
    }

    /// Whether `section` is a blocking section for which no spare worker went to work.
    pub(super) fn is_unclaimed(&self, section: SectionNumber) -> bool {
        section.is_blocking() && self.claimed.load(Ordering::Relaxed) != section.0
    }

    /// Claims `section` for the calling worker; false if another has claimed it.
    pub(super) fn claim(&self, section: SectionNumber) -> bool {
        self.claimed.swap(section.0, Ordering::Relaxed) != section.0
    }

    /// The state of the worker's thread.
    pub(super) fn thread_state(&self) -> ThreadState {
        self.thread.state()
    }
}

impl SectionNumber {
    fn is_blocking(self) -> bool {
        self.0 % 2 == 1
    }
}

impl Drop for BlockingSection<'_> {
    fn drop(&mut self) {
        self.0.sections.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_is_claimed_once() {
        let activity = WorkerActivity::new();
        assert!(!activity.is_unclaimed(activity.section()));
        for _ in 0..2 {
            let inside = activity.enter();
            let section = activity.section();
            assert!(activity.is_unclaimed(section));
            assert!(activity.claim(section) && !activity.claim(section));
            assert!(!activity.is_unclaimed(section));
            drop(inside);
            assert_ne!(activity.section(), section);
            assert!(!activity.is_unclaimed(activity.section()));
        }
    }
}
