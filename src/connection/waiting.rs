//! The wait for the peer: how a turn ends with it, what becomes of one that takes too long, and of a peer that is gone.

use super::dialect::Dialect;
use super::phases::{Phase, Then, Work};
use super::session::HttpSession;
use super::timeouts::{Progress, TimeoutKind, Wait};
use crate::http::{Refusal, Status};
use crate::server::{Next, Transport, WakeReason};

/// What came of an attempt to wait.
pub(super) enum WaitOutcome<U> {
    /// The turn ends.
    Waiting(Next),
    /// It had waited long enough, and goes on in this phase.
    Expired(Phase<U>),
}

impl<D: Dialect> HttpSession<D> {
    /// Waits for `kind`, unless it has waited for that long enough.
    ///
    /// The deadline is looked at here and not when the turn begins: what came in time, and found the workers busy,
    /// has been received by now.
    pub(super) fn pause<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        kind: TimeoutKind,
        work: &mut Work<'_, '_, T>,
    ) -> WaitOutcome<D::Upload> {
        let before = self.wait;
        let wait = Wait::follow(before, kind, self.progress, &self.shared.timeouts);
        let progress = std::mem::replace(&mut self.progress, Progress::None);
        self.wait = Some(wait);
        if work.turn.reason() == WakeReason::TimedOut
            && before.is_some_and(|before| wait.has_ended(before))
        {
            return match self.expire(phase, kind, work) {
                Some(closing) => WaitOutcome::Expired(closing),
                None => WaitOutcome::Waiting(Next::Close),
            };
        }
        // No answer will carry the acknowledgement before the rest of the request has come.
        let is_amid = matches!(
            kind,
            TimeoutKind::Head | TimeoutKind::Body | TimeoutKind::Skip
        ) || !work.buffers.input.is_empty();
        if progress == Progress::Some && is_amid {
            work.transport.acknowledge();
        }
        self.phase = phase;
        WaitOutcome::Waiting(wait.next())
    }

    /// Answers to a deadline that has passed; `None` if there is nobody to answer.
    fn expire<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        kind: TimeoutKind,
        work: &mut Work<'_, '_, T>,
    ) -> Option<Phase<D::Upload>> {
        if !matches!(
            kind,
            TimeoutKind::Fresh | TimeoutKind::Idle | TimeoutKind::Skip | TimeoutKind::Linger
        ) {
            work.turn.enter_blocking_section();
        }
        let late = |reason| Refusal::new(Status::RequestTimeout, reason);
        let timeouts = &self.shared.timeouts;
        match (phase, kind) {
            (Phase::Head, TimeoutKind::Head) => {
                let limit = timeouts.head.as_secs();
                let refusal = late(format!("the head was not complete after {limit} s"));
                Some(self.refuse_head(refusal, work))
            }
            (Phase::Body(mut receiving), TimeoutKind::Body) => {
                let limit = timeouts.body.as_secs();
                let refusal = late(format!("no more of the content came for {limit} s"));
                let response = receiving.abandon(refusal)?;
                Some(self.response(response, Then::CloseUnread, work))
            }
            (Phase::Body(mut receiving), _) => {
                let limit = timeouts.write.as_secs();
                receiving.abandon(late(format!("the client took no response for {limit} s")));
                None
            }
            _ => None,
        }
    }

    /// Gives up on a peer that is gone; an upload of its does not take effect.
    pub(super) fn abort<T>(&mut self, phase: Phase<D::Upload>, work: &mut Work<'_, '_, T>) -> Next {
        work.turn.enter_blocking_section();
        if let Phase::Body(mut receiving) = phase {
            receiving.abandon(Refusal::bad_request(
                "the client was gone before the content was complete",
            ));
        }
        self.phase = Phase::Head;
        Next::Close
    }
}
