//! Walking: visits every name below a directory, with a few descriptors for any depth of the tree.
//!
//! A walk holds a descriptor of its current directory, and a second one while it changes the directory. It goes down by
//! name and up by `..`. If a directory is moved during the walk, `..` may lead elsewhere, even out of the tree: device
//! and inode number show whether it is the directory that the walk came from. If it is not, or if `..` cannot be
//! opened, the walk starts again at the root and follows the same names, as far as they still lead through the same
//! directories. Directories that it cannot reach any more are reported.
//!
//! No path is ever resolved as a whole, so trees deeper than `PATH_MAX` are walked, too. Symlinks are visited as names,
//! and are not followed. Memory grows with the depth, and with the unvisited subdirectories of the directories of the
//! current path; names of files are not kept.

use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir, fstat, openat, statat};
use rustix::io::{Errno, retry_on_intr};

/// Bytes of entries that one getdents64(2) reads.
const BUFFER: usize = 16 * 1024;

/// The flags for the directories of a walk.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC);

/// The depth of a walk, and of directories with staged uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The root itself.
    Root,
    /// The root and every directory below it.
    Tree,
}

/// A step of a walk.
#[derive(Debug)]
pub enum WalkStep<'w> {
    /// A name of a file other than a directory.
    File {
        /// The directory that it is in.
        directory: BorrowedFd<'w>,
        /// The name in that directory.
        name: &'w CStr,
        /// The path below the root of the walk, the name included.
        path: &'w [u8],
        /// The metadata of the file; a symlink is not followed.
        file_type: FileType,
    },
    /// A directory that was not visited completely.
    Unreadable {
        /// The path below the root of the walk; empty for the root itself.
        path: &'w [u8],
        /// The cause, from openat(2), fstat(2) or getdents64(2); ESTALE if the directory was moved during the walk.
        error: Errno,
    },
}

/// A directory of the current path.
struct Level {
    /// Device and inode number.
    identity: (u64, u64),
    /// Unvisited subdirectories.
    pending: Vec<CString>,
    /// Length of the path without this directory's name and the slash before it.
    parent_len: usize,
}

/// A walk in progress.
struct TreeWalk<'r, V> {
    root: BorrowedFd<'r>,
    depth: Depth,
    visit: V,
    /// The path of the current directory.
    path: Vec<u8>,
    /// From the root down to the current directory.
    levels: Vec<Level>,
    buffer: Vec<MaybeUninit<u8>>,
}

