//! Writing: an upload is staged in a file of its own beside its target, and takes effect by a rename.
//!
//! A reader sees the whole old file or the whole new one. An upload that is not committed is removed when it is
//! dropped; one that a killed server left behind is removed when the next one starts (see `staging`).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    Access, AtFlags, FileType, Mode, OFlags, accessat, fchmod, fdatasync, fsync, futimens, openat,
    renameat, unlinkat,
};
use rustix::io::{Errno, pread, write};

use super::background::Background;
use super::checks::check_path;
use super::error::{StoreError, StoreErrorKind};
use super::large::{HeldSpace, LARGE};
use super::metadata::Metadata;
use super::root;
use super::staging::StagingName;
use super::state::Store;
use super::sys::{metadata_at, metadata_of, rename_new};
use super::target::{CommitCondition, WriteTarget};
use crate::durable::Durability;
use crate::operations::{operate, operate_once};

/// An upload that has not taken effect.
pub struct Staged {
    file: Arc<OwnedFd>,
    directory: Arc<OwnedFd>,
    /// The name of the staging file, until it has another.
    name: Option<StagingName>,
    length: u64,
    background: Arc<Background>,
}

/// The content of an upload that has taken effect.
#[derive(Debug, Clone)]
pub struct Committed {
    file: Arc<OwnedFd>,
    directory: Arc<OwnedFd>,
}

impl Store {
    /// Checks that a file named `name` may be put into the root.
    pub fn target(&self, name: &[u8]) -> Result<WriteTarget, StoreError> {
        self.with_root(|| {
            check_path(name)?;
            let root = self.root();
            let existing = self.replaceable(&root, name)?;
            if existing.is_none() {
                root::require_present(&root)?;
            }
            Ok(WriteTarget::new(name, 0, root, existing, None))
        })
        .map_err(|kind| kind.of(name))
    }

    /// Checks that `name` in `directory` is absent, or a regular file that may be written, and not the server's.
    pub(super) fn replaceable(
        &self,
        directory: &OwnedFd,
        name: &[u8],
    ) -> Result<Option<Metadata>, StoreErrorKind> {
        let metadata = match metadata_at(directory, name) {
            Err(StoreErrorKind::NotFound) => {
                self.check_name(directory, name, None)?;
                return Ok(None);
            }
            found => found?,
        };
        self.check_name(directory, name, Some(&metadata))?;
        match metadata.file_type() {
            FileType::RegularFile => {}
            FileType::Directory => return Err(StoreErrorKind::Directory),
            _ => return Err(StoreErrorKind::NotRegular),
        }
        // For a file of our own its mode says it all, and saves a system call.
        if !metadata.is_writable_by_owner(self.user) {
            operate(|| accessat(directory, name, Access::WRITE_OK, AtFlags::EACCESS))?;
        }
        Ok(Some(metadata))
    }

    /// Makes a staging file beside `target`.
    pub fn stage(&self, target: &WriteTarget) -> Result<Staged, StoreError> {
        self.make_staged(target)
            .map_err(|kind| kind.of(target.path()))
    }

