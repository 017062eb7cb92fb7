//! Where an upload goes, and under which condition it may replace what is there.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, unlinkat};

use super::metadata::Metadata;

/// Where an upload is to go, checked as far as it can be beforehand.
#[derive(Debug, Clone)]
pub struct WriteTarget {
    path: Box<[u8]>,
    /// Where the last component of the path starts.
    name_at: usize,
    pub(super) directory: Arc<OwnedFd>,
    existing: Option<Metadata>,
    /// Directories that were made for it; removed with it, unless something is in them.
    _created: Option<Arc<CreatedDirectories>>,
}

/// Directories that were made for one upload, the outermost first.
#[derive(Debug)]
pub(super) struct CreatedDirectories(pub(super) Vec<(Arc<OwnedFd>, Box<[u8]>)>);

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
        created: Option<Arc<CreatedDirectories>>,
    ) -> Self {
        Self {
            path: path.into(),
            name_at,
            directory,
            existing,
            _created: created,
        }
    }

    /// The path below the root.
    #[must_use]
    pub fn path(&self) -> &[u8] {
        &self.path
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

impl Drop for CreatedDirectories {
    /// Removes those that are empty, which is none of them once the upload is in place.
    fn drop(&mut self) {
        for (parent, name) in self.0.iter().rev() {
            if unlinkat(parent, &**name, AtFlags::REMOVEDIR).is_err() {
                return;
            }
        }
    }
}
