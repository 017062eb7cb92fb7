//! System calls that several files of this room make.

use std::os::fd::OwnedFd;

use memchr::{memchr, memrchr};
use rustix::fs::{AtFlags, FileType, OFlags, statx};
use rustix::io::Errno;
use rustix::path::Arg;

use super::error::StoreErrorKind;
use super::metadata::Metadata;
use crate::operations::operate;
use crate::rename;

/// The flags for a directory in which files are created.
pub(super) const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// The metadata of `name` in `directory`; a symlink is not followed.
pub(super) fn metadata_at(
    directory: &OwnedFd,
    name: impl Arg + Copy,
) -> Result<Metadata, StoreErrorKind> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let found = operate(|| statx(directory, name, flags, Metadata::ASKS))?;
    Ok(Metadata::new(&found))
}

/// The metadata of an open file.
pub(super) fn metadata_of(file: &OwnedFd) -> Result<Metadata, StoreErrorKind> {
    let found = operate(|| statx(file, "", AtFlags::EMPTY_PATH, Metadata::ASKS))?;
    Ok(Metadata::new(&found))
}

/// Checks that a file is regular.
pub(super) fn regular(metadata: Metadata) -> Result<Metadata, StoreErrorKind> {
    match metadata.file_type() {
        FileType::RegularFile => Ok(metadata),
        FileType::Directory => Err(StoreErrorKind::Directory),
        _ => Err(StoreErrorKind::NotRegular),
    }
}

/// Whether the path is a name in the root itself.
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

/// Renames `from` to `to` unless `to` exists.
pub(super) fn rename_new(
    directory: &OwnedFd,
    from: &[u8],
    to: &[u8],
) -> Result<(), StoreErrorKind> {
    match rename::rename_new(directory, from, to) {
        Err(Errno::EXIST) => Err(StoreErrorKind::ConditionFailed),
        done => done.map_err(StoreErrorKind::in_placement),
    }
}
