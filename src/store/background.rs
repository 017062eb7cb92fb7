//! A thread for work that is too long for a turn and for which no client waits: removing a deep chain of directories,
//! and closing the last descriptor of a large file without a name, which frees its space.
//!
//! It is started for the first such work. A dropped store waits for the remaining work.

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Sender, unbounded};
use rustix::process::nice;

use crate::sync::lock;

/// Added to the priority value of the thread. Beside busy threads it has a third of their share of a processor, so that the
/// work does not wait for long on a busy machine.
const LOWER: i32 = 5;

/// A piece of work. It must not drop a store.
type Task = Box<dyn FnOnce() + Send>;

/// See the module's description.
#[derive(Default)]
pub(super) struct Background(
    /// Guards the sender of jobs; held to send one and to start the thread.
    Mutex<BackgroundState>,
);

#[derive(Default)]
enum BackgroundState {
    /// No work has come so far.
    #[default]
    Idle,
    /// The thread does one job after the other.
    Running(Sender<Task>, JoinHandle<()>),
    /// It has ended.
    Stopped,
}

/// Waits for the remaining work when dropped.
#[derive(Default)]
pub(super) struct StopOnDrop(pub(super) Arc<Background>);

impl Background {
    /// Passes the job to the thread, or does it at once if the thread cannot be started.
    pub(super) fn run(&self, job: impl FnOnce() + Send + 'static) {
        if let Err(job) = self.hand_over(Box::new(job)) {
            job();
        }
    }

    fn hand_over(&self, job: Task) -> Result<(), Task> {
        let mut state = lock(&self.0);
        if matches!(*state, BackgroundState::Idle) {
            let (sender, jobs) = unbounded::<Task>();
            let work = move || {
                give_way();
                jobs.iter().for_each(|job| job());
            };
            let thread = thread::Builder::new().name("background".into());
            match thread.spawn(work) {
                Ok(thread) => *state = BackgroundState::Running(sender, thread),
                Err(error) => log::debug!("there is no thread for work in the background: {error}"),
            }
        }
        match &*state {
            BackgroundState::Running(jobs, _) => jobs.send(job).map_err(|refused| refused.0),
            BackgroundState::Idle | BackgroundState::Stopped => Err(job),
        }
    }

    fn stop(&self) {
        let state = std::mem::replace(&mut *lock(&self.0), BackgroundState::Stopped);
        if let BackgroundState::Running(jobs, thread) = state {
            drop(jobs);
            if thread.join().is_err() {
                log::error!("the work in the background has panicked");
            }
        }
    }
}

/// Gives this thread a lower priority, since no client waits for it. (On Linux the value belongs to the thread.)
fn give_way() {
    if let Err(error) = nice(LOWER) {
        log::debug!("the work in the background keeps its priority: {error}");
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn all_jobs_are_done_when_the_background_has_stopped() {
        let done = Arc::new(AtomicUsize::new(0));
        let stop = StopOnDrop::default();
        let background = Arc::clone(&stop.0);
        let here = thread::current().id();
        for _ in 0..100 {
            let done = Arc::clone(&done);
            background.run(move || {
                assert_ne!(thread::current().id(), here);
                done.fetch_add(1, Ordering::Relaxed);
            });
        }
        drop(stop);
        assert_eq!(done.load(Ordering::Relaxed), 100);
        let also = Arc::clone(&done);
        background.run(move || {
            also.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.load(Ordering::Relaxed), 101, "done at once");
    }
}
