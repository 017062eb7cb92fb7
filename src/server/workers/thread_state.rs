//! Whether the thread of a worker runs, as the kernel says in `/proc/thread-self/stat`.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use memchr::memrchr;

/// Whether a thread could run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThreadState {
    /// It sleeps in a system call, most likely for a disk; or nobody knows.
    Sleeps,
    /// It runs, or would if there were a processor for it.
    Runnable,
}

/// The thread of a worker, once it is known.
#[derive(Debug, Default)]
pub(super) struct WorkerThread {
    /// `/proc/thread-self/stat`, opened by that thread.
    stat: OnceLock<File>,
}

impl WorkerThread {
    /// The worker's thread is the calling one.
    ///
    /// Its file is opened here, once, since `thread-self` leads to the right thread in every PID namespace, and a
    /// number does not. Without /proc the thread counts as sleeping.
    pub(super) fn bind(&self) {
        match File::open("/proc/thread-self/stat") {
            Ok(stat) => drop(self.stat.set(stat)),
            Err(error) => log::debug!("cannot see whether a worker runs: {error}"),
        }
    }

    /// What the thread does; see `state` in `proc_pid_stat(5)`.
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
                    worker.bind();
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