    fn make_staged(&self, target: &WriteTarget) -> Result<Staged, StoreErrorKind> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let permissions = target
            .existing()
            .map_or(0o666, |old| old.permissions() & 0o777);
        loop {
            let name = self.staging_name();
            let mode = Mode::from_raw_mode(permissions);
            let create = || openat(&target.directory, name.as_bytes(), flags, mode);
            let file = match operate(create) {
                Err(Errno::EXIST) => continue,
                done => done.map_err(StoreErrorKind::in_directory)?,
            };
            let staged = Staged {
                file: Arc::new(file),
                directory: Arc::clone(&target.directory),
                name: Some(name),
                length: 0,
                background: Arc::clone(&self.background.0),
            };
            // A replaced file keeps its permissions, also those that the umask would take from a new one.
            if target.existing().is_some() && permissions & self.umask != 0 {
                operate_once(|| fchmod(&staged.file, mode))?;
            }
            return Ok(staged);
        }
    }

    /// Puts an upload in place, and calls `publish` in that instant: for one path, the order of these calls is the
    /// order in which the files took effect.
    ///
    /// # Errors
    /// With any, the old file is untouched and `publish` was not called.
    pub fn commit<R>(
        &self,
        staged: Staged,
        target: &WriteTarget,
        condition: &CommitCondition<'_>,
        publish: impl FnOnce(&Committed) -> R,
    ) -> Result<R, StoreError> {
        self.put_in_place(staged, target, condition, publish)
            .map_err(|kind| kind.of(target.path()))
    }

    fn put_in_place<R>(
        &self,
        mut staged: Staged,
        target: &WriteTarget,
        condition: &CommitCondition<'_>,
        publish: impl FnOnce(&Committed) -> R,
    ) -> Result<R, StoreErrorKind> {
        // Where nobody asks what was there, nobody tells two states of a file apart by their times.
        if !matches!(condition, CommitCondition::Always) {
            let times = self.stamps.next();
            operate(|| futimens(&staged.file, &times))?;
        }
        if self.durability == Durability::Storage {
            operate(|| fdatasync(&staged.file))?;
        }
        let (directory, name) = (&target.directory, target.name());
        let committed = Committed {
            file: Arc::clone(&staged.file),
            directory: Arc::clone(directory),
        };
        let held = HeldSpace::take(directory, name, target.existing());
        let commit_locks = self.commit_locks.of(target.path());
        let staging_name = staged.name.as_ref().map_or(&[][..], StagingName::as_bytes);
        let replace = || {
            operate_once(|| renameat(directory, staging_name, directory, name))
                .map_err(StoreErrorKind::in_directory)
        };
        match condition {
            CommitCondition::Always => {
                self.check_current(directory, name)?;
                replace()?;
            }
            CommitCondition::Absent => {
                self.check_name(directory, name, None)?;
                rename_new(directory, staging_name, name)?;
            }
            CommitCondition::Holds(holds) => {
                if !holds(self.replaceable(directory, name)?.as_ref()) {
                    return Err(StoreErrorKind::ConditionFailed);
                }
                replace()?;
            }
        }
        staged.name = None;
        let published = publish(&committed);
        drop(commit_locks);
        self.created.keep(directory);
        self.cache.remove(target.path());
        held.release(&self.background.0);
        Ok(published)
    }

    /// Runs `publish` in step with commits if the file at `target` is still the one that was `committed`.
    pub fn if_still<R>(
        &self,
        committed: &Committed,
        target: &WriteTarget,
        publish: impl FnOnce() -> R,
    ) -> Option<R> {
        let _order = self.commit_locks.of(target.path());
        let there = metadata_at(&target.directory, target.name()).ok()?;
        let ours = metadata_of(&committed.file).ok()?;
        (there == ours).then(publish)
    }

    /// Returns when a committed upload's name is on stable storage, if that is wanted.
    pub fn sync_name(&self, committed: &Committed) -> io::Result<()> {
        match self.durability {
            Durability::Kernel => Ok(()),
            Durability::Storage if Arc::ptr_eq(&committed.directory, &self.root()) => self
                .syncs
                .sync(|| operate_once(|| fsync(&committed.directory))),
            Durability::Storage => Ok(operate(|| fsync(&committed.directory))?),
        }
    }
}

impl Staged {
    /// Appends to the upload.
    pub fn write(&mut self, mut content: &[u8]) -> Result<(), StoreErrorKind> {
        while !content.is_empty() {
            let count = operate(|| write(&self.file, content))?;
            if count == 0 {
                return Err(StoreErrorKind::Io(Errno::IO));
            }
            content = &content[count..];
            self.length += count as u64;
        }
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let Some(name) = self.name else {
            return;
        };
        let unlink = || unlinkat(&self.directory, name.as_bytes(), AtFlags::empty());
        let result = operate_once(unlink);
        if let Err(error) = result
            && error != Errno::NOENT
        {
            log::warn!("cannot remove the unfinished upload {name}: {error}");
        }
        if self.length >= LARGE {
            let file = Arc::clone(&self.file);
            self.background.run(move || drop(file));
        }
    }
}

impl Committed {
    /// What it is now.
    pub fn metadata(&self) -> Result<Metadata, StoreErrorKind> {
        metadata_of(&self.file)
    }

    /// Reads the content's bytes from `offset` until `buffer` is full; false if it has become shorter.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < buffer.len() {
            let from = offset + filled as u64;
            match operate(|| pread(&self.file, &mut buffer[filled..], from))? {
                0 => return Ok(false),
                count => filled += count,
            }
        }
        Ok(true)
    }
}