/// Calls `visit` for every name in the directory `root`, and with [`Depth::Tree`] below it, except those of
/// directories, in the order of the file system. `visit` may remove the file.
///
/// # Errors
/// An error of `visit`, which ends the walk. An unreadable directory is a [`WalkStep::Unreadable`] and does not end the
/// walk.
pub fn walk<E>(
    root: BorrowedFd<'_>,
    depth: Depth,
    visit: impl FnMut(WalkStep<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut walk = TreeWalk {
        root,
        depth,
        visit,
        path: Vec::new(),
        levels: Vec::new(),
        buffer: vec![MaybeUninit::uninit(); BUFFER],
    };
    let mut here = match open(root, b".") {
        Ok(directory) => directory,
        Err(error) => return walk.unreadable(error),
    };
    walk.enter(&here, 0)?;
    while let Some(level) = walk.levels.last_mut() {
        if let Some(name) = level.pending.pop() {
            if let Some(below) = walk.descend(&here, &name)? {
                here = below;
            }
        } else if let Some(above) = walk.climb(&here)? {
            here = above;
        } else {
            return Ok(());
        }
    }
    Ok(())
}

impl<E, V: FnMut(WalkStep<'_>) -> Result<(), E>> TreeWalk<'_, V> {
    /// Goes from the directory `here` into its subdirectory `name`; `None` if it cannot be opened.
    fn descend(&mut self, here: &OwnedFd, name: &CStr) -> Result<Option<OwnedFd>, E> {
        let parent_len = self.path.len();
        let opened = open(here.as_fd(), name.to_bytes());
        push_name(&mut self.path, name);
        match opened {
            Ok(below) => {
                if self.enter(&below, parent_len)? {
                    return Ok(Some(below));
                }
            }
            // It was removed, or is another kind of file by now.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {}
            Err(error) => self.unreadable(error)?,
        }
        self.path.truncate(parent_len);
        Ok(None)
    }

    /// Visits the files of the directory at `self.path`, and makes it the last level; false if its identity cannot be
    /// determined.
    fn enter(&mut self, directory: &OwnedFd, parent_len: usize) -> Result<bool, E> {
        let identity = match identity(directory) {
            Ok(identity) => identity,
            Err(error) => return self.unreadable(error).map(|()| false),
        };
        let pending = self.visit_files(directory)?;
        self.levels.push(Level {
            identity,
            pending,
            parent_len,
        });
        Ok(true)
    }

    /// Visits the files of a directory, and returns the names of its subdirectories.
    fn visit_files(&mut self, directory: &OwnedFd) -> Result<Vec<CString>, E> {
        let mut subdirectories = Vec::new();
        let path_len = self.path.len();
        let mut entries = RawDir::new(directory, &mut self.buffer);
        let mut failure = None;
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(Errno::INTR) => continue,
                Err(error) => {
                    failure = Some(error);
                    break;
                }
            };
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            match type_of(directory, name, entry.file_type()) {
                FileType::Directory => {
                    if self.depth == Depth::Tree {
                        subdirectories.push(name.to_owned());
                    }
                }
                file_type => {
                    push_name(&mut self.path, name);
                    let visited = (self.visit)(WalkStep::File {
                        directory: directory.as_fd(),
                        name,
                        path: &self.path,
                        file_type,
                    });
                    self.path.truncate(path_len);
                    visited?;
                }
            }
        }
        match failure {
            // NOENT: a removed directory has no more names.
            None | Some(Errno::NOENT) => {}
            Some(error) => self.unreadable(error)?,
        }
        Ok(subdirectories)
    }

    /// Goes back from the last level, which is `here`, to the one before it, or the nearest that can be reached;
    /// `None` from the root.
    fn climb(&mut self, here: &OwnedFd) -> Result<Option<OwnedFd>, E> {
        let Some(left) = self.levels.pop() else {
            return Ok(None);
        };
        self.path.truncate(left.parent_len);
        let Some(above) = self.levels.last() else {
            return Ok(None);
        };
        match open(here.as_fd(), b"..") {
            Ok(found) if identity(&found) == Ok(above.identity) => Ok(Some(found)),
            _ => self.return_from_root(),
        }
    }

    /// Goes down from the root again, through the same directories as far as they exist. Reports the first missing one,
    /// and skips it with everything below. `None` if the root cannot be opened.
    fn return_from_root(&mut self) -> Result<Option<OwnedFd>, E> {
        let mut reached = 0;
        let mut here = None;
        let failure = loop {
            if reached == self.levels.len() {
                return Ok(here);
            }
            let level = &self.levels[reached];
            let opened = match &here {
                None => open(self.root, b"."),
                Some(above) => open(above.as_fd(), self.name_of(reached)),
            };
            match opened.and_then(|found| identity(&found).map(|identity| (found, identity))) {
                Ok((found, identity)) if identity == level.identity => here = Some(found),
                Ok(_) => break Errno::STALE,
                Err(error) => break error,
            }
            reached += 1;
        };
        self.path.truncate(self.end_of(reached));
        self.unreadable(failure)?;
        self.path.truncate(self.levels[reached].parent_len);
        self.levels.truncate(reached);
        Ok(here)
    }

    /// The name of the directory at this level; the root has none.
    fn name_of(&self, level: usize) -> &[u8] {
        let path = &self.path[self.levels[level].parent_len..self.end_of(level)];
        path.strip_prefix(b"/").unwrap_or(path)
    }

    /// Length of the path of the directory at this level.
    fn end_of(&self, level: usize) -> usize {
        let below = self.levels.get(level + 1);
        below.map_or(self.path.len(), |below| below.parent_len)
    }

    /// Reports that the directory at `self.path` was not visited completely.
    fn unreadable(&mut self, error: Errno) -> Result<(), E> {
        (self.visit)(WalkStep::Unreadable {
            path: &self.path,
            error,
        })
    }
}

fn open(directory: BorrowedFd<'_>, name: &[u8]) -> Result<OwnedFd, Errno> {
    retry_on_intr(|| openat(directory, name, DIRECTORY, Mode::empty()))
}

/// Device and inode number.
fn identity(directory: &OwnedFd) -> Result<(u64, u64), Errno> {
    let found = retry_on_intr(|| fstat(directory))?;
    Ok((found.st_dev, found.st_ino))
}

/// The type from getdents64(2), or from fstatat(2) if the file system does not return it.
fn type_of(directory: &OwnedFd, name: &CStr, given: FileType) -> FileType {
    if given != FileType::Unknown {
        return given;
    }
    statat(directory, name, AtFlags::SYMLINK_NOFOLLOW)
        .map_or(given, |found| FileType::from_raw_mode(found.st_mode))
}

