//! What the pool asks of a protocol: a [`Service`] that makes a [`Session`] for each connection, and the words
//! in which a session tells a worker how to go on.
//!
//! Nothing here knows a protocol. A session is advanced by whichever worker is free; between two turns it holds
//! only what it needs to go on, because the buffers are the worker's (its *desk*).

use std::net::SocketAddr;
use std::time::Instant;

use super::transport::Transport;

/// A protocol on the pool: makes the sessions, and the desk at which a worker handles them.
pub trait Service: Sync {
    /// The state of one connection.
    type Session: Session<Buffers = Self::Buffers>;
    /// What one worker reuses from turn to turn: buffers, mostly.
    type Buffers;

    /// Starts the session of a connection that was just accepted from this peer.
    fn connect(&self, peer: SocketAddr) -> Self::Session;

    /// Makes a desk; called once per worker, and again after a panic.
    fn buffers(&self) -> Self::Buffers;

    /// Does what sessions have put off in their turns with this worker, all of it together; see [`Next::Settle`].
    fn settle(&self, _worker: usize) {}

    /// Called on the main thread for SIGHUP and SIGUSR1, the signals of log rotation.
    fn reopen(&self) {}
}

/// One connection's state machine.
pub trait Session: Send {
    /// See [`Service::Buffers`].
    type Buffers;

    /// Makes all the progress that can be made without waiting for the peer, and says how to go on.
    ///
    /// A session may be advanced although nothing has changed; it then waits again. After it has asked to wait
    /// for [`Interest::Read`] it is woken by *new* readiness only, so it must have met `WouldBlock` or a read
    /// shorter than its buffer since it had waited last; the latter does not hold on a turn whose cause is
    /// [`WakeReason::HungUp`].
    fn advance<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Self::Buffers,
        turn: &mut Turn<'_>,
    ) -> Next;

    /// After [`Next::Settle`]: what it put off is settled, but its next turn may be a while. It may send what waited
    /// for that, and nothing else.
    fn release<T: Transport>(&mut self, _transport: &T) {}
}

/// How a session goes on after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more can be done until the socket is ready or the deadline has passed.
    Wait(Interest, Deadline),
    /// The session's share of this turn is used up, but it could go on at once: to the back of the queue.
    Yield,
    /// The session has put something off, and goes on once [`Service::settle`] has done it, together with what others
    /// have put off.
    Settle,
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
}

/// Until when a parked session waits, and whether anybody would miss it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When the wait ends with a turn whose cause is [`WakeReason::TimedOut`].
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
    /// Something to which no answer is due: the rest of a head, or content of a request that has its answer. It keeps
    /// its descriptor, but a server that stops does not wait for it.
    NoAnswerDue,
    /// A request: the server finishes it before it stops.
    Request,
}

/// Why a session has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WakeReason {
    /// The connection is new, its socket became ready, it had yielded, or what it put off is settled.
    Ready,
    /// As `Ready`, and the peer has sent its end of stream or reset the connection: read until 0 or an error.
    HungUp,
    /// The deadline it waited for has passed.
    TimedOut,
}

/// What a session may know and ask of the pool during one turn.
pub struct Turn<'a> {
    reason: WakeReason,
    stopping: bool,
    worker: usize,
    company: bool,
    ask: &'a mut dyn FnMut(Ask),
}

/// What a session asks of its worker in the middle of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// To call [`Service::settle`].
    Settle,
    /// That too, and to be ready for work that takes long.
    LongWork,
}

impl<'a> Turn<'a> {
    /// A turn with a worker that does what it is asked in the middle of it. Nobody else has a turn with it soon.
    pub fn new(
        reason: WakeReason,
        stopping: Stopping,
        worker: usize,
        ask: &'a mut dyn FnMut(Ask),
    ) -> Self {
        Self {
            reason,
            stopping: stopping == Stopping::Yes,
            worker,
            company: false,
            ask,
        }
    }

    /// The same, but others have their turns with this worker right before or after it.
    #[must_use]
    pub fn in_company(self) -> Self {
        Self {
            company: true,
            ..self
        }
    }

    /// Why the session has this turn.
    #[must_use]
    pub fn reason(&self) -> WakeReason {
        self.reason
    }

    /// Whether the server is stopping: a session finishes its request and asks for [`Next::Close`].
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// The number of the worker, from 0.
    #[must_use]
    pub fn worker(&self) -> usize {
        self.worker
    }

    /// Whether others have their turns right before or after this one, so that it pays to put something off.
    #[must_use]
    pub fn has_company(&self) -> bool {
        self.company
    }

    /// Has all done that was put off so far, by this session or others.
    pub fn settle(&mut self) {
        (self.ask)(Ask::Settle);
    }

    /// To be called before work that may take long: reading or writing files, waiting for a disk. Once a turn is
    /// enough, and more do no harm. What was put off so far is settled.
    ///
    /// The worker offers the connections it holds for later to its colleagues, and one of these takes its place if the
    /// turn does take long.
    pub fn enter_blocking_section(&mut self) {
        self.company = false;
        (self.ask)(Ask::LongWork);
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
