//! The common parts of both dialects for refusing a request: its entry, and the status for an error of a file.
//!
//! [`status_of`] shows the differences between the dialects side by side. Each dialect adds its own text or page.

use std::borrow::Cow;

use crate::entry_range::EntryReceipt;
use crate::files::{Files, UploadError};
use crate::http::semantics::basic::unauthorized;
use crate::http::{LineParts, Refusal, Request, StatusCode};
use crate::request_log::write::Refused;
use crate::requester::{Answered, Requester};
use crate::store::StoreErrorKind;
use crate::users::{Permissions, Right};

/// The parts of a refused request for its entry, as received; `None` if a part could not be read.
#[derive(Debug, Clone)]
pub(crate) struct ReceivedLine<'r> {
    method: Option<Cow<'r, [u8]>>,
    name: Option<Cow<'r, [u8]>>,
    version: Option<Cow<'r, [u8]>>,
    requester: Cow<'r, Requester>,
}

impl<'r> ReceivedLine<'r> {
    /// The parts of a request's line.
    pub(crate) fn of(request: &Request<'r>, requester: &'r Requester) -> Self {
        Self::of_line(request.line_parts(), requester)
    }

    /// The parts of a request line; the name is the target without its leading `/`.
    pub(crate) fn of_line(line: LineParts<'r>, requester: &'r Requester) -> Self {
        Self {
            method: line.method.map(Cow::Borrowed),
            name: line.target.map(without_slash).map(Cow::Borrowed),
            version: line.version.map(Cow::Borrowed),
            requester: Cow::Borrowed(requester),
        }
    }

    /// The same with another name.
    pub(crate) fn named(self, name: &'r [u8]) -> Self {
        Self {
            name: Some(Cow::Borrowed(name)),
            ..self
        }
    }

    /// The same, for as long as an upload takes.
    pub(crate) fn into_owned(self) -> ReceivedLine<'static> {
        let owned = |part: Option<Cow<'_, [u8]>>| part.map(|part| Cow::Owned(part.into_owned()));
        let usual = |part: Option<Cow<'_, [u8]>>| match part.as_deref() {
            Some(b"GET") => Some(Cow::Borrowed(&b"GET"[..])),
            Some(b"PUT") => Some(Cow::Borrowed(&b"PUT"[..])),
            Some(b"HTTP/1.1") => Some(Cow::Borrowed(&b"HTTP/1.1"[..])),
            _ => owned(part),
        };
        ReceivedLine {
            method: usual(self.method),
            name: owned(self.name),
            version: usual(self.version),
            requester: Cow::Owned(self.requester.into_owned()),
        }
    }

    /// The requester.
    pub(crate) fn requester(&self) -> &Requester {
        &self.requester
    }

    /// Records it; see [`Files::record_refusal`].
    pub(crate) fn record(
        &self,
        files: &Files,
        status: StatusCode,
        worker: Option<usize>,
    ) -> EntryReceipt {
        let refused = Refused {
            method: self.method.as_deref(),
            name: self.name.as_deref(),
            version: self.version.as_deref(),
        };
        let answered = Answered {
            requester: &self.requester,
            status: status.code(),
        };
        files.record_refusal(refused, &answered, worker)
    }
}

/// A target without its leading `/`.
pub(crate) fn without_slash(target: &[u8]) -> &[u8] {
    target.strip_prefix(b"/").unwrap_or(target)
}

/// An operation on a file in a dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    ClassicGet,
    ClassicPut,
    /// HEAD, too.
    WebGet,
    WebPut,
    WebDelete,
}

/// The status for an error of a file.
///
/// In the web dialect, a hidden file and a path out of the root look absent.
pub(crate) fn status_of(kind: StoreErrorKind, operation: Operation) -> StatusCode {
    use Operation::{ClassicGet, ClassicPut, WebDelete, WebGet, WebPut};
    match kind {
        StoreErrorKind::NotFound => match operation {
            ClassicGet | WebGet | WebDelete => StatusCode::NotFound,
            ClassicPut => StatusCode::Forbidden,
            // A component of the path is not a directory.
            WebPut => StatusCode::Conflict,
        },
        StoreErrorKind::Concealed | StoreErrorKind::Outside => match operation {
            ClassicGet | ClassicPut => StatusCode::Forbidden,
            WebGet | WebPut | WebDelete => StatusCode::NotFound,
        },
        StoreErrorKind::Directory => match operation {
            ClassicGet | ClassicPut => StatusCode::Forbidden,
            WebGet => StatusCode::NotFound,
            WebPut | WebDelete => StatusCode::Conflict,
        },
        StoreErrorKind::NotRegular => match operation {
            ClassicGet | ClassicPut | WebPut | WebDelete => StatusCode::Forbidden,
            WebGet => StatusCode::NotFound,
        },
        StoreErrorKind::ImpossibleName => match operation {
            ClassicGet | ClassicPut | WebPut => StatusCode::BadRequest,
            WebGet | WebDelete => StatusCode::NotFound,
        },
        StoreErrorKind::Busy | StoreErrorKind::NotEmpty | StoreErrorKind::HoldsServerFiles => {
            match operation {
                ClassicGet | ClassicPut => StatusCode::Forbidden,
                WebPut | WebDelete => StatusCode::Conflict,
                // Reading never returns these.
                WebGet => StatusCode::InternalServerError,
            }
        }
        StoreErrorKind::Forbidden | StoreErrorKind::ReadOnly => StatusCode::Forbidden,
        StoreErrorKind::ConditionFailed => StatusCode::PreconditionFailed,
        StoreErrorKind::NoSpace => StatusCode::InsufficientStorage,
        StoreErrorKind::TooLarge => StatusCode::ContentTooLarge,
        StoreErrorKind::Vanished
        | StoreErrorKind::Stale
        | StoreErrorKind::RootGone
        | StoreErrorKind::Disconnected
        | StoreErrorKind::Exhausted
        | StoreErrorKind::Locked => StatusCode::ServiceUnavailable,
        StoreErrorKind::Uncertain(_) | StoreErrorKind::Io(_) => StatusCode::InternalServerError,
    }
}