fn push_name(path: &mut Vec<u8>, name: &CStr) {
    if !path.is_empty() {
        path.push(b'/');
    }
    path.extend_from_slice(name.to_bytes());
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::convert::Infallible;
    use std::fs::{self, File};
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use rustix::fs::{mkdirat, unlinkat};

    use super::*;

    /// The paths of all files that a walk visits, and of unreadable directories with the cause.
    fn walked(
        root: &Path,
        depth: Depth,
        mut on_file: impl FnMut(&str),
    ) -> (BTreeSet<String>, Vec<(String, Errno)>) {
        let (mut files, mut unreadable) = (BTreeSet::new(), Vec::new());
        let text = |path: &[u8]| String::from_utf8(path.to_vec()).unwrap();
        let root = File::open(root).unwrap();
        let done: Result<(), Infallible> = walk(root.as_fd(), depth, |step| {
            match step {
                WalkStep::File { path, .. } => {
                    on_file(&text(path));
                    assert!(files.insert(text(path)), "twice");
                }
                WalkStep::Unreadable { path, error } => unreadable.push((text(path), error)),
            }
            Ok(())
        });
        done.unwrap();
        (files, unreadable)
    }

    fn set(paths: &[&str]) -> BTreeSet<String> {
        paths.iter().map(|path| (*path).to_owned()).collect()
    }

    #[test]
    fn every_file_is_visited_once_and_symlinks_are_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        for below in ["a/b/c", "a/d", "e", "empty"] {
            fs::create_dir_all(dir.path().join(below)).unwrap();
        }
        let files = ["1", "a/2", "a/b/3", "a/b/c/4", "a/d/5", "e/6"];
        for file in files {
            fs::write(dir.path().join(file), "").unwrap();
        }
        symlink("a", dir.path().join("link")).unwrap();
        symlink("..", dir.path().join("a/up")).unwrap();
        let mut all = set(&files);
        all.extend(set(&["link", "a/up"]));
        assert_eq!(walked(dir.path(), Depth::Tree, |_| {}), (all, vec![]));
        assert_eq!(
            walked(dir.path(), Depth::Root, |_| {}),
            (set(&["1", "link"]), vec![])
        );
    }

    /// 5,000 levels: ten times the longest allowed path.
    #[test]
    fn a_tree_deeper_than_any_path_is_walked_and_can_be_emptied() {
        let dir = tempfile::tempdir().unwrap();
        let root = File::open(dir.path()).unwrap();
        let name = "long-name";
        let mut here = open(root.as_fd(), b".").unwrap();
        for _ in 0..5_000 {
            mkdirat(&here, name, Mode::from_raw_mode(0o777)).unwrap();
            here = open(here.as_fd(), name.as_bytes()).unwrap();
        }
        let flags = OFlags::CREATE | OFlags::WRONLY;
        drop(openat(&here, "bottom", flags, Mode::from_raw_mode(0o666)).unwrap());
        let mut found = Vec::new();
        let done: Result<(), Infallible> = walk(root.as_fd(), Depth::Tree, |step| {
            let WalkStep::File {
                directory,
                name,
                path,
                ..
            } = step
            else {
                panic!("{step:?}")
            };
            unlinkat(directory, name, AtFlags::empty()).unwrap();
            found.push(path.to_vec());
            Ok(())
        });
        done.unwrap();
        assert_eq!(
            found,
            [[&b"long-name/".repeat(5_000)[..], b"bottom"].concat()]
        );
        // From the bottom up, since a path to it cannot be named.
        for _ in 0..5_000 {
            let above = open(here.as_fd(), b"..").unwrap();
            unlinkat(&above, name, AtFlags::REMOVEDIR).unwrap();
            here = above;
        }
    }

    #[test]
    fn directory_that_is_moved_during_the_walk_does_not_lead_out_of_the_tree() {
        let dir = tempfile::tempdir().unwrap();
        let (root, outside) = (dir.path().join("root"), dir.path().join("outside"));
        fs::create_dir_all(root.join("a/b/c")).unwrap();
        fs::create_dir_all(root.join("z")).unwrap();
        fs::create_dir_all(&outside).unwrap();
        for file in ["a/b/c/deep", "z/last"] {
            fs::write(root.join(file), "").unwrap();
        }
        fs::write(outside.join("secret"), "").unwrap();
        // `..` of the moved directory is `outside` now.
        let (files, unreadable) = walked(&root, Depth::Tree, |path| {
            if path == "a/b/c/deep" {
                fs::rename(root.join("a/b"), outside.join("b")).unwrap();
            }
        });
        assert_eq!(files, set(&["a/b/c/deep", "z/last"]));
        assert_eq!(unreadable, []);
        // Another directory has its name.
        let (files, unreadable) = walked(&root, Depth::Tree, |path| {
            if path == "z/last" {
                fs::rename(root.join("z"), outside.join("z")).unwrap();
                fs::create_dir(root.join("z")).unwrap();
            }
        });
        assert_eq!(files, set(&["z/last"]));
        assert_eq!(unreadable, []);
    }

    #[test]
    fn directory_that_cannot_be_reached_again_is_reported() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        for below in ["a/b/c", "a/b/d", "a/e", "f"] {
            fs::create_dir_all(root.join(below)).unwrap();
            fs::write(root.join(below).join("file"), "").unwrap();
        }
        // In whichever directory of a/b the walk is, neither `..` nor the names lead back to a/b.
        let mut moved = None;
        let (files, unreadable) = walked(&root, Depth::Tree, |path| {
            if path.starts_with("a/b/") && moved.is_none() {
                let here = path.strip_suffix("/file").unwrap();
                fs::rename(root.join(here), dir.path().join("moved")).unwrap();
                fs::rename(root.join("a"), dir.path().join("old")).unwrap();
                fs::create_dir_all(root.join("a/b")).unwrap();
                moved = Some(path.to_owned());
            }
        });
        assert!(files.contains(&moved.unwrap()), "{files:?}");
        assert!(files.contains("f/file"), "{files:?}");
        let of_b = files.iter().filter(|path| path.starts_with("a/b/"));
        assert_eq!(of_b.count(), 1, "{files:?}");
        assert_eq!(unreadable, [("a".to_owned(), Errno::STALE)]);
    }
}
