//! Checks the requester's rights to change a path, at the instant of the commit.
//!
//! Only the lock of the commit decides whether a file is created or replaced: two clients may both have found
//! no file before.

use std::cell::Cell;

use super::error::UploadError;
use crate::requester::Requester;
use crate::store::{CommitCondition, Metadata, StoreError};
use crate::users::{Right, Rights};

/// A requester's rights for one path.
pub(super) struct Judge<'r> {
    path: &'r [u8],
    requester: &'r Requester,
    rights: Rights,
    /// The file that the same upload stored before; it may replace that.
    own: Option<Metadata>,
}

impl<'r> Judge<'r> {
    pub(super) fn of(requester: &'r Requester, path: &'r [u8]) -> Self {
        Self {
            path,
            requester,
            rights: requester.permissions.rights(path),
            own: None,
        }
    }

    /// The same for an upload that has stored this file.
    pub(super) fn owning(self, own: Option<Metadata>) -> Self {
        Self { own, ..self }
    }

    /// Checks the right to replace this file, or to create one.
    pub(super) fn require_put(&self, current: Option<&Metadata>) -> Result<(), UploadError> {
        self.missing(current)
            .map_or(Ok(()), |right| Err(self.denied(right)))
    }

    /// Checks this right.
    pub(super) fn require(&self, right: Right) -> Result<(), UploadError> {
        if self.rights.include(right) {
            Ok(())
        } else {
            Err(self.denied(right))
        }
    }

    /// Commits with a condition, after a check of the right.
    pub(super) fn commit<R>(
        &self,
        condition: &CommitCondition<'_>,
        commit: impl FnOnce(&CommitCondition<'_>) -> Result<R, StoreError>,
    ) -> Result<R, UploadError> {
        let creates = self.rights.include(Right::Create);
        let is_granted = match condition {
            CommitCondition::Absent => creates,
            CommitCondition::Always | CommitCondition::Holds(_) => {
                creates && self.rights.include(Right::Replace)
            }
        };
        if is_granted {
            return Ok(commit(condition)?);
        }
        let missing = Cell::new(None);
        let holds = |current: Option<&Metadata>| {
            missing.set(self.missing(current));
            missing.get().is_none()
                && match condition {
                    CommitCondition::Always => true,
                    CommitCondition::Absent => current.is_none(),
                    CommitCondition::Holds(holds) => holds(current),
                }
        };
        let committed = commit(&CommitCondition::Holds(&holds));
        match missing.get() {
            Some(right) => Err(self.denied(right)),
            None => Ok(committed?),
        }
    }

    /// The right to replace this file or to create one, if the requester lacks it.
    fn missing(&self, current: Option<&Metadata>) -> Option<Right> {
        let right = match (current, &self.own) {
            (None, _) => Right::Create,
            (Some(current), Some(own)) if current.identity() == own.identity() => return None,
            (Some(_), _) => Right::Replace,
        };
        (!self.rights.include(right)).then_some(right)
    }

    fn denied(&self, right: Right) -> UploadError {
        UploadError::NotPermitted {
            path: self.path.into(),
            right,
            permissions: self.requester.permissions.clone(),
        }
    }
}
