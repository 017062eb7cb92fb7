//! The end of a server without a signal, and its time limit.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::server::waker::Waker;

/// Stops a server from any thread, as the first SIGTERM does.
#[derive(Clone)]
pub struct StopHandle(Arc<Waker>);

/// The time at which a server stops by itself, and the time limit for stopping.
pub(crate) struct ScheduledStop {
    pub(crate) requested: StopHandle,
    /// The latest moment at which it stops.
    pub(crate) at: Option<Instant>,
    /// The time for requests in progress after that.
    pub(crate) drain: Duration,
}

impl StopHandle {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Waker::new()?)))
    }

    /// Stops the server: it finishes the requests in progress. A stopping server is not affected.
    pub fn stop(&self) {
        self.0.wake();
    }
}

impl AsFd for StopHandle {
    /// Readable from the moment of the stop.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
