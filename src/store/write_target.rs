//! The target of an upload, and the condition under which the upload may replace a file.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use super::created::RemoveEmpty;
use super::metadata::Metadata;

/// The target of an upload, checked as far as possible before the commit.
#[derive(Clone)]
pub struct WriteTarget {
    path: Box<[u8]>,
    /// The index of the last component in the path.
    name_at: usize,
    pub(super) directory: Arc<OwnedFd>,
    existing: Option<Metadata>,
    /// The remover of directories that were made for uploads; `None` in the root.
    _remove_empty: Option<Arc<RemoveEmpty>>,
}

/// The condition under which a commit takes the name.
pub enum CommitCondition<'c> {
    /// No condition.
    Always,
    /// No file has the name.
    Absent,
    /// The function accepts the present file, or `None` if there is no file.
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

    /// The path below the root, owned.
    #[must_use]
    pub fn into_path(self) -> Box<[u8]> {
        self.path
    }

    /// The file that it would replace.
    #[must_use]
    pub fn existing(&self) -> Option<&Metadata> {
        self.existing.as_ref()
    }

    pub(super) fn name(&self) -> &[u8] {
        &self.path[self.name_at..]
    }
}
