//! Creates the missing directories of an upload's path. [`super::created`] removes them if the upload fails.
//!
//! Directories are created one after the other. At most two are open at once, and one during the upload. A path can have
//! two thousand directories, which take longer than one turn: they are created in portions, and between two portions the
//! store keeps their remover and the length of the path so far. The deeper a directory is, the longer its creation takes,
//! so a portion also ends after a time slice.

use std::ffi::OsStr;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, fsync, mkdirat, openat};
use rustix::io::Errno;

use super::checks::check_path;
use super::created::{RemoveEmpty, UnfinishedWay};
use super::error::{StoreError, StoreErrorKind};
use super::metadata::Identity;
use super::root;
use super::state::Store;
use super::sys::{DIRECTORY, metadata_at, metadata_of, split};
use super::write_target::WriteTarget;
use crate::durable::Durability;
use crate::operations::{operate, operate_once};
use crate::time_slice::TimeSlice;

/// The most directories that are created in one portion.
const PORTION: usize = 32;

/// The result of preparing a path.
pub enum TargetProgress {
    /// A file can be stored there.
    Ready(WriteTarget),
    /// Directories are still missing. The next call creates more of them.
    Unfinished,
}

/// The existing part of a path, open.
struct Way {
    directory: Arc<OwnedFd>,
    /// `None` in the root.
    remove_empty: Option<RemoveEmpty>,
}

impl Store {
    /// Checks that a file can be stored at `path`, and creates missing directories, a portion at a time.
    ///
    /// # Errors
    /// `NotFound` if a component of the path is not a directory; `Vanished` if a directory was removed meanwhile.
    pub fn target_below(&self, path: &[u8]) -> Result<TargetProgress, StoreError> {
        self.with_root(|| self.make_target(path))
            .map_err(|kind| kind.of(path))
    }

    /// Whether this store may have caused `Vanished`: it removes directories that a failed upload has left.
    pub fn removes_directories(&self) -> bool {
        self.created.are_being_removed()
    }

    /// The same for all directories at once; for a program without other clients.
    ///
    /// # Errors
    /// As [`Store::target_below`].
    pub fn target_at_once(&self, path: &[u8]) -> Result<WriteTarget, StoreError> {
        loop {
            if let TargetProgress::Ready(target) = self.target_below(path)? {
                return Ok(target);
            }
        }
    }

    fn make_target(&self, path: &[u8]) -> Result<TargetProgress, StoreErrorKind> {
        check_path(path)?;
        let (parent, name) = split(path);
        let Some(way) = self.make_way(parent, path)? else {
            return Ok(TargetProgress::Unfinished);
        };
        let existing = self.replaceable(&way.directory, name)?;
        if existing.is_none() {
            root::require_present(&way.directory)?;
        }
        let name_at = path.len() - name.len();
        Ok(TargetProgress::Ready(WriteTarget::new(
            path,
            name_at,
            way.directory,
            existing,
            way.remove_empty,
        )))
    }

    /// Opens the directory at `path`, and creates missing directories. After a portion it returns `None`, and their
    /// remover is kept for the target at `kept_for`.
    fn make_way(&self, path: &[u8], kept_for: &[u8]) -> Result<Option<Way>, StoreErrorKind> {
        if path.is_empty() {
            return Ok(Some(Way {
                directory: self.root(),
                remove_empty: None,
            }));
        }
        let earlier = self.unfinished.take(kept_for);
        let made = earlier.as_ref().map(|way| &path[..way.length]);
        let (mut directory, mut missing) = self.open_deepest(path, made)?;
        let mut identity = metadata_of(&directory)?.identity();
        // If the path continues elsewhere, the earlier remover is dropped after more directories were created: it keeps
        // those above them, and forgets those that a client has removed meanwhile.
        let (mut remove_empty, _earlier) = match earlier {
            Some(way) if way.remove_empty.is_for(identity) => (way.remove_empty, None),
            earlier => {
                let created = Arc::clone(&self.created);
                (RemoveEmpty::new(created, Arc::clone(&directory)), earlier)
            }
        };
        if !missing.is_empty() {
            let slice = TimeSlice::begin();
            for number in 1.. {
                let (name, below) = split_first(missing);
                (directory, identity) = self.make_one(&directory, identity, name)?;
                remove_empty.descend(&directory);
                missing = below;
                if missing.is_empty() {
                    break;
                }
                if number == PORTION || slice.is_over() {
                    let length = path.len() - missing.len() - 1;
                    let way = UnfinishedWay {
                        length,
                        remove_empty,
                    };
                    self.unfinished.keep(kept_for, way);
                    return Ok(None);
                }
            }
        }
        Ok(Some(Way {
            directory,
            remove_empty: Some(remove_empty),
        }))
    }

