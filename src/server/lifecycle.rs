//! What a supervisor learns about the life of a server. The main thread calls it, and does nothing else meanwhile.

use std::time::Duration;

use super::view::View;

/// Learns of the life of a server. No call may wait for anything.
pub trait Lifecycle {
    /// The server begins to open its logs again and to read its files again, because of a signal.
    fn reloading(&mut self) {}

    /// It has done so.
    fn reloaded(&mut self) {}

    /// It accepts no more connections, and finishes the requests in progress for this long at most.
    fn stopping(&mut self, _drain: Duration) {}

    /// The time between two calls of [`Lifecycle::check`]; `None` is no call.
    fn check_interval(&self) -> Option<Duration> {
        None
    }

    /// Called so often, while the server drains, too.
    fn check(&mut self, _view: &dyn View) {}
}

/// The lifecycle of a server without a supervisor.
pub(super) struct Unsupervised;

impl Lifecycle for Unsupervised {}
