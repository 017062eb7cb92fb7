//! The states of a connection, and the outcomes of the steps between them.

use super::budget::Budget;
use super::buffers::Buffers;
use super::dialect::{Preparation, ResponseContent};
use super::timeouts::TimeoutKind;
use crate::http::ContentDecoder;
use crate::peer::Peer;
use crate::server::Turn;
use crate::users::Ticket;

/// The phase of a connection.
#[derive(Default)]
pub(super) enum Phase<U> {
    /// Before or in a PROXY header.
    ProxyHeader,
    /// Before the first byte, which shows whether TLS begins.
    TlsHello,
    /// Before or in a head.
    Head,
    /// After a head of this many bytes in the input. Its request needs a blocking turn.
    Request(usize),
    /// After such a head, while its password is being verified.
    Identifying(usize, Ticket),
    /// In the content of a request that is received.
    Body(Box<Receiving<U>>),
    /// The content is received; its upload has work left.
    Finishing(Box<Receiving<U>>),
    /// A response is made in portions.
    Preparing(Box<Preparing>),
    /// In the content of a response.
    Sending(ResponseContent, Then),
    /// In the content of a request that has its response.
    Skipping(Skipping),
    /// All responses are made.
    Closing(Closing),
    /// Only the close follows. A session is in this phase, too, while a step has its phase: a panic there is its end.
    #[default]
    Ended,
}

impl<U> Phase<U> {
    /// Whether its next step needs a blocking turn.
    pub(super) fn may_block(&self) -> bool {
        match self {
            Self::Request(_) | Self::Body(_) | Self::Finishing(_) | Self::Preparing(_) => true,
            Self::Sending(content, _) => content.is_read_next(),
            Self::ProxyHeader
            | Self::TlsHello
            | Self::Head
            | Self::Identifying(..)
            | Self::Skipping(_)
            | Self::Closing(_)
            | Self::Ended => false,
        }
    }
}

/// The state of the peer's side of the stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerStream {
    /// No bytes were received yet.
    Fresh,
    /// There may be more to receive.
    Open,
    /// All available bytes were received. More will be reported.
    Drained,
    /// The peer's end of stream was received.
    Ended,
}

/// The result of a step of processing.
pub(super) enum Step<U> {
    /// A phase that can continue at once.
    Go(Phase<U>),
    /// A phase that waits for the peer.
    Wait(Phase<U>, TimeoutKind),
    /// A phase that continues in the flush or in another turn.
    Yield(Phase<U>),
    /// The end of the connection.
    Close,
}

/// The next step of a session after a complete flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFlush {
    /// It waits for its peer.
    Wait(TimeoutKind),
    /// It continues in another turn.
    Yield,
    /// The connection is closed.
    Close,
}

/// The context of a step, besides the connection.
pub(super) struct StepContext<'w, T> {
    pub(super) transport: &'w T,
    pub(super) buffers: &'w mut Buffers,
    pub(super) turn: &'w Turn<'w>,
    pub(super) budget: Budget,
}

/// A request whose content is being received.
pub(super) struct Receiving<U> {
    pub(super) upload: Box<U>,
    pub(super) decoder: ContentDecoder,
    pub(super) reply: Reply,
    pub(super) peer: Peer,
    /// The request line, as received.
    pub(super) line: Box<[u8]>,
}

/// A response that is made in portions.
pub(super) struct Preparing {
    pub(super) preparation: Box<dyn Preparation>,
    pub(super) then: Then,
    /// The request line, as received.
    pub(super) line: Box<[u8]>,
}

/// Whether a response is still due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Due,
    Given,
}

/// Content that is discarded.
pub(super) struct Skipping {
    pub(super) decoder: ContentDecoder,
    /// Bytes that may still arrive.
    pub(super) left: u64,
}

/// The result of an attempt to get more input.
pub(super) enum Filled {
    /// There may be more of it.
    More,
    /// No input for now, or the stream has ended: see [`PeerStream`].
    NoMore,
    /// The connection is broken.
    Broken,
}

/// The step after a response.
pub(super) enum Then {
    /// The next request.
    Next,
    /// Discarding content of the request, then the next request.
    Skip(Skipping),
    /// The close; the peer has nothing more to send.
    Close,
    /// The close; the peer may send more.
    CloseUnread,
}

/// The progress of closing a connection.
///
/// If a socket with unread input is closed, TCP sends a reset, which may overtake the response (RFC 9112 §9.6). So if
/// input may still arrive, the server ends its side, discards input, and closes when the peer has ended its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// The rest of the responses is sent, then the server's end of stream.
    Flush,
    /// Input is discarded, at most this many bytes.
    Linger(u64),
    /// The rest of the responses is sent; the peer sends nothing more.
    Close,
}

/// The result of sending the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// All of it is sent.
    All,
    /// The rest must wait.
    Blocked,
    /// The connection is broken.
    Broken,
}
