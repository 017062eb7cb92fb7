//! Removing: regular files and empty directories, under the commit locks.
//!
//! A file is removed under the lock of its own name. A directory is removed under all locks, since any commit may be
//! below it: in the published order, nothing is below the directory at the moment of its removal. The kernel decides
//! whether a directory is empty; an upload that is staged in it prevents its removal (see `occupied`).

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fsync, openat, unlinkat};
use rustix::io::Errno;

use super::checks::check_path;
use super::commit_locks::CommitTurn;
use super::error::{StoreError, StoreErrorKind, once_more_if_stale};
use super::large::HeldSpace;
use super::metadata::Metadata;
use super::state::Store;
use super::sys::{DIRECTORY, metadata_at, split};
use super::write_target::CommitCondition;
use crate::change_version::ChangeVersion;
use crate::durable::Durability;
use crate::operations::{operate, operate_once};

/// The result of a removal.
#[derive(Debug)]
pub struct Removed<R> {
    /// The published value.
    pub published: R,
    /// With `--durable`, whether it is on stable storage; else the cause, from fsync(2).
    pub synced: io::Result<()>,
}

/// A name that is gone from its directory, and still to be published.
struct Unlinked<'l> {
    directory: Arc<OwnedFd>,
    version: Option<ChangeVersion>,
    turn: CommitTurn<'l>,
}

impl Store {
    /// Removes the regular file at `path`, and calls `publish` at that instant, in order with commits. `publish` gets
    /// the version of the change if other servers share the root.
    ///
    /// # Errors
    /// After any error but `Uncertain`, the file still exists. After any error, `publish` was not called.
    pub fn remove<R>(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        publish: impl FnOnce(Option<&ChangeVersion>) -> R,
    ) -> Result<Removed<R>, StoreError> {
        let gone = once_more_if_stale(|| self.unlink(path, condition));
        let (unlinked, held) = gone.map_err(|kind| kind.of(path))?;
        let Unlinked {
            directory,
            version,
            turn,
        } = unlinked;
        let published = publish(version.as_ref());
        drop(turn);
        self.cache.remove(path);
        held.release(&self.background.0);
        let synced = self.sync_removal(&directory);
        Ok(Removed { published, synced })
    }

    fn unlink(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
    ) -> Result<(Unlinked<'_>, HeldSpace), StoreErrorKind> {
        let (directory, name) = self.open_parent(path)?;
        let turn = self.commit_locks.of(path)?;
        let existing = self
            .replaceable(&directory, name)?
            .ok_or(StoreErrorKind::NotFound)?;
        if !holds(condition, &existing) {
            return Err(StoreErrorKind::ConditionFailed);
        }
        let held = HeldSpace::take(&directory, name, Some(&existing));
        let unlink = || {
            operate_once(|| unlinkat(&directory, name, AtFlags::empty()))
                .map_err(|errno| StoreErrorKind::in_change(errno, StoreErrorKind::from))
        };
        let ((), version) = turn.with_version(self.durability, unlink)?;
        let unlinked = Unlinked {
            directory,
            version,
            turn,
        };
        Ok((unlinked, held))
    }

    /// Removes the empty directory at `path`, and calls `publish` at that instant, under all locks.
    ///
    /// # Errors
    /// `NotFound` also if it is a file. After any error but `Uncertain`, the directory still exists. After any error,
    /// `publish` was not called.
    pub fn remove_directory<R>(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        publish: impl FnOnce(Option<&ChangeVersion>) -> R,
    ) -> Result<Removed<R>, StoreError> {
        let gone = once_more_if_stale(|| self.unlink_directory(path, condition));
        let Unlinked {
            directory,
            version,
            turn,
        } = gone.map_err(|kind| kind.of(path))?;
        let published = publish(version.as_ref());
        drop(turn);
        let synced = self.sync_removal(&directory);
        Ok(Removed { published, synced })
    }

