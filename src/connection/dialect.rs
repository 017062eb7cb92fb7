//! The interface between a connection and a dialect: the response to a request, and the handling of its content.
//!
//! A dialect records a request before it returns the response. The entry may be pending until [`Dialect::commit`]; no
//! response is sent before that, so every request with a visible response is in the log.

use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::blocking::{Blocking, PendingCommit, WouldBlock};
use crate::entry_range::EntryReceipt;
use crate::http::{Persistence, Refusal, RefusedHead, Request, StatusCode, Version};
use crate::requester::Requester;
use crate::server::Turn;

/// The rules by which requests become responses.
pub trait Dialect: Send + Sync {
    /// A request whose content is being received.
    type Upload: Upload;

    /// Decides on a request of this requester from its head alone.
    ///
    /// # Errors
    /// If it needs a blocking turn. Then nothing has changed, nothing is recorded, and the request is handled again.
    fn handle(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Decision<Self::Upload>, WouldBlock>;

    /// Whether a request with this method most likely needs a blocking turn, so that it is handled only in one.
    fn awaits_blocking_turn(&self, method: &[u8]) -> bool;

    /// Refuses a request before it is handled, for example because its credentials are wrong.
    fn deny(
        &self,
        request: &Request<'_>,
        refusal: Refusal,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Decision<Self::Upload>;

    /// Responds, in a turn with this worker, to a head that is malformed or incomplete.
    fn refuse(
        &self,
        head: RefusedHead<'_>,
        refusal: Refusal,
        requester: &Requester,
        worker: usize,
    ) -> Response;

    /// Appends the head of a response to a request of this version.
    fn write_head(
        &self,
        response: &Response,
        version: Version,
        persistence: Persistence,
        out: &mut Vec<u8>,
    );

    /// The work of [`Dialect::commit`] for this worker.
    fn pending(&self, worker: usize) -> PendingCommit;

    /// Writes the entries that are pending from turns with this worker.
    fn commit(&self, worker: usize);

    /// Continues with another log file; see [`crate::server::Service::reopen`].
    fn reopen(&self);
}

/// The decision of a dialect on a request.
pub struct Decision<U> {
    /// The persistence that the request asks for in this dialect; the connection may be closed all the same.
    pub persistence: Persistence,
    /// The action.
    pub action: Action<U>,
}

/// The action for a request.
pub enum Action<U> {
    /// Respond, and discard content if there is any.
    Response(Response),
    /// Respond, and treat no further bytes as a request, since the end of the content is unknown.
    RespondAndClose(Response),
    /// Receive the content, then respond.
    Receive(Box<U>),
    /// Make the response, which takes more than one turn.
    Prepare(Box<dyn Preparation>),
    /// Respond at once, then receive everything up to the peer's end of stream.
    RespondThenReceive(Response, Box<U>),
}

/// A response that is made in portions, between which other connections have their turns.
pub trait Preparation: Send {
    /// Does one portion; returns the response when it is complete and the request is recorded.
    fn step(&mut self, blocking: Blocking<'_>) -> Option<Response>;
}

/// A request whose content is being received.
pub trait Upload: Send {
    /// Takes the next bytes of the content.
    ///
    /// # Errors
    /// The response, if the upload is refused after all.
    fn write(&mut self, content: &[u8], blocking: Blocking<'_>) -> Result<(), Box<Response>>;

    /// Takes the last bytes of the content and commits the upload.
    fn finish(&mut self, last: &[u8], block: &mut Block, blocking: Blocking<'_>) -> UploadProgress;

    /// Does one more portion of the work after [`Upload::finish`].
    fn step(&mut self, block: &mut Block, blocking: Blocking<'_>) -> UploadProgress;

    /// Aborts the upload: nothing takes effect.
    fn abandon(&mut self, refusal: Refusal, blocking: Blocking<'_>) -> Response;
}

/// The progress of an upload with complete content.
pub enum UploadProgress {
    /// The upload is finished.
    Done(Response),
    /// There is more work, see [`Upload::step`].
    More,
    /// Another server holds the lock of the name, and nothing has changed. [`Upload::step`] retries.
    Locked,
}

/// Buffers for one portion of work on an upload.
#[derive(Default)]
pub struct Block {
    /// A buffer for content that is read back.
    pub content: Vec<u8>,
    /// A buffer for its text.
    pub text: Vec<u8>,
}

/// A response to a request that is recorded, or whose entry is pending.
#[derive(Clone)]
pub struct Response {
    /// Its status.
    pub status: StatusCode,
    /// The dialect's field lines, each ended by CRLF; without `Content-Length`.
    pub fields: Vec<u8>,
    /// Its content.
    pub content: ResponseContent,
    /// The reason for the refusal, if the request was refused.
    pub refusal: Option<Refusal>,
    /// The place of the request's entry.
    pub entry: EntryReceipt,
}

/// The content of a response.
#[derive(Clone)]
pub enum ResponseContent {
    /// None, `Content-Length: 0`.
    Empty,
    /// None, and not even a `Content-Length` (304, RFC 9110 §15.4.5; 204, §8.6).
    Unstated,
    /// None, with the `Content-Length` of a response to GET, for HEAD.
    Omitted(u64),
    /// Bytes in memory.
    Memory(Arc<[u8]>),
    /// Bytes in memory that are counted until they are sent or the connection is closed.
    TrackedBytes(Arc<dyn TrackedBytes>),
    /// A part of a file.
    File(FileRange),
    /// Several contents, one after the other.
    Sequence(VecDeque<ResponseContent>),
}

/// Bytes that are counted until they are dropped.
pub trait TrackedBytes: Send + Sync {
    /// The bytes.
    fn bytes(&self) -> &[u8];
}

/// A part of an open file.
#[derive(Clone)]
pub struct FileRange {
    /// The file.
    pub file: Arc<OwnedFd>,
    /// The offset of the part, in bytes.
    pub offset: u64,
    /// Bytes in the part.
    pub length: u64,
}

impl Response {
    /// The response to a successful request; each field line is ended by CRLF.
    #[must_use]
    pub fn new(status: StatusCode, fields: Vec<u8>, content: ResponseContent) -> Self {
        Self {
            status,
            fields,
            content,
            refusal: None,
            entry: EntryReceipt::None,
        }
    }

    /// The same response with the place of the request's entry.
    #[must_use]
    pub fn recorded(self, entry: EntryReceipt) -> Self {
        Self { entry, ..self }
    }

    /// A response without fields and content.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        Self::new(status, Vec::new(), ResponseContent::Empty)
    }

    /// A response without content to a refused request.
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
    /// Whether a file must be read before the rest can be sent.
    pub(super) fn is_read_next(&self) -> bool {
        match self {
            Self::Empty
            | Self::Unstated
            | Self::Omitted(_)
            | Self::Memory(_)
            | Self::TrackedBytes(_) => false,
            Self::File(_) => true,
            Self::Sequence(parts) => parts.front().is_some_and(Self::is_read_next),
        }
    }

    /// The value of `Content-Length`, if it is sent.
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
