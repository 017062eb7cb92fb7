//! Stable storage: whether a response waits for it, and how several workers share one wait.
//!
//! The store uses it for its directories, and the request log for its file.

use std::io;

use rustix::io::{Errno, retry_on_intr};

use crate::sync::{self, Condvar, Mutex, MutexGuard, lock};

/// The condition for the response to a request that changed a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// The kernel has the bytes: they survive the process, not the machine.
    #[default]
    Kernel,
    /// The bytes are on stable storage: fdatasync(2) and fsync(2) have returned.
    Storage,
}

/// Lets workers that need the same file on stable storage share one system call.
///
/// One caller syncs; callers that arrive meanwhile wait, and then one of them syncs for all of them. The guarantee: *on
/// return, a sync has ended that began after the call*, so the caller's writes are on stable storage.
#[derive(Default)]
pub(crate) struct SharedSync {
    /// Guards two counts; the system call is made outside it.
    counts: Mutex<Counts>,
    finished: Condvar,
}

#[derive(Default)]
struct Counts {
    /// Started syncs; the last of them may be running.
    started: u64,
    /// Syncs that have returned.
    returned: u64,
    /// The last failed sync. The kernel reports lost bytes once (fsync(2)), so a waiting caller must not retry and
    /// succeed.
    failed: u64,
}

impl SharedSync {
    /// Returns when a `call` that began after this one, by any thread, has succeeded.
    ///
    /// # Errors
    /// The error of the call; EIO for callers that shared a failed call.
    pub(crate) fn sync(&self, call: impl FnMut() -> rustix::io::Result<()>) -> io::Result<()> {
        let mut counts = self.lock();
        // A running sync began before this call and may have missed its bytes.
        let needed = counts.started + 1;
        loop {
            if counts.returned >= needed {
                return if counts.failed >= needed {
                    Err(Errno::IO.into())
                } else {
                    Ok(())
                };
            }
            if counts.started == counts.returned {
                break;
            }
            counts = sync::wait(&self.finished, counts);
        }
        counts.started += 1;
        drop(counts);
        let result = retry_on_intr(call);
        let mut counts = self.lock();
        counts.returned = counts.started;
        if result.is_err() {
            counts.failed = counts.started;
        }
        drop(counts);
        self.finished.notify_all();
        Ok(result?)
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        lock(&self.counts)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn callers_during_a_sync_share_the_next() {
        let shared = SharedSync::default();
        let (inside, go_on) = (Barrier::new(2), Barrier::new(2));
        let calls = AtomicUsize::new(0);
        thread::scope(|scope| {
            scope.spawn(|| {
                shared.sync(|| {
                    calls.fetch_add(1, Ordering::SeqCst);
                    inside.wait();
                    go_on.wait();
                    Ok(())
                })
            });
            inside.wait();
            for _ in 0..8 {
                scope.spawn(|| {
                    shared.sync(|| {
                        calls.fetch_add(1, Ordering::SeqCst);
                        Ok(())
                    })
                });
            }
            go_on.wait();
        });
        let calls = calls.load(Ordering::SeqCst);
        assert!((2..=9).contains(&calls), "{calls}");
        let counts = shared.lock();
        assert_eq!(counts.started, counts.returned);
    }

    #[test]
    fn a_failed_sync_fails_all_who_waited_for_it() {
        let shared = SharedSync::default();
        let (inside, go_on) = (Barrier::new(2), Barrier::new(2));
        let failures = thread::scope(|scope| {
            scope.spawn(|| {
                shared.sync(|| {
                    inside.wait();
                    go_on.wait();
                    Ok(())
                })
            });
            inside.wait();
            let waiting: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| shared.sync(|| Err(Errno::NOSPC))))
                .collect();
            go_on.wait();
            let results = waiting.into_iter().map(|thread| thread.join().unwrap());
            results.filter(Result::is_err).count()
        });
        assert_eq!(failures, 8);
        assert!(shared.sync(|| Ok(())).is_ok());
    }
}
