//! The wait for the peer at the end of a turn, and the handling of peers that are too slow or gone.

use super::content::locked;
use super::dialect::Dialect;
use super::phases::{Closing, PeerStream, Phase, StepContext, Then};
use super::session::HttpSession;
use super::timeouts::{ByteProgress, TimeoutKind, Wait};
use crate::blocking::Blocking;
use crate::http::{Refusal, StatusCode};
use crate::server::{Next, Transport, Turn, WakeReason};

impl<D: Dialect> HttpSession<D> {
    /// Whether it has waited for `kind` long enough.
    ///
    /// The deadline is checked after the input: bytes that arrived in time while the workers were busy have been
    /// received by now.
    pub(super) fn has_expired(&self, kind: TimeoutKind, turn: &Turn<'_>) -> bool {
        turn.reason() == WakeReason::TimedOut
            && self.wait.is_some_and(|before| {
                let timeouts = &self.shared.timeouts;
                let now = turn.clock().read();
                Wait::follow(Some(before), kind, self.progress, timeouts, now).has_ended(before)
            })
    }

    /// Ends the turn with a wait for `kind`.
    pub(super) fn wait_for<T: Transport>(
        &mut self,
        kind: TimeoutKind,
        transport: &T,
        turn: &Turn<'_>,
    ) -> Next {
        let now = turn.clock().read();
        let wait = Wait::follow(self.wait, kind, self.progress, &self.shared.timeouts, now);
        let progress = std::mem::replace(&mut self.progress, ByteProgress::None);
        self.wait = Some(wait);
        // No response will carry the acknowledgement before the rest of the request arrives.
        let is_amid = matches!(
            kind,
            TimeoutKind::Head | TimeoutKind::Body | TimeoutKind::Skip
        ) || !self.unused.is_empty();
        if progress == ByteProgress::Some && is_amid {
            transport.acknowledge();
        }
        if self.stream == PeerStream::Drained {
            self.stream = PeerStream::Open;
        }
        wait.next()
    }

    /// The step after an expired deadline for receiving; `None` for the close.
    pub(super) fn expire<T: Transport>(
        &mut self,
        phase: Phase<D::Upload>,
        kind: TimeoutKind,
        work: &mut StepContext<'_, T>,
    ) -> Option<Phase<D::Upload>> {
        let timeouts = &self.shared.timeouts;
        match (phase, kind) {
            (Phase::Head, TimeoutKind::Head) => {
                let limit = timeouts.head.as_secs();
                let refusal = late(format!("the head was not complete after {limit} s"));
                Some(self.refuse_head(refusal, work))
            }
            (Phase::Body(mut receiving), TimeoutKind::Body) => {
                let Ok(blocking) = work.turn.permission().require() else {
                    return Some(Phase::Body(receiving));
                };
                let limit = timeouts.body.as_secs();
                let refusal = late(format!("no more content arrived for {limit} s"));
                let response = receiving.abandon(refusal, &mut self.accounting, blocking)?;
                Some(self.respond(response, Then::CloseUnread, work.buffers.unread()))
            }
            (Phase::Finishing(mut receiving), TimeoutKind::Lock) => {
                let Ok(blocking) = work.turn.permission().require() else {
                    return Some(Phase::Finishing(receiving));
                };
                let response = receiving.abandon(locked(), &mut self.accounting, blocking);
                Some(match response {
                    Some(response) => self.respond(response, self.then(), work.buffers.unread()),
                    None => Phase::Closing(Closing::Close),
                })
            }
            (_, kind) => {
                self.accounting.note_end(kind.reason());
                None
            }
        }
    }

    /// Waits until the peer receives more of the responses, unless its time is over.
    pub(super) fn wait_for_peer_to_read<T: Transport>(
        &mut self,
        transport: &T,
        turn: &Turn<'_>,
    ) -> Next {
        if !self.has_expired(TimeoutKind::Write, turn) {
            return self.wait_for(TimeoutKind::Write, transport, turn);
        }
        let limit = self.shared.timeouts.write.as_secs();
        self.accounting.note_end(TimeoutKind::Write.reason());
        self.give_up(
            late(format!(
                "the client did not read the response for {limit} s"
            )),
            turn,
        )
    }

    /// Closes the connection of a peer that is gone or does not read; its upload does not take effect.
    pub(super) fn give_up(&mut self, refusal: Refusal, turn: &Turn<'_>) -> Next {
        if let Phase::Body(receiving) = &mut self.phase {
            // In this phase every turn is a blocking one.
            if turn.permission().require().is_err() {
                return Next::Yield;
            }
            // The commit of this turn has passed, so the entry must not be pending.
            let blocking = Blocking::outside_turn();
            receiving.abandon(refusal, &mut self.accounting, blocking);
            self.phase = Phase::Ended;
        }
        Next::Close
    }
}

fn late(reason: String) -> Refusal {
    Refusal::new(StatusCode::RequestTimeout, reason)
}
