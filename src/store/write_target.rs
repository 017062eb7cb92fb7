//! Where an upload goes, and under which condition it may replace what is there.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::created::RemoveEmpty;
use super::metadata::Metadata;

/// Where an upload is to go, checked as far as it can be beforehand.
#[derive(Clone)]
pub struct WriteTarget {
    path: Box<[u8]>,
    /// Where the last component of the path starts.
    name_at: usize,
    pub(super) directory: Arc<OwnedFd>,
    existing: Option<Metadata>,
    /// What removes directories that were made for uploads; `None` in the root.
    _remove_empty: Option<Arc<RemoveEmpty>>,
}

/// Under which condition a commit replaces what is there.
pub enum CommitCondition<'c> {
    /// None.
    Always,
    /// Nothing is there.
    Absent,
    /// What is there, if anything, is found good.
    Holds(&'c dyn Fn(Option<&Metadata>) -> bool),
}

impl WriteTarget {
    pub(super) fn new(
        path: &[u8],
        name_at: usize,
        directory: Arc<OwnedFd>,
        existing: Option<Metadata>,
        remove_empty: Option<RemoveEmpty>,
    ) -> Self {
        Self {
            path: path.into(),
            name_at,
            directory,
            existing,
            _remove_empty: remove_empty.map(Arc::new),
        }
    }

    /// The path below the root.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
    }

    /// The path below the root, kept.
    #[must_use]
    pub fn into_path(self) -> Box<[u8]> {
        self.path
    }

    /// What it would replace.
    #[must_use]
    pub fn existing(&self) -> Option<&Metadata> {
        self.existing.as_ref()
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.path[self.name_at..]
    }
}
