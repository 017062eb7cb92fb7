//! What one worker does, as the monitor sees it: whether it is in a blocking section, and whether its thread runs.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memrchr;

/// The activity of one worker. The worker writes it, and the monitor reads it.
#[derive(Debug, Default)]
pub(super) struct WorkerActivity {
    /// Blocking sections entered, plus those left: odd while the worker is in one.
    sections: AtomicU64,
    /// The section for which a spare worker went to work, as `sections` counts; 0 before the first.
    claimed: AtomicU64,
    /// `/proc/thread-self/stat` of the worker's thread, opened by that thread.
    stat: OnceLock<File>,
}

/// One blocking section of one worker, or the time between two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Section(u64);

/// Whether a thread could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThreadState {
    /// It sleeps in a system call, most likely for a disk; or nobody knows.
    Sleeps,
    /// It runs, or would if there were a processor for it.
    Runnable,
}

/// A worker in a blocking section, until this is dropped.
#[must_use = "the section ends when this is dropped"]
pub(crate) struct BlockingSection<'a>(&'a WorkerActivity);

impl WorkerActivity {
    /// Takes the calling thread for that of the worker.
    ///
    /// Its file is opened here, once, since `thread-self` leads to the right thread in every PID namespace, and a
    /// number does not. Without /proc the thread counts as sleeping.
    pub(super) fn bind_to_thread(&self) {
        match File::open("/proc/thread-self/stat") {
            Ok(stat) => drop(self.stat.set(stat)),
            Err(error) => log::debug!("cannot see whether a worker runs: {error}"),
        }
    }

    /// Enters a blocking section. The worker leaves it before it enters another.
    pub(super) fn enter(&self) -> BlockingSection<'_> {
        self.sections.fetch_add(1, Ordering::SeqCst);
        BlockingSection(self)
    }

    /// What the worker is in now.
    pub(super) fn section(&self) -> Section {
        Section(self.sections.load(Ordering::SeqCst))
    }

    /// Whether `section` is a blocking section for which no spare worker went to work.
    pub(super) fn is_unclaimed(&self, section: Section) -> bool {
        section.is_blocking() && self.claimed.load(Ordering::SeqCst) != section.0
    }

    /// Claims `section` for the calling worker; false if another has claimed it.
    pub(super) fn claim(&self, section: Section) -> bool {
        self.claimed.swap(section.0, Ordering::SeqCst) != section.0
    }

    /// What the worker's thread does; see `state` in `proc_pid_stat(5)`.
    pub(super) fn thread_state(&self) -> ThreadState {
        // The number, the name of at most 15 bytes in parentheses, and the state.
        let mut text = [0; 64];
        let read = self.stat.get().map(|stat| stat.read_at(&mut text, 0));
        let text = &text[..read.and_then(Result::ok).unwrap_or(0)];
        match memrchr(b')', text) {
            Some(at) if text[at..].starts_with(b") R") => ThreadState::Runnable,
            _ => ThreadState::Sleeps,
        }
    }
}

impl Section {
    fn is_blocking(self) -> bool {
        self.0 % 2 == 1
    }
}

impl Drop for BlockingSection<'_> {
    fn drop(&mut self) {
        self.0.sections.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use crossbeam_channel::bounded;

    use super::*;

    #[test]
    fn section_is_claimed_once() {
        let activity = WorkerActivity::default();
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

    #[test]
    fn state_is_that_of_the_thread_whatever_its_name() {
        let activity = WorkerActivity::default();
        assert_eq!(activity.thread_state(), ThreadState::Sleeps, "no thread");
        let (caller, calls) = bounded::<()>(0);
        let (ready, told) = bounded(1);
        thread::scope(|scope| {
            let activity = &activity;
            thread::Builder::new()
                .name("a) R (".to_owned())
                .spawn_scoped(scope, move || {
                    activity.bind_to_thread();
                    ready.send(activity.thread_state()).unwrap();
                    calls.recv().unwrap_err();
                })
                .unwrap();
            assert_eq!(told.recv(), Ok(ThreadState::Runnable));
            while activity.thread_state() != ThreadState::Sleeps {
                thread::yield_now();
            }
            drop(caller);
        });
    }
}
