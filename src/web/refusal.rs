//! A request that is not granted: its status, what is recorded, and the page that says so.

use std::sync::Arc;

use super::pages::error;
use crate::connection::{Response, ResponseContent};
use crate::files::{Files, UploadError};
use crate::http::{LineParts, Request, Status, write_field};
use crate::request_log::write::Refused;
use crate::store::StoreErrorKind;

/// Why a request is not granted, and what the answer says besides.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: Status,
    /// Field lines, each ended by CRLF.
    pub(super) fields: Vec<u8>,
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        Self {
            status,
            fields: Vec::new(),
        }
    }
}

impl Refusal {
    /// The same with one more field.
    pub(super) fn with(mut self, name: &str, value: &[u8]) -> Self {
        write_field(&mut self.fields, name, value);
        self
    }

    /// The answer, with a page for people.
    pub(super) fn into_answer(self) -> Response {
        let Self { status, mut fields } = self;
        write_field(&mut fields, "Content-Type", error::CONTENT_TYPE.as_bytes());
        write_field(
            &mut fields,
            "Content-Security-Policy",
            error::CONTENT_SECURITY_POLICY.as_bytes(),
        );
        let page = error::render(status.code(), status.reason());
        Response {
            status,
            fields,
            content: ResponseContent::Memory(Arc::from(page.into_bytes())),
        }
    }
}

/// The answer to HEAD: the one to GET, without its content (RFC 9110 §9.3.2).
pub(super) fn without_content(mut response: Response) -> Response {
    if let Some(length) = response.content.length() {
        response.content = ResponseContent::Omitted(length);
    }
    response
}

/// What a refused request is recorded with, as received.
pub(super) struct Received {
    method: Option<Box<[u8]>>,
    name: Option<Box<[u8]>>,
    version: Option<Box<[u8]>>,
}

impl Received {
    pub(super) fn of(request: &Request<'_>) -> Self {
        Self::of_line(LineParts {
            method: Some(request.method.as_bytes()),
            target: Some(request.raw_target()),
            version: Some(request.raw_version()),
        })
    }

    pub(super) fn of_line(line: LineParts<'_>) -> Self {
        let without_slash = |target: &[u8]| target.strip_prefix(b"/").unwrap_or(target).into();
        Self {
            method: line.method.map(Box::from),
            name: line.target.map(without_slash),
            version: line.version.map(Box::from),
        }
    }

    pub(super) fn record(&self, files: &Files, status: Status) {
        let refused = Refused {
            method: self.method.as_deref(),
            name: self.name.as_deref(),
            version: self.version.as_deref(),
        };
        files.record_refusal(refused, status.code());
    }
}

/// The status for a file that cannot be read.
///
/// What is not to be seen is not there: a path that leads out of the root gives nothing away.
pub(super) fn status_of_reading(kind: StoreErrorKind) -> Status {
    match kind {
        StoreErrorKind::NotFound
        | StoreErrorKind::Concealed
        | StoreErrorKind::Outside
        | StoreErrorKind::NotRegular
        | StoreErrorKind::Directory
        | StoreErrorKind::ImpossibleName => Status::NotFound,
        StoreErrorKind::Forbidden => Status::Forbidden,
        StoreErrorKind::Exhausted => Status::ServiceUnavailable,
        // Reading meets none of the first three.
        StoreErrorKind::ConditionFailed
        | StoreErrorKind::NoSpace
        | StoreErrorKind::TooLarge
        | StoreErrorKind::Io(_) => Status::InternalServerError,
    }
}

/// The status for a file that cannot be stored.
pub(super) fn status_of_storing(kind: StoreErrorKind) -> Status {
    match kind {
        // Something on the way is not a directory, or the path names one.
        StoreErrorKind::NotFound | StoreErrorKind::Directory => Status::Conflict,
        StoreErrorKind::Outside | StoreErrorKind::Concealed => Status::NotFound,
        StoreErrorKind::Forbidden | StoreErrorKind::NotRegular => Status::Forbidden,
        StoreErrorKind::ImpossibleName => Status::BadRequest,
        StoreErrorKind::ConditionFailed => Status::PreconditionFailed,
        StoreErrorKind::NoSpace => Status::InsufficientStorage,
        StoreErrorKind::TooLarge => Status::ContentTooLarge,
        StoreErrorKind::Exhausted => Status::ServiceUnavailable,
        StoreErrorKind::Io(_) => Status::InternalServerError,
    }
}

/// The status for a file that cannot be removed.
pub(super) fn status_of_removing(kind: StoreErrorKind) -> Status {
    match kind {
        StoreErrorKind::NotFound | StoreErrorKind::ImpossibleName => Status::NotFound,
        other => status_of_storing(other),
    }
}

/// The status for an upload or a removal that failed; `status_of` says it of the file.
pub(super) fn status_of_change(
    error: &UploadError,
    status_of: impl FnOnce(StoreErrorKind) -> Status,
) -> Status {
    let status = match error {
        UploadError::TooLong { .. } => Status::ContentTooLarge,
        UploadError::Store(error) => status_of(error.kind),
        UploadError::LogFull { .. } => Status::InsufficientStorage,
        UploadError::NotRecorded { .. } => Status::InternalServerError,
    };
    if status == Status::InternalServerError {
        log::error!("{error}");
    } else {
        log::debug!("{error}");
    }
    status
}
