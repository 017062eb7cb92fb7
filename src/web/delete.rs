//! DELETE: a regular file is removed, and its entry stands in the log where it took effect (RFC 9110 §9.3.5).

use super::fields::Preconditions;
use super::refusal::{cannot_remove, respond};
use super::{Web, path};
use crate::connection::{Response, ResponseContent};
use crate::files::UploadError;
use crate::http::semantics::conditional::Method;
use crate::http::{Refusal, Request, Status};
use crate::server::Turn;
use crate::store::{CommitCondition, Metadata};

impl Web {
    /// Answers to DELETE.
    pub(super) fn delete(
        &self,
        request: &Request<'_>,
        turn: &mut Turn<'_>,
    ) -> Result<Response, Refusal> {
        let (path, _) = path(request)?;
        turn.enter_blocking_section();
        self.check_target(&path)?;
        let conditional = Preconditions::of(request);
        let holds = |current: Option<&Metadata>| conditional.permits(Method::Delete, current);
        let removed = self.files.remove(
            path.relative(),
            &CommitCondition::Holds(&holds),
            &mut Vec::new(),
        );
        if let Err(error) = removed {
            let refusal = cannot_remove(&error);
            return match error {
                // Its place in the log is taken, and a second entry would not be true.
                UploadError::NotRecorded { .. } => Ok(respond(refusal)),
                _ => Err(refusal),
            };
        }
        let content = ResponseContent::Unstated;
        Ok(Response::new(Status::NoContent, Vec::new(), content))
    }
}
