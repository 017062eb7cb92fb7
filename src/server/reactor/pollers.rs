//! Which workers poll: how many may, and whether a push into the queue must wake one.
//!
//! A poller counts itself, then looks at the queue, then sleeps. A thread that pushes does so, then looks for a poller,
//! then wakes it. Both look after a fence, so at least one of them sees the other, and no push is slept through. What a
//! poller sleeps in, and how it is woken, is the reactor's.

use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// The workers that poll or are about to.
pub(super) struct Pollers {
    polling: AtomicUsize,
    max: usize,
}

/// One poller, until this is dropped.
#[must_use = "the worker polls until this is dropped"]
pub(super) struct Poller<'p>(&'p Pollers);

impl Pollers {
    /// Up to `max` at a time.
    pub(super) fn new(max: usize) -> Self {
        Self {
            polling: AtomicUsize::new(0),
            max,
        }
    }

    /// Counts the caller; `None` if there are as many as may be. The caller must look at the queue before it sleeps.
    pub(super) fn register(&self) -> Option<Poller<'_>> {
        self.polling
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |polling| {
                (polling < self.max).then_some(polling + 1)
            })
            .ok()?;
        fence(Ordering::SeqCst);
        Some(Poller(self))
    }

    /// Whether somebody may sleep who has not seen what the caller has pushed.
    pub(super) fn must_be_woken(&self) -> bool {
        fence(Ordering::SeqCst);
        self.polling.load(Ordering::SeqCst) > 0
    }
}

impl Drop for Poller<'_> {
    fn drop(&mut self) {
        self.0.polling.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_poll_than_may() {
        let pollers = Pollers::new(2);
        assert!(!pollers.must_be_woken());
        let first = pollers.register();
        let second = pollers.register();
        assert!(first.is_some() && second.is_some());
        assert!(pollers.register().is_none());
        drop(first);
        assert!(pollers.must_be_woken());
        assert!(pollers.register().is_some());
        drop(second);
        assert!(!pollers.must_be_woken());
    }
}
