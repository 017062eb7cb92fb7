//! The incoming half: input, heads, and what follows from them. Content is received in `content`.

use super::buffers::Received;
use super::dialect::{Action, Dialect, Response};
use super::phases::{
    Closing, Filled, Flushed, Phase, Receiving, Reply, Skipping, Step, Stream, Then, Work,
};
use super::report::report;
use super::session::HttpSession;
use super::timeouts::{Progress, TimeoutKind};
use crate::http::{
    CONTINUE, ChunkedDecoder, ContentDecoder, Expect, Framing, HeadScan, Persistence, Refusal,
    RefusedHead, Request,
};
use crate::server::{After, Transport, WakeReason};

/// Content of a request that was answered without it is read past up to this length, so that the connection
/// persists; a longer one costs the connection.
const SKIPPABLE: u64 = 2 * 1024 * 1024;

/// Answers that wait to be sent together, in bytes; with more, no further request is read.
const OUTPUT: usize = 64 * 1024;

impl<D: Dialect> HttpSession<D> {
    /// Receives once, unless it is known that there is nothing. Answers that are ready go out first, since the
    /// peer may wait for them.
    pub(super) fn fill<T: Transport>(&mut self, work: &mut Work<'_, '_, T>) -> Filled {
        if matches!(self.stream, Stream::Drained | Stream::Ended) {
            return Filled::NoMore;
        }
        match self.flush(work, After::Flush) {
            Flushed::All => {}
            Flushed::Blocked => return Filled::Blocked,
            Flushed::Broken => return Filled::Broken,
        }
        let received = work.buffers.input.receive(work.transport);
        match received {
            Received::Some | Received::Full => {
                self.progress = Progress::Some;
                // A short read emptied the socket, and what comes now will be told, unless the end has come with it.
                let emptied =
                    received == Received::Some && work.turn.reason() != WakeReason::HungUp;
                self.stream = if emptied {
                    Stream::Drained
                } else {
                    Stream::Open
                };
                Filled::More
            }
            Received::Nothing => {
                if self.stream != Stream::Fresh {
                    self.stream = Stream::Drained;
                }
                Filled::NoMore
            }
            Received::End => {
                self.stream = Stream::Ended;
                Filled::NoMore
            }
            Received::Broken => Filled::Broken,
        }
    }

    /// Reads a head and reacts to it.
    pub(super) fn read_head<T: Transport>(
        &mut self,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        loop {
            if work.budget.requests == 0 {
                return Step::Yield(Phase::Head);
            }
            if work.buffers.output.len() > OUTPUT {
                match self.flush(work, After::Flush) {
                    Flushed::All => {}
                    Flushed::Blocked => return Step::Wait(Phase::Head, TimeoutKind::Write),
                    Flushed::Broken => return Step::Close,
                }
            }
            match self.scan.find_end(work.buffers.input.bytes()) {
                Ok(Some(length)) => return self.handle(length, work),
                Err(refusal) => return Step::Go(self.refuse_head(refusal, work)),
                Ok(None) => {}
            }
            match self.fill(work) {
                Filled::More => {}
                Filled::Blocked => return Step::Wait(Phase::Head, TimeoutKind::Write),
                Filled::Broken => return Step::Close,
                Filled::NoMore => return self.await_head(work),
            }
        }
    }

    /// Waits for more of a head, unless none will come.
    fn await_head<T: Transport>(&mut self, work: &mut Work<'_, '_, T>) -> Step<D::Upload> {
        // An empty line after a request is no beginning of another (RFC 9112 §2.2).
        let begun = !matches!(work.buffers.input.bytes(), b"" | b"\r" | b"\n" | b"\r\n");
        match (self.stream, begun) {
            (Stream::Ended, true) => {
                let refusal = Refusal::bad_request("the stream ends before the head is complete");
                Step::Go(self.refuse_head(refusal, work))
            }
            (Stream::Ended, false) => Step::Go(Phase::Closing(Closing::Close)),
            (_, true) => Step::Wait(Phase::Head, TimeoutKind::Head),
            (Stream::Fresh, false) => Step::Wait(Phase::Head, TimeoutKind::Fresh),
            (_, false) if work.turn.is_stopping() => Step::Go(Phase::Closing(Closing::Close)),
            (_, false) if self.served => Step::Wait(Phase::Head, TimeoutKind::Idle),
            (_, false) => Step::Wait(Phase::Head, TimeoutKind::Fresh),
        }
    }

