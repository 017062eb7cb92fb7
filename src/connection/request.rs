//! Heads: receiving them, and acting on them. `content` receives content.

use super::diagnostic::report;
use super::dialect::{Action, Dialect, Response};
use super::entrance::{EntranceProtocol, Security};
use super::phases::{
    Closing, Filled, PeerStream, Phase, Preparing, Receiving, Reply, Skipping, Step, StepContext,
    Then,
};
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use crate::blocking::WouldBlock;
use crate::http::{
    CONTINUE, ChunkedDecoder, ContentDecoder, Expect, Framing, Persistence, Refusal, RefusedHead,
    Request, Scheme, method_of,
};
use crate::server::Transport;
use crate::users::Ticket;

/// The most content that is discarded after a response to keep the connection; with more, the connection is closed.
const SKIPPABLE: u64 = 2 * 1024 * 1024;

/// Responses that wait to be sent together, in bytes; with more, no further request is read.
const OUTPUT: usize = 64 * 1024;

impl<D: Dialect> HttpSession<D> {
    /// Reads a head and handles its request.
    pub(super) fn read_head<T: Transport>(
        &mut self,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        if work.budget.is_spent() || self.output.len() > OUTPUT {
            return Step::Yield(Phase::Head);
        }
        loop {
            let input = &work.buffers.input;
            let held = input.bytes().len();
            if has_begun(input.bytes()) {
                let clock = work.turn.clock();
                self.accounting
                    .begin_request(held, self.output.len(), clock);
            }
            match self.scan.find_end(input.seen()) {
                // What is received decides, so its end is sought again.
                Ok(Some(length)) if length > held => match self.receive_seen(length, work) {
                    Filled::More | Filled::NoMore => continue,
                    Filled::Broken => return Step::Close,
                },
                Ok(Some(length)) => {
                    self.wait = None;
                    self.served = true;
                    let method = method_of(&work.buffers.input.bytes()[..length]);
                    if work.turn.permission().require().is_err()
                        && self.shared.dialect.awaits_blocking_turn(method)
                    {
                        return Step::Yield(Phase::Request(length));
                    }
                    return self.handle(length, None, work);
                }
                Err(refusal) => return Step::Go(self.refuse_head(refusal, work)),
                Ok(None) => {}
            }
            match self.fill_with_head(work) {
                Filled::More => {}
                Filled::Broken => return Step::Close,
                Filled::NoMore => return self.await_head(work),
            }
        }
    }

    /// Waits for more of a head, unless the stream has ended.
    fn await_head<T: Transport>(&mut self, work: &mut StepContext<'_, T>) -> Step<D::Upload> {
        let begun = has_begun(work.buffers.input.bytes());
        match (self.stream, begun) {
            (PeerStream::Ended, true) => {
                let refusal = Refusal::bad_request("the stream ends before the head is complete");
                Step::Go(self.refuse_head(refusal, work))
            }
            (PeerStream::Ended, false) => Step::Go(Phase::Closing(Closing::Close)),
            (_, true) => Step::Wait(Phase::Head, TimeoutKind::Head),
            (PeerStream::Fresh, false) => Step::Wait(Phase::Head, TimeoutKind::Fresh),
            (_, false) if work.turn.is_stopping() => Step::Go(Phase::Closing(Closing::Close)),
            (_, false) if self.served => Step::Wait(Phase::Head, TimeoutKind::Idle),
            (_, false) => Step::Wait(Phase::Head, TimeoutKind::Fresh),
        }
    }

    /// Responds to a malformed or incomplete head.
    pub(super) fn refuse_head<T: Transport>(
        &mut self,
        refusal: Refusal,
        work: &mut StepContext<'_, T>,
    ) -> Phase<D::Upload> {
        // Without them the refusal is as good: the connection ends with it.
        let _ = self.receive_seen(usize::MAX, work);
        let head = RefusedHead::read(work.buffers.input.bytes());
        report(self.peer, head.line, &refusal);
        self.accounting.describe_line(head.line);
        self.report_misdirected_tls(work.buffers.input.bytes());
        let mut response = match self.entrance().protocol {
            EntranceProtocol::Http | EntranceProtocol::Https(_) => {
                let dialect = &self.shared.dialect;
                let requester = self.requester(None);
                dialect.refuse(head, refusal, &requester, work.turn.worker())
            }
            // Redirected requests are not recorded.
            EntranceProtocol::RedirectToHttps(_) => Response::refused(refusal),
        };
        self.explain_security(head.line.method, &mut response);
        self.respond(response, Then::CloseUnread, work.buffers.unread())
    }

