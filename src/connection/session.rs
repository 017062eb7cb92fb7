//! The state of one HTTP client between two turns, and between the steps of one.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::accounting::Accounting;
use super::dialect::Dialect;
use super::entrance::{Channel, Entrance, Security};
use super::kept::Kept;
use super::phases::{AfterFlush, PeerStream, Phase};
use super::spent::{Spent, Stopwatch};
use super::timeouts::{ByteProgress, Timeouts, Wait};
use super::trusted_proxies::TrustedProxies;
use crate::blocking::Blocking;
use crate::http::{HeadScan, Persistence, Refusal, StatusCode, Version};
use crate::peer::Peer;
use crate::reporting::{Reporter, TurnClock, TurnTime};
use crate::server::StepClock;
use crate::users::Authenticator;

/// One client.
pub struct HttpSession<D: Dialect> {
    pub(super) shared: Arc<ServiceContext<D>>,
    pub(super) peer: Peer,
    /// The number of its listener.
    pub(super) listener: usize,
    /// The phase; it is taken out during a turn.
    pub(super) channel: Channel,
    /// Whether the received bytes are inside TLS.
    pub(super) security: Security,
    pub(super) phase: Phase<D::Upload>,
    pub(super) scan: HeadScan,
    /// The version of the request in progress, as far as it is known.
    pub(super) version: Version,
    /// Whether another request may follow the one in progress.
    pub(super) persistence: Persistence,
    /// Unconsumed input; in the worker's buffers while it is processed.
    pub(super) unused: Kept,
    /// Output that is sent first; empty between two turns.
    pub(super) output: Vec<u8>,
    /// Unsent output, between two turns.
    pub(super) unsent: Kept,
    pub(super) after_flush: AfterFlush,
    /// The current or last wait.
    pub(super) wait: Option<Wait>,
    /// Since the last wait.
    pub(super) progress: ByteProgress,
    pub(super) stream: PeerStream,
    /// Whether a request was read.
    pub(super) served: bool,
    pub(super) accounting: Accounting,
    /// The cost of the current or last turn.
    pub(super) spent: Spent,
    /// The time of that turn, if it is measured.
    pub(super) time: TurnTime,
}

/// The state that all connections share.
pub(super) struct ServiceContext<D> {
    pub(super) dialect: D,
    pub(super) timeouts: Timeouts,
    /// The trusted proxies, if there are any.
    pub(super) proxies: Option<TrustedProxies>,
    /// The beginning of connections, by listener.
    pub(super) entrances: Vec<Entrance>,
    /// The users, if the server has any.
    pub(super) users: Option<Authenticator>,
    /// Guards the time of the last report of TLS on an HTTP port.
    pub(super) misdirected: Mutex<Option<Instant>>,
    /// The reporter, if anything is reported.
    pub(super) reporter: Option<Arc<Reporter>>,
}

impl<D: Dialect> HttpSession<D> {
    /// Bytes of input and output between turns, without those of an upload.
    #[must_use]
    pub fn kept(&self) -> usize {
        let unsent = self.output.capacity() + self.unsent.memory();
        self.unused.memory() + unsent + self.channel.kept()
    }

    /// The cost of its last turn.
    #[must_use]
    pub fn spent(&self) -> Spent {
        self.spent
    }

    /// Measures a step of a turn, if turns are reported.
    pub(super) fn stopwatch(&self, clock: &StepClock) -> Stopwatch {
        let reporter = self.shared.reporter.as_ref();
        let measured = reporter.map_or(TurnClock::None, |reporter| reporter.turn_clock());
        Stopwatch::start(measured, clock)
    }
}

impl<D: Dialect> Drop for HttpSession<D> {
    /// An upload that the server itself aborts is recorded; one that has taken effect gets its whole entry. The
    /// remaining requests are reported.
    fn drop(&mut self) {
        match &mut self.phase {
            Phase::Body(receiving) => {
                let reason = "the server closed the connection before the content was complete";
                let refusal = Refusal::new(StatusCode::ServiceUnavailable, reason);
                receiving.abandon(refusal, &mut self.accounting, Blocking::outside_turn());
            }
            Phase::Finishing(receiving) => receiving.complete(&mut self.accounting),
            Phase::ProxyHeader
            | Phase::TlsHello
            | Phase::Head
            | Phase::Request(_)
            | Phase::Identifying(..)
            | Phase::Preparing(_)
            | Phase::Sending(..)
            | Phase::Skipping(_)
            | Phase::Closing(_)
            | Phase::Ended => {}
        }
        self.count_failed_handshake();
        let reporter = self.shared.reporter.as_deref();
        self.accounting
            .close(reporter, None, "the server closed it");
    }
}
