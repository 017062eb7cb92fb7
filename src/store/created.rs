//! Directories that were made for uploads, until a file is in place below them.
//!
//! An upload that is given up takes the directories with it that were made for it and are empty. Several uploads may be
//! on their way into the same new directory, and whichever ends last must remove it. So nobody counts: a directory that
//! was made is remembered by its device and inode number, *every* upload that is given up tries to remove the one that
//! it was in, and rmdir(2) removes only what is empty. Once a file is in place, its directories stay, whatever becomes
//! of the file.
//!
//! What is kept of a directory is its name and the identity of its parent, no descriptor: an upload holds one directory
//! open, however deep that is, and the way up leads through `..`. A directory that is not where it was made is left
//! alone.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::fs::{AtFlags, Mode, OFlags, openat, statat, unlinkat};
use rustix::io::Errno;

use super::metadata::Identity;
use super::sys::metadata_of;
use crate::operations::{operate, operate_once};
use crate::sync::lock;

/// A directory that was made for an upload.
struct Created {
    parent: Identity,
    /// Its name in the parent.
    name: Box<[u8]>,
}

/// The directories that were made for uploads and have had no file since.
#[derive(Default)]
pub(super) struct CreatedDirectories {
    /// How many there are, so that most uploads need no look.
    count: AtomicUsize,
    /// Guards the set; held for a look-up or a change, never for a system call.
    by_identity: Mutex<HashMap<Identity, Arc<Created>>>,
}

/// Removes the directory of an upload when it is dropped, and those above it, as far as they were made for uploads and
/// are empty. To be dropped after the upload's staging file.
pub(super) struct RemoveEmpty {
    created: Arc<CreatedDirectories>,
    directory: Arc<OwnedFd>,
}

impl CreatedDirectories {
    /// Remembers a directory that was made, called `name` in `parent`.
    pub(super) fn add(&self, identity: Identity, name: &[u8], parent: Identity) {
        let created = Created {
            parent,
            name: name.into(),
        };
        let mut by_identity = lock(&self.by_identity);
        by_identity.insert(identity, Arc::new(created));
        self.count.store(by_identity.len(), Ordering::Relaxed);
    }

    /// Lets a directory stay, and those above it: a file is in place.
    pub(super) fn keep(&self, directory: &OwnedFd) {
        if self.is_empty() {
            return;
        }
        let Ok(found) = metadata_of(directory) else {
            return;
        };
        let mut identity = found.identity();
        while let Some(created) = self.get(identity) {
            self.forget(identity, &created);
            identity = created.parent;
        }
    }

    fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    fn get(&self, identity: Identity) -> Option<Arc<Created>> {
        lock(&self.by_identity).get(&identity).cloned()
    }

    /// Forgets this directory, unless another is known under its inode number by now.
    fn forget(&self, identity: Identity, created: &Arc<Created>) {
        let mut by_identity = lock(&self.by_identity);
        if by_identity
            .get(&identity)
            .is_some_and(|known| Arc::ptr_eq(known, created))
        {
            by_identity.remove(&identity);
        }
        self.count.store(by_identity.len(), Ordering::Relaxed);
    }
}

impl RemoveEmpty {
    /// For an upload into `directory`.
    pub(super) fn new(created: Arc<CreatedDirectories>, directory: Arc<OwnedFd>) -> Self {
        Self { created, directory }
    }

    /// Goes on in a directory below.
    pub(super) fn descend(&mut self, below: &Arc<OwnedFd>) {
        self.directory = Arc::clone(below);
    }

    fn remove(&self) -> Result<(), Errno> {
        let mut opened;
        let mut here = self.directory.as_fd();
        // From `here` to the parent of the directory that is looked at.
        let mut up = PathBuf::from("..");
        let mut identity = identity_at(here, Path::new("."))?;
        while let Some(created) = self.created.get(identity) {
            let path = up.join(OsStr::from_bytes(&created.name));
            let removed = if identity_at(here, &up)? == created.parent
                && identity_at(here, &path)? == identity
            {
                operate_once(|| unlinkat(here, &path, AtFlags::REMOVEDIR))
            } else {
                Err(Errno::STALE)
            };
            match removed {
                Ok(()) => self.created.forget(identity, &created),
                // An upload that has something in it ends later.
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(()),
                Err(error) => {
                    self.created.forget(identity, &created);
                    return Err(error);
                }
            }
            identity = created.parent;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            match operate(|| openat(here, &up, flags, Mode::empty())) {
                Ok(above) => {
                    opened = above;
                    here = opened.as_fd();
                    up = PathBuf::from("..");
                }
                // Without a descriptor the way is only longer.
                Err(_) => up.push(".."),
            }
        }
        Ok(())
    }
}

impl Drop for RemoveEmpty {
    fn drop(&mut self) {
        if self.created.is_empty() {
            return;
        }
        if let Err(error) = self.remove() {
            log::debug!("cannot remove a directory that was made for an upload: {error}");
        }
    }
}

/// Device and inode number of what is at `path`; a symlink is not followed.
fn identity_at(directory: BorrowedFd<'_>, path: &Path) -> Result<Identity, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let found = operate(|| statat(directory, path, flags))?;
    Ok((found.st_dev, found.st_ino))
}
