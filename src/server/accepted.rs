//! An accepted connection on its way between the threads.

use super::accept::client_limit::Counted;
use super::epoll::EventFlags;
use super::protocol::WakeReason;
use super::transport::Socket;

/// An accepted socket and its session, on their way between the threads.
pub(crate) struct Connection<S> {
    pub(crate) socket: Socket,
    pub(crate) session: S,
    /// The reason for its next turn.
    pub(crate) reason: WakeReason,
    /// Whether it has used up the budget of its last turn, so that its next one may be as long.
    pub(crate) continues: bool,
    /// The events that epoll(7) watches its socket for; empty before its first wait.
    pub(crate) watched: EventFlags,
    /// Counts it among those of its client until it is closed.
    _counted: Option<Counted>,
}

impl<S> Connection<S> {
    pub(crate) fn new(socket: Socket, session: S) -> Self {
        Self {
            socket,
            session,
            reason: WakeReason::Ready,
            continues: false,
            watched: EventFlags::empty(),
            _counted: None,
        }
    }

    /// The same, counted among those of its client.
    pub(crate) fn counted(self, counted: Option<Counted>) -> Self {
        Self {
            _counted: counted,
            ..self
        }
    }

    /// The session already knows that its deadline has passed.
    pub(crate) fn forget_expiry(&mut self) {
        if self.reason == WakeReason::TimedOut {
            self.reason = WakeReason::Ready;
        }
    }

    /// Records readiness for the next turn.
    pub(crate) fn note(&mut self, readiness: EventFlags) {
        if readiness.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
            self.reason = WakeReason::HungUp;
        } else if readiness.contains(EventFlags::PRI) && self.reason != WakeReason::HungUp {
            self.reason = WakeReason::Urgent;
        }
    }
}
