//! What the pool asks of a protocol: a [`Service`] that makes a [`Session`] for each connection, and the words in which
//! a session tells its worker how to go on.
//!
//! A worker serves the connections that are ready together, a batch, in three steps:
//!
//! 1. *Process*: each session receives, decides, and keeps its responses ([`Session::process`]).
//! 2. *Commit*: what the sessions have pending is written, for all of them at once ([`Service::commit`]).
//! 3. *Flush*: each session sends ([`Session::flush`]).
//!
//! So nothing is sent before it is committed. A turn that may block, [`Session::may_block`], comes after these, by
//! itself, and has the same steps. A batch may be of one.
//!
//! Nothing here knows a protocol. Whichever worker is free has a session's next turn; between two turns a session holds
//! only what it needs to go on, since the buffers are the worker's.

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
    /// What one worker reuses from turn to turn.
    type Buffers;

    /// Starts the session of a connection with `peer` that was just accepted, from the listener that has this place
    /// among those of [`Server::run`](super::Server::run), from 0.
    fn connect(&self, peer: Peer, listener: usize) -> Self::Session;

    /// Makes buffers; called once per worker, and again after a panic.
    fn buffers(&self) -> Self::Buffers;

    /// What [`Service::commit`] has to do for this worker.
    fn pending(&self, _worker: usize) -> PendingCommit {
        PendingCommit::Nothing
    }

    /// Commits what sessions have pending from turns with this worker. Only after this their responses are sent.
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

    /// The first step of a turn: makes all the progress that can be made without waiting for the peer, within a budget
    /// of work. It sends nothing; [`Session::flush`] does.
    ///
    /// A turn may come although nothing has changed; the session then waits again.
    fn process<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Self::Buffers,
        turn: &Turn<'_>,
    );

    /// The last step of a turn: sends what there is, and says how the session goes on.
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

    /// The connection is about to be closed, although the session did not ask for [`Next::Close`].
    fn note_close(&mut self, _cause: CloseCause) {}
}

/// Why the pool closes a connection by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseCause {
    /// It was idle, and its place was needed for another.
    Evicted,
    /// The server stops.
    Stopping,
    /// The server cannot go on with it: a panic, or an error of epoll(7).
    Failed,
}

/// How a session goes on after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more can be done until the socket is ready or the deadline has passed.
    Wait(Interest, Deadline),
    /// The session could go on at once. If its next turn may block and this one might not, that comes next; else the
    /// budget of this turn is spent, and others have theirs before.
    Yield,
    /// The connection is done with.
    Close,
}

/// The direction in which a session waits for its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// For bytes to receive, or the peer's end of stream.
    Read,
    /// For room to send into.
    Write,
    /// For its [`SessionWaker`], see [`Turn::waker`]. What the socket becomes ready for meanwhile is kept for the next wait.
    Waker,
}

/// Until when a parked session waits, and whether its connection may be closed meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When the wait ends with a turn whose reason is [`WakeReason::TimedOut`].
    pub at: Instant,
    /// What the wait interrupts.
    pub activity: Activity,
}

/// What a parked session is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// Nothing: the connection may be closed whenever its descriptor is needed elsewhere or the server stops.
    Idle {
        /// Since when; the connection that is idle for longest is closed first.
        since: Instant,
    },
    /// Something to which no response is due: the rest of a head, or content of a request that has its response. It
    /// keeps its descriptor, but a server that stops does not wait for it.
    NoResponseDue,
    /// A request: the server finishes it before it stops.
    Request,
}

/// Why a session has its turn.
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

/// What a session may know in one turn.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'t> {
    reason: WakeReason,
    stopping: Stopping,
    worker: usize,
    permission: Permission<'t>,
    clock: &'t StepClock,
    /// What wakes the session, and its descriptor; `None` outside of the pool.
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

    /// A turn with this worker that may.
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

    /// The same, of the session of this descriptor.
    pub(crate) fn with_waker(self, woken: &'t Arc<WokenSessions>, fd: RawFd) -> Self {
        Self {
            waker: Some((woken, fd)),
            ..self
        }
    }

    /// With this another thread ends the session's wait for [`Interest::Waker`]. `None` if the turn is not of the pool:
    /// then there is no wait.
    #[must_use]
    pub fn waker(&self) -> Option<SessionWaker> {
        self.waker.map(|(woken, fd)| SessionWaker::new(woken, fd))
    }

    /// Why the session has this turn.
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
    /// It goes on serving.
    No,
    /// It finishes the requests in progress.
    Yes,
}
