//! Writing below the root's own level: directories on the way to a file, and the removal of files.
//!
//! Directories are made for an upload as it begins (see [`super::created`] for when they are removed again), one after
//! the other: whatever the path, no more than two are open at once, and one while the upload goes on.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, Mode, OFlags, fsync, mkdirat, openat, unlinkat};
use rustix::io::Errno;

use super::checks::check_path;
use super::created::RemoveEmpty;
use super::error::{StoreError, StoreErrorKind};
use super::metadata::Identity;
use super::root;
use super::state::Store;
use super::sys::{metadata_of, split};
use super::target::{CommitCondition, WriteTarget};
use crate::durable::Durability;
use crate::operations::{operate, operate_once};

/// How a directory is opened in which something is written.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// What came of a removal.
#[derive(Debug)]
pub struct Removed<R> {
    /// What was published with it.
    pub published: R,
    /// Whether it is on stable storage, if that is wanted; else the cause, from fsync(2).
    pub settled: io::Result<()>,
}

impl Store {
    /// Checks that a file may be put at `path`, and makes the directories that are missing on the way.
    ///
    /// # Errors
    /// `NotFound` if something on the way is not a directory; `Vanished` if a directory was removed meanwhile.
    pub fn target_below(&self, path: &[u8]) -> Result<WriteTarget, StoreError> {
        self.with_root(|| self.make_target(path))
            .map_err(|kind| kind.of(path))
    }

    fn make_target(&self, path: &[u8]) -> Result<WriteTarget, StoreErrorKind> {
        check_path(path)?;
        let (parent, name) = split(path);
        let (directory, remove_empty) = self.make_directory(parent)?;
        let existing = self.replaceable(&directory, name)?;
        if existing.is_none() {
            root::require_present(&directory)?;
        }
        let name_at = path.len() - name.len();
        Ok(WriteTarget::new(
            path,
            name_at,
            directory,
            existing,
            remove_empty,
        ))
    }

    /// Opens the directory at `path`, and makes what is missing of it; also what removes it again.
    fn make_directory(
        &self,
        path: &[u8],
    ) -> Result<(Arc<OwnedFd>, Option<RemoveEmpty>), StoreErrorKind> {
        if path.is_empty() {
            return Ok((self.root(), None));
        }
        let (mut directory, missing) = self.open_deepest(path)?;
        let mut remove_empty = RemoveEmpty::new(Arc::clone(&self.created), Arc::clone(&directory));
        if missing.is_empty() {
            return Ok((directory, Some(remove_empty)));
        }
        let mut identity = metadata_of(&directory)?.identity();
        for name in missing {
            let made = match operate_once(|| mkdirat(&directory, name, Mode::from_raw_mode(0o777)))
            {
                Ok(()) => true,
                // Made by somebody else just now, or something that is not a directory: opening it will tell.
                Err(Errno::EXIST) => false,
                Err(error) => return Err(StoreErrorKind::in_directory(error)),
            };
            let opened = self.open_made(&directory, name).inspect_err(|_| {
                if made {
                    // Whether it goes or not, the cause is what counts.
                    let _ = operate_once(|| unlinkat(&directory, name, AtFlags::REMOVEDIR));
                }
            });
            let (below, its_identity) = opened?;
            if made {
                self.created.add(its_identity, name, identity);
            }
            (directory, identity) = (Arc::new(below), its_identity);
            remove_empty.descend(&directory);
        }
        Ok((directory, Some(remove_empty)))
    }

    /// Opens a directory that was made in another, once it is there to stay as long as is wanted; also its identity.
    fn open_made(
        &self,
        parent: &OwnedFd,
        name: &[u8],
    ) -> Result<(OwnedFd, Identity), StoreErrorKind> {
        let flags = DIRECTORY | OFlags::NOFOLLOW;
        let opened = operate(|| openat(parent, name, flags, Mode::empty()));
        let below = opened.map_err(StoreErrorKind::in_directory)?;
        let identity = metadata_of(&below)?.identity();
        if self.durability == Durability::Storage {
            operate(|| fsync(parent))?;
        }
        Ok((below, identity))
    }

