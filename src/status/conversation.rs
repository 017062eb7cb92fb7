//! One client of the status: its request comes in, its response goes out, and the connection is closed.
//!
//! Nothing here waits. Each state has a deadline, which no byte moves, so that a slow client costs a buffer for some
//! seconds and nothing else.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::request::{Asked, refuse};
use crate::http::{HeadScan, Refusal, Request};
use crate::server::{After, Socket, Transport};

/// How long a request may take to come in.
const RECEIVE_TIME: Duration = Duration::from_secs(5);

/// How long a response may take to be received.
const SEND_TIME: Duration = Duration::from_secs(10);

/// How long, and for how many bytes, the end of the client's stream is waited for after the response. A close with
/// bytes unread would reset the connection (RFC 9112 §9.6).
const LINGER_TIME: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 64 * 1024;

/// See the module's description.
pub(super) struct Conversation {
    pub(super) socket: Socket,
    stage: ConversationState,
    pub(super) deadline: Instant,
}

enum ConversationState {
    Receiving {
        received: Vec<u8>,
        scan: HeadScan,
    },
    /// Until a probe has come back.
    AwaitingHealth(Asked),
    Sending {
        response: Vec<u8>,
        sent: usize,
    },
    Lingering {
        left: usize,
    },
}

/// What a conversation needs next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    /// Its socket is to be ready.
    Socket,
    /// A response to this, by [`Conversation::respond`].
    Response(Asked),
    /// Nothing: it is over.
    Close,
}

impl Conversation {
    pub(super) fn new(socket: Socket, now: Instant) -> Self {
        Self {
            socket,
            stage: ConversationState::Receiving {
                received: Vec::new(),
                scan: HeadScan::default(),
            },
            deadline: now + RECEIVE_TIME,
        }
    }

    /// What its socket is waited for.
    pub(super) fn interest(&self) -> PollFlags {
        match self.stage {
            ConversationState::Receiving { .. } | ConversationState::Lingering { .. } => {
                PollFlags::IN
            }
            ConversationState::Sending { .. } => PollFlags::OUT,
            ConversationState::AwaitingHealth(_) => PollFlags::empty(),
        }
    }

    /// What it asked for, if it waits for a probe; a response is to follow.
    pub(super) fn take_awaiting(&mut self) -> Option<Asked> {
        let ConversationState::AwaitingHealth(_) = self.stage else {
            return None;
        };
        let nothing = ConversationState::Lingering { left: 0 };
        match std::mem::replace(&mut self.stage, nothing) {
            ConversationState::AwaitingHealth(asked) => Some(asked),
            _ => None,
        }
    }

    /// Waits for a probe until `deadline`.
    pub(super) fn await_health(&mut self, asked: Asked, deadline: Instant) {
        self.stage = ConversationState::AwaitingHealth(asked);
        self.deadline = deadline;
    }

    /// Sends this response from now on.
    pub(super) fn respond(&mut self, response: Vec<u8>, now: Instant) -> NextStep {
        self.stage = ConversationState::Sending { response, sent: 0 };
        self.deadline = now + SEND_TIME;
        self.advance(now)
    }

    /// Goes as far as it can go without waiting, after its socket was ready.
    pub(super) fn advance(&mut self, now: Instant) -> NextStep {
        match &mut self.stage {
            ConversationState::Receiving { received, scan } => {
                match receive(&self.socket, received, scan) {
                    ReceiveStep::More => NextStep::Socket,
                    ReceiveStep::Gone => NextStep::Close,
                    ReceiveStep::Asked(asked) => NextStep::Response(asked),
                    ReceiveStep::Refused(refusal) => self.respond(refuse(&refusal), now),
                }
            }
            // Its socket is waited for in no direction, so what is reported of it is that the peer is gone.
            ConversationState::AwaitingHealth(_) => NextStep::Close,
            ConversationState::Sending { response, sent } => {
                while *sent < response.len() {
                    match self.socket.send(&response[*sent..], After::Flush) {
                        Ok(count) => *sent += count,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => {
                            return NextStep::Socket;
                        }
                        Err(_) => return NextStep::Close,
                    }
                }
                if self.socket.end_sending().is_err() {
                    return NextStep::Close;
                }
                self.stage = ConversationState::Lingering { left: LINGER_BYTES };
                self.deadline = now + LINGER_TIME;
                self.advance(now)
            }
            ConversationState::Lingering { left } => linger(&self.socket, left),
        }
    }
}

enum ReceiveStep {
    More,
    Gone,
    Asked(Asked),
    Refused(Refusal),
}

fn receive(socket: &Socket, received: &mut Vec<u8>, scan: &mut HeadScan) -> ReceiveStep {
    loop {
        let mut buffer = [0; 4096];
        match socket.receive(&mut buffer) {
            Ok(0) => return ReceiveStep::Gone,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return ReceiveStep::More,
            Err(_) => return ReceiveStep::Gone,
        }
        // It refuses a head that is too long, so that what is received is bounded.
        let end = match scan.find_end(received) {
            Ok(Some(end)) => end,
            Ok(None) => continue,
            Err(refusal) => return ReceiveStep::Refused(refusal),
        };
        let asked = Request::parse(&received[..end]).and_then(|request| Asked::of(&request));
        return asked.map_or_else(ReceiveStep::Refused, ReceiveStep::Asked);
    }
}

fn linger(socket: &Socket, left: &mut usize) -> NextStep {
    let mut buffer = [0; 4096];
    while *left > 0 {
        match socket.receive(&mut buffer) {
            Ok(0) => return NextStep::Close,
            Ok(count) => *left = left.saturating_sub(count),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return NextStep::Socket,
            Err(_) => return NextStep::Close,
        }
    }
    NextStep::Close
}
