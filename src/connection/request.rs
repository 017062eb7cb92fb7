//! The incoming half: heads, and the content of requests.

use super::desk::Received;
use super::dialect::{Answer, Course, Dialect, Upload};
use super::patience::{Progress, Stage};
use super::response::{Flushed, Goodbye, Then};
use super::{Connection, Phase, Step, Stream, Work};
use crate::http::{
    CONTINUE, Chunk, ChunkedDecoder, ContentDecoder, Expect, Framing, HeadScan, Persistence,
    Request, Status, line_parts,
};
use crate::server::{After, Cause, Transport};

/// Content of a request that was answered without it is read past up to this length, so that the connection
/// persists; a longer one costs the connection.
const SKIPPABLE: u64 = 2 * 1024 * 1024;

/// Answers that wait to be sent together, in bytes; with more, no further request is read.
const OUTPUT: usize = 64 * 1024;

/// A request whose content is being received.
pub(super) struct Receiving<U> {
    upload: U,
    decoder: ContentDecoder,
    reply: Reply,
}

/// Whether a request still is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Due,
    Given,
}

/// Content that nobody wants.
pub(super) struct Skipping {
    decoder: ContentDecoder,
    /// Bytes that may still come.
    left: u64,
}

impl<U: Upload> Receiving<U> {
    /// Gives the upload up; an answer if one is due.
    pub(super) fn abandon(&mut self, status: Status) -> Option<Answer> {
        let answer = self.upload.abandon(status);
        (self.reply == Reply::Due).then_some(answer)
    }
}

/// What came of an attempt to have more input.
enum Filled {
    /// There may be more of it.
    More,
    /// There is none for now, or none any more: see [`Stream`].
    NoMore,
    /// What has to be sent first is blocked.
    Blocked,
    /// The connection is broken.
    Broken,
}

