//! The removal of files.

use std::io;
use std::sync::Arc;

use rustix::fs::{AtFlags, fsync, unlinkat};

use super::checks::check_path;
use super::error::{StoreError, StoreErrorKind};
use super::large::Held;
use super::state::Store;
use super::sys::{DIRECTORY, split};
use super::target::CommitCondition;
use crate::durable::Durability;
use crate::operations::operate_once;

/// What came of a removal.
#[derive(Debug)]
pub struct Removed<R> {
    /// What was published with it.
    pub published: R,
    /// Whether it is on stable storage, if that is wanted; else the cause, from fsync(2).
    pub settled: io::Result<()>,
}

impl Store {
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
        let held = Held::take(&directory, name, Some(&existing));
        operate_once(|| unlinkat(&directory, name, AtFlags::empty()))?;
        let published = publish();
        drop(commit_locks);
        self.cache.remove(path);
        held.release(&self.background.0);
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
        let target = store.target_at_once(path).unwrap();
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
        let target = store.target_at_once(b"a/b/file").unwrap();
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