    /// Creates the directory `name` in `parent`, unless it exists by now; also returns its identity.
    fn make_one(
        &self,
        parent: &Arc<OwnedFd>,
        parent_identity: Identity,
        name: &[u8],
    ) -> Result<(Arc<OwnedFd>, Identity), StoreErrorKind> {
        let made = match operate_once(|| mkdirat(parent, name, Mode::from_raw_mode(0o777))) {
            Ok(()) => true,
            // It was created in the meantime, or is not a directory: the open shows which.
            Err(Errno::EXIST) => false,
            Err(error) => return Err(StoreErrorKind::in_directory(error)),
        };
        let opened = self.open_made(parent, name).inspect_err(|_| {
            if made {
                self.remove_made(parent, name);
            }
        });
        let (below, identity) = opened?;
        if made {
            self.created.add(identity, name, parent_identity);
        }
        Ok((Arc::new(below), identity))
    }

    /// Removes a new directory that cannot be used. A failure of the removal is ignored in favour of the original
    /// error.
    fn remove_made(&self, parent: &OwnedFd, name: &[u8]) {
        if let Ok(made) = metadata_at(parent, name) {
            let path = Path::new(OsStr::from_bytes(name));
            let _ = self.occupied.remove(made.identity(), parent, path);
        }
    }

    /// Opens a directory that was created in `parent`, with `--durable` after it is on stable storage; also its identity.
    fn open_made(
        &self,
        parent: &OwnedFd,
        name: &[u8],
    ) -> Result<(OwnedFd, Identity), StoreErrorKind> {
        let flags = OFlags::NOFOLLOW | self.directory_flags();
        let opened = operate(|| openat(parent, name, flags, Mode::empty()));
        let below = opened.map_err(StoreErrorKind::in_directory)?;
        let identity = metadata_of(&below)?.identity();
        if self.durability == Durability::Storage {
            operate(|| fsync(parent))?;
        }
        Ok((below, identity))
    }

    /// The flags for opening a directory in which something is created.
    fn directory_flags(&self) -> OFlags {
        match self.durability {
            // No permission to read is needed, so a sandbox need not check all directories above for it.
            Durability::Kernel => OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
            Durability::Storage => DIRECTORY,
        }
    }

    /// Opens the deepest existing directory of `path`; also returns the missing rest of the path. `made` is a part of it that
    /// was created before.
    ///
    /// Most often the whole path exists, or all but its last name, or only `made`. Otherwise bisection finds the deepest.
    fn open_deepest<'p>(
        &self,
        path: &'p [u8],
        made: Option<&[u8]>,
    ) -> Result<(Arc<OwnedFd>, &'p [u8]), StoreErrorKind> {
        if let Some(made) = made
            && let Ok(directory) = self.open_beneath(made, self.directory_flags())
        {
            return Ok((Arc::new(directory), &path[made.len() + 1..]));
        }
        let slashes = (0..path.len()).filter(|&at| path[at] == b'/');
        let ends: Vec<usize> = slashes.chain([path.len()]).collect();
        // The number of existing and of missing names.
        let (mut there, mut missing) = (0, ends.len() + 1);
        // The deepest directory so far, and where the rest of the path begins.
        let (mut deepest, mut rest) = (self.root(), 0);
        let mut next = ends.len();
        while missing - there > 1 {
            let end = ends[next - 1];
            match self.open_further(&deepest, path, rest..end) {
                Ok(directory) => {
                    (deepest, rest) = (Arc::new(directory), path.len().min(end + 1));
                    there = next;
                }
                Err(StoreErrorKind::NotFound) => missing = next,
                Err(kind) => return Err(kind),
            }
            next = if missing == ends.len() && there == 0 {
                missing - 1
            } else {
                there + (missing - there) / 2
            };
        }
        Ok((deepest, &path[rest..]))
    }

    /// Opens the directory at the beginning of `path` up to the end of `part`; `directory` is the one up to its start.
    ///
    /// So each name of a long path is looked up about once, and not once for each directory that is tried.
    fn open_further(
        &self,
        directory: &OwnedFd,
        path: &[u8],
        part: Range<usize>,
    ) -> Result<OwnedFd, StoreErrorKind> {
        let end = part.end;
        match self
            .resolver
            .open(directory, &path[part], self.directory_flags())
        {
            // A symlink may lead out of this directory, and not out of the root.
            Err(Errno::XDEV) => self.open_beneath(&path[..end], self.directory_flags()),
            opened => Ok(opened?),
        }
    }
}

