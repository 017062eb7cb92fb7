//! Callbacks to a supervisor about the life of a server. The main thread calls them, and does nothing else meanwhile.

use std::time::Duration;

use super::view::View;

/// A supervisor of a server. No call may block.
pub trait Lifecycle {
    /// After a signal, the server begins to reopen its logs and to read its files again.
    fn reloading(&mut self) {}

    /// It has done so.
    fn reloaded(&mut self) {}

    /// It accepts no more connections, and finishes the requests in progress for this long at most.
    fn stopping(&mut self, _drain: Duration) {}

    /// The time between two calls of [`Lifecycle::check`]; `None` means no calls.
    fn check_interval(&self) -> Option<Duration> {
        None
    }

    /// Called at this interval, also while the server drains.
    fn check(&mut self, _view: &dyn View) {}
}

/// The lifecycle of a server without a supervisor.
pub(super) struct Unsupervised;

impl Lifecycle for Unsupervised {}
