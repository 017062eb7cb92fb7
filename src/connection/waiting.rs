//! The wait for the peer: how a turn ends with it, what becomes of one that takes too long, and of a peer that is gone.

use super::dialect::Dialect;
use super::phases::{Phase, Then, Work};
use super::session::Connection;
use super::timeouts::{Progress, Stage, Wait};
use crate::http::{Status, line_parts};
use crate::server::{Next, Transport, WakeReason};

/// What came of an attempt to wait.
pub(super) enum Paused<U> {
    /// The turn ends.
    Waiting(Next),
    /// It had waited long enough, and goes on in this phase.
    Expired(Phase<U>),
}

impl<D: Dialect> Connection<D> {
    /// Waits for `stage`, unless it has waited for that long enough.
    ///
    /// The deadline is looked at here and not when the turn begins: what came in time, and found the workers busy,
    /// has been received by now.
    pub(super) fn pause<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        stage: Stage,
        work: &mut Work<'_, '_, T>,
    ) -> Paused<D::Upload> {
        let before = self.wait;
        let wait = Wait::follow(before, stage, self.progress, &self.shared.timeouts);
        let progress = std::mem::replace(&mut self.progress, Progress::None);
        self.wait = Some(wait);
        if work.turn.reason() == WakeReason::TimedOut
            && before.is_some_and(|before| wait.has_ended(before))
        {
            return match self.expire(phase, stage, work) {
                Some(goodbye) => Paused::Expired(goodbye),
                None => Paused::Waiting(Next::Close),
            };
        }
        // No answer will carry the acknowledgement before the rest of the request has come.
        let is_amid = matches!(stage, Stage::Head | Stage::Body) || !work.buffers.input.is_empty();
        if progress == Progress::Some && is_amid {
            work.transport.acknowledge();
        }
        self.phase = phase;
        Paused::Waiting(wait.next())
    }

    /// Answers to a deadline that has passed; `None` if there is nobody to answer.
    fn expire<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        stage: Stage,
        work: &mut Work<'_, '_, T>,
    ) -> Option<Phase<D::Upload>> {
        if !matches!(stage, Stage::Fresh | Stage::Idle | Stage::Linger) {
            work.turn.enter_blocking_section();
        }
        let answer = match (phase, stage) {
            (Phase::Head, Stage::Head) => {
                let line = line_parts(work.buffers.input.bytes());
                self.shared.dialect.refuse(line, Status::RequestTimeout)
            }
            (Phase::Body(mut receiving), Stage::Body) => {
                receiving.abandon(Status::RequestTimeout, work.turn)?
            }
            (Phase::Body(mut receiving), _) => {
                receiving.abandon(Status::RequestTimeout, work.turn);
                return None;
            }
            _ => return None,
        };
        Some(self.answer(answer, Then::CloseUnread, work))
    }

    /// Gives up on a peer that is gone; an upload of its does not take effect.
    pub(super) fn break_off<T>(
        &mut self,
        phase: Phase<D::Upload>,
        work: &mut Work<'_, '_, T>,
    ) -> Next {
        work.turn.enter_blocking_section();
        if let Phase::Body(mut receiving) = phase {
            receiving.abandon(Status::BadRequest, work.turn);
        }
        self.phase = Phase::Head;
        Next::Close
    }
}
