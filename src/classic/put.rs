//! PUT in the classic dialect: an upload from its first check to its response.

use std::sync::Arc;

use super::name::name;
use super::refusal::{closing, received, refuse};
use crate::blocking::Blocking;
use crate::connection::{Action, Block, Response, Upload, UploadProgress};
use crate::files::{self, Empty, FileCommit, Files, Finishing, Remaining, UploadError};
use crate::http::{Expect, Framing, Refusal, Request, StatusCode};
use crate::refusing::{Operation, ReceivedLine, cannot_change};
use crate::requester::Requester;
use crate::store::CommitCondition;

/// Performs the checks that do not need the content.
pub(super) fn begin(
    files: &Arc<Files>,
    max_body: u64,
    request: &Request<'_>,
    requester: &Requester,
    blocking: Blocking<'_>,
) -> Result<Action<ClassicUpload>, UploadError> {
    let name = name(request);
    if matches!(request.framing, Framing::Length(length) if length > max_body) {
        return Err(UploadError::TooLong {
            path: name.into(),
            limit: max_body,
        });
    }
    let mut receiving = files.begin(name, max_body, requester, blocking)?;
    let empty = match request.framing {
        Framing::Absent => Some(Box::new(receiving.commit_empty(blocking)?)),
        Framing::Length(_) | Framing::Chunked => None,
    };
    if request.expect == Expect::Continue {
        receiving.stage(blocking)?; // so that a 403 or 507 comes before the content
    }
    let answered = empty.is_some();
    let upload = Box::new(ClassicUpload {
        files: Arc::clone(files),
        received: received(request, requester).into_owned(),
        state: ClassicPutState::Receiving(receiving, empty),
    });
    Ok(if answered {
        Action::RespondThenReceive(closing(Response::empty(StatusCode::Created)), upload)
    } else {
        Action::Receive(upload)
    })
}

/// A PUT whose content is being received.
pub struct ClassicUpload {
    files: Arc<Files>,
    received: ReceivedLine<'static>,
    state: ClassicPutState,
}

/// The state of a PUT.
enum ClassicPutState {
    /// Content is being received. If the response was already sent: the empty file that was stored before it.
    Receiving(files::FileUpload, Option<Box<Empty>>),
    /// All content is received; space for its entry is being preallocated, or it waits for the lock of the name.
    Preallocating(files::FileUpload, Option<Box<Empty>>),
    /// It has taken effect; its entry is being written.
    Finishing(Finishing),
    /// It is recorded as a success or a refusal.
    Recorded,
}

impl Upload for ClassicUpload {
    fn write(&mut self, content: &[u8], blocking: Blocking<'_>) -> Result<(), Box<Response>> {
        let written = match &mut self.state {
            ClassicPutState::Receiving(upload, _) => upload.write(content, blocking),
            ClassicPutState::Preallocating(..)
            | ClassicPutState::Finishing(_)
            | ClassicPutState::Recorded => Ok(()),
        };
        written.map_err(|error| match self.take() {
            ClassicPutState::Receiving(_, empty) | ClassicPutState::Preallocating(_, empty) => {
                Box::new(self.refused(&error, empty, blocking))
            }
            ClassicPutState::Finishing(_) | ClassicPutState::Recorded => {
                Box::new(self.refused(&error, None, blocking))
            }
        })
    }

    fn finish(&mut self, last: &[u8], block: &mut Block, blocking: Blocking<'_>) -> UploadProgress {
        let ClassicPutState::Receiving(mut upload, empty) = self.take() else {
            return UploadProgress::More;
        };
        if !upload.is_large_with(last) {
            return self.put_in_place(upload, last, empty, block, blocking);
        }
        if let Err(error) = upload.write(last, blocking) {
            return UploadProgress::Done(self.refused(&error, empty, blocking));
        }
        self.state = ClassicPutState::Preallocating(upload, empty);
        UploadProgress::More
    }

