//! What the pool asks of a protocol: a [`Service`] that makes a [`Session`] for each connection, and the words
//! in which a session tells a worker how to go on.
//!
//! Nothing here knows a protocol. A session is advanced by whichever worker is free; between two turns it holds
//! only what it needs to go on, because the buffers are the worker's (its *desk*).

use std::time::Instant;

use super::transport::Transport;

/// A protocol on the pool: makes the sessions, and the desk at which a worker handles them.
pub trait Service: Sync {
    /// The state of one connection.
    type Session: Session<Desk = Self::Desk>;
    /// What one worker reuses from turn to turn: buffers, mostly.
    type Desk;

    /// Starts the session of a connection that was just accepted.
    fn connect(&self) -> Self::Session;

    /// Makes a desk; called once per worker, and again after a panic.
    fn desk(&self) -> Self::Desk;

    /// Called on the main thread for SIGHUP and SIGUSR1, the signals of log rotation.
    fn reopen(&self) {}
}

/// One connection's state machine.
pub trait Session: Send {
    /// See [`Service::Desk`].
    type Desk;

    /// Makes all the progress that can be made without waiting for the peer, and says how to go on.
    ///
    /// A session may be advanced although nothing has changed; it then waits again. After it has asked to wait
    /// for [`Interest::Read`] it is woken by *new* readiness only, so it must have met `WouldBlock` or a read
    /// shorter than its buffer before; the latter does not hold on a turn whose cause is [`Cause::HungUp`].
    fn advance<T: Transport>(
        &mut self,
        transport: &T,
        desk: &mut Self::Desk,
        turn: &mut Turn<'_>,
    ) -> Next;
}

/// How a session goes on after a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing more can be done until the socket is ready or the deadline has passed.
    Wait(Interest, Deadline),
    /// The session's share of this turn is used up, but it could go on at once: to the back of the queue.
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
}

/// Until when a parked session waits, and whether anybody would miss it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline {
    /// When the wait ends with a turn whose cause is [`Cause::Expired`].
    pub at: Instant,
    /// What the wait interrupts.
    pub amid: Amid,
}

/// What a parked session is in the middle of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amid {
    /// Nothing: the connection may be closed whenever its descriptor is needed elsewhere or the server stops.
    Idle {
        /// Since when; the connection that is idle for longest is closed first.
        since: Instant,
    },
    /// A request: the server finishes it before it stops.
    Request,
}

/// Why a session has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The connection is new, its socket became ready, or it had yielded.
    Ready,
    /// As `Ready`, and the peer has sent its end of stream or reset the connection: read until 0 or an error.
    HungUp,
    /// The deadline it waited for has passed.
    Expired,
}

/// What a session may know and ask of the pool during one turn.
pub struct Turn<'a> {
    cause: Cause,
    stopping: bool,
    announce: &'a mut dyn FnMut(),
}

impl<'a> Turn<'a> {
    /// A turn outside a pool, or a worker's.
    ///
    /// `announce` is what [`Turn::before_long_work`] calls.
    pub fn new(cause: Cause, stopping: Stopping, announce: &'a mut dyn FnMut()) -> Self {
        Self {
            cause,
            stopping: stopping == Stopping::Yes,
            announce,
        }
    }

    /// Why the session has this turn.
    #[must_use]
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// Whether the server is stopping: a session finishes its request and asks for [`Next::Close`].
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// To be called before work that may take long: reading or writing files, waiting for a disk. Once a turn is
    /// enough, and more do no harm.
    ///
    /// The worker offers the connections it holds for later to its colleagues, and one of these takes its place if the
    /// turn does take long.
    pub fn before_long_work(&mut self) {
        (self.announce)();
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
