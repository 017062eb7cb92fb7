//! A request that is not granted: its status, what is recorded, and the page that says so and why.

use std::sync::Arc;

use super::pages::document;
use super::pages::error::{self, WayBack};
use crate::blocking::WouldBlock;
use crate::connection::{Preparation, Response, ResponseContent};
use crate::entry_range::EntryReceipt;
use crate::files::{Files, UploadError};
use crate::http::{LineParts, Refusal, Request, Status, write_field};
use crate::request_log::write::Refused;
use crate::store::StoreErrorKind;

/// The answer to a request that is refused, with a page for people that has no links.
pub(super) fn respond(refusal: Refusal) -> Response {
    respond_with(refusal, WayBack::Nowhere)
}

/// The answer to a request that is refused, with a page for people.
///
/// The page says why. Of what is not there it does not: nobody learns from it what is hidden.
pub(super) fn respond_with(refusal: Refusal, way_back: WayBack) -> Response {
    let status = refusal.status;
    let mut fields = refusal.fields.clone();
    write_field(
        &mut fields,
        "Content-Type",
        document::CONTENT_TYPE.as_bytes(),
    );
    let policy = error::content_security_policy();
    write_field(&mut fields, "Content-Security-Policy", policy.as_bytes());
    let reason = match status {
        Status::NotFound => "there is nothing at this address",
        _ => &*refusal.reason,
    };
    let page = error::render(status, reason, way_back);
    let content = ResponseContent::Memory(Arc::from(page.into_bytes()));
    Response {
        refusal: Some(refusal),
        ..Response::new(status, fields, content)
    }
}

/// The answer to HEAD: the one to GET, without its content (RFC 9110 §9.3.2).
pub(super) fn without_content(mut response: Response) -> Response {
    if let Some(length) = response.content.length() {
        response.content = ResponseContent::Omitted(length);
    }
    response
}

/// Why a request has not the response that it asked for.
pub(super) enum Stop {
    /// It is refused.
    Refused(Refusal),
    /// It needs a blocking turn.
    WouldBlock(WouldBlock),
    /// The response takes more than one turn.
    Prepare(Box<dyn Preparation>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<WouldBlock> for Stop {
    fn from(would_block: WouldBlock) -> Self {
        Self::WouldBlock(would_block)
    }
}

/// What a refused request is recorded with, as received.
pub(super) struct Received {
    method: Option<Box<[u8]>>,
    name: Option<Box<[u8]>>,
    version: Option<Box<[u8]>>,
}

impl Received {
    pub(super) fn of(request: &Request<'_>) -> Self {
        Self::of_line(request.line_parts())
    }

    pub(super) fn of_line(line: LineParts<'_>) -> Self {
        let without_slash = |target: &[u8]| target.strip_prefix(b"/").unwrap_or(target).into();
        Self {
            method: line.method.map(Box::from),
            name: line.target.map(without_slash),
            version: line.version.map(Box::from),
        }
    }

    /// Records it; see [`Files::record_refusal`].
    pub(super) fn record(
        &self,
        files: &Files,
        status: Status,
        worker: Option<usize>,
    ) -> EntryReceipt {
        let refused = Refused {
            method: self.method.as_deref(),
            name: self.name.as_deref(),
            version: self.version.as_deref(),
        };
        files.record_refusal(refused, status.code(), worker)
    }
}

/// The response to a request for a concealed name.
pub(super) fn concealed() -> Refusal {
    Refusal::new(Status::NotFound, "the name is hidden or reserved")
}

/// The answer to what is wrong with a file that was to be read.
pub(super) fn cannot_read(kind: StoreErrorKind) -> Refusal {
    Refusal::of_file(status_of_reading(kind), kind.reason())
}

/// The answer to what is wrong with an upload.
pub(super) fn cannot_store(error: &UploadError) -> Refusal {
    match error {
        UploadError::Store(error) if error.kind == StoreErrorKind::NotFound => {
            let reason = "something on the way to the file is not a directory";
            Refusal::new(status_of_storing(error.kind), reason)
        }
        _ => cannot_change(error, status_of_storing),
    }
}

/// The answer to what is wrong with a removal.
pub(super) fn cannot_remove(error: &UploadError) -> Refusal {
    cannot_change(error, status_of_removing)
}

/// The status for a file that cannot be read.
///
/// What is not to be seen is not there: a path that leads out of the root gives nothing away.
fn status_of_reading(kind: StoreErrorKind) -> Status {
    match kind {
        StoreErrorKind::NotFound
        | StoreErrorKind::Concealed
        | StoreErrorKind::Outside
        | StoreErrorKind::NotRegular
        | StoreErrorKind::Directory
        | StoreErrorKind::ImpossibleName => Status::NotFound,
        StoreErrorKind::Forbidden => Status::Forbidden,
        StoreErrorKind::Vanished | StoreErrorKind::RootGone | StoreErrorKind::Exhausted => {
            Status::ServiceUnavailable
        }
        // Reading meets none of the first four.
        StoreErrorKind::Busy
        | StoreErrorKind::ConditionFailed
        | StoreErrorKind::NoSpace
        | StoreErrorKind::TooLarge
        | StoreErrorKind::Io(_) => Status::InternalServerError,
    }
}

/// The status for a file that cannot be stored.
fn status_of_storing(kind: StoreErrorKind) -> Status {
    match kind {
        // Something on the way is not a directory, or the path names one or a mount point.
        StoreErrorKind::NotFound | StoreErrorKind::Directory | StoreErrorKind::Busy => {
            Status::Conflict
        }
        StoreErrorKind::Outside | StoreErrorKind::Concealed => Status::NotFound,
        StoreErrorKind::Forbidden | StoreErrorKind::NotRegular => Status::Forbidden,
        StoreErrorKind::ImpossibleName => Status::BadRequest,
        StoreErrorKind::ConditionFailed => Status::PreconditionFailed,
        StoreErrorKind::NoSpace => Status::InsufficientStorage,
        StoreErrorKind::TooLarge => Status::ContentTooLarge,
        StoreErrorKind::Vanished | StoreErrorKind::RootGone | StoreErrorKind::Exhausted => {
            Status::ServiceUnavailable
        }
        StoreErrorKind::Io(_) => Status::InternalServerError,
    }
}

/// The status for a file that cannot be removed.
fn status_of_removing(kind: StoreErrorKind) -> Status {
    match kind {
        StoreErrorKind::NotFound | StoreErrorKind::ImpossibleName => Status::NotFound,
        other => status_of_storing(other),
    }
}

/// The answer to an upload or a removal that failed; `status_of` says the status for the file.
fn cannot_change(error: &UploadError, status_of: impl FnOnce(StoreErrorKind) -> Status) -> Refusal {
    let status = match error {
        UploadError::TooLong { .. } => Status::ContentTooLarge,
        UploadError::Store(error) => status_of(error.kind),
        UploadError::LogFull { .. } => Status::InsufficientStorage,
        UploadError::NotRecorded { .. } => Status::InternalServerError,
    };
    Refusal::of_file(status, error.reason())
}
