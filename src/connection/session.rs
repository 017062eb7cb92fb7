//! The state of one HTTP client between two turns, and between the steps of one.

use std::net::SocketAddr;
use std::sync::Arc;

use super::dialect::Dialect;
use super::phases::{AfterFlush, Phase, Stream};
use super::timeouts::{Progress, Timeouts, Wait};
use crate::blocking::Blocking;
use crate::http::{HeadScan, Persistence, Refusal, Status, Version};

/// One client.
pub struct HttpSession<D: Dialect> {
    pub(super) shared: Arc<Shared<D>>,
    pub(super) peer: SocketAddr,
    pub(super) phase: Phase<D::Upload>,
    pub(super) scan: HeadScan,
    /// Of the request in progress, as far as it is known.
    pub(super) version: Version,
    /// Whether another request may follow the one in progress.
    pub(super) persistence: Persistence,
    /// Received and not consumed; in the worker's buffers while it is processed.
    pub(super) unused: Vec<u8>,
    /// To be sent before anything else.
    pub(super) output: Vec<u8>,
    pub(super) after_flush: AfterFlush,
    /// The wait that it is in, or was in last.
    pub(super) wait: Option<Wait>,
    /// Since the last wait.
    pub(super) progress: Progress,
    pub(super) stream: Stream,
    /// Whether a request was read.
    pub(super) served: bool,
}

/// What all connections share.
pub(super) struct Shared<D> {
    pub(super) dialect: D,
    pub(super) timeouts: Timeouts,
}

impl<D: Dialect> HttpSession<D> {
    /// Bytes of input and output that it holds between turns; what an upload holds is not among them.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.unused.capacity() + self.output.capacity()
    }
}

impl<D: Dialect> Drop for HttpSession<D> {
    /// An upload that the server itself gives up is recorded, too.
    fn drop(&mut self) {
        if let Phase::Body(receiving) = &mut self.phase {
            let reason = "the server closed the connection before the content was complete";
            let refusal = Refusal::new(Status::ServiceUnavailable, reason);
            receiving.abandon(refusal, Blocking::outside_turn());
        }
    }
}
