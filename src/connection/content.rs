//! The content of requests: received into an upload, or read past.

use super::dialect::{Dialect, Response, Upload};
use super::phases::{Closing, Filled, Phase, Receiving, Reply, Skipping, Step, Stream, Then, Work};
use super::report::report;
use super::session::HttpSession;
use super::timeouts::TimeoutKind;
use crate::http::{Chunk, ContentDecoder, Refusal};
use crate::server::Transport;

impl<U: Upload> Receiving<U> {
    /// Gives the upload up; an answer if one is due.
    pub(super) fn abandon(&mut self, refusal: Refusal) -> Option<Response> {
        let response = self.upload.abandon(refusal);
        self.report(&response);
        (self.reply == Reply::Due).then_some(response)
    }

    /// Says why the upload was refused, if it was.
    fn report(&self, response: &Response) {
        if let Some(refusal) = &response.refusal {
            report(self.peer, &self.line, refusal);
        }
    }
}

impl<D: Dialect> HttpSession<D> {
    /// Receives content into its upload.
    pub(super) fn receive<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        // As much as there is goes to the upload at once.
        while work.buffers.input.has_room()
            && !is_enough(&receiving.decoder, work.buffers.input.bytes().len())
        {
            match self.fill(work) {
                Filled::More => {}
                Filled::NoMore => break,
                Filled::Blocked => return Step::Wait(Phase::Body(receiving), TimeoutKind::Write),
                Filled::Broken => {
                    work.turn.enter_blocking_section();
                    receiving.abandon(Refusal::bad_request(
                        "the connection broke before the content was complete",
                    ));
                    return Step::Close;
                }
            }
        }
        loop {
            let input = work.buffers.input.bytes();
            let (used, chunk) = match receiving.decoder.step(input) {
                Ok(step) => step,
                Err(refusal) => return self.give_up(&mut receiving, refusal, work),
            };
            match chunk {
                Chunk::Data(range) if receiving.decoder.is_finished() => {
                    let upload = &mut receiving.upload;
                    let response = upload.finish(&input[range], &mut work.buffers.block, work.turn);
                    work.buffers.input.consume(used);
                    return self.finished(receiving, response, work);
                }
                Chunk::Data(range) => {
                    let bytes = range.len() as u64;
                    let written = receiving.upload.write(&input[range], work.turn);
                    work.buffers.input.consume(used);
                    work.budget.bytes = work.budget.bytes.saturating_sub(bytes);
                    if let Err(response) = written {
                        return Step::Go(self.respond_early(&receiving, response, work));
                    }
                }
                Chunk::End => {
                    work.buffers.input.consume(used);
                    let response = receiving
                        .upload
                        .finish(&[], &mut work.buffers.block, work.turn);
                    return self.finished(receiving, response, work);
                }
                Chunk::NeedMore => {
                    work.buffers.input.consume(used);
                    return self.await_content(receiving, work);
                }
            }
        }
    }

    /// Goes on, or waits for more content, unless none will come.
    fn await_content<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        match self.stream {
            Stream::Ended if matches!(receiving.decoder, ContentDecoder::UntilClose) => {
                let response = receiving
                    .upload
                    .finish(&[], &mut work.buffers.block, work.turn);
                self.finished(receiving, response, work)
            }
            Stream::Ended => {
                let reason = "the stream ends before the content is complete";
                self.give_up(&mut receiving, Refusal::bad_request(reason), work)
            }
            Stream::Drained => Step::Wait(Phase::Body(receiving), TimeoutKind::Body),
            Stream::Fresh | Stream::Open if work.budget.bytes == 0 => {
                Step::Yield(Phase::Body(receiving))
            }
            Stream::Fresh | Stream::Open => Step::Go(Phase::Body(receiving)),
        }
    }

    /// Ends a request whose content cannot be had.
    fn give_up<T: Transport>(
        &mut self,
        receiving: &mut Receiving<D::Upload>,
        refusal: Refusal,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        work.turn.enter_blocking_section();
        Step::Go(match receiving.abandon(refusal) {
            Some(response) => self.response(response, Then::CloseUnread, work),
            None => Phase::Closing(Closing::Flush),
        })
    }

    /// Answers, unless that was done, while content may still come.
    fn respond_early<T: Transport>(
        &mut self,
        receiving: &Receiving<D::Upload>,
        response: Response,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        receiving.report(&response);
        match receiving.reply {
            Reply::Due => self.response(response, Then::CloseUnread, work),
            Reply::Given => Phase::Closing(Closing::Flush),
        }
    }

    /// Does what an upload has left to do.
    pub(super) fn finish<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        let response = receiving.upload.step(&mut work.buffers.block, work.turn);
        if response.is_some() {
            return self.finished(receiving, response, work);
        }
        Step::Yield(Phase::Finishing(receiving))
    }

    fn finished<T: Transport>(
        &mut self,
        receiving: Box<Receiving<D::Upload>>,
        response: Option<Response>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        if let Some(response) = &response {
            receiving.report(response);
        }
        match (response, receiving.reply) {
            (None, _) => Step::Go(Phase::Finishing(receiving)),
            (Some(response), Reply::Due) => Step::Go(self.response(response, self.then(), work)),
            (Some(_), Reply::Given) => Step::Go(Phase::Closing(Closing::Close)),
        }
    }

    /// Reads past content.
    pub(super) fn skip<T: Transport>(
        &mut self,
        mut skipping: Skipping,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        loop {
            let Ok((used, chunk)) = skipping.decoder.step(work.buffers.input.bytes()) else {
                return Step::Go(Phase::Closing(Closing::Flush));
            };
            work.buffers.input.consume(used);
            match skipping.left.checked_sub(used as u64) {
                Some(left) => skipping.left = left,
                None => return Step::Go(Phase::Closing(Closing::Flush)),
            }
            if chunk == Chunk::End || skipping.decoder.is_finished() {
                return Step::Go(self.after_response(self.then(), work));
            }
            if chunk != Chunk::NeedMore {
                continue;
            }
            match self.fill(work) {
                Filled::More => {}
                Filled::NoMore if self.stream == Stream::Ended => {
                    return Step::Go(Phase::Closing(Closing::Close));
                }
                Filled::NoMore => return Step::Wait(Phase::Skipping(skipping), TimeoutKind::Skip),
                Filled::Blocked => {
                    return Step::Wait(Phase::Skipping(skipping), TimeoutKind::Write);
                }
                Filled::Broken => return Step::Close,
            }
        }
    }
}

/// Whether `received` bytes hold all the content that is to come.
fn is_enough(decoder: &ContentDecoder, received: usize) -> bool {
    match decoder {
        ContentDecoder::Length { left } => received as u64 >= *left,
        ContentDecoder::Chunked(_) | ContentDecoder::UntilClose => false,
    }
}
