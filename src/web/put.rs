//! PUT: stores a whole file or nothing (RFC 9110 §9.3.4).
//!
//! 1. The head is checked before the content is received, and missing directories are created.
//! 2. The content is staged, and digested if a digest was sent or requested.
//! 3. The digest is compared. The conditions are evaluated at the instant of the commit: if two clients create the same
//!    file, or replace the same version of it, only one succeeds.

use std::cell::Cell;
use std::sync::Arc;

use super::fields::{Preconditions, etag_of};
use super::path::{Path, TrailingSlash};
use super::refusal::{Stop, cannot_store, concealed, not_whole, respond};
use super::site::{Site, path};
use super::upload_digests::UploadDigests;
use crate::blocking::Blocking;
use crate::connection::{Block, Response, ResponseContent, Upload, UploadProgress};
use crate::files::{self, FileCommit, Files, Finishing, Remaining, UploadError};
use crate::http::semantics::conditional::ConditionalMethod;
use crate::http::semantics::digest::Sha256Digest;
use crate::http::semantics::whole::NotWhole;
use crate::http::{Framing, Refusal, Request, StatusCode, write_field};
use crate::refusing::{Operation, ReceivedLine, cannot_read, require};
use crate::requester::Requester;
use crate::server::Turn;
use crate::store::{CommitCondition, Metadata, StoreError, StoreErrorKind};
use crate::users::Right;

impl Site {
    /// Begins to receive a file.
    pub(super) fn put(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<WebUpload, Stop> {
        if let Some(what) = NotWhole::of(request) {
            return Err(not_whole(what).into());
        }
        let (path, _) = path(request)?;
        require(requester, &[Right::Create, Right::Replace], path.relative())?;
        let blocking = turn.permission().require()?;
        let existing = self.check_target(&path, blocking)?;
        let right = existing.as_ref().map_or(Right::Create, |_| Right::Replace);
        require(requester, &[right], path.relative())?;
        match request.framing {
            Framing::Absent => {
                let reason = "an upload needs a Content-Length or the transfer coding chunked";
                return Err(Refusal::new(StatusCode::LengthRequired, reason).into());
            }
            Framing::Length(length) if length > self.options.max_body => {
                let error = UploadError::TooLong {
                    path: path.relative().into(),
                    limit: self.options.max_body,
                };
                return Err(cannot_store(&error).into());
            }
            Framing::Length(_) | Framing::Chunked => {}
        }
        let digests = UploadDigests::of(request)?;
        let conditional = Preconditions::of(request);
        if !conditional.permits(ConditionalMethod::Put, existing.as_ref()) {
            let error = StoreError::new(path.relative(), StoreErrorKind::ConditionFailed);
            return Err(cannot_store(&error.into()).into());
        }
        let receiving = self
            .files
            .begin_below(path.relative(), self.options.max_body, requester, blocking)
            .map_err(|error| cannot_store(&error))?
            .ok_or_else(|| blocking.in_another_turn())?;
        Ok(WebUpload {
            files: Arc::clone(&self.files),
            received: ReceivedLine::of(request, requester).into_owned(),
            conditional: conditional.into_owned(),
            digests,
            state: WebPutState::Receiving(receiving),
        })
    }

    /// The current file at a path, or a refusal if no file can be stored there.
    fn check_target(
        &self,
        path: &Path,
        blocking: Blocking<'_>,
    ) -> Result<Option<Metadata>, Refusal> {
        if self.hides(path) {
            return Err(concealed());
        }
        let directory = |reason| Refusal::new(StatusCode::Conflict, reason);
        if path.ending() == TrailingSlash::Slash {
            return Err(directory(
                "the path ends with a slash, but the path of a file does not",
            ));
        }
        match self.files.inspect(path.relative(), blocking) {
            Ok(there) if there.is_directory() => Err(directory("it is a directory")),
            Ok(there) => Ok(Some(there)),
            Err(error) => match error.kind {
                StoreErrorKind::NotFound | StoreErrorKind::ImpossibleName => Ok(None),
                kind => Err(cannot_read(kind, Operation::WebPut)),
            },
        }
    }
}

/// A PUT whose content is being received.
pub struct WebUpload {
    files: Arc<Files>,
    received: ReceivedLine<'static>,
    conditional: Preconditions<'static>,
    digests: UploadDigests,
    state: WebPutState,
}

/// The state of a PUT.
enum WebPutState {
    /// Content is being received.
    Receiving(files::FileUpload),
    /// All content is received; space for its entry is being preallocated, or it waits for the lock of the name.
    Preallocating(files::FileUpload, Option<Sha256Digest>),
    /// It has taken effect; its entry is being written. The response is ready.
    Finishing(Finishing, Response),
    /// It is recorded as a success or a refusal.
    Recorded,
}

impl Upload for WebUpload {
    fn write(&mut self, content: &[u8], blocking: Blocking<'_>) -> Result<(), Box<Response>> {
        self.digests.update(content);
        let written = match &mut self.state {
            WebPutState::Receiving(upload) => upload.write(content, blocking),
            WebPutState::Preallocating(..) | WebPutState::Finishing(..) | WebPutState::Recorded => {
                Ok(())
            }
        };
        written.map_err(|error| Box::new(self.refused(&error, blocking)))
    }

