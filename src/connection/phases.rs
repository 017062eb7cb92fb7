//! The states of a connection, and the outcomes of the steps between them.

use super::budget::Budget;
use super::buffers::Buffers;
use super::dialect::{Preparation, ResponseContent};
use super::timeouts::TimeoutKind;
use crate::http::ContentDecoder;
use crate::peer::Peer;
use crate::server::Turn;
use crate::users::Ticket;

/// Where a connection stands.
#[derive(Default)]
pub(super) enum Phase<U> {
    /// Before or in a PROXY header.
    ProxyHeader,
    /// Before the first byte, which shows whether TLS begins.
    TlsHello,
    /// Before or in a head.
    Head,
    /// Behind a head of so many bytes, all of them in the input. Its request needs a blocking turn.
    Request(usize),
    /// Behind such a head, whose password is being verified.
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
    /// Nothing follows but the close. A session is in this phase, too, while a step has its phase: a panic there is its end.
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

/// What the peer's side of the stream is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PeerStream {
    /// Nothing was received yet.
    Fresh,
    /// There may be more to receive.
    Open,
    /// All that had come was received. More will be reported.
    Drained,
    /// The peer's end of stream was received.
    Ended,
}

/// How a step of processing ends.
pub(super) enum Step<U> {
    /// In a phase that can go on at once.
    Go(Phase<U>),
    /// In a phase that cannot, until the peer does something.
    Wait(Phase<U>, TimeoutKind),
    /// In a phase that goes on after the flush: in the flush itself, or in another turn.
    Yield(Phase<U>),
    /// With the connection.
    Close,
}

/// How a session goes on after the flush, if that sends all there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AfterFlush {
    /// It waits for its peer.
    Wait(TimeoutKind),
    /// It continues in another turn.
    Yield,
    /// The connection is done with.
    Close,
}

/// What a step works with, besides the connection.
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

/// Content that is read past.
pub(super) struct Skipping {
    pub(super) decoder: ContentDecoder,
    /// Bytes that may still come.
    pub(super) left: u64,
}

/// What came of an attempt to have more input.
pub(super) enum Filled {
    /// There may be more of it.
    More,
    /// There is none for now, or none any more: see [`PeerStream`].
    NoMore,
    /// The connection is broken.
    Broken,
}

/// What follows a response.
pub(super) enum Then {
    /// The next request.
    Next,
    /// Content of the request that is read past, then the next request.
    Skip(Skipping),
    /// The close; the peer has sent all that it should.
    Close,
    /// The close; the peer may send more.
    CloseUnread,
}

/// How far the close of a connection has come.
///
/// To close while there is unread input makes TCP send a reset, which may overtake the response (RFC 9112 §9.6). So
/// unless there is none, we end our side, read past what comes, and close when the peer has ended its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// What is left of the responses is sent, then our end of stream.
    Flush,
    /// Input is read past, so many bytes at most.
    Linger(u64),
    /// What is left of the responses is sent; nothing more will come from the peer.
    Close,
}

/// What came of sending the output.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flushed {
    /// All of it is sent.
    All,
    /// The rest must wait.
    Blocked,
    /// The connection is broken.
    Broken,
}
