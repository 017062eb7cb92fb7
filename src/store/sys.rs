//! System calls that several files of this room make.

use std::os::fd::OwnedFd;

use memchr::{memchr, memrchr};
use rustix::fs::{AtFlags, FileType, RenameFlags, renameat, renameat_with, statx};
use rustix::io::Errno;

use super::error::StoreErrorKind;
use super::metadata::Metadata;
use crate::operations::{operate, operate_once};

/// What `name` in `directory` is now; a symlink is not followed.
pub(super) fn metadata_at(directory: &OwnedFd, name: &[u8]) -> Result<Metadata, StoreErrorKind> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let found = operate(|| statx(directory, name, flags, Metadata::ASKS))?;
    Ok(Metadata::new(&found))
}

/// What an open file is now.
pub(super) fn metadata_of(file: &OwnedFd) -> Result<Metadata, StoreErrorKind> {
    let found = operate(|| statx(file, "", AtFlags::EMPTY_PATH, Metadata::ASKS))?;
    Ok(Metadata::new(&found))
}

/// Lets regular files pass.
pub(super) fn regular(metadata: Metadata) -> Result<Metadata, StoreErrorKind> {
    match metadata.file_type() {
        FileType::RegularFile => Ok(metadata),
        FileType::Directory => Err(StoreErrorKind::Directory),
        _ => Err(StoreErrorKind::NotRegular),
    }
}

/// Whether no directory is on the way from the root.
pub(super) fn is_in_root(path: &[u8]) -> bool {
    memchr(b'/', path).is_none()
}

/// The path of the directory, empty for the root, and the name in it.
pub(super) fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memrchr(b'/', path) {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (&[], path),
    }
}

/// Renames `from` to `to` unless that is there.
pub(super) fn rename_new(
    directory: &OwnedFd,
    from: &[u8],
    to: &[u8],
) -> Result<(), StoreErrorKind> {
    let rename = || renameat_with(directory, from, directory, to, RenameFlags::NOREPLACE);
    match operate_once(rename) {
        Err(Errno::EXIST) => Err(StoreErrorKind::ConditionFailed),
        // The file system has no such rename (NFS has not); a look beforehand is then the best there is.
        Err(Errno::INVAL) => match metadata_at(directory, to) {
            Err(StoreErrorKind::NotFound) => {
                operate_once(|| renameat(directory, from, directory, to))
                    .map_err(StoreErrorKind::in_directory)
            }
            Ok(_) => Err(StoreErrorKind::ConditionFailed),
            Err(kind) => Err(kind),
        },
        done => done.map_err(StoreErrorKind::in_directory),
    }
}
