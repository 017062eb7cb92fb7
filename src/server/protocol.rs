//! The interface between the pool and a protocol: a [`Service`] that makes a [`Session`] for each connection, and the
//! results by which a session gives its worker the next step.
//!
//! A worker serves the connections that are ready together, a batch, in three steps:
//!
//! 1. *Process*: each session receives, decides, and keeps its responses ([`Session::process`]).
//! 2. *Commit*: the pending entries of all sessions are written at once ([`Service::commit`]).
//! 3. *Flush*: each session sends ([`Session::flush`]).
//!
//! So nothing is sent before it is committed. A turn that may block ([`Session::may_block`]) follows, one session at a
//! time, with the same steps. A batch may have one session.
//!
//! This module does not depend on a protocol. Any free worker takes a session's next turn. Between two turns a session
//! holds only its own state, since the buffers belong to the worker.

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::Instant;

use super::session_waker::{SessionWaker, WokenSessions};
use super::step_clock::StepClock;
use super::transport::Transport;
use crate::blocking::{Blocking, PendingCommit, Permission};
use crate::peer::Peer;

/// A protocol on the pool: makes the sessions, and the buffers with which a worker serves them.
pub trait Service: Sync {
    /// The state of one connection.
    type Session: Session<Buffers = Self::Buffers>;
    /// The buffers that one worker reuses from turn to turn.
    type Buffers;

    /// Starts the session of a connection with `peer` that was just accepted, from the listener with this index in
    /// [`Server::run`](super::Server::run).
    fn connect(&self, peer: Peer, listener: usize) -> Self::Session;

    /// Makes buffers; called once per worker, and again after a panic.
    fn buffers(&self) -> Self::Buffers;

    /// The work of [`Service::commit`] for this worker.
    fn pending(&self, _worker: usize) -> PendingCommit {
        PendingCommit::Nothing
    }

    /// Commits the pending entries of turns with this worker. Responses are sent only after this.
    fn commit(&self, _worker: usize) {}

    /// Called on the main thread for the signals of log rotation.
    fn reopen(&self) {}
}

/// One connection's state machine.
pub trait Session: Send {
    /// See [`Service::Buffers`].
    type Buffers;

    /// Whether the next turn may block. Then it is a blocking one: see [`Turn::permission`].
    fn may_block(&self) -> bool {
        false
    }

    /// The first step of a turn: makes progress without waiting for the peer, within a budget of work. It sends
    /// nothing; [`Session::flush`] does.
    ///
    /// A turn may occur without a change; the session then waits again.
    fn process<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Self::Buffers,
        turn: &Turn<'_>,
    );

    /// The last step of a turn: sends the output, and returns the next step.
    ///
    /// A session that asks to wait for [`Interest::Read`] is woken by *new* readiness only. So since its last wait it
    /// must have met `WouldBlock` or a receive shorter than its buffer. After [`WakeReason::HungUp`] and
    /// [`WakeReason::Urgent`] a short receive is not enough.
    fn flush<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Self::Buffers,
        turn: &Turn<'_>,
    ) -> Next;

    /// The pool is about to close the connection, although the session did not return [`Next::Close`].
    fn note_close(&mut self, _cause: CloseCause) {}
}

/// Why the pool closes a connection by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCause {
    /// It was idle, and another connection needed its place.
    Evicted,
    /// The server stops.
    Stopping,
    /// The server cannot continue it: a panic, or an error of epoll(7).
    Failed,
}

/// The next step of a session after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Wait until the socket is ready or the deadline has passed.
    Wait(Interest, Deadline),
    /// The session could continue immediately. If its next turn may block and this one may not, that turn follows; else
    /// the budget of this turn is used up, and other sessions have their turns first.
    Yield,
    /// Close the connection.
    Close,
}

/// The event that a session waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Bytes to receive, or the peer's end of stream.
    Read,
    /// Space to send.
    Write,
    /// Its [`SessionWaker`], see [`Turn::waker`]. Readiness of the socket meanwhile is stored for the next wait.
    Waker,
}

/// The deadline of a parked session, and whether its connection may be closed meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// The time at which the wait ends with [`WakeReason::TimedOut`].
    pub at: Instant,
    /// The activity that the wait interrupts.
    pub activity: Activity,
}

/// The activity of a parked session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// None: the connection may be closed if its descriptor is needed or the server stops.
    Idle {
        /// The start of the idle time; the connection that has been idle for longest is closed first.
        since: Instant,
    },
    /// Receiving bytes that need no response: the rest of a head, or content of a request that has its response. The
    /// connection keeps its descriptor, but a stopping server does not wait for it.
    NoResponseDue,
    /// A request, which the server finishes before it stops.
    Request,
}

/// The reason for a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeReason {
    /// The connection is new, its socket became ready, or it had yielded.
    Ready,
    /// As `Ready`, and the peer has sent its end of stream or reset the connection: receive until 0 or an error.
    HungUp,
    /// As `Ready`, and the peer has sent urgent data (RFC 9293 §3.8.5), before which a receive ends: receive until
    /// `WouldBlock`, 0 or an error.
    Urgent,
    /// The deadline it waited for has passed.
    TimedOut,
}

/// The context of one turn.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'t> {
    reason: WakeReason,
    stopping: Stopping,
    worker: usize,
    permission: Permission<'t>,
    clock: &'t StepClock,
    /// The waker and the descriptor of the session; `None` outside of the pool.
    waker: Option<(&'t Arc<WokenSessions>, RawFd)>,
}

impl<'t> Turn<'t> {
    /// A turn with this worker that may not block.
    #[must_use]
    pub fn new(
        reason: WakeReason,
        stopping: Stopping,
        worker: usize,
        clock: &'t StepClock,
    ) -> Self {
        Self {
            reason,
            stopping,
            worker,
            permission: Permission::NONE,
            clock,
            waker: None,
        }
    }

    /// A blocking turn with this worker.
    #[must_use]
    pub fn new_blocking(
        reason: WakeReason,
        stopping: Stopping,
        worker: usize,
        clock: &'t StepClock,
    ) -> Self {
        Self {
            permission: Blocking::of_worker(worker).into(),
            ..Self::new(reason, stopping, worker, clock)
        }
    }

    /// The same for the session of this descriptor.
    pub(crate) fn with_waker(self, woken: &'t Arc<WokenSessions>, fd: RawFd) -> Self {
        Self {
            waker: Some((woken, fd)),
            ..self
        }
    }

    /// A waker with which another thread ends the session's wait for [`Interest::Waker`]. `None` outside of the pool,
    /// where there is no wait.
    #[must_use]
    pub fn waker(&self) -> Option<SessionWaker> {
        self.waker.map(|(woken, fd)| SessionWaker::new(woken, fd))
    }

    /// The reason for this turn.
    #[must_use]
    pub fn reason(&self) -> WakeReason {
        self.reason
    }

    /// Whether the server is stopping: a session finishes its request and asks for [`Next::Close`].
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping == Stopping::Yes
    }

    /// The number of the worker, from 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// The worker's clock.
    #[must_use]
    pub fn clock(&self) -> &'t StepClock {
        self.clock
    }

    /// The permission to block, in a blocking turn.
    #[must_use]
    pub fn permission(&self) -> Permission<'t> {
        self.permission
    }
}

/// Whether the server is stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// It continues.
    No,
    /// It finishes the requests in progress.
    Yes,
}
