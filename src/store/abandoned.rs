//! Uploads that a killed server left behind: how they are told from other files, and their removal.
//!
//! Staging files bear a name that nothing else does. They are removed only while no other server has the same root:
//! every server holds a shared lock on its root (flock(2)), and one that gets it alone may clean up.

use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, flock, openat, unlinkat};

/// What the name of a staging file begins with; 16 hex digits follow.
const PREFIX: &str = ".httpserver-";

/// How deep below the root a server stages uploads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// In the root itself.
    Root,
    /// In any directory.
    Tree,
}

/// The name of the staging file with this number.
pub(super) fn staging_name(number: u64) -> String {
    format!("{PREFIX}{number:016x}")
}

/// Whether a file of this name is an upload in progress.
#[must_use]
pub fn is_staging_name(name: &[u8]) -> bool {
    name.strip_prefix(PREFIX.as_bytes())
        .is_some_and(|number| number.len() == 16 && number.iter().all(u8::is_ascii_hexdigit))
}

/// Locks the root for as long as it is open, and removes abandoned uploads if no other server has it.
pub(super) fn take_over(root: &OwnedFd, depth: Depth) {
    match flock(root, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => remove_all(root.as_fd(), depth),
        Err(error) => log::debug!("abandoned uploads are left alone: {error}"),
    }
    if let Err(error) = flock(root, FlockOperation::NonBlockingLockShared) {
        log::debug!("the root is not locked: {error}");
    }
}

fn remove_all(directory: BorrowedFd<'_>, depth: Depth) {
    let entries = match Dir::read_from(directory) {
        Ok(entries) => entries,
        Err(error) => {
            log::debug!("cannot look for abandoned uploads: {error}");
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        match entry.file_type() {
            FileType::RegularFile if is_staging_name(name.to_bytes()) => remove(directory, name),
            FileType::Directory if depth == Depth::Tree && name != c"." && name != c".." => {
                let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                if let Ok(below) = openat(directory, name, flags, Mode::empty()) {
                    remove_all(below.as_fd(), depth);
                }
            }
            _ => {}
        }
    }
}

fn remove(directory: BorrowedFd<'_>, name: &CStr) {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) => log::info!("removed the abandoned upload {}", name.to_string_lossy()),
        Err(error) => log::warn!(
            "cannot remove the abandoned upload {}: {error}",
            name.to_string_lossy()
        ),
    }
}