impl<D: Dialect> Connection<D> {
    /// Receives once, unless it is known that there is nothing. Answers that are ready go out first, since the
    /// peer may wait for them.
    fn fill<T: Transport>(&mut self, work: &mut Work<'_, '_, T>) -> Filled {
        if matches!(self.stream, Stream::Drained | Stream::Ended) {
            return Filled::NoMore;
        }
        match self.flush(work, After::Flush) {
            Flushed::All => {}
            Flushed::Blocked => return Filled::Blocked,
            Flushed::Broken => return Filled::Broken,
        }
        let received = work.desk.input.receive(work.transport);
        match received {
            Received::Some | Received::Full => {
                self.progress = Progress::Some;
                // A short read emptied the socket, and what comes now will be told, unless the end has come with it.
                let emptied = received == Received::Some && work.turn.cause() != Cause::HungUp;
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
            if work.share.requests == 0 {
                return Step::Yield(Phase::Head);
            }
            if work.desk.output.len() > OUTPUT {
                match self.flush(work, After::Flush) {
                    Flushed::All => {}
                    Flushed::Blocked => return Step::Wait(Phase::Head, Stage::Write),
                    Flushed::Broken => return Step::Close,
                }
            }
            match self.scan.find_end(work.desk.input.bytes()) {
                Ok(Some(length)) => return self.react(length, work),
                Err(status) => return Step::Go(self.refuse_head(status, work)),
                Ok(None) => {}
            }
            match self.fill(work) {
                Filled::More => {}
                Filled::Blocked => return Step::Wait(Phase::Head, Stage::Write),
                Filled::Broken => return Step::Close,
                Filled::NoMore => return self.await_head(work),
            }
        }
    }

    /// Waits for more of a head, unless none will come.
    fn await_head<T: Transport>(&mut self, work: &mut Work<'_, '_, T>) -> Step<D::Upload> {
        // An empty line after a request is no beginning of another (RFC 9112 §2.2).
        let begun = !matches!(work.desk.input.bytes(), b"" | b"\r" | b"\n" | b"\r\n");
        match (self.stream, begun) {
            (Stream::Ended, true) => Step::Go(self.refuse_head(Status::BadRequest, work)),
            (Stream::Ended, false) => Step::Go(Phase::Goodbye(Goodbye::Close)),
            (_, true) => Step::Wait(Phase::Head, Stage::Head),
            (Stream::Fresh, false) => Step::Wait(Phase::Head, Stage::Fresh),
            (_, false) if work.turn.is_stopping() => Step::Go(Phase::Goodbye(Goodbye::Close)),
            (_, false) => Step::Wait(Phase::Head, Stage::Idle),
        }
    }

    fn refuse_head<T: Transport>(
        &mut self,
        status: Status,
        work: &mut Work<'_, '_, T>,
    ) -> Phase<D::Upload> {
        let line = line_parts(work.desk.input.bytes());
        let answer = self.shared.dialect.refuse(line, status);
        self.answer(answer, Then::CloseUnread, work)
    }

    /// Reacts to the head that is the first `length` bytes of the input.
    fn react<T: Transport>(
        &mut self,
        length: usize,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        work.share.requests -= 1;
        self.scan = HeadScan::default();
        self.wait = None;
        let head = &work.desk.input.bytes()[..length];
        let request = match Request::parse(head) {
            Ok(request) => request,
            Err(status) => {
                return Step::Go(self.refuse_head(status, work));
            }
        };
        let (framing, expect) = (request.framing, request.expect);
        self.version = request.version;
        let reaction = self.shared.dialect.react(&request, work.turn);
        work.desk.input.consume(length);
        self.persistence = if work.turn.is_stopping() {
            Persistence::Close
        } else {
            reaction.persistence
        };
        match reaction.course {
            Course::Answer(answer) => Step::Go(self.answer_without(framing, expect, answer, work)),
            Course::Receive(upload) => {
                if expect == Expect::Continue {
                    work.desk.output.extend_from_slice(CONTINUE);
                }
                Step::Go(Phase::Body(Box::new(Receiving {
                    upload,
                    decoder: decoder(framing),
                    reply: Reply::Due,
                })))
            }
            Course::AnswerThenReceive(answer, upload) => {
                self.persistence = Persistence::Close;
                self.write_head(&answer, work);
                Step::Go(Phase::Body(Box::new(Receiving {
                    upload,
                    decoder: ContentDecoder::UntilClose,
                    reply: Reply::Given,
                })))
            }
        }
    }

    /// Answers a request whose content, if any, is not wanted.
    fn answer_without<T: Transport>(
        &mut self,
        framing: Framing,
        expect: Expect,
        answer: Answer,
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
        self.answer(answer, then, work)
    }

    /// Receives content into its upload.
    pub(super) fn receive<T: Transport>(
        &mut self,
        mut receiving: Box<Receiving<D::Upload>>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        // As much as there is goes to the upload at once.
        while work.desk.input.has_room()
            && !is_enough(&receiving.decoder, work.desk.input.bytes().len())
        {
            match self.fill(work) {
                Filled::More => {}
                Filled::NoMore => break,
                Filled::Blocked => return Step::Wait(Phase::Body(receiving), Stage::Write),
                Filled::Broken => {
                    receiving.abandon(Status::BadRequest);
                    return Step::Close;
                }
            }
        }
        loop {
            let input = work.desk.input.bytes();
            let (used, chunk) = match receiving.decoder.step(input) {
                Ok(step) => step,
                Err(status) => return self.give_up(&mut receiving, status, work),
            };
            match chunk {
                Chunk::Data(range) if receiving.decoder.is_finished() => {
                    let upload = &mut receiving.upload;
                    let answer = upload.finish(&input[range], &mut work.desk.block, work.turn);
                    work.desk.input.consume(used);
                    return self.finished(receiving, answer, work);
                }
                Chunk::Data(range) => {
                    let bytes = range.len() as u64;
                    let written = receiving.upload.write(&input[range], work.turn);
                    work.desk.input.consume(used);
                    work.share.bytes = work.share.bytes.saturating_sub(bytes);
                    if let Err(answer) = written {
                        return Step::Go(self.answer_early(&receiving, answer, work));
                    }
                }
                Chunk::End => {
                    work.desk.input.consume(used);
                    let answer = receiving
                        .upload
                        .finish(&[], &mut work.desk.block, work.turn);
                    return self.finished(receiving, answer, work);
                }
                Chunk::NeedMore => {
                    work.desk.input.consume(used);
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
                    .finish(&[], &mut work.desk.block, work.turn);
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
        let answer = receiving.upload.abandon(status);
        Step::Go(self.answer_early(receiving, answer, work))
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
        let answer = receiving.upload.step(&mut work.desk.block, work.turn);
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
            let Ok((used, chunk)) = skipping.decoder.step(work.desk.input.bytes()) else {
                return Step::Go(Phase::Goodbye(Goodbye::Flush));
            };
            work.desk.input.consume(used);
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

fn decoder(framing: Framing) -> ContentDecoder {
    match framing {
        Framing::Absent => ContentDecoder::Length { left: 0 },
        Framing::Length(left) => ContentDecoder::Length { left },
        Framing::Chunked => ContentDecoder::Chunked(ChunkedDecoder::default()),
    }
}

/// Whether `received` bytes hold all the content that is to come.
fn is_enough(decoder: &ContentDecoder, received: usize) -> bool {
    match decoder {
        ContentDecoder::Length { left } => received as u64 >= *left,
        ContentDecoder::Chunked(_) | ContentDecoder::UntilClose => false,
    }
}