    fn unlink_directory(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
    ) -> Result<Unlinked<'_>, StoreErrorKind> {
        let (directory, name) = self.open_parent(path)?;
        let turn = self.commit_locks.of_all()?;
        let existing = metadata_at(&directory, name)?;
        match existing.file_type() {
            FileType::Directory => {}
            FileType::RegularFile => return Err(StoreErrorKind::NotFound),
            _ => return Err(StoreErrorKind::NotRegular),
        }
        if self.concealed.rules().reserve_names_in(existing.identity()) {
            return Err(StoreErrorKind::HoldsServerFiles);
        }
        if !holds(condition, &existing) {
            // A condition is evaluated only if the removal would succeed without it (RFC 9110 §13.2.1).
            let is_occupied = self.occupied.contains(existing.identity());
            return Err(if !is_occupied && is_empty(&directory, name)? {
                StoreErrorKind::ConditionFailed
            } else {
                StoreErrorKind::NotEmpty
            });
        }
        let path = Path::new(OsStr::from_bytes(name));
        let remove = || {
            let removed = self.occupied.remove(existing.identity(), &*directory, path);
            let kind = |errno| match errno {
                Errno::EXIST => StoreErrorKind::NotEmpty,
                other => other.into(),
            };
            removed.map_err(|errno| StoreErrorKind::in_change(errno, kind))
        };
        let ((), version) = turn.with_version(self.durability, remove)?;
        Ok(Unlinked {
            directory,
            version,
            turn,
        })
    }

    /// Whether the directory at `path` has neither files nor uploads in progress.
    ///
    /// # Errors
    /// `NotFound` also if it is not a directory.
    pub fn is_empty_directory(&self, path: &[u8]) -> Result<bool, StoreError> {
        let look = || {
            let (parent, name) = self.open_parent(path)?;
            is_empty(&parent, name)
        };
        once_more_if_stale(look).map_err(|kind| kind.of(path))
    }

    /// The directory that `path` is in, and its name there.
    fn open_parent<'p>(&self, path: &'p [u8]) -> Result<(Arc<OwnedFd>, &'p [u8]), StoreErrorKind> {
        check_path(path)?;
        let (parent, name) = split(path);
        let directory = if parent.is_empty() {
            self.root()
        } else {
            Arc::new(self.open_beneath(parent, DIRECTORY)?)
        };
        Ok((directory, name))
    }

    fn sync_removal(&self, directory: &OwnedFd) -> io::Result<()> {
        match self.durability {
            Durability::Kernel => Ok(()),
            Durability::Storage => Ok(operate(|| fsync(directory))?),
        }
    }
}

fn holds(condition: &CommitCondition<'_>, existing: &Metadata) -> bool {
    match condition {
        CommitCondition::Always => true,
        CommitCondition::Absent => false,
        CommitCondition::Holds(holds) => holds(Some(existing)),
    }
}

