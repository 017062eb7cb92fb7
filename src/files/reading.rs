//! Reading: files and directories as clients may see them.

use super::Files;
use crate::store::{Directory, Found, Metadata, StoreError};

impl Files {
    /// Finds the regular file at `path`, relative to the root, following symlinks within it.
    ///
    /// `before_opening` is called, perhaps twice, unless the file is in memory or open already and in the root itself.
    ///
    /// # Errors
    /// See [`crate::store::StoreErrorKind`].
    pub fn look_up(&self, path: &[u8], before_opening: impl FnMut()) -> Result<Found, StoreError> {
        self.store.look_up(path, before_opening)
    }

    /// What `path` leads to now, through symlinks if need be; nothing is opened for reading.
    ///
    /// # Errors
    /// As for [`Files::look_up`].
    pub fn inspect(&self, path: &[u8]) -> Result<Metadata, StoreError> {
        self.store.inspect(path)
    }

    /// Reads the directory at `path`: up to `limit` of the entries whose names are `wanted`.
    ///
    /// What is neither a file nor a directory, leads out of the root, or belongs to the server is left out.
    ///
    /// # Errors
    /// As for [`Files::look_up`]; `NotFound` also if it is not a directory.
    pub fn list(
        &self,
        path: &[u8],
        limit: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Directory, StoreError> {
        self.store.list(path, limit, wanted)
    }
}
