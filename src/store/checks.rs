//! Applies the rules of `concealed` to every path, every file that is found, and every commit under its lock.
//!
//! A new rule applies to every commit that ends after [`Store::conceal`] has returned.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use memchr::memchr;
use rustix::fs::OFlags;

use super::concealed::{ConcealmentRules, ReservedName};
use super::error::StoreErrorKind;
use super::metadata::{Identity, Metadata};
use super::staging::RESERVED_PREFIX;
use super::state::Store;
use super::sys::{metadata_at, metadata_of, split};

impl Store {
    /// Adds these names to the server's own. Every commit that ends afterwards is checked with them.
    pub fn reserve(&self, names: Vec<ReservedName>) {
        self.put_in_force(self.concealed.rules().and(names));
    }

    /// Replaces the server's own names and files by these. The files must be open, so that no other file can have their
    /// identities.
    pub fn conceal(&self, names: Vec<ReservedName>, open: Vec<Identity>) {
        self.put_in_force(ConcealmentRules::new(names, open));
    }

    /// Device and inode number of the root.
    ///
    /// # Errors
    /// From statx(2).
    pub fn root_identity(&self) -> io::Result<Identity> {
        let found = rustix::fs::fstat(&*self.root.get().directory)?;
        Ok((found.st_dev, found.st_ino))
    }

    fn put_in_force(&self, rules: ConcealmentRules) {
        let rules = Arc::new(rules);
        let before = self.concealed.replace(Arc::clone(&rules));
        if !before.reserves_all_of(&rules) {
            // Waits for commits that were checked by the old rules.
            self.commit_locks.wait_for_commits();
        }
    }

    /// Checks that a file found at `path` does not belong to the server.
    pub(super) fn check_found(&self, path: &[u8], file: &Metadata) -> Result<(), StoreErrorKind> {
        let (parent, name) = split(path);
        self.check(name, Some(file), || {
            let directory = if parent.is_empty() {
                metadata_of(&self.root())?
            } else {
                metadata_of(&self.open_beneath(parent, OFlags::PATH | OFlags::DIRECTORY)?)?
            };
            Ok(directory.identity())
        })
    }

    /// Checks that a name in an open directory does not belong to the server; `file` has the name now.
    pub(super) fn check_name(
        &self,
        directory: &OwnedFd,
        name: &[u8],
        file: Option<&Metadata>,
    ) -> Result<(), StoreErrorKind> {
        self.check(name, file, || Ok(metadata_of(directory)?.identity()))
    }

    /// The same if it is not known which file has the name.
    pub(super) fn check_current(
        &self,
        directory: &OwnedFd,
        name: &[u8],
    ) -> Result<(), StoreErrorKind> {
        if !self.concealed.is_in_use() {
            return Ok(());
        }
        match metadata_at(directory, name) {
            Ok(file) => self.check_name(directory, name, Some(&file)),
            Err(StoreErrorKind::NotFound) => self.check_name(directory, name, None),
            Err(kind) => Err(kind),
        }
    }

    fn check(
        &self,
        name: &[u8],
        file: Option<&Metadata>,
        directory: impl FnOnce() -> Result<Identity, StoreErrorKind>,
    ) -> Result<(), StoreErrorKind> {
        match self.concealed.rules_about(name, file) {
            Some(rules) if rules.cover(name, file, directory) => Err(StoreErrorKind::Concealed),
            Some(_) | None => Ok(()),
        }
    }
}

/// Whether a name is reserved in every directory.
pub(super) fn is_reserved(name: &[u8]) -> bool {
    name.starts_with(RESERVED_PREFIX)
}

/// Checks that no component of a path is reserved in every directory.
pub(super) fn check_path(path: &[u8]) -> Result<(), StoreErrorKind> {
    let mut rest = path;
    loop {
        // What follows the component does not matter.
        if is_reserved(rest) {
            return Err(StoreErrorKind::Concealed);
        }
        match memchr(b'/', rest) {
            Some(slash) => rest = &rest[slash + 1..],
            None => return Ok(()),
        }
    }
}
