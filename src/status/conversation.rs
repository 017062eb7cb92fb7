//! One client of the status: its request is received, its response is sent, and the connection is closed.
//!
//! This module never blocks. Each state has a fixed deadline, so a slow client costs only a buffer for some seconds.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use rustix::event::PollFlags;

use super::request::{Asked, refuse};
use crate::http::{HeadScan, Refusal, Request};
use crate::server::{After, Socket, Transport};

/// The time limit for receiving a request.
const RECEIVE_TIME: Duration = Duration::from_secs(5);

/// The time limit for sending a response.
const SEND_TIME: Duration = Duration::from_secs(10);

/// The limits, in time and bytes, on waiting for the client's end of stream after the response. A close with unread
/// bytes would reset the connection (RFC 9112 §9.6).
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
    /// Until a probe has ended.
    AwaitingHealth(Asked),
    Sending {
        response: Vec<u8>,
        sent: usize,
    },
    Lingering {
        left: usize,
    },
}

/// The next need of a conversation.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    /// A ready socket.
    Socket,
    /// A response to this, by [`Conversation::respond`].
    Response(Asked),
    /// None: it is over.
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

    /// The event that its socket is polled for.
    pub(super) fn interest(&self) -> PollFlags {
        match self.stage {
            ConversationState::Receiving { .. } | ConversationState::Lingering { .. } => {
                PollFlags::IN
            }
            ConversationState::Sending { .. } => PollFlags::OUT,
            ConversationState::AwaitingHealth(_) => PollFlags::empty(),
        }
    }

    /// Its request, if it waits for a probe; a response must follow.
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

    /// Continues without blocking, after its socket was ready.
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
            // Its socket is polled for no event, so a report means that the peer is gone.
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
        // It refuses a head that is too long, so received bytes are bounded.
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
