//! Whether the thread of a worker runs, by the kernel's `/proc/thread-self/stat`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use memchr::memrchr;

/// Whether a thread can run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThreadState {
    /// It sleeps in a system call, most likely for a disk; or its state cannot be read.
    Sleeps,
    /// It runs, or waits for a processor.
    Runnable,
}

/// The thread of a worker, as soon as it is known.
#[derive(Debug, Default)]
pub(super) struct WorkerThread {
    /// Its `/proc/thread-self/stat`.
    stat: OnceLock<Arc<File>>,
}

impl WorkerThread {
    /// Sets the worker's thread: the one with this file. Until it is known, the thread counts as sleeping.
    pub(super) fn bind(&self, stat: Arc<File>) {
        drop(self.stat.set(stat));
    }

    /// The state of the thread; see `state` in `proc_pid_stat(5)`.
    pub(super) fn state(&self) -> ThreadState {
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

#[cfg(test)]
mod tests {
    use std::thread;

    use crossbeam_channel::bounded;

    use super::super::thread_stat;
    use super::*;

    #[test]
    fn state_is_that_of_the_thread_whatever_its_name() {
        let worker = WorkerThread::default();
        assert_eq!(worker.state(), ThreadState::Sleeps, "no thread");
        let (caller, calls) = bounded::<()>(0);
        let (ready, told) = bounded(1);
        thread::scope(|scope| {
            let worker = &worker;
            thread::Builder::new()
                .name("a) R (".to_owned())
                .spawn_scoped(scope, move || {
                    worker.bind(thread_stat::open().unwrap());
                    ready.send(worker.state()).unwrap();
                    calls.recv().unwrap_err();
                })
                .unwrap();
            assert_eq!(told.recv(), Ok(ThreadState::Runnable));
            while worker.state() != ThreadState::Sleeps {
                thread::yield_now();
            }
            drop(caller);
        });
    }
}
