//! Renaming without replacing, also where the file system cannot.
//!
//! Used by the store for uploads that must make a file, and by the request log for old logs.

use std::os::fd::{AsFd, BorrowedFd};

use rustix::fs::{AtFlags, RenameFlags, linkat, renameat, renameat_with, statat, unlinkat};
use rustix::io::{Errno, Result};

use crate::operations::{operate, operate_once};

/// Renames `from` to `to` in a directory, unless something has that name.
///
/// # Errors
/// EEXIST if something has; else from renameat2(2).
pub(crate) fn rename_new(directory: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    let directory = directory.as_fd();
    match operate_once(|| renameat_with(directory, from, directory, to, RenameFlags::NOREPLACE)) {
        // The file system has no such rename (NFS has not, nor has GlusterFS).
        Err(Errno::INVAL) => link_new(directory, from, to),
        done => done,
    }
}

/// The same by a second link, which replaces nothing either.
fn link_new(directory: BorrowedFd<'_>, from: &[u8], to: &[u8]) -> Result<()> {
    match operate_once(|| linkat(directory, from, directory, to, AtFlags::empty())) {
        Ok(()) => operate(|| unlinkat(directory, from, AtFlags::empty())).inspect_err(|_| {
            // The state is as before; only the cause counts.
            let _ = operate(|| unlinkat(directory, to, AtFlags::empty()));
        }),
        // It has no links either. A look beforehand is then the only way.
        Err(Errno::PERM | Errno::OPNOTSUPP | Errno::NOSYS | Errno::MLINK) => {
            match operate(|| statat(directory, to, AtFlags::SYMLINK_NOFOLLOW)) {
                Ok(_) => Err(Errno::EXIST),
                Err(Errno::NOENT) => operate_once(|| renameat(directory, from, directory, to)),
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::*;

    #[test]
    fn name_that_is_taken_is_not_replaced() {
        let home = tempfile::tempdir().unwrap();
        let directory = File::open(home.path()).unwrap();
        let at = |name: &str| home.path().join(name);
        for name in ["a", "b"] {
            fs::write(at(name), name).unwrap();
        }
        for (from, to) in [("a", "c"), ("c", "e")] {
            let rename = |from: &[u8], to: &[u8]| match from {
                b"a" => rename_new(&directory, from, to),
                _ => link_new(directory.as_fd(), from, to),
            };
            assert_eq!(rename(from.as_bytes(), b"b"), Err(Errno::EXIST));
            assert_eq!(rename(from.as_bytes(), to.as_bytes()), Ok(()));
            assert_eq!(rename(from.as_bytes(), b"d"), Err(Errno::NOENT));
            assert_eq!(fs::read_to_string(at("b")).unwrap(), "b");
            assert_eq!(fs::read_to_string(at(to)).unwrap(), "a");
            assert!(!at(from).exists());
        }
    }
}