    fn step(&mut self, block: &mut Block, blocking: Blocking<'_>) -> UploadProgress {
        match self.take() {
            ClassicPutState::Preallocating(upload, empty) => match upload.preallocate(blocking) {
                Remaining::More => {
                    self.state = ClassicPutState::Preallocating(upload, empty);
                    UploadProgress::More
                }
                Remaining::Done => self.put_in_place(upload, &[], empty, block, blocking),
            },
            ClassicPutState::Finishing(finishing) => self.write_entry(finishing, block, blocking),
            ClassicPutState::Receiving(..) | ClassicPutState::Recorded => {
                UploadProgress::Done(Response::refused(Refusal::of_file(
                    StatusCode::InternalServerError,
                    "the upload has ended already",
                )))
            }
        }
    }

    fn abandon(&mut self, refusal: Refusal, blocking: Blocking<'_>) -> Response {
        match self.take() {
            ClassicPutState::Receiving(_, empty) | ClassicPutState::Preallocating(_, empty) => {
                self.record_refusal(empty, refusal, blocking)
            }
            ClassicPutState::Finishing(_) | ClassicPutState::Recorded => Response::refused(refusal),
        }
    }
}

impl ClassicUpload {
    /// Makes the upload take effect, and begins to write its entry.
    fn put_in_place(
        &mut self,
        upload: files::FileUpload,
        last: &[u8],
        empty: Option<Box<Empty>>,
        block: &mut Block,
        blocking: Blocking<'_>,
    ) -> UploadProgress {
        let (always, created) = (CommitCondition::Always, || StatusCode::Created.code());
        match upload.commit(last, &always, &created, &mut block.text, blocking) {
            Ok(FileCommit::Done(finishing)) => self.write_entry(finishing, block, blocking),
            Ok(FileCommit::Locked(upload)) => {
                self.state = ClassicPutState::Preallocating(*upload, empty);
                UploadProgress::Locked
            }
            Err(error) => UploadProgress::Done(self.refused(&error, empty, blocking)),
        }
    }

    /// Writes another portion of the entry; the response once it is whole.
    fn write_entry(
        &mut self,
        mut finishing: Finishing,
        block: &mut Block,
        blocking: Blocking<'_>,
    ) -> UploadProgress {
        match finishing.step(&mut block.content, &mut block.text, blocking) {
            Ok(Remaining::More) => {
                self.state = ClassicPutState::Finishing(finishing);
                UploadProgress::More
            }
            Ok(Remaining::Done) => {
                let entry = finishing.receipt();
                UploadProgress::Done(Response::empty(StatusCode::Created).recorded(entry))
            }
            Err(error) => UploadProgress::Done(self.refused(&error, None, blocking)),
        }
    }

    /// Takes the state and leaves `Recorded`.
    fn take(&mut self) -> ClassicPutState {
        std::mem::replace(&mut self.state, ClassicPutState::Recorded)
    }

    /// Responds to a failed upload; `empty` is the empty file of a response that was already sent.
    fn refused(
        &self,
        error: &UploadError,
        empty: Option<Box<Empty>>,
        blocking: Blocking<'_>,
    ) -> Response {
        let refusal = cannot_change(error, Operation::ClassicPut);
        match error {
            // Its entry already has its place in the log, so a second entry would be wrong.
            UploadError::NotRecorded { .. } => Response::refused(refusal),
            _ => self.record_refusal(empty, refusal, blocking),
        }
    }

    /// Records the refusal of the upload; or the empty file, if the response was 201 and the file is still in place.
    fn record_refusal(
        &self,
        empty: Option<Box<Empty>>,
        refusal: Refusal,
        blocking: Blocking<'_>,
    ) -> Response {
        let created = StatusCode::Created.code();
        let entry = empty.and_then(|empty| empty.record(created, &mut Vec::new(), blocking));
        if let Some(entry) = entry {
            return Response {
                status: StatusCode::Created,
                ..Response::refused(refusal).recorded(entry)
            };
        }
        refuse(&self.files, &self.received, refusal, blocking.worker())
    }
}

impl Drop for ClassicUpload {
    /// A request that the server itself ends is also recorded.
    fn drop(&mut self) {
        if matches!(
            self.state,
            ClassicPutState::Receiving(..) | ClassicPutState::Preallocating(..)
        ) {
            let reason = "the server gave up the request";
            let refusal = Refusal::new(StatusCode::ServiceUnavailable, reason);
            self.abandon(refusal, Blocking::outside_turn());
        }
    }
}
