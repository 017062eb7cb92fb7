//! HTTP in a dialect as a protocol on the pool: makes sessions and buffers.

use std::net::SocketAddr;
use std::sync::Arc;

use super::buffers::Buffers;
use super::dialect::Dialect;
use super::phases::{AfterFlush, Phase, Stream};
use super::session::HttpSession;
use super::session::Shared;
use super::timeouts::{Progress, Timeouts};
use crate::blocking::Pending;
use crate::http::{HeadScan, Persistence, Version};
use crate::server::Service;

/// HTTP in a dialect, as a protocol on the pool.
pub struct Http<D> {
    shared: Arc<Shared<D>>,
}

impl<D: Dialect> Http<D> {
    /// HTTP in this dialect, with these timeouts.
    pub fn new(dialect: D, timeouts: Timeouts) -> Self {
        Self {
            shared: Arc::new(Shared { dialect, timeouts }),
        }
    }
}

impl<D: Dialect> Service for Http<D> {
    type Session = HttpSession<D>;
    type Buffers = Buffers;

    fn connect(&self, peer: SocketAddr) -> HttpSession<D> {
        HttpSession {
            shared: Arc::clone(&self.shared),
            peer,
            phase: Phase::Head,
            scan: HeadScan::default(),
            version: Version::Http11,
            persistence: Persistence::Persistent,
            unused: Vec::new(),
            output: Vec::new(),
            after_flush: AfterFlush::Yield,
            wait: None,
            progress: Progress::None,
            stream: Stream::Fresh,
            served: false,
        }
    }

    fn buffers(&self) -> Buffers {
        Buffers::new()
    }

    fn pending(&self, worker: usize) -> Pending {
        self.shared.dialect.pending(worker)
    }

    fn commit(&self, worker: usize) {
        self.shared.dialect.commit(worker);
    }

    fn reopen(&self) {
        self.shared.dialect.reopen();
    }
}
