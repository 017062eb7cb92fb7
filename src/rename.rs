//! Renaming without replacing, also where the file system cannot.
//!
//! Used by the store for uploads that must make a file, and by the request log for old logs.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, RenameFlags, renameat, renameat_with, statat};
use rustix::io::{Errno, Result};

use crate::operations::{operate, operate_once};

/// Renames `from` to `to` in a directory, unless something has that name.
///
/// # Errors
/// EEXIST if something has; else from renameat2(2).
pub(crate) fn rename_new(directory: impl AsFd, from: &[u8], to: &[u8]) -> Result<()> {
    let directory = directory.as_fd();
    match operate_once(|| renameat_with(directory, from, directory, to, RenameFlags::NOREPLACE)) {
        // The file system has no such rename (NFS has not); a look beforehand is then the best there is.
        Err(Errno::INVAL) => match operate(|| statat(directory, to, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(_) => Err(Errno::EXIST),
            Err(Errno::NOENT) => operate_once(|| renameat(directory, from, directory, to)),
            Err(error) => Err(error),
        },
        done => done,
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
        assert_eq!(rename_new(&directory, b"a", b"b"), Err(Errno::EXIST));
        assert_eq!(rename_new(&directory, b"a", b"c"), Ok(()));
        assert_eq!(rename_new(&directory, b"a", b"d"), Err(Errno::NOENT));
        assert_eq!(fs::read_to_string(at("b")).unwrap(), "b");
        assert_eq!(fs::read_to_string(at("c")).unwrap(), "a");
    }
}
