//! Directories that were created for uploads, until a file is in place below them.
//!
//! A failed upload removes the empty directories that were created for it. Several uploads may be in progress in the
//! same new directory, and the last one must remove it. Uploads are not counted: a new directory is recorded by its
//! device and inode number, *every* failed upload tries to remove its directory, and only an empty one is removed (see
//! `occupied`). When a file is in place, its directories stay, even if the file is removed later.
//!
//! The record of a directory has its name and the identity of its parent, but no descriptor: an upload holds one
//! directory open at any depth, and reaches the parents through `..`. A directory that was moved is not removed. A deep
//! chain is removed in the background, so that no client waits.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::fs::{AtFlags, Mode, OFlags, openat, statat};
use rustix::io::Errno;

use super::background::Background;
use super::metadata::Identity;
use super::occupied::Occupied;
use super::sys::metadata_of;
use crate::operations::operate;
use crate::sync::lock;
use crate::time_slice::TimeSlice;

/// The most directories that are removed at once; the rest of a deep chain is removed in the background.
const PORTION: usize = 16;

/// A directory that was created for an upload.
struct Created {
    parent: Identity,
    /// Its name in the parent.
    name: Box<[u8]>,
}

/// The directories that were created for uploads and have no file yet.
pub(super) struct CreatedDirectories {
    /// The number of directories, so that most uploads need no look-up.
    count: AtomicUsize,
    /// Guards the set; held for a look-up or a change, never for a system call.
    by_identity: Mutex<HashMap<Identity, Arc<Created>>>,
    /// The thread for removals that are too long for a turn.
    background: Arc<Background>,
    /// The number of removals that it has to do.
    removals: AtomicUsize,
    /// Directories that look empty and are not.
    occupied: Arc<Occupied>,
}

/// The uploads with directories that are still to be created, by their paths.
#[derive(Default)]
pub(super) struct Unfinished(
    /// Guards the map; held for a look-up or a change, never for a system call.
    Mutex<HashMap<Box<[u8]>, UnfinishedWay>>,
);

/// The directories of an upload's path that were created so far.
pub(super) struct UnfinishedWay {
    /// Bytes of its path, without a slash at the end.
    pub(super) length: usize,
    /// Removes them.
    pub(super) remove_empty: RemoveEmpty,
}

/// A removal in progress.
struct Removal {
    created: Arc<CreatedDirectories>,
    here: Arc<OwnedFd>,
    /// The path from `here` to the parent of the current directory.
    up: PathBuf,
    /// The identity of the current directory.
    identity: Identity,
}

/// The remaining directories.
enum Left {
    Nothing,
    Perhaps,
}

/// When dropped, removes the directory of an upload and its parents if they were created for uploads and are empty. It
/// must be dropped after the upload's staging file.
pub(super) struct RemoveEmpty {
    created: Arc<CreatedDirectories>,
    directory: Arc<OwnedFd>,
}

impl CreatedDirectories {
    /// No directory so far.
    pub(super) fn new(background: Arc<Background>, occupied: Arc<Occupied>) -> Self {
        Self {
            count: AtomicUsize::new(0),
            by_identity: Mutex::default(),
            background,
            removals: AtomicUsize::new(0),
            occupied,
        }
    }

    /// Whether directories are being removed that a failed upload has left.
    pub(super) fn are_being_removed(&self) -> bool {
        self.removals.load(Ordering::Acquire) > 0
    }

    /// Records a new directory `name` in `parent`.
    pub(super) fn add(&self, identity: Identity, name: &[u8], parent: Identity) {
        let created = Created {
            parent,
            name: name.into(),
        };
        let mut by_identity = lock(&self.by_identity);
        by_identity.insert(identity, Arc::new(created));
        self.count.store(by_identity.len(), Ordering::Relaxed);
    }

    /// Removes the records of a directory and its parents, since a file is in place.
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

    pub(super) fn is_empty(&self) -> bool {
        self.count.load(Ordering::Relaxed) == 0
    }

    fn get(&self, identity: Identity) -> Option<Arc<Created>> {
        lock(&self.by_identity).get(&identity).cloned()
    }

    /// Removes the record of this directory, unless another directory has its inode number by now.
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

