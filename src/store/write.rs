//! Writing: an upload is staged as a file of its own, and takes effect by a link or a rename.
//!
//! A reader sees the whole old file or the whole new one. An upload that is not committed leaves nothing (see `staged`).

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Access, AtFlags, FileType, accessat, fsync};

use super::checks::check_path;
use super::commit_locks::CommitTurn;
use super::error::{StoreError, StoreErrorKind, once_more_if_stale};
use super::large::HeldSpace;
use super::metadata::Metadata;
use super::root;
use super::staged::{Committed, Staged, Unsynced};
use super::state::Store;
use super::sys::{metadata_at, metadata_of};
use super::write_target::{CommitCondition, WriteTarget};
use crate::change_version::ChangeVersion;
use crate::durable::Durability;
use crate::operations::{operate, operate_once};

/// An upload that has its name, and is still to be published.
struct InPlace<'l> {
    committed: Committed,
    version: Option<ChangeVersion>,
    turn: CommitTurn<'l>,
    held: HeldSpace,
}

/// Whether the request log records a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recording {
    /// At the same instant.
    Now,
    /// Not at all.
    Never,
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
        // The mode of our own file is enough to decide, and saves a system call.
        if !metadata.is_writable_by_owner(self.user) {
            operate(|| accessat(directory, name, Access::WRITE_OK, AtFlags::EACCESS))?;
        }
        Ok(Some(metadata))
    }

    /// Puts an upload in place that is not recorded, and calls `publish` at that instant: for one path, the order of
    /// these calls is the order in which the files took effect.
    ///
    /// # Errors
    /// After any error, the old file is unchanged, and `publish` was not called.
    pub fn commit<R>(
        &self,
        mut staged: Staged,
        target: &WriteTarget,
        condition: &CommitCondition<'_>,
        publish: impl FnOnce(&Committed) -> R,
    ) -> Result<R, StoreError> {
        let (staged, recording) = (&mut staged, Recording::Never);
        let placed = once_more_if_stale(|| self.put_in_place(staged, target, condition, recording));
        let placed = placed.map_err(|kind| kind.of(target.path()))?;
        Ok(self.finish(target, placed, |committed, _| publish(committed)))
    }

    /// The same with an upload that is recorded: `publish` gets the version of the change if other servers share the root.
    /// The upload can be committed again if another server holds the lock of the name.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn try_commit<R>(
        &self,
        staged: &mut Staged,
        target: &WriteTarget,
        condition: &CommitCondition<'_>,
        publish: impl FnOnce(&Committed, Option<&ChangeVersion>) -> R,
    ) -> Result<R, StoreError> {
        let recording = Recording::Now;
        let mut placed =
            once_more_if_stale(|| self.put_in_place(staged, target, condition, recording));
        if let Err(StoreErrorKind::Locked) = placed
            && let Err(error) = staged.lock(|| self.staging_name())
        {
            placed = Err(error);
        }
        let placed = placed.map_err(|kind| kind.of(target.path()))?;
        Ok(self.finish(target, placed, publish))
    }

    /// Publishes an upload that is in place, and unlocks its name.
    fn finish<R>(
        &self,
        target: &WriteTarget,
        placed: InPlace<'_>,
        publish: impl FnOnce(&Committed, Option<&ChangeVersion>) -> R,
    ) -> R {
        let published = publish(&placed.committed, placed.version.as_ref());
        drop(placed.turn);
        self.created.keep(&target.directory);
        self.cache.remove(target.path());
        placed.held.release(&self.background.0);
        published
    }

    fn put_in_place(
        &self,
        staged: &mut Staged,
        target: &WriteTarget,
        condition: &CommitCondition<'_>,
        recording: Recording,
    ) -> Result<InPlace<'_>, StoreErrorKind> {
        // Only conditions distinguish two states of a file by their times.
        let has_time = !matches!(condition, CommitCondition::Always);
        let is_shared = self.commit_locks.are_shared();
        if has_time && !is_shared {
            staged.set_times(&self.stamps.next())?;
        }
        if self.durability == Durability::Storage {
            staged.sync()?;
        }
        let (directory, name) = (&target.directory, target.name());
        let unsynced = staged.unsynced();
        let held = HeldSpace::take(directory, name, target.existing());
        let turn = self.commit_locks.of(target.path())?;
        if has_time && is_shared {
            staged.set_times(&turn.next_times(&self.stamps)?)?;
        }
        let staging_name = || self.staging_name();
        let mut found = target.existing().copied();
        match condition {
            CommitCondition::Always => self.check_current(directory, name)?,
            CommitCondition::Absent => self.check_name(directory, name, None)?,
            CommitCondition::Holds(holds) => {
                found = self.replaceable(directory, name)?;
                if !holds(found.as_ref()) {
                    return Err(StoreErrorKind::ConditionFailed);
                }
            }
        }
        let mut put = || match condition {
            CommitCondition::Absent => staged.create(name, staging_name),
            CommitCondition::Always | CommitCondition::Holds(_) => {
                staged.put(name, found.as_ref(), staging_name)
            }
        };
        let version = match recording {
            Recording::Now => turn.with_version(self.durability, put)?.1,
            Recording::Never => {
                put()?;
                None
            }
        };
        Ok(InPlace {
            committed: staged.committed(unsynced),
            version,
            turn,
            held,
        })
    }

    /// Runs `publish` in order with commits, as [`Store::try_commit`] does, if the file at `target` is still the one
    /// that was `committed`.
    pub fn if_still<R>(
        &self,
        committed: &Committed,
        target: &WriteTarget,
        publish: impl FnOnce(Option<&ChangeVersion>) -> R,
    ) -> Option<R> {
        let turn = self.commit_locks.of_soon(target.path()).ok()?;
        let there = metadata_at(&target.directory, target.name()).ok()?;
        let ours = metadata_of(&committed.file).ok()?;
        if there != ours {
            return None;
        }
        let ((), version) = turn.with_version(self.durability, || Ok(())).ok()?;
        Some(publish(version.as_ref()))
    }

    /// Returns when a committed upload's name is on stable storage, if that is requested.
    pub fn sync_name(&self, committed: &Committed) -> io::Result<()> {
        match self.durability {
            Durability::Kernel => Ok(()),
            Durability::Storage => {
                if committed.unsynced == Unsynced::LinksAndDirectory {
                    operate(|| fsync(&committed.file))?;
                }
                self.sync_directory(&committed.directory)
            }
        }
    }

    fn sync_directory(&self, directory: &Arc<OwnedFd>) -> io::Result<()> {
        if Arc::ptr_eq(directory, &self.root()) {
            self.syncs.sync(|| operate_once(|| fsync(directory)))
        } else {
            Ok(operate(|| fsync(directory))?)
        }
    }
}
