//! A turn: steps from phase to phase until the connection would have to wait for its peer.

use super::buffers::Buffers;
use super::dialect::Dialect;
use super::phases::{
    BYTES_PER_TURN, Budget, Flushed, Phase, REQUESTS_PER_TURN, Step, Stream, Work,
};
use super::session::HttpSession;
use super::timeouts::{Progress, TimeoutKind};
use super::waiting::WaitOutcome;
use crate::server::{After, Next, Session, Transport, Turn};

impl<D: Dialect> Session for HttpSession<D> {
    type Buffers = Buffers;

    fn advance<T: Transport>(
        &mut self,
        transport: &T,
        buffers: &mut Buffers,
        turn: &mut Turn<'_>,
    ) -> Next {
        buffers.input.take_over(&mut self.unused);
        buffers.take_output(&mut self.unsent);
        // After `Next::Settle`, what has come since is told anew; but who is to say goodbye looks for itself.
        let settled = std::mem::take(&mut self.unsettled);
        if self.stream == Stream::Drained && (!settled || turn.is_stopping()) {
            self.stream = Stream::Open;
        }
        let mut work = Work {
            transport,
            buffers,
            turn,
            budget: Budget {
                requests: REQUESTS_PER_TURN,
                bytes: BYTES_PER_TURN,
            },
        };
        let next = self.take_turn(&mut work);
        if next != Next::Settle {
            self.settle(&mut work);
        }
        self.unused = buffers.input.hand_back();
        self.unsent = match next {
            Next::Settle => buffers.hand_over_output(),
            Next::Wait(..) | Next::Yield | Next::Close => buffers.output.as_slice().to_vec(),
        };
        next
    }

    fn release<T: Transport>(&mut self, transport: &T) {
        // If it fails, the next turn will find out.
        if let Ok(sent) = transport.send(&self.unsent, After::Flush) {
            self.unsent.drain(..sent);
            self.progress = Progress::Some;
        }
    }
}

impl<D: Dialect> HttpSession<D> {
    fn take_turn<T: Transport>(&mut self, work: &mut Work<'_, '_, T>) -> Next {
        let mut phase = std::mem::replace(&mut self.phase, Phase::Head);
        // An upload that has taken effect is recorded before anything waits for the peer.
        let mut step = if work.buffers.output.is_empty() || matches!(phase, Phase::Finishing(_)) {
            self.step(phase, work)
        } else {
            match self.flush(work, After::Flush) {
                Flushed::All => self.step(phase, work),
                Flushed::Blocked => Step::Wait(phase, TimeoutKind::Write),
                Flushed::Broken => return self.abort(phase, work),
            }
        };
        loop {
            phase = match step {
                Step::Go(next) => next,
                Step::Yield(next) => {
                    self.phase = next;
                    return Next::Yield;
                }
                Step::Close => return Next::Close,
                Step::Wait(next, TimeoutKind::Write) => {
                    match self.pause(next, TimeoutKind::Write, work) {
                        WaitOutcome::Waiting(next) => return next,
                        WaitOutcome::Expired(next) => next,
                    }
                }
                Step::Wait(next, _) if self.unsettled && work.turn.has_company() => {
                    self.phase = next;
                    return Next::Settle;
                }
                Step::Wait(next, kind) => {
                    let kind = match self.flush(work, After::Flush) {
                        Flushed::All => kind,
                        Flushed::Blocked => TimeoutKind::Write,
                        Flushed::Broken => return self.abort(next, work),
                    };
                    match self.pause(next, kind, work) {
                        WaitOutcome::Waiting(next) => return next,
                        WaitOutcome::Expired(next) => next,
                    }
                }
            };
            step = self.step(phase, work);
        }
    }

    fn step<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        work: &mut Work<'_, '_, T>,
    ) -> Step<D::Upload> {
        match phase {
            Phase::Head => self.read_head(work),
            Phase::Body(receiving) => self.receive(receiving, work),
            Phase::Finishing(receiving) => self.finish(receiving, work),
            Phase::Sending(content, then) => self.send(content, then, work),
            Phase::Skipping(skipping) => self.skip(skipping, work),
            Phase::Closing(closing) => self.close(closing, work),
        }
    }

    /// Has the answers in the output recorded, so that they may be sent.
    pub(super) fn settle<T>(&mut self, work: &mut Work<'_, '_, T>) {
        if std::mem::take(&mut self.unsettled) {
            self.shared.dialect.settle(work.turn.worker());
        }
    }
}