    fn finish(&mut self, last: &[u8], block: &mut Block, blocking: Blocking<'_>) -> UploadProgress {
        let WebPutState::Receiving(mut upload) = self.take() else {
            return UploadProgress::More;
        };
        self.digests.update(last);
        let digest = match self.digests.finish() {
            Ok(digest) => digest,
            Err(refusal) => return UploadProgress::Done(self.refuse(refusal, blocking)),
        };
        if !upload.is_large_with(last) {
            return self.put_in_place(upload, last, digest, block, blocking);
        }
        if let Err(error) = upload.write(last, blocking) {
            return UploadProgress::Done(self.refused(&error, blocking));
        }
        self.state = WebPutState::Preallocating(upload, digest);
        UploadProgress::More
    }

    fn step(&mut self, block: &mut Block, blocking: Blocking<'_>) -> UploadProgress {
        match self.take() {
            WebPutState::Preallocating(upload, digest) => match upload.preallocate(blocking) {
                Remaining::More => {
                    self.state = WebPutState::Preallocating(upload, digest);
                    UploadProgress::More
                }
                Remaining::Done => self.put_in_place(upload, &[], digest, block, blocking),
            },
            WebPutState::Finishing(mut finishing, response) => {
                match finishing.step(&mut block.content, &mut block.text, blocking) {
                    Ok(Remaining::More) => {
                        self.state = WebPutState::Finishing(finishing, response);
                        UploadProgress::More
                    }
                    Ok(Remaining::Done) => UploadProgress::Done(response),
                    Err(error) => UploadProgress::Done(self.refused(&error, blocking)),
                }
            }
            WebPutState::Receiving(_) | WebPutState::Recorded => {
                let reason = "the upload has ended already";
                UploadProgress::Done(respond(Refusal::of_file(
                    StatusCode::InternalServerError,
                    reason,
                )))
            }
        }
    }

    fn abandon(&mut self, refusal: Refusal, blocking: Blocking<'_>) -> Response {
        match self.take() {
            WebPutState::Receiving(_) | WebPutState::Preallocating(..) => {
                self.refuse(refusal, blocking)
            }
            WebPutState::Finishing(..) | WebPutState::Recorded => respond(refusal),
        }
    }
}

impl WebUpload {
    /// Makes the upload take effect, and begins to write its entry.
    fn put_in_place(
        &mut self,
        upload: files::FileUpload,
        last: &[u8],
        digest: Option<Sha256Digest>,
        block: &mut Block,
        blocking: Blocking<'_>,
    ) -> UploadProgress {
        match self.commit(upload, last, block, blocking) {
            Ok((FileCommit::Done(finishing), status)) => {
                let response = stored(&finishing, status, digest);
                self.state = WebPutState::Finishing(finishing, response);
                self.step(block, blocking)
            }
            Ok((FileCommit::Locked(upload), _)) => {
                self.state = WebPutState::Preallocating(*upload, digest);
                UploadProgress::Locked
            }
            Err(error) => UploadProgress::Done(self.refused(&error, blocking)),
        }
    }

    /// Commits the upload if the conditions hold at that moment; also returns the status.
    fn commit(
        &self,
        upload: files::FileUpload,
        last: &[u8],
        block: &mut Block,
        blocking: Blocking<'_>,
    ) -> Result<(FileCommit, StatusCode), UploadError> {
        let status = Cell::new(StatusCode::Created);
        let holds = |current: Option<&Metadata>| {
            if current.is_some() {
                status.set(StatusCode::NoContent);
            }
            self.conditional.permits(ConditionalMethod::Put, current)
        };
        let condition = if self.conditional.only_creates() {
            CommitCondition::Absent
        } else {
            CommitCondition::Holds(&holds)
        };
        let code = || status.get().code();
        let committed = upload.commit(last, &condition, &code, &mut block.text, blocking)?;
        Ok((committed, status.get()))
    }

    /// Takes the state and leaves `Recorded`.
    fn take(&mut self) -> WebPutState {
        std::mem::replace(&mut self.state, WebPutState::Recorded)
    }

    fn refused(&mut self, error: &UploadError, blocking: Blocking<'_>) -> Response {
        let refusal = cannot_store(error);
        match error {
            // Its entry already has its place in the log, so a second entry would be wrong.
            UploadError::NotRecorded { .. } => {
                self.state = WebPutState::Recorded;
                respond(refusal)
            }
            _ => self.refuse(refusal, blocking),
        }
    }

    fn refuse(&mut self, refusal: Refusal, blocking: Blocking<'_>) -> Response {
        self.state = WebPutState::Recorded;
        let worker = blocking.worker();
        let entry = self.received.record(&self.files, refusal.status, worker);
        respond(refusal).recorded(entry)
    }
}

impl Drop for WebUpload {
    /// A request that the server itself ends is also recorded.
    fn drop(&mut self) {
        if matches!(
            self.state,
            WebPutState::Receiving(_) | WebPutState::Preallocating(..)
        ) {
            let reason = "the server gave up the request";
            let refusal = Refusal::new(StatusCode::ServiceUnavailable, reason);
            self.refuse(refusal, Blocking::outside_turn());
        }
    }
}

/// 201 or 204, with the entity tag of a later GET, since the content is stored unchanged.
fn stored(finishing: &Finishing, status: StatusCode, digest: Option<Sha256Digest>) -> Response {
    let mut fields = Vec::new();
    if let Ok(metadata) = finishing.metadata() {
        write_field(&mut fields, "ETag", etag_of(&metadata).as_bytes());
    }
    if let Some(digest) = digest {
        write_field(&mut fields, "Repr-Digest", digest.to_string().as_bytes());
    }
    let content = match status {
        StatusCode::NoContent => ResponseContent::Unstated,
        _ => ResponseContent::Empty,
    };
    Response::new(status, fields, content).recorded(finishing.receipt())
}
