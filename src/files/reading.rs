//! Reading: the files and directories that clients may see.

use std::sync::Arc;

use super::state::Files;
use crate::blocking::{Blocking, Permission, WouldBlock};
use crate::store::{
    DirectoryEntries, DirectoryReader, DirectorySnapshot, Metadata, ReadableFile, ReadingProgress,
    StoreError,
};

impl Files {
    /// Finds the regular file at `path`, relative to the root, following symlinks within it.
    ///
    /// Without a permission to block, it finds only cached files in the root itself.
    ///
    /// # Errors
    /// See [`crate::store::StoreErrorKind`].
    pub fn look_up(
        &self,
        path: &[u8],
        permission: Permission<'_>,
    ) -> Result<Result<ReadableFile, StoreError>, WouldBlock> {
        if let Some(found) = self.store.look_up_cached(path) {
            return Ok(found);
        }
        permission.require()?;
        Ok(self.store.look_up(path))
    }

    /// The current file or directory at `path`, following symlinks; nothing is opened for reading.
    ///
    /// # Errors
    /// As for [`Files::look_up`].
    pub fn inspect(&self, path: &[u8], _: Blocking<'_>) -> Result<Metadata, StoreError> {
        self.store.inspect(path)
    }

    /// Opens the directory at `path` for reading in portions, and for the comparison with what was found `before`.
    ///
    /// # Errors
    /// As for [`Files::look_up`]; `NotFound` also if it is not a directory.
    pub fn open_directory(
        &self,
        path: &[u8],
        before: Option<&Arc<DirectorySnapshot>>,
        _: Blocking<'_>,
    ) -> Result<DirectoryReader, StoreError> {
        self.store.open_directory(path, before)
    }

    /// Looks at the next `count` names of a directory, and adds those that are `wanted` to `entries`.
    ///
    /// # Errors
    /// From getdents(2).
    pub fn read_entries(
        &self,
        reader: &mut DirectoryReader,
        count: usize,
        wanted: impl Fn(&[u8]) -> bool,
        entries: &mut DirectoryEntries,
        _: Blocking<'_>,
    ) -> Result<ReadingProgress, StoreError> {
        self.store.read_entries(reader, count, wanted, entries)
    }
}
