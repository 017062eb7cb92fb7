//! What a connection asks of a dialect: how to react to a request, and what to do with its content.
//!
//! A dialect records a request before it gives the answer away, or puts that off until [`Dialect::settle`]; no answer
//! is sent before that, so an answer that a peer sees is in the log.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::http::{Persistence, Refusal, RefusedHead, Request, Status, Version};
use crate::server::Turn;

/// The rules by which requests are answered.
pub trait Dialect: Send + Sync {
    /// A request whose content is being received.
    type Upload: Upload;

    /// Decides on a request from its head alone.
    fn handle(&self, request: &Request<'_>, turn: &mut Turn<'_>) -> Decision<Self::Upload>;

    /// Answers to what is not a request, or not one that can be read to its end. What was put off is settled.
    fn refuse(&self, head: RefusedHead<'_>, refusal: Refusal) -> Response;

    /// Appends the head of an answer to a request of this version.
    fn write_head(
        &self,
        response: &Response,
        version: Version,
        persistence: Persistence,
        out: &mut Vec<u8>,
    );

    /// Whether it puts records off.
    fn puts_off(&self) -> bool;

    /// Writes the records that were put off in turns with this worker.
    fn settle(&self, worker: usize);

    /// Goes on with another log file; see [`crate::server::Service::reopen`].
    fn reopen(&self);
}

/// How a dialect reacts to a request.
pub struct Decision<U> {
    /// What the request asks for in this dialect; the connection may be closed nevertheless.
    pub persistence: Persistence,
    /// What is to be done.
    pub action: Action<U>,
}

/// What is to be done about a request.
pub enum Action<U> {
    /// It is answered; content that it may have is read past.
    Response(Response),
    /// It is answered, and nothing that follows is taken for a request: where its content ends cannot be told.
    RespondAndClose(Response),
    /// Its content is received, and then it is answered.
    Receive(U),
    /// It is answered at once, and then all that comes until the peer's end of stream is received.
    RespondThenReceive(Response, U),
}

/// A request whose content is being received.
pub trait Upload: Send {
    /// Takes the next bytes of the content.
    ///
    /// # Errors
    /// The answer, if the upload is refused after all.
    fn write(&mut self, content: &[u8], turn: &mut Turn<'_>) -> Result<(), Response>;

    /// Takes the last bytes of the content and makes it take effect.
    ///
    /// `None`: there is more to do, see [`Upload::step`].
    fn finish(&mut self, last: &[u8], block: &mut Block, turn: &mut Turn<'_>) -> Option<Response>;

    /// Does one more portion of what is left to do after [`Upload::finish`]; an answer when all is done.
    fn step(&mut self, block: &mut Block, turn: &mut Turn<'_>) -> Option<Response>;

    /// Gives the upload up: nothing takes effect.
    fn abandon(&mut self, refusal: Refusal) -> Response;
}

/// Buffers for one portion of work on an upload.
#[derive(Default)]
pub struct Block {
    /// For content that is read back.
    pub content: Vec<u8>,
    /// For the text made of it.
    pub text: Vec<u8>,
}

/// An answer, recorded already or once the dialect has settled.
#[derive(Clone)]
pub struct Response {
    /// Its status.
    pub status: Status,
    /// Field lines of the dialect's, each ended by CRLF; without `ResponseContent-Length`.
    pub fields: Vec<u8>,
    /// Its content.
    pub content: ResponseContent,
    /// Why the request was refused, if it was.
    pub refusal: Option<Refusal>,
}

/// The content of an answer.
#[derive(Clone)]
pub enum ResponseContent {
    /// None, `ResponseContent-Length: 0`.
    Empty,
    /// None, and not even a `ResponseContent-Length` (304, RFC 9110 §15.4.5; 204, §8.6).
    Unstated,
    /// As many bytes as stated would be sent if the request were not HEAD.
    Omitted(u64),
    /// Bytes in memory.
    Memory(Arc<[u8]>),
    /// Bytes in memory, of which somebody wants to know when they are not needed any more.
    TrackedBytes(Arc<dyn TrackedBytes>),
    /// A part of a file.
    File(FileRange),
    /// One after the other.
    Sequence(VecDeque<ResponseContent>),
}

/// Bytes that do something when they are dropped: when they are sent, or nobody will take them.
pub trait TrackedBytes: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> &[u8];
}

/// A part of an open file.
#[derive(Clone)]
pub struct FileRange {
    /// The file.
    pub file: Arc<OwnedFd>,
    /// Where the part starts, in bytes.
    pub offset: u64,
    /// Bytes in the part.
    pub length: u64,
}

impl Response {
    /// The answer to a request that was granted; each field line is ended by CRLF.
    #[must_use]
    pub fn new(status: Status, fields: Vec<u8>, content: ResponseContent) -> Self {
        Self {
            status,
            fields,
            content,
            refusal: None,
        }
    }

    /// An answer without fields and content.
    #[must_use]
    pub fn empty(status: Status) -> Self {
        Self::new(status, Vec::new(), ResponseContent::Empty)
    }

    /// An answer without content to a request that was not granted.
    #[must_use]
    pub fn refused(refusal: Refusal) -> Self {
        let response = Self::empty(refusal.status);
        Self {
            refusal: Some(refusal),
            ..response
        }
    }
}

impl ResponseContent {
    /// What `ResponseContent-Length` says, if it is sent.
    #[must_use]
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Empty => Some(0),
            Self::Unstated => None,
            Self::Omitted(length) => Some(*length),
            Self::Memory(bytes) => Some(bytes.len() as u64),
            Self::TrackedBytes(tracked) => Some(tracked.bytes().len() as u64),
            Self::File(range) => Some(range.length),
            Self::Sequence(parts) => parts.iter().map(Self::length).sum(),
        }
    }
}
