//! The states of a connection, and the outcomes of the steps between them.

use std::net::SocketAddr;

use super::buffers::Buffers;
use super::dialect::ResponseContent;
use super::timeouts::TimeoutKind;
use crate::http::ContentDecoder;
use crate::server::Turn;

/// Where a connection stands.
pub(super) enum Phase<U> {
    /// Before or in a head.
    Head,
    /// In the content of a request that is received.
    Body(Box<Receiving<U>>),
    /// The content is received; its upload has work left.
    Finishing(Box<Receiving<U>>),
    /// In the content of an answer.
    Sending(ResponseContent, Then),
    /// In the content of a request that was answered without it.
    Skipping(Skipping),
    /// All answers are given.
    Closing(Closing),
}

/// What the peer's side of the stream is known to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    /// Nothing was received yet.
    Fresh,
    /// There may be more to receive.
    Open,
    /// All that had come was received.
    Drained,
    /// The peer's end of stream was received.
    Ended,
}

/// How a step ends.
pub(super) enum Step<U> {
    /// In a phase that can go on at once.
    Go(Phase<U>),
    /// In a phase that cannot.
    Wait(Phase<U>, TimeoutKind),
    /// In a phase that could go on, but has had its share of this turn.
    Yield(Phase<U>),
    /// With the connection.
    Close,
}

/// What a step works with, besides the connection.
pub(super) struct Work<'w, 't, T> {
    pub(super) transport: &'w T,
    pub(super) buffers: &'w mut Buffers,
    pub(super) turn: &'w mut Turn<'t>,
    /// What is left of this turn's share.
    pub(super) budget: Budget,
}

/// What a connection may do in one turn before others have theirs.
pub(super) struct Budget {
    /// Requests to read.
    pub(super) requests: u32,
    /// Bytes of content to move, in either direction.
    pub(super) bytes: u64,
}

/// A request whose content is being received.
pub(super) struct Receiving<U> {
    pub(super) upload: U,
    pub(super) decoder: ContentDecoder,
    pub(super) reply: Reply,
    pub(super) peer: SocketAddr,
    /// The request line, for people.
    pub(super) line: Box<str>,
}

/// Whether a request still is to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    Due,
    Given,
}

/// Content that nobody wants.
pub(super) struct Skipping {
    pub(super) decoder: ContentDecoder,
    /// Bytes that may still come.
    pub(super) left: u64,
}

/// What came of an attempt to have more input.
pub(super) enum Filled {
    /// There may be more of it.
    More,
    /// There is none for now, or none any more: see [`Stream`].
    NoMore,
    /// What has to be sent first is blocked.
    Blocked,
    /// The connection is broken.
    Broken,
}

/// What follows an answer.
pub(super) enum Then {
    /// The next request.
    Next,
    /// Content of the request that nobody wants, then the next request.
    Skip(Skipping),
    /// The close; the peer has sent all that it should.
    Close,
    /// The close; the peer may send more.
    CloseUnread,
}

/// How far the close of a connection has come.
///
/// To close while there is unread input makes TCP send a reset, which may overtake the answer (RFC 9112 §9.6). So
/// unless there is none, we end our side, read past what comes, and close when the peer has ended its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    /// What is left of the answers is sent, then our end of stream.
    Flush,
    /// Input is read past, so many bytes at most.
    Linger(u64),
    /// What is left of the answers is sent; nothing more will come from the peer.
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

/// A pipelining client's batch: long enough to pay for a turn, short enough that others hardly wait.
pub(super) const REQUESTS_PER_TURN: u32 = 32;

/// Some hundred microseconds of copying.
pub(super) const BYTES_PER_TURN: u64 = 1024 * 1024;
