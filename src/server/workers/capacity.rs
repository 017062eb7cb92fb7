//! The number of open connections, and the wake-up of the main thread when there is one fewer.
//!
//! The main thread accepts up to a limit. At the limit it requests a wake-up, looks once more, and sleeps. A worker
//! closes a connection, or parks an idle one that may be closed, and then looks for a request. Both the count and the
//! request are sequentially consistent, so either the main thread's second look sees the worker's change, or the worker
//! sees the request. The invariants: *the main thread never sleeps at the limit while a connection could be accepted*,
//! and *a connection is counted once, and uncounted once*.

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// See the module's description.
pub(crate) struct Capacity {
    /// Accepted connections that are not closed yet.
    open: AtomicUsize,
    /// Connections accepted so far. Only the main thread writes it, and nothing depends on when it is read.
    accepted: std::sync::atomic::AtomicU64,
    /// Whether the main thread wants to be woken.
    is_requested: AtomicBool,
}

impl Capacity {
    /// No connection is open.
    pub(crate) fn new() -> Self {
        Self {
            open: AtomicUsize::new(0),
            accepted: std::sync::atomic::AtomicU64::new(0),
            is_requested: AtomicBool::new(false),
        }
    }

    /// The number of open connections.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Counts a connection that was accepted.
    pub(crate) fn add(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// The number of connections that were accepted so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }

    /// Uncounts a closed connection, and wakes the main thread if it has requested this.
    pub(crate) fn remove(&self, wake: impl FnOnce()) {
        let open = self.open.fetch_sub(1, Ordering::SeqCst);
        debug_assert!(open > 0, "a connection was closed twice");
        self.offer(wake);
    }

    /// Wakes the main thread if it has requested this, since a connection was closed, or is parked and idle.
    pub(crate) fn offer(&self, wake: impl FnOnce()) {
        if self.is_requested.load(Ordering::SeqCst)
            && self.is_requested.swap(false, Ordering::Relaxed)
        {
            wake();
        }
    }

    /// Requests a wake-up when the next connection is closed or becomes idle. The caller looks once more before it
    /// sleeps.
    pub(crate) fn request(&self) {
        self.is_requested.store(true, Ordering::SeqCst);
    }

    /// Looks for capacity. If there is none, requests a wake-up, and looks again: any change after that look wakes.
    pub(crate) fn find(&self, mut look: impl FnMut() -> bool) -> bool {
        look() || {
            self.request();
            look()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_met_once() {
        let capacity = Capacity::new();
        let mut wakes = 0;
        capacity.add();
        capacity.offer(|| wakes += 1);
        capacity.request();
        capacity.remove(|| wakes += 10);
        assert_eq!(capacity.open(), 0);
        capacity.offer(|| wakes += 100);
        assert_eq!(wakes, 10);
    }

    #[test]
    fn second_look_comes_after_the_request() {
        for (finds_at, requested) in [(1, false), (2, true), (3, true)] {
            let capacity = Capacity::new();
            let mut looks = 0;
            let found = capacity.find(|| {
                looks += 1;
                looks == finds_at
            });
            assert_eq!(found, finds_at < 3);
            let mut is_woken = false;
            capacity.offer(|| is_woken = true);
            assert_eq!(is_woken, requested, "{finds_at}");
        }
    }
}
