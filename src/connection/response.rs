//! Writes responses to the output, and selects the next step. `sending` sends the output and long content.

use super::diagnostic::report;
use super::dialect::{Dialect, Response, ResponseContent};
use super::input::Received;
use super::phases::{Closing, PeerStream, Phase, Preparing, Step, StepContext, Then};
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use crate::http::Persistence;
use crate::server::Transport;

impl<D: Dialect> HttpSession<D> {
    /// Appends a response's head to the output.
    pub(super) fn write_head(&mut self, response: &Response) {
        let dialect = &self.shared.dialect;
        dialect.write_head(response, self.version, self.persistence, &mut self.output);
        self.accounting.respond(response, self.output.len());
    }

    /// The step after the response to a request with consumed content.
    pub(super) fn then(&self) -> Then {
        match self.persistence {
            Persistence::Persistent => Then::Next,
            Persistence::Close => Then::Close,
        }
    }

    /// Appends a response to the output, except content that is long or in a file. `unread` is the remaining input.
    pub(super) fn respond(
        &mut self,
        response: Response,
        then: Then,
        unread: &[u8],
    ) -> Phase<D::Upload> {
        if matches!(then, Then::Close | Then::CloseUnread) {
            self.persistence = Persistence::Close;
        }
        self.write_head(&response);
        if !matches!(then, Then::Skip(_)) {
            self.accounting.end_request(unread.len());
        }
        match response.content {
            ResponseContent::Empty | ResponseContent::Unstated | ResponseContent::Omitted(_) => {}
            ResponseContent::Memory(bytes) => self.output.extend_from_slice(&bytes),
            content @ (ResponseContent::TrackedBytes(_)
            | ResponseContent::File(_)
            | ResponseContent::Sequence(_)) => {
                return Phase::Sending(content, then);
            }
        }
        self.accounting.end_response(self.output.len());
        self.after_response(then, unread)
    }

    /// Makes a response, portion by portion.
    pub(super) fn prepare<T: Transport>(
        &mut self,
        mut preparing: Box<Preparing>,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        let Ok(blocking) = work.turn.permission().require() else {
            return Step::Yield(Phase::Preparing(preparing));
        };
        loop {
            if let Some(response) = preparing.preparation.step(blocking) {
                if let Some(refusal) = &response.refusal {
                    report(self.peer, preparing.line.escape_ascii(), refusal);
                }
                return Step::Go(self.respond(response, preparing.then, work.buffers.unread()));
            }
            work.budget.spend_portion();
            if work.budget.is_spent() {
                return Step::Yield(Phase::Preparing(preparing));
            }
        }
    }

    /// The step after a response that is sent or in the output.
    pub(super) fn after_response(&self, then: Then, unread: &[u8]) -> Phase<D::Upload> {
        match then {
            Then::Next => Phase::Head,
            Then::Skip(skipping) => Phase::Skipping(skipping),
            Then::Close if self.stream == PeerStream::Drained && unread.is_empty() => {
                Phase::Closing(Closing::Close)
            }
            Then::Close | Then::CloseUnread => Phase::Closing(Closing::Flush),
        }
    }
}

/// Discards input until the peer ends its side, at most `left` bytes.
pub(super) fn linger<T: Transport, U>(mut left: u64, work: &mut StepContext<'_, T>) -> Step<U> {
    loop {
        let input = &mut work.buffers.input;
        let used = input.bytes().len();
        input.consume(used);
        left = left.saturating_sub(used as u64);
        if left == 0 {
            return Step::Close;
        }
        work.budget.spend_bytes(used as u64);
        let phase = Phase::Closing(Closing::Linger(left));
        if work.budget.is_spent() {
            return Step::Yield(phase);
        }
        match input.receive(work.transport, usize::MAX) {
            Received::Some | Received::Full => {}
            Received::Nothing => return Step::Wait(phase, TimeoutKind::Linger),
            Received::End | Received::Broken => return Step::Close,
        }
    }
}
