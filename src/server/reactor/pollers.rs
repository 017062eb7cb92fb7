//! The workers that poll: their limit, and whether a push into the queue must wake one.
//!
//! A poller counts itself, then checks the queue, then sleeps. A pushing thread pushes, then checks for a poller, then
//! wakes it. Both checks follow a fence, so at least one of them sees the other. The invariant: *no job is in the queue
//! while all workers sleep*. The caller implements sleeping and waking.

use crate::sync::atomic::{AtomicUsize, Ordering, fence};

/// The workers that poll or are about to.
pub(crate) struct Pollers {
    polling: AtomicUsize,
    max: usize,
}

/// One poller, until this is dropped.
struct Poller<'p>(&'p Pollers);

/// Whether there is work for a poller that is about to sleep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum QueuedWork {
    /// It may sleep: the next push wakes a poller.
    None,
    /// It must not sleep.
    Queued,
}

/// The most workers already poll.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyPollers;

impl Pollers {
    /// At most `max` pollers at a time.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            polling: AtomicUsize::new(0),
            max,
        }
    }

    /// Counts the caller as a poller during `poll`, which may sleep if it is given [`QueuedWork::None`]. `has_work`
    /// looks at the queue.
    pub(crate) fn poll(
        &self,
        has_work: impl FnOnce() -> bool,
        poll: impl FnOnce(QueuedWork),
    ) -> Result<(), TooManyPollers> {
        self.polling
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |polling| {
                (polling < self.max).then_some(polling + 1)
            })
            .map_err(|_| TooManyPollers)?;
        let _counted = Poller(self);
        fence(Ordering::SeqCst);
        poll(if has_work() {
            QueuedWork::Queued
        } else {
            QueuedWork::None
        });
        Ok(())
    }

    /// Whether a poller may be asleep without having seen the caller's push.
    pub(crate) fn must_be_woken(&self) -> bool {
        fence(Ordering::SeqCst);
        self.polling.load(Ordering::Relaxed) > 0
    }

    /// Whether there is only one poller. This may have changed already, and only time depends on it.
    pub(crate) fn is_one(&self) -> bool {
        self.polling.load(Ordering::Relaxed) == 1
    }
}

impl Drop for Poller<'_> {
    fn drop(&mut self) {
        self.0.polling.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_workers_poll_than_the_limit_allows() {
        let pollers = Pollers::new(2);
        assert!(!pollers.must_be_woken());
        let second = || {
            assert!(pollers.must_be_woken() && pollers.is_one());
            pollers.poll(
                || false,
                |_| {
                    assert!(!pollers.is_one());
                    assert_eq!(pollers.poll(|| false, |_| ()), Err(TooManyPollers));
                },
            )
        };
        assert_eq!(
            pollers.poll(|| false, |_| assert_eq!(second(), Ok(()))),
            Ok(())
        );
        assert!(!pollers.must_be_woken());
    }

    #[test]
    fn poller_that_finds_work_does_not_sleep() {
        let pollers = Pollers::new(1);
        for (has_work, expected) in [(true, QueuedWork::Queued), (false, QueuedWork::None)] {
            let polled = pollers.poll(|| has_work, |work| assert_eq!(work, expected));
            assert_eq!(polled, Ok(()));
        }
    }
}
