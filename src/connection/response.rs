//! The outgoing half: answers, and the end of a connection. What does not fit into one buffer is sent by `sending`.

use std::io;

use super::buffers::Received;
use super::dialect::{Dialect, Response, ResponseContent};
use super::phases::{Closing, Flushed, Phase, Step, Stream, Then, Work};
use super::session::HttpSession;
use super::timeouts::{Progress, TimeoutKind};
use crate::http::Persistence;
use crate::server::{After, Transport};

/// Bytes that are read and thrown away after our end of stream, before the connection is closed all the same.
const LINGER: u64 = 2 * 1024 * 1024;

impl<D: Dialect> HttpSession<D> {
    /// Sends what is in the output.
    pub(super) fn flush<T: Transport>(
        &mut self,
        work: &mut Work<'_, '_, T>,
        after: After,
    ) -> Flushed {
        self.settle(work);
        let output = &mut work.buffers.output;
        let mut sent = 0;
        let result = loop {
            if sent == output.len() {
                break Flushed::All;
            }
            match work.transport.send(&output[sent..], after) {
                Ok(count) => {
                    sent += count;
                    self.progress = Progress::Some;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Flushed::Blocked,
                Err(error) => {
                    log::debug!("cannot send: {error}");
                    break Flushed::Broken;
                }
            }
        };
        match result {
            Flushed::Blocked => drop(output.drain(..sent)),
            Flushed::All | Flushed::Broken => output.clear(),
        }
        result
    }

    /// Appends an answer's head to the output.
    pub(super) fn write_head<T>(&self, response: &Response, work: &mut Work<'_, '_, T>) {
        let dialect = &self.shared.dialect;
        dialect.write_head(
            response,
            self.version,
            self.persistence,
            &mut work.buffers.output,
        );
    }

    /// What follows the answer to a request whose content was consumed.
    pub(super) fn then(&self) -> Then {
        match self.persistence {
            Persistence::Persistent => Then::Next,
            Persistence::Close => Then::Close,
        }
    }

    /// Answers, as far as that is done without waiting; the content of a file is left to [`HttpSession::send`].
    pub(super) fn response<T: Transport>(
        &mut self,
        response: Response,
        then: Then,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        if matches!(then, Then::Close | Then::CloseUnread) {
            self.persistence = Persistence::Close;
        }
        self.write_head(&response, work);
        match response.content {
            ResponseContent::Empty | ResponseContent::Unstated | ResponseContent::Omitted(_) => {}
            ResponseContent::Memory(bytes) => work.buffers.output.extend_from_slice(&bytes),
            content @ (ResponseContent::TrackedBytes(_)
            | ResponseContent::File(_)
            | ResponseContent::Sequence(_)) => {
                return Phase::Sending(content, then);
            }
        }
        self.after_response(then, work)
    }

    /// What follows an answer that is sent, or in the output.
    pub(super) fn after_response<T>(
        &mut self,
        then: Then,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        match then {
            Then::Next => Phase::Head,
            Then::Skip(skipping) => Phase::Skipping(skipping),
            Then::Close if self.stream == Stream::Drained && work.buffers.input.is_empty() => {
                Phase::Closing(Closing::Close)
            }
            Then::Close | Then::CloseUnread => Phase::Closing(Closing::Flush),
        }
    }

    /// Ends the connection so that the peer receives the answers.
    pub(super) fn close<T: Transport>(
        &mut self,
        closing: Closing,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        let after = match closing {
            // The last segment waits for the end of stream, and goes with it.
            Closing::Close | Closing::Flush => After::More,
            Closing::Linger(_) => After::Flush,
        };
        match self.flush(work, after) {
            Flushed::All => {}
            Flushed::Blocked => return Step::Wait(Phase::Closing(closing), TimeoutKind::Write),
            Flushed::Broken => return Step::Close,
        }
        match closing {
            Closing::Close => Step::Close,
            Closing::Flush if self.stream == Stream::Ended => Step::Close,
            Closing::Flush => match work.transport.end_sending() {
                Ok(()) => Step::Go(Phase::Closing(Closing::Linger(LINGER))),
                Err(_) => Step::Close,
            },
            Closing::Linger(left) => linger(left, work),
        }
    }
}

/// Reads past what comes until the peer ends its side, `left` bytes at most.
fn linger<T: Transport, U>(mut left: u64, work: &mut Work<'_, '_, T>) -> Step<U> {
    loop {
        let input = &mut work.buffers.input;
        let used = input.bytes().len();
        input.consume(used);
        left = left.saturating_sub(used as u64);
        if left == 0 {
            return Step::Close;
        }
        match input.receive(work.transport) {
            Received::Some | Received::Full => {}
            Received::Nothing => {
                return Step::Wait(Phase::Closing(Closing::Linger(left)), TimeoutKind::Linger);
            }
            Received::End | Received::Broken => return Step::Close,
        }
    }
}