    /// Opens as much of the directory at `path` as is there; also the names of what is missing.
    fn open_deepest<'p>(
        &self,
        path: &'p [u8],
    ) -> Result<(Arc<OwnedFd>, Vec<&'p [u8]>), StoreErrorKind> {
        let mut there = path;
        let mut missing = Vec::new();
        while !there.is_empty() {
            match self.open_beneath(there, DIRECTORY) {
                Ok(directory) => {
                    missing.reverse();
                    return Ok((Arc::new(directory), missing));
                }
                Err(StoreErrorKind::NotFound) => {}
                Err(kind) => return Err(kind),
            }
            let (parent, name) = split(there);
            missing.push(name);
            there = parent;
        }
        missing.reverse();
        Ok((self.root(), missing))
    }

    /// Removes the regular file at `path`, and calls `publish` in that instant, in step with commits.
    ///
    /// # Errors
    /// With any, the file is still there and `publish` was not called.
    pub fn remove<R>(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        publish: impl FnOnce() -> R,
    ) -> Result<Removed<R>, StoreError> {
        self.unlink(path, condition, publish)
            .map_err(|kind| kind.of(path))
    }

    fn unlink<R>(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        publish: impl FnOnce() -> R,
    ) -> Result<Removed<R>, StoreErrorKind> {
        check_path(path)?;
        let (parent, name) = split(path);
        let directory = if parent.is_empty() {
            self.root()
        } else {
            Arc::new(self.open_beneath(parent, DIRECTORY)?)
        };
        let commit_locks = self.commit_locks.of(path);
        let existing = self
            .replaceable(&directory, name)?
            .ok_or(StoreErrorKind::NotFound)?;
        let holds = match condition {
            CommitCondition::Always => true,
            CommitCondition::Absent => false,
            CommitCondition::Holds(holds) => holds(Some(&existing)),
        };
        if !holds {
            return Err(StoreErrorKind::ConditionFailed);
        }
        operate_once(|| unlinkat(&directory, name, AtFlags::empty()))?;
        let published = publish();
        drop(commit_locks);
        self.cache.remove(path);
        let settled = match self.durability {
            Durability::Kernel => Ok(()),
            Durability::Storage => operate_once(|| fsync(&directory)).map_err(io::Error::from),
        };
        Ok(Removed { published, settled })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Depth;
    use super::*;

    #[test]
    fn paths_split_at_the_last_slash() {
        for (path, parent, name) in [("a", "", "a"), ("a/b", "a", "b"), ("a/b/c", "a/b", "c")] {
            let expected = (parent.as_bytes(), name.as_bytes());
            assert_eq!(split(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn changes_are_published_in_their_turn() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
        let path = b"a/b/file";
        let target = store.target_below(path).unwrap();
        let staged = store.stage(&target).unwrap();
        let cached = store.commit(staged, &target, &CommitCondition::Absent, |_| {
            store.commit_locks.is_locked(path)
        });
        assert!(cached.unwrap());
        let removed = store.remove(path, &CommitCondition::Always, || {
            store.commit_locks.is_locked(path)
        });
        assert!(removed.unwrap().published);
        assert!(!root.path().join("a/b/file").exists());
        assert!(!store.commit_locks.is_locked(path));
    }

    #[test]
    fn an_upload_that_is_given_up_takes_its_empty_directories_with_it() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Storage).unwrap();
        let target = store.target_below(b"a/b/file").unwrap();
        let staged = store.stage(&target).unwrap();
        assert!(root.path().join("a/b").is_dir());
        std::fs::write(root.path().join("a/other"), "").unwrap();
        drop(staged);
        drop(target);
        assert!(!root.path().join("a/b").exists());
        assert!(root.path().join("a/other").exists());
    }

    #[test]
    fn a_removal_that_may_not_be_is_not_published() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("directory")).unwrap();
        std::fs::write(root.path().join("file"), "").unwrap();
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
            let refused = store.remove(path.as_bytes(), &condition, || panic!("{path}"));
            assert_eq!(refused.unwrap_err().kind, kind, "{path}");
        }
        assert!(root.path().join("file").exists());
    }
}
