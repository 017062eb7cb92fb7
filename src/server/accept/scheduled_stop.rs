//! What ends a server besides signals, and how long the end may take.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::server::waker::Waker;

/// Stops a server from any thread, as the first SIGTERM does.
#[derive(Clone)]
pub struct StopHandle(Arc<Waker>);

/// When a server stops by itself, and how long that may take.
pub(crate) struct ScheduledStop {
    pub(crate) requested: StopHandle,
    /// The latest moment at which it stops.
    pub(crate) at: Option<Instant>,
    /// How long requests in progress may go on then.
    pub(crate) drain: Duration,
}

impl StopHandle {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(Waker::new()?)))
    }

    /// Stops the server: it finishes the requests in progress. Nothing more happens if it stops already.
    pub fn stop(&self) {
        self.0.wake();
    }
}

impl AsFd for StopHandle {
    /// Readable from the moment the server is to stop.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