/// Refuses what needs one of these rights at a path, if the requester has none of them.
pub(crate) fn require(requester: &Requester, any: &[Right], path: &[u8]) -> Result<(), Refusal> {
    let rights = requester.permissions.rights(path);
    match any.first() {
        Some(first) if !any.iter().any(|right| rights.include(*right)) => {
            Err(not_permitted(&requester.permissions, *first))
        }
        _ => Ok(()),
    }
}

/// The refusal for a requester without this right: 401 without a login, else 403.
pub(crate) fn not_permitted(permissions: &Permissions, right: Right) -> Refusal {
    let (anonymous, other) = match right {
        Right::Read => (
            "only users who have logged in may read this",
            "this user may not read this",
        ),
        Right::Create => (
            "only users who have logged in may store new files here",
            "this user may not store new files here",
        ),
        Right::Replace => (
            "only users who have logged in may replace this file",
            "this user may not replace this file",
        ),
        Right::Delete => (
            "only users who have logged in may delete this file",
            "this user may not delete this file",
        ),
    };
    if permissions.are_anonymous() {
        unauthorized(anonymous)
    } else {
        Refusal::new(StatusCode::Forbidden, other)
    }
}

/// The refusal for what is wrong with a file that was to be read.
pub(crate) fn cannot_read(kind: StoreErrorKind, operation: Operation) -> Refusal {
    Refusal::of_file(status_of(kind, operation), kind.reason())
}

/// The refusal for an upload or a removal that failed.
pub(crate) fn cannot_change(error: &UploadError, operation: Operation) -> Refusal {
    let status = match error {
        UploadError::NotPermitted {
            right, permissions, ..
        } => return not_permitted(permissions, *right),
        UploadError::TooLong { .. } => StatusCode::ContentTooLarge,
        UploadError::Store(error) => status_of(error.kind, operation),
        UploadError::LogFull { .. } => StatusCode::InsufficientStorage,
        UploadError::NotRecorded { .. } => StatusCode::InternalServerError,
    };
    Refusal::of_file(status, error.reason())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Operation; 5] = [
        Operation::ClassicGet,
        Operation::ClassicPut,
        Operation::WebGet,
        Operation::WebPut,
        Operation::WebDelete,
    ];

    #[test]
    fn root_that_is_gone_is_503_for_every_operation() {
        for operation in ALL {
            let status = status_of(StoreErrorKind::RootGone, operation);
            assert_eq!(status, StatusCode::ServiceUnavailable, "{operation:?}");
        }
    }

    #[test]
    fn file_that_web_clients_must_not_see_looks_absent() {
        for kind in [StoreErrorKind::Concealed, StoreErrorKind::Outside] {
            for operation in [Operation::WebGet, Operation::WebDelete] {
                let absent = status_of(StoreErrorKind::NotFound, operation);
                assert_eq!(status_of(kind, operation), absent, "{operation:?} {kind:?}");
            }
        }
    }

    #[test]
    fn fault_of_the_disk_is_never_the_fault_of_the_client() {
        let faults = [
            StoreErrorKind::Io(rustix::io::Errno::IO),
            StoreErrorKind::NoSpace,
            StoreErrorKind::Exhausted,
            StoreErrorKind::Vanished,
            StoreErrorKind::Stale,
            StoreErrorKind::Disconnected,
            StoreErrorKind::Uncertain(rustix::io::Errno::NOTCONN),
        ];
        for kind in faults {
            for operation in ALL {
                let code = status_of(kind, operation).code();
                assert!(code >= 500, "{operation:?} {kind:?}: {code}");
            }
        }
    }
}