/// Whether the directory `name` has no entries.
fn is_empty(parent: &OwnedFd, name: &[u8]) -> Result<bool, StoreErrorKind> {
    let flags = DIRECTORY | OFlags::NOFOLLOW;
    let directory = operate(|| openat(parent, name, flags, Mode::empty()))?;
    for entry in Dir::new(directory)? {
        let entry = entry?;
        if entry.file_name() != c"." && entry.file_name() != c".." {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::walk::Depth;
    use super::*;

    #[test]
    fn paths_split_at_the_last_slash() {
        for (path, parent, name) in [("a", "", "a"), ("a/b", "a", "b"), ("a/b/c", "a/b", "c")] {
            let expected = (parent.as_bytes(), name.as_bytes());
            assert_eq!(split(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn failed_upload_removes_its_empty_directories() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Storage).unwrap();
        let target = store.target_at_once(b"a/b/file").unwrap();
        let staged = store.stage(&target).unwrap();
        assert!(root.path().join("a/b").is_dir());
        fs::write(root.path().join("a/other"), "").unwrap();
        drop(staged);
        drop(target);
        assert!(!root.path().join("a/b").exists());
        assert!(root.path().join("a/other").exists());
    }

    #[test]
    fn changes_are_published_in_their_turn() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
        let path = b"a/b/file";
        let target = store.target_at_once(path).unwrap();
        let staged = store.stage(&target).unwrap();
        let cached = store.commit(staged, &target, &CommitCondition::Absent, |_| {
            store.commit_locks.is_locked(path)
        });
        assert!(cached.unwrap());
        let removed = store.remove(path, &CommitCondition::Always, |_| {
            store.commit_locks.is_locked(path)
        });
        assert!(removed.unwrap().published);
        assert!(!root.path().join("a/b/file").exists());
        assert!(!store.commit_locks.is_locked(path));
    }

    #[test]
    fn refused_removal_is_not_published() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("directory")).unwrap();
        fs::write(root.path().join("file"), "").unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
        for (path, condition, kind) in [
            ("nothing", CommitCondition::Always, StoreErrorKind::NotFound),
            (
                "file/below",
                CommitCondition::Always,
                StoreErrorKind::NotFound,
            ),
            (
                "directory",
                CommitCondition::Always,
                StoreErrorKind::Directory,
            ),
            (
                "file",
                CommitCondition::Absent,
                StoreErrorKind::ConditionFailed,
            ),
            (
                "file",
                CommitCondition::Holds(&|_| false),
                StoreErrorKind::ConditionFailed,
            ),
        ] {
            let refused = store.remove(path.as_bytes(), &condition, |_| panic!("{path}"));
            assert_eq!(refused.unwrap_err().kind, kind, "{path}");
        }
        assert!(root.path().join("file").exists());
    }

    #[test]
    fn empty_directory_is_removed_in_step_with_every_commit() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/b")).unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Storage).unwrap();
        for path in [&b"a/b"[..], b"a"] {
            let removed = store.remove_directory(path, &CommitCondition::Always, |_| {
                let names = ["a", "a/b", "a/b/file", "other"];
                names.map(|name| store.commit_locks.is_locked(name.as_bytes()))
            });
            assert_eq!(removed.unwrap().published, [true; 4]);
        }
        assert!(!root.path().join("a").exists());
        assert!(!store.commit_locks.is_locked(b"a"));
    }

    #[test]
    fn directory_that_must_stay_stays() {
        let root = tempfile::tempdir().unwrap();
        for directory in ["full/below", "empty"] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        fs::write(root.path().join("file"), "").unwrap();
        std::os::unix::fs::symlink("empty", root.path().join("link")).unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
        let always = CommitCondition::Always;
        let never = CommitCondition::Holds(&|_| false);
        for (path, condition, kind) in [
            ("nothing", &always, StoreErrorKind::NotFound),
            ("nothing/below", &always, StoreErrorKind::NotFound),
            ("file", &always, StoreErrorKind::NotFound),
            ("file/below", &always, StoreErrorKind::NotFound),
            ("link", &always, StoreErrorKind::NotRegular),
            ("full", &always, StoreErrorKind::NotEmpty),
            ("full", &never, StoreErrorKind::NotEmpty),
            ("empty", &never, StoreErrorKind::ConditionFailed),
            (
                "empty",
                &CommitCondition::Absent,
                StoreErrorKind::ConditionFailed,
            ),
            (".httpserver-x", &always, StoreErrorKind::Concealed),
            (".", &always, StoreErrorKind::ImpossibleName),
        ] {
            let refused = store.remove_directory(path.as_bytes(), condition, |_| panic!("{path}"));
            assert_eq!(refused.unwrap_err().kind, kind, "{path}");
        }
        for path in ["full/below", "empty", "file", "link"] {
            assert!(root.path().join(path).exists(), "{path}");
        }
    }

    #[test]
    fn upload_that_is_staged_keeps_its_directory() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
        let target = store.target_at_once(b"a/file").unwrap();
        // Nothing is staged yet: the directory is removed, and the upload must fail.
        let remove = || store.remove_directory(b"a", &CommitCondition::Always, |_| {});
        remove().unwrap();
        let refused = store.stage(&target).map(drop).unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Vanished);
        drop(target);
        let target = store.target_at_once(b"a/file").unwrap();
        let staged = store.stage(&target).unwrap();
        assert_eq!(remove().unwrap_err().kind, StoreErrorKind::NotEmpty);
        store
            .commit(staged, &target, &CommitCondition::Always, |_| {})
            .unwrap();
        assert!(root.path().join("a/file").exists());
    }
}