    /// Handles the request whose head is the first `length` bytes of the input. If that may block, it waits for a
    /// blocking turn, and nothing has changed. `ticket` belongs to its password, if that was being verified.
    pub(super) fn handle<T: Transport>(
        &mut self,
        length: usize,
        ticket: Option<Ticket>,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        let head = &work.buffers.input.bytes()[..length];
        let request = Request::parse(head);
        let request = request.and_then(|request| self.check_security().map(|()| request));
        let mut request = match request {
            Ok(request) => request,
            Err(refusal) => return Step::Go(self.refuse_head(refusal, work)),
        };
        if self.security == Security::Tls {
            request.scheme = Scheme::Https;
        }
        let (framing, expect) = (request.framing, request.expect);
        let (requester, decision) = match self.decide(&request, ticket, work) {
            Ok(decided) => decided,
            Err(ticket) => {
                let phase = Phase::Identifying(length, ticket);
                return Step::Wait(phase, TimeoutKind::Verification);
            }
        };
        let decision = match decision {
            Ok(decision) => decision,
            Err(WouldBlock::NeedsTurn) => return Step::Yield(Phase::Request(length)),
            Err(WouldBlock::Locked) => {
                return Step::Wait(Phase::Request(length), TimeoutKind::Lock);
            }
        };
        self.accounting.describe(&request, &requester);
        self.version = request.version;
        work.budget.spend_request();
        work.budget.spend_bytes(length as u64);
        let line = match &decision.action {
            Action::Response(response) | Action::RespondAndClose(response) => {
                if let Some(refusal) = &response.refusal {
                    report(self.peer, request.line_parts(), refusal);
                }
                Box::default()
            }
            Action::Receive(_) | Action::RespondThenReceive(..) | Action::Prepare(_) => {
                request.raw_line().into()
            }
        };
        work.buffers.input.consume(length);
        self.persistence = if work.turn.is_stopping() {
            Persistence::Close
        } else {
            decision.persistence
        };
        self.act(decision.action, (framing, expect), line, work)
    }

    /// Performs the decision of a dialect.
    fn act<T: Transport>(
        &mut self,
        action: Action<D::Upload>,
        (framing, expect): (Framing, Expect),
        line: Box<[u8]>,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        let receiving = |line, upload, decoder, reply, peer| {
            Step::Go(Phase::Body(Box::new(Receiving {
                upload,
                decoder,
                reply,
                peer,
                line,
            })))
        };
        let unread = work.buffers.unread();
        match action {
            Action::Response(response) => {
                let then = self.after_content_of(framing, expect);
                Step::Go(self.respond(response, then, unread))
            }
            Action::RespondAndClose(response) => {
                Step::Go(self.respond(response, Then::CloseUnread, unread))
            }
            Action::Receive(upload) => {
                if expect == Expect::Continue {
                    self.output.extend_from_slice(CONTINUE);
                }
                receiving(line, upload, decoder(framing), Reply::Due, self.peer)
            }
            Action::Prepare(preparation) => {
                let then = self.after_content_of(framing, expect);
                Step::Go(Phase::Preparing(Box::new(Preparing {
                    preparation,
                    then,
                    line,
                })))
            }
            Action::RespondThenReceive(response, upload) => {
                self.persistence = Persistence::Close;
                self.write_head(&response);
                self.accounting.end_response(self.output.len());
                receiving(
                    line,
                    upload,
                    ContentDecoder::UntilClose,
                    Reply::Given,
                    self.peer,
                )
            }
        }
    }

    /// The step after the response to a request with discarded content.
    fn after_content_of(&self, framing: Framing, expect: Expect) -> Then {
        match framing {
            Framing::Absent | Framing::Length(0) => self.then(),
            // A client that waits for a 100 may send the content after all, or the next request: the server cannot know
            // which (RFC 9110 §10.1.1).
            _ if expect == Expect::Continue => Then::CloseUnread,
            Framing::Length(SKIPPABLE..) => Then::CloseUnread,
            Framing::Length(_) | Framing::Chunked => Then::Skip(Skipping {
                decoder: decoder(framing),
                left: SKIPPABLE,
            }),
        }
    }
}

/// Whether a head has begun. An empty line after a request does not begin another (RFC 9112 §2.2).
fn has_begun(input: &[u8]) -> bool {
    !matches!(input, b"" | b"\r" | b"\n" | b"\r\n")
}

fn decoder(framing: Framing) -> ContentDecoder {
    match framing {
        Framing::Absent => ContentDecoder::Length { left: 0 },
        Framing::Length(left) => ContentDecoder::Length { left },
        Framing::Chunked => ContentDecoder::Chunked(ChunkedDecoder::default()),
    }
}
