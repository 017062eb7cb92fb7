//! A tree that is deeper than a process may have descriptors, and than a path may be long.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Mode, OFlags, mkdirat, openat};

/// Levels of the tree, each called `d`: the path of its bottom would have 10,000 bytes, and `PATH_MAX` is 4,096.
pub(crate) const LEVELS: usize = 5_000;

/// A chain of directories below a directory; removed when it is dropped.
pub(crate) struct DeepTree {
    top: PathBuf,
    bottom: OwnedFd,
}

impl DeepTree {
    /// Makes the chain in a directory that has no `d`.
    pub(crate) fn new(directory: &Path) -> Self {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let mut bottom = File::open(directory).unwrap().into();
        for _ in 0..LEVELS {
            mkdirat(&bottom, "d", Mode::from_raw_mode(0o777)).unwrap();
            bottom = openat(&bottom, "d", flags, Mode::empty()).unwrap();
        }
        Self {
            top: directory.join("d"),
            bottom,
        }
    }

    /// Makes an empty file at the bottom.
    pub(crate) fn place(&self, name: &str) {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        drop(openat(&self.bottom, name, flags, Mode::from_raw_mode(0o666)).unwrap());
    }

    /// Whether the bottom has a file of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        openat(
            &self.bottom,
            name,
            OFlags::PATH | OFlags::CLOEXEC,
            Mode::empty(),
        )
        .is_ok()
    }
}

impl Drop for DeepTree {
    fn drop(&mut self) {
        remove_tree(&self.top);
    }
}

/// Removes a directory by rm(1), which handles any depth; [`std::fs::remove_dir_all`] does not.
pub(crate) fn remove_tree(top: &Path) {
    let removed = Command::new("rm").arg("-rf").arg(top).status();
    assert!(removed.is_ok_and(|status| status.success()) || std::thread::panicking());
}
