//! The last step of a turn: sends the output, then content that is long or in a file, then, before a close, the end of
//! stream. Everything that is sent here was committed before.

use std::io;
use std::os::fd::AsFd;

use super::budget::Budget;
use super::dialect::{Dialect, FileRange, ResponseContent};
use super::phases::{AfterFlush, Closing, Flushed, PeerStream, Phase, Then};
use super::session::HttpSession;
use super::timeouts::{ByteProgress, TimeoutKind};
use crate::http::Refusal;
use crate::server::{After, Next, Transport, Turn};

/// Bytes of output that are sent before a long response adds more, so that a blocked response keeps about as many.
const ENOUGH: usize = 64 * 1024;

/// Bytes of a file that are sent at once: about as much time as a turn has.
const PIECE: u64 = 128 * 1024;

/// Bytes that are read and thrown away after our end of stream, before the connection is closed all the same.
const LINGER: u64 = 2 * 1024 * 1024;

/// The result of sending a part of a response.
enum Sent {
    /// It is sent or in the output.
    All,
    /// This part remains.
    Part(ResponseContent, SendPause),
    /// The connection is broken.
    Broken,
}

/// Why a part was not completely sent.
enum SendPause {
    /// The socket is full.
    Blocked,
    /// The rest is sent in another turn.
    OutOfBudget,
}

/// The context for sending a part of a response.
struct Sending<'s, T> {
    transport: &'s T,
    turn: &'s Turn<'s>,
    budget: &'s mut Budget,
}

impl<D: Dialect> HttpSession<D> {
    /// Sends as much as the socket and the budget allow, and returns the next step of the session.
    pub(super) fn send_all<T: Transport>(
        &mut self,
        transport: &T,
        turn: &Turn<'_>,
        budget: &mut Budget,
    ) -> Next {
        // The connection is broken, and nothing can be sent.
        if self.after_flush == AfterFlush::Close {
            return Next::Close;
        }
        let mut sending = Sending {
            transport,
            turn,
            budget,
        };
        loop {
            let after = match &self.phase {
                // An upload that has taken effect is recorded before anything waits for the peer. One that waits has not.
                Phase::Finishing(_) if !matches!(self.after_flush, AfterFlush::Wait(_)) => {
                    return Next::Yield;
                }
                // The head waits for its file, which is read in a blocking turn.
                Phase::Sending(content, _) if content.is_read_next() => {
                    if turn.permission().require().is_err() {
                        return Next::Yield;
                    }
                    After::More
                }
                // The last segment waits, and is sent together with the end of stream.
                Phase::Closing(Closing::Close | Closing::Flush) => After::More,
                _ => After::Flush,
            };
            match self.send_output(&mut sending, after) {
                Flushed::All => {}
                Flushed::Blocked => return self.wait_for_peer_to_read(transport, turn),
                Flushed::Broken => {
                    let reason = "the client left before the content was complete";
                    return self.give_up(Refusal::bad_request(reason), turn);
                }
            }
            match std::mem::take(&mut self.phase) {
                Phase::Sending(content, then) => {
                    if let Some(next) = self.send_content(content, then, &mut sending) {
                        return next;
                    }
                }
                Phase::Closing(Closing::Close) => return Next::Close,
                Phase::Closing(Closing::Flush) => return self.end_sending(transport),
                phase => {
                    self.phase = phase;
                    break;
                }
            }
        }
        match self.after_flush {
            AfterFlush::Wait(kind) => self.wait_for(kind, transport, turn),
            AfterFlush::Yield => Next::Yield,
            AfterFlush::Close => Next::Close,
        }
    }

