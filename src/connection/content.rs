//! The content of requests: received into an upload, or discarded.

use super::accounting::Accounting;
use super::diagnostic::report;
use super::dialect::{Block, Dialect, Response, Upload, UploadProgress};
use super::input::DecodedEnd;
use super::phases::{
    Closing, Filled, PeerStream, Phase, Receiving, Reply, Skipping, Step, StepContext, Then,
};
use super::receiving::HEADS;
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use crate::blocking::Blocking;
use crate::http::{ContentDecoder, Refusal, StatusCode};
use crate::server::Transport;

const BROKEN: &str = "the connection broke before the content was complete";
const CUT_SHORT: &str = "the stream ends before the content is complete";

impl<U: Upload> Receiving<U> {
    /// Aborts the upload; returns a response if one is due.
    pub(super) fn abandon(
        &mut self,
        refusal: Refusal,
        accounting: &mut Accounting,
        blocking: Blocking<'_>,
    ) -> Option<Response> {
        let response = self.upload.abandon(refusal, blocking);
        self.conclude(&response, accounting);
        (self.reply == Reply::Due).then_some(response)
    }

    /// Completes the upload, although the client is gone.
    pub(super) fn complete(&mut self, accounting: &mut Accounting) {
        let mut block = Block::default();
        let response = loop {
            let blocking = Blocking::outside_turn();
            match self.upload.step(&mut block, blocking) {
                UploadProgress::Done(response) => break response,
                UploadProgress::More => {}
                UploadProgress::Locked => break self.upload.abandon(locked(), blocking),
            }
        };
        self.conclude(&response, accounting);
    }

    /// Records the result of the upload, and logs the reason if it was refused.
    fn conclude(&self, response: &Response, accounting: &mut Accounting) {
        accounting.conclude(response);
        if let Some(refusal) = &response.refusal {
            report(self.peer, self.line.escape_ascii(), refusal);
        }
    }
}