    /// Whether it is for an upload into this directory.
    pub(super) fn is_for(&self, directory: Identity) -> bool {
        metadata_of(&self.directory).is_ok_and(|found| found.identity() == directory)
    }

    /// Moves on to a directory below.
    pub(super) fn descend(&mut self, below: &Arc<OwnedFd>) {
        self.directory = Arc::clone(below);
    }
}

impl Unfinished {
    /// Takes out the remover that `keep` has stored for the upload to `path`.
    pub(super) fn take(&self, path: &[u8]) -> Option<UnfinishedWay> {
        lock(&self.0).remove(path)
    }

    /// Keeps this until the upload to `path` continues, or the store is dropped.
    pub(super) fn keep(&self, path: &[u8], way: UnfinishedWay) {
        let replaced = lock(&self.0).insert(path.into(), way);
        drop(replaced); // Not under the lock.
    }
}

impl Drop for RemoveEmpty {
    fn drop(&mut self) {
        if self.created.is_empty() {
            return;
        }
        let mut removal = match Removal::begin(&self.created, &self.directory) {
            Ok(removal) => removal,
            Err(error) => return report(error),
        };
        let (slice, mut removed) = (TimeSlice::begin(), 0);
        let within_portion = || {
            removed += 1;
            removed < PORTION && !slice.is_over()
        };
        match removal.go_on(within_portion) {
            Ok(Left::Nothing) => {}
            Ok(Left::Perhaps) => {
                let created = Arc::clone(&self.created);
                created.removals.fetch_add(1, Ordering::AcqRel);
                self.created.background.run(move || {
                    if let Err(error) = removal.go_on(let_others_run) {
                        report(error);
                    }
                    created.removals.fetch_sub(1, Ordering::AcqRel);
                });
            }
            Err(error) => report(error),
        }
    }
}

/// Lets other threads of this processor run between two directories. A worker that wakes up would otherwise wait until
/// the kernel's slice of time for this thread is over, which is milliseconds.
fn let_others_run() -> bool {
    thread::yield_now();
    true
}

fn report(error: Errno) {
    log::debug!("cannot remove a directory that was made for an upload: {error}");
}

impl Removal {
    fn begin(created: &Arc<CreatedDirectories>, directory: &Arc<OwnedFd>) -> Result<Self, Errno> {
        Ok(Self {
            identity: identity_at(directory.as_fd(), Path::new("."))?,
            created: Arc::clone(created),
            here: Arc::clone(directory),
            up: PathBuf::from(".."),
        })
    }

    /// Removes one directory after the other, until `goes_on` returns false.
    fn go_on(&mut self, mut goes_on: impl FnMut() -> bool) -> Result<Left, Errno> {
        loop {
            let Some(created) = self.created.get(self.identity) else {
                return Ok(Left::Nothing);
            };
            let here = self.here.as_fd();
            let path = self.up.join(OsStr::from_bytes(&created.name));
            match self.remove_at(&path, &created) {
                // A client may have removed it with a DELETE.
                Ok(()) | Err(Errno::NOENT) => self.created.forget(self.identity, &created),
                // Another upload in it ends later.
                Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(Left::Nothing),
                Err(error) => {
                    self.created.forget(self.identity, &created);
                    return Err(error);
                }
            }
            self.identity = created.parent;
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            match operate(|| openat(here, &self.up, flags, Mode::empty())) {
                Ok(above) => {
                    self.here = Arc::new(above);
                    self.up = PathBuf::from("..");
                }
                // Without a descriptor the path is only longer.
                Err(_) => self.up.push(".."),
            }
            if !goes_on() {
                return Ok(Left::Perhaps);
            }
        }
    }

    /// Removes the directory at the relative `path`, if it is the recorded one.
    fn remove_at(&self, path: &Path, created: &Created) -> Result<(), Errno> {
        let here = self.here.as_fd();
        if identity_at(here, &self.up)? != created.parent
            || identity_at(here, path)? != self.identity
        {
            return Err(Errno::STALE);
        }
        self.created.occupied.remove(self.identity, here, path)
    }
}

/// Device and inode number of the file at `path`; a symlink is not followed.
fn identity_at(directory: BorrowedFd<'_>, path: &Path) -> Result<Identity, Errno> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let found = operate(|| statat(directory, path, flags))?;
    Ok((found.st_dev, found.st_ino))
}