    /// Sends the output.
    fn send_output<T: Transport>(&mut self, sending: &mut Sending<'_, T>, after: After) -> Flushed {
        let mut sent = 0;
        let flushed = loop {
            if sent == self.output.len() {
                break Flushed::All;
            }
            match sending.transport.send(&self.output[sent..], after) {
                Ok(count) => {
                    sent += count;
                    sending.budget.spend_bytes(count as u64);
                    self.accounting.add_sent(count);
                    self.progress = ByteProgress::Some;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Flushed::Blocked,
                Err(error) => {
                    log::debug!("cannot send: {error}");
                    self.accounting.note_end("the connection broke");
                    break Flushed::Broken;
                }
            }
        };
        match flushed {
            Flushed::Blocked => drop(self.output.drain(..sent)),
            Flushed::All | Flushed::Broken => self.output.clear(),
        }
        flushed
    }

    /// Sends content, after the output; `None` if all of it is sent or in the output.
    fn send_content<T: Transport>(
        &mut self,
        content: ResponseContent,
        then: Then,
        sending: &mut Sending<'_, T>,
    ) -> Option<Next> {
        match self.send_part(content, sending) {
            Sent::All => {
                let unread = std::mem::take(&mut self.unused);
                self.accounting.end_response(self.output.len());
                self.phase = self.after_response(then, unread.bytes());
                self.unused = unread;
                self.after_flush = self.after_content(sending.turn);
                None
            }
            Sent::Part(rest, pause) => {
                self.phase = Phase::Sending(rest, then);
                Some(match pause {
                    SendPause::Blocked => {
                        self.wait_for_peer_to_read(sending.transport, sending.turn)
                    }
                    SendPause::OutOfBudget => Next::Yield,
                })
            }
            Sent::Broken => Some(Next::Close),
        }
    }

    /// The step after sent content, if it is not the close: without input, the wait for another request.
    fn after_content(&self, turn: &Turn<'_>) -> AfterFlush {
        let is_idle = matches!(self.phase, Phase::Head)
            && self.stream == PeerStream::Drained
            && self.unused.is_empty()
            && !turn.is_stopping();
        if is_idle {
            AfterFlush::Wait(TimeoutKind::Idle)
        } else {
            AfterFlush::Yield
        }
    }

    fn send_part<T: Transport>(
        &mut self,
        part: ResponseContent,
        sending: &mut Sending<'_, T>,
    ) -> Sent {
        match part {
            ResponseContent::Empty | ResponseContent::Unstated | ResponseContent::Omitted(_) => {
                Sent::All
            }
            ResponseContent::Memory(bytes) => self.send_memory(&bytes, sending),
            ResponseContent::TrackedBytes(tracked) => self.send_memory(tracked.bytes(), sending),
            ResponseContent::File(range) => self.send_file(range, sending),
            ResponseContent::Sequence(mut parts) => {
                while let Some(part) = parts.pop_front() {
                    match self.send_part(part, sending) {
                        Sent::All => {}
                        Sent::Part(rest, paused) => {
                            parts.push_front(rest);
                            return Sent::Part(ResponseContent::Sequence(parts), paused);
                        }
                        Sent::Broken => return Sent::Broken,
                    }
                }
                Sent::All
            }
        }
    }

    fn send_memory<T: Transport>(&mut self, bytes: &[u8], sending: &mut Sending<'_, T>) -> Sent {
        self.output.extend_from_slice(bytes);
        if self.output.len() < ENOUGH {
            return Sent::All;
        }
        match self.send_output(sending, After::Flush) {
            Flushed::All if !sending.budget.is_spent() => Sent::All,
            Flushed::All => Sent::Part(ResponseContent::Empty, SendPause::OutOfBudget),
            Flushed::Blocked => Sent::Part(ResponseContent::Empty, SendPause::Blocked),
            Flushed::Broken => Sent::Broken,
        }
    }

    fn send_file<T: Transport>(
        &mut self,
        mut range: FileRange,
        sending: &mut Sending<'_, T>,
    ) -> Sent {
        if sending.budget.is_spent() || sending.turn.permission().require().is_err() {
            return Sent::Part(ResponseContent::File(range), SendPause::OutOfBudget);
        }
        match self.send_output(sending, After::More) {
            Flushed::All => {}
            Flushed::Blocked => {
                return Sent::Part(ResponseContent::File(range), SendPause::Blocked);
            }
            Flushed::Broken => return Sent::Broken,
        }
        while range.length > 0 {
            if sending.budget.is_spent() {
                return Sent::Part(ResponseContent::File(range), SendPause::OutOfBudget);
            }
            let count = range.length.min(sending.budget.bytes()).min(PIECE);
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            let file = range.file.as_fd();
            match sending.transport.send_file(file, range.offset, count) {
                Ok(0) => {
                    // The file is shorter than its Content-Length, and only a close shows that.
                    log::warn!("a file became shorter while it was sent; its connection is closed");
                    self.accounting
                        .note_end("a file became shorter while it was sent");
                    return Sent::Broken;
                }
                Ok(sent) => {
                    self.accounting.add_sent(sent);
                    let sent = sent as u64;
                    range.offset += sent;
                    range.length -= sent;
                    sending.budget.spend_bytes(sent);
                    self.progress = ByteProgress::Some;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Sent::Part(ResponseContent::File(range), SendPause::Blocked);
                }
                Err(error) => {
                    log::debug!("cannot send a file: {error}");
                    self.accounting.note_end("the connection broke");
                    return Sent::Broken;
                }
            }
        }
        Sent::All
    }

    /// Ends the server's side of the stream, unless the peer has ended its side: then no input is unread.
    fn end_sending<T: Transport>(&mut self, transport: &T) -> Next {
        if self.stream == PeerStream::Ended || transport.end_sending().is_err() {
            return Next::Close;
        }
        self.phase = Phase::Closing(Closing::Linger(LINGER));
        Next::Yield
    }
}