impl<D: Dialect> HttpSession<D> {
    /// Receives content into its upload, one buffer at a time.
    pub(super) fn receive<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        let Ok(blocking) = work.turn.permission().require() else {
            return Step::Yield(Phase::Body(receiving));
        };
        loop {
            if let Filled::Broken = self.fill_with_content(&receiving.decoder, work) {
                let refusal = Refusal::bad_request(BROKEN);
                receiving.abandon(refusal, &mut self.accounting, blocking);
                return Step::Close;
            }
            let (input, block) = (&mut work.buffers.input, &mut work.buffers.block);
            let decoded = input.decode(&mut receiving.decoder);
            let content = input.content(&decoded);
            work.budget.spend_bytes(decoded.used as u64);
            self.accounting.add_content(content.len());
            // A stated length was checked before. Without one, any piece may exceed the limit, and the outcome must
            // not depend on how the content is divided.
            let is_last = matches!(decoded.end, DecodedEnd::Complete)
                && matches!(receiving.decoder, ContentDecoder::Length { .. });
            if is_last {
                let progress = receiving.upload.finish(content, block, blocking);
                return self.finished(receiving, progress, work);
            }
            if !content.is_empty()
                && let Err(response) = receiving.upload.write(content, blocking)
            {
                return Step::Go(self.respond_early(&receiving, *response, work));
            }
            match decoded.end {
                DecodedEnd::NeedMore => {}
                DecodedEnd::MoreAtHand if work.budget.is_spent() => {
                    return Step::Yield(Phase::Body(receiving));
                }
                DecodedEnd::MoreAtHand => continue,
                DecodedEnd::Complete => return self.begin_finish(receiving, work, blocking),
                DecodedEnd::Refused(refusal) => {
                    return self.give_content_up(&mut receiving, refusal, work, blocking);
                }
            }
            match self.stream {
                PeerStream::Ended => return self.end_content(receiving, work, blocking),
                PeerStream::Drained => {
                    return Step::Wait(Phase::Body(receiving), TimeoutKind::Body);
                }
                PeerStream::Fresh | PeerStream::Open if work.budget.is_spent() => {
                    return Step::Yield(Phase::Body(receiving));
                }
                PeerStream::Fresh | PeerStream::Open => {}
            }
        }
    }

    /// Receives as much content as is available and fits into the input, so that it is written at once.
    fn fill_with_content<T: Transport>(
        &mut self,
        decoder: &ContentDecoder,
        work: &mut StepContext<'_, T>,
    ) -> Filled {
        while work.buffers.input.has_room() && !is_enough(decoder, work.buffers.input.bytes().len())
        {
            let limit = limit(decoder, work.buffers.input.bytes().len());
            match self.fill(work, limit) {
                Filled::More => {}
                ended => return ended,
            }
        }
        Filled::More
    }

    /// Begins to finish an upload that has all of its content.
    fn begin_finish<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut StepContext<'_, T>,
        blocking: Blocking<'_>,
    ) -> Step<D::Upload> {
        let block = &mut work.buffers.block;
        let progress = receiving.upload.finish(&[], block, blocking);
        self.finished(receiving, progress, work)
    }

    /// The stream has ended: content without a stated length is complete, and all other content is incomplete.
    fn end_content<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut StepContext<'_, T>,
        blocking: Blocking<'_>,
    ) -> Step<D::Upload> {
        // Inside TLS, content without `close_notify` at its end must not take effect (RFC 8446 §6.1).
        let reason = if work.transport.is_truncated() {
            "the connection ends without the close_notify of TLS"
        } else if matches!(receiving.decoder, ContentDecoder::UntilClose) {
            let block = &mut work.buffers.block;
            let progress = receiving.upload.finish(&[], block, blocking);
            return self.finished(receiving, progress, work);
        } else {
            CUT_SHORT
        };
        let refusal = Refusal::bad_request(reason);
        self.give_content_up(&mut receiving, refusal, work, blocking)
    }

    /// Ends a request with content that cannot be received.
    fn give_content_up<T: Transport>(
        &mut self,
        receiving: &mut Receiving<D::Upload>,
        refusal: Refusal,
        work: &mut StepContext<'_, T>,
        blocking: Blocking<'_>,
    ) -> Step<D::Upload> {
        Step::Go(
            match receiving.abandon(refusal, &mut self.accounting, blocking) {
                Some(response) => self.respond(response, Then::CloseUnread, work.buffers.unread()),
                None => Phase::Closing(Closing::Flush),
            },
        )
    }

    /// Responds, unless a response was already sent, while content may still arrive.
    fn respond_early<T: Transport>(
        &mut self,
        receiving: &Receiving<D::Upload>,
        response: Response,
        work: &mut StepContext<'_, T>,
    ) -> Phase<D::Upload> {
        receiving.conclude(&response, &mut self.accounting);
        match receiving.reply {
            Reply::Due => self.respond(response, Then::CloseUnread, work.buffers.unread()),
            Reply::Given => Phase::Closing(Closing::Flush),
        }
    }

    /// Does the remaining work of an upload, a portion at a time.
    pub(super) fn finish<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        let Ok(blocking) = work.turn.permission().require() else {
            return Step::Yield(Phase::Finishing(receiving));
        };
        loop {
            if work.budget.is_spent() {
                return Step::Yield(Phase::Finishing(receiving));
            }
            match receiving.upload.step(&mut work.buffers.block, blocking) {
                UploadProgress::More => work.budget.spend_portion(),
                progress => return self.finished(receiving, progress, work),
            }
        }
    }

    fn finished<T: Transport>(
        &mut self,
        receiving: Box<Receiving<D::Upload>>,
        progress: UploadProgress,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        let response = match progress {
            UploadProgress::Done(response) => response,
            UploadProgress::More => return Step::Go(Phase::Finishing(receiving)),
            UploadProgress::Locked => {
                return Step::Wait(Phase::Finishing(receiving), TimeoutKind::Lock);
            }
        };
        receiving.conclude(&response, &mut self.accounting);
        Step::Go(match receiving.reply {
            Reply::Due => self.respond(response, self.then(), work.buffers.unread()),
            Reply::Given => Phase::Closing(Closing::Close),
        })
    }

    /// Discards content.
    pub(super) fn skip<T: Transport>(
        &mut self,
        mut skipping: Skipping,
        work: &mut StepContext<'_, T>,
    ) -> Step<D::Upload> {
        loop {
            let decoded = work.buffers.input.decode(&mut skipping.decoder);
            work.budget.spend_bytes(decoded.used as u64);
            match skipping.left.checked_sub(decoded.used as u64) {
                Some(left) => skipping.left = left,
                None => return Step::Go(Phase::Closing(Closing::Flush)),
            }
            match decoded.end {
                DecodedEnd::NeedMore => {}
                DecodedEnd::MoreAtHand if work.budget.is_spent() => {
                    return Step::Yield(Phase::Skipping(skipping));
                }
                DecodedEnd::MoreAtHand => continue,
                DecodedEnd::Complete => {
                    let then = self.then();
                    self.accounting.end_request(work.buffers.unread().len());
                    return Step::Go(self.after_response(then, work.buffers.unread()));
                }
                DecodedEnd::Refused(_) => return Step::Go(Phase::Closing(Closing::Flush)),
            }
            if work.budget.is_spent() {
                return Step::Yield(Phase::Skipping(skipping));
            }
            let limit = limit(&skipping.decoder, work.buffers.input.bytes().len());
            match self.fill(work, limit) {
                Filled::More => {}
                Filled::NoMore if self.stream == PeerStream::Ended => {
                    return Step::Go(Phase::Closing(Closing::Close));
                }
                Filled::NoMore => return Step::Wait(Phase::Skipping(skipping), TimeoutKind::Skip),
                Filled::Broken => return Step::Close,
            }
        }
    }
}

/// The refusal of a change after another server has kept its name locked.
pub(super) fn locked() -> Refusal {
    let reason = "another server has held the lock of this name for too long";
    Refusal::new(StatusCode::ServiceUnavailable, reason)
}

/// Whether `received` contains all the remaining content.
fn is_enough(decoder: &ContentDecoder, received: usize) -> bool {
    match decoder {
        ContentDecoder::Length { left } => received as u64 >= *left,
        ContentDecoder::Chunked(_) | ContentDecoder::UntilClose => false,
    }
}

/// Bytes to receive at once for content of which `received` are there: those behind content of a stated length are heads,
/// of which a connection may have to keep all.
fn limit(decoder: &ContentDecoder, received: usize) -> usize {
    match decoder {
        ContentDecoder::Length { left } => {
            let missing = left.saturating_sub(received as u64);
            usize::try_from(missing).map_or(usize::MAX, |missing| missing.saturating_add(HEADS))
        }
        ContentDecoder::Chunked(_) | ContentDecoder::UntilClose => usize::MAX,
    }
}