/// The first name of a path, and the rest.
fn split_first(path: &[u8]) -> (&[u8], &[u8]) {
    match path.iter().position(|&byte| byte == b'/') {
        Some(at) => (&path[..at], &path[at + 1..]),
        None => (path, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Depth;
    use super::super::write_target::CommitCondition;
    use super::*;

    fn store(root: &tempfile::TempDir) -> Store {
        Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap()
    }

    /// A path with this many directories.
    fn deep(depth: usize) -> Vec<u8> {
        [&b"d/".repeat(depth)[..], b"file"].concat()
    }

    /// The number of directories in the chain `d/d/…` below `root`.
    fn depth(root: &Path) -> usize {
        let is_there = |depth: &usize| root.join("d/".repeat(*depth)).is_dir();
        (1..=10_000).take_while(is_there).count()
    }

    #[test]
    fn directories_are_made_in_portions_and_removed_with_their_upload() {
        let root = tempfile::tempdir().unwrap();
        let store = store(&root);
        for (depth, there) in [
            (1, 0),
            (PORTION + 1, 0),
            (2_000, 0),
            (PORTION, PORTION - 1),
            (PORTION, PORTION),
            (5 * PORTION, 3 * PORTION),
        ] {
            let above = root.path().join("d/".repeat(there));
            std::fs::create_dir_all(&above).unwrap();
            let path = deep(depth);
            let mut unfinished = 0;
            let target = loop {
                match store.target_below(&path).unwrap() {
                    TargetProgress::Ready(target) => break target,
                    TargetProgress::Unfinished => unfinished += 1,
                }
            };
            let missing = depth - there;
            let fewest = missing.div_ceil(PORTION).max(1);
            let portions = fewest..=missing.max(1);
            assert!(portions.contains(&(unfinished + 1)), "{depth} {there}");
            assert!(root.path().join("d/".repeat(depth)).is_dir());
            assert!(store.unfinished.take(&path).is_none());
            drop(target);
            // Older directories stay.
            let below = above.join("d");
            while below.exists() {
                std::thread::yield_now();
            }
            assert!(above.is_dir());
            std::fs::remove_dir_all(root.path().join("d")).ok();
        }
    }

    /// The search goes on from directories that it has found, and a symlink may lead up from these.
    #[test]
    fn deepest_directory_is_found_through_symlinks() {
        let root = tempfile::tempdir().unwrap();
        let store = store(&root);
        std::fs::create_dir_all(root.path().join("d/".repeat(9))).unwrap();
        std::fs::create_dir_all(root.path().join("x/y/z")).unwrap();
        for depth in 1..9 {
            let above = root.path().join("d/".repeat(depth));
            let up = "../".repeat(depth);
            std::os::unix::fs::symlink(format!("{up}x"), above.join("up")).unwrap();
            std::os::unix::fs::symlink(format!("{up}../x"), above.join("out")).unwrap();
        }
        for depth in 1..9 {
            for (below, there) in [("", "x"), ("y/", "x/y"), ("y/z/", "x/y/z")] {
                for missing in 0..9 {
                    let number = format!("{depth}-{missing}/").repeat(missing);
                    let path = format!("{}up/{below}{number}file", "d/".repeat(depth));
                    let target = store.target_at_once(path.as_bytes()).unwrap();
                    let made = root.path().join(there).join(&number);
                    assert!(made.is_dir(), "{path}");
                    drop(target);
                    assert_eq!(made.exists(), missing == 0, "{path}");
                    let path = format!("{}out/{below}{number}file", "d/".repeat(depth));
                    let refused = store.target_at_once(path.as_bytes()).map(drop);
                    assert_eq!(refused.unwrap_err().kind, StoreErrorKind::Outside, "{path}");
                }
            }
        }
    }

    #[test]
    fn directories_that_a_client_removes_between_two_portions_are_forgotten() {
        for removed in [1, 2, PORTION] {
            let root = tempfile::tempdir().unwrap();
            let store = store(&root);
            let path = deep(3 * PORTION);
            assert!(matches!(
                store.target_below(&path),
                Ok(TargetProgress::Unfinished)
            ));
            let made = depth(root.path());
            assert!((1..=PORTION).contains(&made), "{made}");
            for depth in (1..=made).rev().take(removed) {
                let name = b"d/".repeat(depth);
                let name = &name[..name.len() - 1];
                store
                    .remove_directory(name, &CommitCondition::Always, |_| ())
                    .unwrap();
            }
            let target = store.target_at_once(&path).unwrap();
            assert!(root.path().join("d/".repeat(3 * PORTION)).is_dir());
            drop(target);
            let created = Arc::clone(&store.created);
            drop(store); // Waits for the removals in the background.
            assert!(!root.path().join("d").exists());
            assert!(created.is_empty(), "{removed}");
        }
    }

    #[test]
    fn dropped_store_removes_unfinished_directories() {
        let root = tempfile::tempdir().unwrap();
        let store = store(&root);
        let path = deep(10 * PORTION);
        for _ in 0..5 {
            assert!(matches!(
                store.target_below(&path),
                Ok(TargetProgress::Unfinished)
            ));
        }
        assert!((5..=5 * PORTION).contains(&depth(root.path())));
        drop(store);
        assert!(!root.path().join("d").exists());
    }

    #[test]
    fn component_that_is_not_a_directory_is_found_at_any_depth() {
        let root = tempfile::tempdir().unwrap();
        let store = store(&root);
        for there in [0, 1, 2, 7] {
            let above = root.path().join("d/".repeat(there));
            std::fs::create_dir_all(&above).unwrap();
            std::fs::write(above.join("d"), "a file").unwrap();
            let refused = store.target_below(&deep(8)).map(drop).unwrap_err();
            assert_eq!(refused.kind, StoreErrorKind::NotFound, "{there}");
            std::fs::remove_file(above.join("d")).unwrap();
        }
    }
}
