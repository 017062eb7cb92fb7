//! How many connections are open, and who is told when one fewer is.
//!
//! The main thread accepts up to a limit. At the limit it asks to be told, looks once more, and sleeps; a worker that
//! closes a connection, or parks one that is idle and so may be closed, answers the request. Counting and asking are
//! sequentially consistent: either the main thread's second look sees the worker's change, or the worker sees the
//! request.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// See the module's description.
#[derive(Default)]
pub(crate) struct Capacity {
    /// Accepted connections that are not closed yet.
    open: AtomicUsize,
    /// Whether the main thread wants to be told.
    is_requested: AtomicBool,
}

impl Capacity {
    /// How many connections are open.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }

    /// Counts a connection that was accepted.
    pub(crate) fn add(&self) {
        self.open.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a connection that is closed. [`Capacity::take_request`] is to follow.
    pub(crate) fn remove(&self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
    }

    /// Asks to be told of the next connection that closes or becomes idle.
    pub(crate) fn request(&self) {
        self.is_requested.store(true, Ordering::SeqCst);
    }

    /// Whether the main thread asked since this was true last; if so the caller must wake it.
    pub(crate) fn take_request(&self) -> bool {
        self.is_requested.load(Ordering::SeqCst) && self.is_requested.swap(false, Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_is_taken_once() {
        let capacity = Capacity::default();
        capacity.add();
        assert!(!capacity.take_request());
        capacity.request();
        capacity.remove();
        assert_eq!(capacity.open(), 0);
        assert!(capacity.take_request());
        assert!(!capacity.take_request());
    }
}
