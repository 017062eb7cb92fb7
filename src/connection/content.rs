//! The content of requests: received into an upload, or read past.

use super::dialect::{Answer, Dialect, Upload};
use super::phases::{Filled, Goodbye, Phase, Receiving, Reply, Skipping, Step, Stream, Then, Work};
use super::session::Connection;
use super::timeouts::Stage;
use crate::http::{Chunk, ContentDecoder, Status};
use crate::server::{Transport, Turn};

impl<U: Upload> Receiving<U> {
    /// Gives the upload up; an answer if one is due.
    pub(super) fn abandon(&mut self, status: Status, turn: &mut Turn<'_>) -> Option<Answer> {
        turn.enter_blocking_section();
        let answer = self.upload.abandon(status);
        (self.reply == Reply::Due).then_some(answer)
    }
}

impl<D: Dialect> Connection<D> {
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
                Filled::Blocked => return Step::Wait(Phase::Body(receiving), Stage::Write),
                Filled::Broken => {
                    receiving.abandon(Status::BadRequest, work.turn);
                    return Step::Close;
                }
            }
        }
        loop {
            let input = work.buffers.input.bytes();
            let (used, chunk) = match receiving.decoder.step(input) {
                Ok(step) => step,
                Err(status) => return self.give_up(&mut receiving, status, work),
            };
            match chunk {
                Chunk::Data(range) if receiving.decoder.is_finished() => {
                    let upload = &mut receiving.upload;
                    let answer = upload.finish(&input[range], &mut work.buffers.block, work.turn);
                    work.buffers.input.consume(used);
                    return self.finished(receiving, answer, work);
                }
                Chunk::Data(range) => {
                    let bytes = range.len() as u64;
                    let written = receiving.upload.write(&input[range], work.turn);
                    work.buffers.input.consume(used);
                    work.share.bytes = work.share.bytes.saturating_sub(bytes);
                    if let Err(answer) = written {
                        return Step::Go(self.answer_early(&receiving, answer, work));
                    }
                }
                Chunk::End => {
                    work.buffers.input.consume(used);
                    let answer = receiving
                        .upload
                        .finish(&[], &mut work.buffers.block, work.turn);
                    return self.finished(receiving, answer, work);
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
                let answer = receiving
                    .upload
                    .finish(&[], &mut work.buffers.block, work.turn);
                self.finished(receiving, answer, work)
            }
            Stream::Ended => self.give_up(&mut receiving, Status::BadRequest, work),
            Stream::Drained => Step::Wait(Phase::Body(receiving), Stage::Body),
            Stream::Fresh | Stream::Open if work.share.bytes == 0 => {
                Step::Yield(Phase::Body(receiving))
            }
            Stream::Fresh | Stream::Open => Step::Go(Phase::Body(receiving)),
        }
    }

    /// Ends a request whose content cannot be had.
    fn give_up<T: Transport>(
        &mut self,
        receiving: &mut Receiving<D::Upload>,
        status: Status,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        Step::Go(match receiving.abandon(status, work.turn) {
            Some(answer) => self.answer(answer, Then::CloseUnread, work),
            None => Phase::Goodbye(Goodbye::Flush),
        })
    }

    /// Answers, unless that was done, while content may still come.
    fn answer_early<T: Transport>(
        &mut self,
        receiving: &Receiving<D::Upload>,
        answer: Answer,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        match receiving.reply {
            Reply::Due => self.answer(answer, Then::CloseUnread, work),
            Reply::Given => Phase::Goodbye(Goodbye::Flush),
        }
    }

    /// Does what an upload has left to do.
    pub(super) fn finish<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        let answer = receiving.upload.step(&mut work.buffers.block, work.turn);
        if answer.is_some() {
            return self.finished(receiving, answer, work);
        }
        Step::Yield(Phase::Finishing(receiving))
    }

    fn finished<T: Transport>(
        &mut self,
        receiving: Box<Receiving<D::Upload>>,
        answer: Option<Answer>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        match (answer, receiving.reply) {
            (None, _) => Step::Go(Phase::Finishing(receiving)),
            (Some(answer), Reply::Due) => Step::Go(self.answer(answer, self.then(), work)),
            (Some(_), Reply::Given) => Step::Go(Phase::Goodbye(Goodbye::Close)),
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
                return Step::Go(Phase::Goodbye(Goodbye::Flush));
            };
            work.buffers.input.consume(used);
            match skipping.left.checked_sub(used as u64) {
                Some(left) => skipping.left = left,
                None => return Step::Go(Phase::Goodbye(Goodbye::Flush)),
            }
            if chunk == Chunk::End || skipping.decoder.is_finished() {
                return Step::Go(self.after_answer(self.then(), work));
            }
            if chunk != Chunk::NeedMore {
                continue;
            }
            match self.fill(work) {
                Filled::More => {}
                Filled::NoMore if self.stream == Stream::Ended => {
                    return Step::Go(Phase::Goodbye(Goodbye::Close));
                }
                Filled::NoMore => return Step::Wait(Phase::Skipping(skipping), Stage::Body),
                Filled::Blocked => return Step::Wait(Phase::Skipping(skipping), Stage::Write),
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
