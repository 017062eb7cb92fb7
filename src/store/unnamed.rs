//! Files without a name: created with `O_TMPFILE` (open(2)), and linked under a name when they are complete.
//!
//! They disappear when a server is killed. Not every file system supports them, and linkat(2) of an open file needs
//! either permission for `AT_EMPTY_PATH` (Linux 6.10, or `CAP_DAC_READ_SEARCH`) or `/proc`. The first upload to a file
//! system tries the methods; the result is stored by device number.

use std::collections::HashMap;
use std::fmt;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Mutex;

use rustc_hash::FxBuildHasher;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, openat, unlinkat};
use rustix::io::{Errno, retry_on_intr};

use super::staging::StagingName;
use crate::operations::{operate, operate_once};
use crate::sync::lock;

/// The staging method of a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StagingMethod {
    /// Without a name, unless it replaces a file at once.
    Unnamed(LinkWay),
    /// Under a staging name, and locked.
    Named,
    /// The same in memory, where a file that has lost its name can be read until it is closed.
    NamedInMemory,
}

impl fmt::Display for StagingMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unnamed(LinkWay::Descriptor) => "without names, and linked by their descriptors",
            Self::Unnamed(LinkWay::Proc) => "without names, and linked through /proc",
            Self::Named | Self::NamedInMemory => "under staging names",
        })
    }
}

/// The method by which a file without a name gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkWay {
    /// By its descriptor (`AT_EMPTY_PATH`).
    Descriptor,
    /// By the link in `/proc/self/fd`.
    Proc,
}

/// The known methods, by device number.
#[derive(Default)]
pub(super) struct StagingMethods(
    /// Guards the map; held for a look-up or an insertion.
    Mutex<HashMap<u64, StagingMethod, FxBuildHasher>>,
);

impl StagingMethods {
    pub(super) fn of(&self, device: u64) -> Option<StagingMethod> {
        lock(&self.0).get(&device).copied()
    }

    pub(super) fn remember(&self, device: u64, method: StagingMethod) {
        lock(&self.0).insert(device, method);
    }
}

/// Makes a file without a name in a directory.
///
/// # Errors
/// From openat(2).
pub(super) fn open_unnamed(directory: &OwnedFd, mode: Mode) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::CLOEXEC;
    operate(|| openat(directory, ".", flags, mode))
}

/// Whether this error of [`open_unnamed`] means that the file system or the kernel does not support files without
/// names.
pub(super) fn has_none(error: Errno) -> bool {
    matches!(error, Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL)
}

impl LinkWay {
    /// Gives `file` this name.
    ///
    /// # Errors
    /// EEXIST if the name exists; else from linkat(2).
    pub(super) fn link(
        self,
        file: &OwnedFd,
        directory: &OwnedFd,
        name: &[u8],
    ) -> Result<(), Errno> {
        match self {
            Self::Descriptor => {
                operate_once(|| linkat(file, "", directory, name, AtFlags::EMPTY_PATH))
            }
            Self::Proc => {
                let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
                operate_once(|| linkat(CWD, &path, directory, name, AtFlags::SYMLINK_FOLLOW))
            }
        }
    }

    /// Finds the method for `file` by linking it under this name, which is then removed. `None` if the kernel, a
    /// sandbox or the file system refuses all methods.
    ///
    /// # Errors
    /// An error that does not depend on the file system's support.
    pub(super) fn find(
        file: &OwnedFd,
        directory: &OwnedFd,
        name: StagingName,
    ) -> Result<Option<Self>, Errno> {
        for link in [Self::Descriptor, Self::Proc] {
            match link.link(file, directory, name.as_bytes()) {
                Ok(()) => {
                    let unlink = || unlinkat(directory, name.as_bytes(), AtFlags::empty());
                    retry_on_intr(unlink)?;
                    return Ok(Some(link));
                }
                Err(
                    Errno::NOENT
                    | Errno::NOTDIR
                    | Errno::PERM
                    | Errno::ACCESS
                    | Errno::OPNOTSUPP
                    | Errno::INVAL
                    | Errno::NOSYS
                    | Errno::XDEV
                    | Errno::MLINK,
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rustix::io::write;

    use super::*;

    #[test]
    fn file_without_a_name_gets_one_in_both_ways_unless_it_is_taken() {
        let root = tempfile::tempdir().unwrap();
        let directory = OwnedFd::from(fs::File::open(root.path()).unwrap());
        for link in [LinkWay::Descriptor, LinkWay::Proc] {
            let name = format!("{link:?}");
            let Ok(file) = open_unnamed(&directory, Mode::from_raw_mode(0o600)) else {
                return; // This file system does not support them.
            };
            write(&file, b"content").unwrap();
            assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
            match link.link(&file, &directory, name.as_bytes()) {
                // Before Linux 6.10 this needs a privilege.
                Err(Errno::NOENT) if link == LinkWay::Descriptor => continue,
                linked => linked.unwrap(),
            }
            assert_eq!(fs::read(root.path().join(&name)).unwrap(), b"content");
            let again = link.link(&file, &directory, name.as_bytes());
            assert_eq!(again, Err(Errno::EXIST));
            fs::remove_file(root.path().join(&name)).unwrap();
        }
    }

    #[test]
    fn search_for_a_way_to_link_leaves_no_name() {
        let root = tempfile::tempdir().unwrap();
        let directory = OwnedFd::from(fs::File::open(root.path()).unwrap());
        let Ok(file) = open_unnamed(&directory, Mode::from_raw_mode(0o600)) else {
            return; // This file system does not support them.
        };
        let found = LinkWay::find(&file, &directory, StagingName::new(1)).unwrap();
        assert!(found.is_some());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        // Linking into a removed directory fails with every method.
        fs::remove_dir(root.path()).unwrap();
        let found = LinkWay::find(&file, &directory, StagingName::new(1));
        assert_eq!(found, Ok(None));
    }

    #[test]
    fn method_is_remembered_for_each_device() {
        let methods = StagingMethods::default();
        methods.remember(1, StagingMethod::Named);
        methods.remember(2, StagingMethod::Unnamed(LinkWay::Proc));
        assert_eq!(methods.of(1), Some(StagingMethod::Named));
        assert_eq!(methods.of(2), Some(StagingMethod::Unnamed(LinkWay::Proc)));
        assert_eq!(methods.of(3), None);
    }
}