    /// Answers to a head that is no request, or not a whole one.
    pub(super) fn refuse_head<T: Transport>(
        &mut self,
        refusal: Refusal,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        work.turn.enter_blocking_section();
        let head = RefusedHead::read(work.buffers.input.bytes());
        report(self.peer, head.line, &refusal);
        let response = self.shared.dialect.refuse(head, refusal);
        self.response(response, Then::CloseUnread, work)
    }

    /// Reacts to the head that is the first `length` bytes of the input.
    fn handle<T: Transport>(
        &mut self,
        length: usize,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        work.budget.requests -= 1;
        self.scan = HeadScan::default();
        self.wait = None;
        self.served = true;
        let head = &work.buffers.input.bytes()[..length];
        let request = match Request::parse(head) {
            Ok(request) => request,
            Err(refusal) => return Step::Go(self.refuse_head(refusal, work)),
        };
        let (framing, expect) = (request.framing, request.expect);
        self.version = request.version;
        self.unsettled = self.shared.dialect.puts_off();
        let decision = self.shared.dialect.handle(&request, work.turn);
        let line = match &decision.action {
            Action::Response(response) | Action::RespondAndClose(response) => {
                if let Some(refusal) = &response.refusal {
                    report(self.peer, request.line_parts(), refusal);
                }
                String::new()
            }
            Action::Receive(_) | Action::RespondThenReceive(..) => request.line_parts().to_string(),
        };
        work.buffers.input.consume(length);
        self.persistence = if work.turn.is_stopping() {
            Persistence::Close
        } else {
            decision.persistence
        };
        let receiving = |upload, decoder, reply, peer| {
            let line = line.into();
            Step::Go(Phase::Body(Box::new(Receiving {
                upload,
                decoder,
                reply,
                peer,
                line,
            })))
        };
        match decision.action {
            Action::Response(response) => {
                Step::Go(self.respond_without_content(framing, expect, response, work))
            }
            Action::RespondAndClose(response) => {
                Step::Go(self.response(response, Then::CloseUnread, work))
            }
            Action::Receive(upload) => {
                if expect == Expect::Continue {
                    work.buffers.output.extend_from_slice(CONTINUE);
                }
                receiving(upload, decoder(framing), Reply::Due, self.peer)
            }
            Action::RespondThenReceive(response, upload) => {
                self.persistence = Persistence::Close;
                self.write_head(&response, work);
                receiving(upload, ContentDecoder::UntilClose, Reply::Given, self.peer)
            }
        }
    }

    /// Answers a request whose content, if any, is not wanted.
    fn respond_without_content<T: Transport>(
        &mut self,
        framing: Framing,
        expect: Expect,
        response: Response,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        let then = match framing {
            Framing::Absent | Framing::Length(0) => self.then(),
            // Who waits for a 100 may send the content after all, or the next request: nobody can tell
            // (RFC 9110 §10.1.1).
            _ if expect == Expect::Continue => Then::CloseUnread,
            Framing::Length(SKIPPABLE..) => Then::CloseUnread,
            Framing::Length(_) | Framing::Chunked => Then::Skip(Skipping {
                decoder: decoder(framing),
                left: SKIPPABLE,
            }),
        };
        self.response(response, then, work)
    }
}

fn decoder(framing: Framing) -> ContentDecoder {
    match framing {
        Framing::Absent => ContentDecoder::Length { left: 0 },
        Framing::Length(left) => ContentDecoder::Length { left },
        Framing::Chunked => ContentDecoder::Chunked(ChunkedDecoder::default()),
    }
}
