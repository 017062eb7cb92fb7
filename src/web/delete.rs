//! DELETE: a regular file is removed, and its entry stands in the log where it took effect (RFC 9110 §9.3.5).

use super::fields::Preconditions;
use super::refusal::{Stop, respond};
use super::site::{Site, path};
use crate::connection::{Response, ResponseContent};
use crate::files::UploadError;
use crate::http::semantics::conditional::Method;
use crate::http::{Request, Status};
use crate::refusing::{Operation, cannot_change};
use crate::server::Turn;
use crate::store::{CommitCondition, Metadata};

impl Site {
    /// Answers to DELETE.
    pub(super) fn delete(&self, request: &Request<'_>, turn: &Turn<'_>) -> Result<Response, Stop> {
        let (path, _) = path(request)?;
        let blocking = turn.permission().require()?;
        self.check_target(&path, blocking)?;
        let conditional = Preconditions::of(request);
        let holds = |current: Option<&Metadata>| conditional.permits(Method::Delete, current);
        let removed = self.files.remove(
            path.relative(),
            &CommitCondition::Holds(&holds),
            &mut Vec::new(),
            blocking,
        );
        match removed {
            Ok(entry) => {
                let content = ResponseContent::Unstated;
                let response = Response::new(Status::NoContent, Vec::new(), content);
                Ok(response.recorded(entry))
            }
            Err(error) => {
                let refusal = cannot_change(&error, Operation::WebDelete);
                match error {
                    // Its place in the log is taken, and a second entry would not be true.
                    UploadError::NotRecorded { .. } => Ok(respond(refusal)),
                    _ => Err(refusal.into()),
                }
            }
        }
    }
}
