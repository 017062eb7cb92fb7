//! DELETE: removes a regular file or an empty directory, and records it in the log in the order of effects (RFC 9110
//! §9.3.5).
//!
//! The path of a directory may have a slash at its end. The contents of a directory are never removed.

use super::fields::Preconditions;
use super::path::{Path, TrailingSlash};
use super::refusal::{Stop, concealed, respond};
use super::site::{Site, path};
use crate::blocking::Blocking;
use crate::connection::{Response, ResponseContent};
use crate::files::UploadError;
use crate::http::semantics::conditional::ConditionalMethod;
use crate::http::{Refusal, Request, StatusCode};
use crate::refusing::{Operation, cannot_change, cannot_read, require};
use crate::requester::{Answered, Requester};
use crate::server::Turn;
use crate::store::{CommitCondition, Metadata, StoreErrorKind};
use crate::users::Right;

/// The kind of file at a path.
enum RemovalTarget {
    /// A file, or nothing.
    File,
    Directory,
}

impl Site {
    /// Responds to DELETE.
    pub(super) fn delete(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Stop> {
        let (path, _) = path(request)?;
        require(requester, &[Right::Delete], path.relative())?;
        let blocking = turn.permission().require()?;
        let resource = self.removable(&path, blocking)?;
        let conditional = Preconditions::of(request);
        let holds =
            |current: Option<&Metadata>| conditional.permits(ConditionalMethod::Delete, current);
        let condition = CommitCondition::Holds(&holds);
        let (path, text) = (path.relative(), &mut Vec::new());
        let answered = Answered {
            requester,
            status: StatusCode::NoContent.code(),
        };
        let removed = match resource {
            RemovalTarget::File => self
                .files
                .remove(path, &condition, &answered, text, blocking),
            RemovalTarget::Directory => self
                .files
                .remove_directory(path, &condition, &answered, text, blocking),
        };
        match removed {
            Ok(entry) => {
                let content = ResponseContent::Unstated;
                let response = Response::new(StatusCode::NoContent, Vec::new(), content);
                Ok(response.recorded(entry))
            }
            Err(error) if error.is_locked() => Err(blocking.once_unlocked().into()),
            Err(error) => {
                let refusal = cannot_change(&error, Operation::WebDelete);
                match error {
                    // Its entry already has its place in the log, so a second entry would be wrong.
                    UploadError::NotRecorded { .. } => Ok(respond(refusal)),
                    _ => Err(refusal.into()),
                }
            }
        }
    }

    /// The kind of file to remove, or a refusal.
    fn removable(&self, path: &Path, blocking: Blocking<'_>) -> Result<RemovalTarget, Refusal> {
        if self.hides(path) {
            return Err(concealed());
        }
        if path.file_name().is_none() {
            let reason = "the directory that is served cannot be removed";
            return Err(Refusal::new(StatusCode::Conflict, reason));
        }
        match self.files.inspect(path.relative(), blocking) {
            Ok(there) if there.is_directory() => Ok(RemovalTarget::Directory),
            Ok(_) if path.ending() == TrailingSlash::Slash => {
                let reason = "the path ends with a slash, but the path of a file does not";
                Err(Refusal::new(StatusCode::Conflict, reason))
            }
            Ok(_) => Ok(RemovalTarget::File),
            Err(error) => match error.kind {
                StoreErrorKind::NotFound | StoreErrorKind::ImpossibleName => {
                    Ok(RemovalTarget::File)
                }
                kind => Err(cannot_read(kind, Operation::WebDelete)),
            },
        }
    }
}
