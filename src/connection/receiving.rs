//! Receiving: into the worker's input, which a waiting connection keeps only a little of.
//!
//! A connection keeps at most [`HEADS`] bytes of an incomplete head. The rest of a longer one stays in the socket, where
//! it already is: the worker looks at a copy until the head is complete, and receives it then. This needs space in the
//! socket for the bytes that follow, see [`Transport::peek`]; without it, and inside TLS, a long head is kept whole.

use super::dialect::Dialect;
use super::input::Received;
use super::phases::{Filled, PeerStream, StepContext};
use super::session::HttpSession;
use super::timeouts::ByteProgress;
use crate::http::{MAX_FIELDS_LEN, MAX_REQUEST_LINE};
use crate::server::{Transport, Turn, WakeReason};

/// Bytes received at a time for heads. Further bytes may be content, which a blocking turn receives directly into the
/// upload; and a client that does not read its responses, or does not complete its head, can fill no more than this.
pub(super) const HEADS: usize = 4 * 1024;

/// Bytes of the longest head, with an empty line before it: among so many, its end is found, or it is refused.
const LONGEST_HEAD: usize = MAX_REQUEST_LINE + MAX_FIELDS_LEN + 64;

impl<D: Dialect> HttpSession<D> {
    /// Receives once, at most `limit` bytes, unless the socket is known to be empty.
    pub(super) fn fill<T: Transport>(
        &mut self,
        work: &mut StepContext<'_, T>,
        limit: usize,
    ) -> Filled {
        if matches!(self.stream, PeerStream::Drained | PeerStream::Ended) {
            return Filled::NoMore;
        }
        let input = &mut work.buffers.input;
        let before = input.bytes().len();
        let received = input.receive(work.transport, limit);
        self.accounting.add_received(input.bytes().len() - before);
        self.note_received(&received, work)
    }

    /// Receives more of a head, or looks at it, see the module's description.
    pub(super) fn fill_with_head<T: Transport>(&mut self, work: &mut StepContext<'_, T>) -> Filled {
        let held = work.buffers.input.bytes().len();
        if held < HEADS {
            return self.fill(work, HEADS - held);
        }
        if matches!(self.stream, PeerStream::Drained | PeerStream::Ended) {
            return Filled::NoMore;
        }
        let input = &mut work.buffers.input;
        if held < LONGEST_HEAD
            && may_leave(work.turn)
            && let Some(received) = input.peek(work.transport, LONGEST_HEAD - HEADS)
        {
            return self.note_received(&received, work);
        }
        self.fill(work, HEADS)
    }

    /// Receives the bytes among the first `length` of the input that the worker has only looked at.
    /// [`Filled::NoMore`] if fewer were received.
    pub(super) fn receive_seen<T: Transport>(
        &mut self,
        length: usize,
        work: &mut StepContext<'_, T>,
    ) -> Filled {
        let input = &mut work.buffers.input;
        let (held, seen) = (input.bytes().len(), input.seen().len());
        let missing = length.min(seen).saturating_sub(held);
        if missing == 0 {
            return Filled::More;
        }
        let received = input.receive(work.transport, missing);
        self.accounting.add_received(input.bytes().len() - held);
        if received == Received::Full {
            if held + missing < seen {
                self.stream = PeerStream::Open;
            }
            return Filled::More;
        }
        // The connection broke meanwhile, or an urgent byte arrived among them.
        match self.note_received(&received, work) {
            Filled::Broken => Filled::Broken,
            Filled::More | Filled::NoMore => Filled::NoMore,
        }
    }

    /// The state of the peer's side after a receive.
    fn note_received<T: Transport>(
        &mut self,
        received: &Received,
        work: &mut StepContext<'_, T>,
    ) -> Filled {
        match received {
            Received::Some | Received::Full => {
                self.progress = ByteProgress::Some;
                // A short receive has emptied the socket, and new bytes will be reported, unless the stream has ended
                // or urgent data has shortened the receive.
                let emptied = *received == Received::Some
                    && !matches!(work.turn.reason(), WakeReason::HungUp | WakeReason::Urgent)
                    && !work.transport.has_more();
                self.stream = if emptied {
                    PeerStream::Drained
                } else {
                    PeerStream::Open
                };
                Filled::More
            }
            Received::Nothing => {
                if self.stream != PeerStream::Fresh {
                    self.stream = PeerStream::Drained;
                }
                Filled::NoMore
            }
            Received::End => {
                self.stream = PeerStream::Ended;
                Filled::NoMore
            }
            Received::Broken => {
                self.accounting.note_end("the connection broke");
                Filled::Broken
            }
        }
    }
}

/// Whether the rest of a head may stay in the socket. An end of stream or an urgent byte is found only by receiving what
/// is before it, and a stopping server takes bytes in the socket for a request without a response.
fn may_leave(turn: &Turn<'_>) -> bool {
    turn.reason() != WakeReason::HungUp
        && turn.reason() != WakeReason::Urgent
        && !turn.is_stopping()
}
