//! Where the rules of `concealed` are applied: every path, every file that is found, and every commit while its lock is
//! held.
//!
//! A rule that is added counts for every commit that ends after [`Store::conceal`] has returned.

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
    /// From now on, these names belong to the server, too. No commit ends afterwards that was judged without them.
    pub fn reserve(&self, names: Vec<ReservedName>) {
        self.put_in_force(self.concealed.rules().and(names));
    }

    /// From now on, these names and the files with these identities belong to the server, instead of those that were
    /// named before. It must have the latter open, so that no other file can have their identities.
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
            // Those that were judged by the old rules.
            self.commit_locks.wait_for_commits();
        }
    }

    /// Lets a file pass that was found at `path` and does not belong to the server.
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

    /// Lets a name in an open directory pass that does not belong to the server; `file` is what has it now.
    pub(super) fn check_name(
        &self,
        directory: &OwnedFd,
        name: &[u8],
        file: Option<&Metadata>,
    ) -> Result<(), StoreErrorKind> {
        self.check(name, file, || Ok(metadata_of(directory)?.identity()))
    }

    /// The same, where it is not known what has the name now.
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

/// Lets a path pass that has no name on it which is reserved in every directory.
pub(super) fn check_path(path: &[u8]) -> Result<(), StoreErrorKind> {
    let mut rest = path;
    loop {
        if rest.starts_with(RESERVED_PREFIX) {
            return Err(StoreErrorKind::Concealed);
        }
        match memchr(b'/', rest) {
            Some(slash) => rest = &rest[slash + 1..],
            None => return Ok(()),
        }
    }
}
