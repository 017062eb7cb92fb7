//! Uploads that a killed server left behind: how they are told from other files, and their removal.
//!
//! Staging files bear a name that nothing else does. They are removed only while no other server has the same root:
//! every server holds a shared lock on its root (flock(2)), and one that gets it alone may clean up.

use std::convert::Infallible;
use std::ffi::CStr;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, FlockOperation, flock, unlinkat};

use super::walk::{Depth, Step, walk};

/// What the name of a staging file begins with; 16 hex digits follow. No client sees or makes a name that begins so.
pub(super) const RESERVED_PREFIX: &[u8] = b".httpserver-";

/// Hex digits in the name of a staging file.
const DIGITS: usize = 16;

/// The name of a staging file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StagingName([u8; RESERVED_PREFIX.len() + DIGITS]);

impl StagingName {
    /// The name with this number.
    pub(super) fn new(number: u64) -> Self {
        let mut name = [b'0'; RESERVED_PREFIX.len() + DIGITS];
        let (prefix, digits) = name.split_at_mut(RESERVED_PREFIX.len());
        prefix.copy_from_slice(RESERVED_PREFIX);
        // Every upload has such a name, and `format!` takes a thousand instructions for one.
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
        }
        Self(name)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for StagingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

/// Whether a file of this name is an upload in progress.
#[must_use]
pub fn is_staging_name(name: &[u8]) -> bool {
    name.strip_prefix(RESERVED_PREFIX)
        .is_some_and(|number| number.len() == DIGITS && number.iter().all(u8::is_ascii_hexdigit))
}

/// Locks the root for as long as it is open, and removes orphaned uploads if no other server has it.
pub(super) fn take_over(root: &OwnedFd, depth: Depth) {
    match flock(root, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => remove_all(root.as_fd(), depth),
        Err(error) => log::debug!("unfinished uploads are not removed: {error}"),
    }
    share(root);
}

/// Locks the root for as long as it is open, so that no server that starts removes staging files.
pub(super) fn share(root: &OwnedFd) {
    if let Err(error) = flock(root, FlockOperation::NonBlockingLockShared) {
        log::debug!("the root is not locked: {error}");
    }
}

/// Removes the staging files of a root. What cannot be searched is reported once, however many directories it is.
fn remove_all(root: BorrowedFd<'_>, depth: Depth) {
    let mut more = 0_u64;
    let mut first = None;
    let Ok(()) = walk(root, depth, |step| {
        match step {
            Step::File {
                directory,
                name,
                path,
                file_type: FileType::RegularFile,
            } if is_staging_name(name.to_bytes()) => remove(directory, name, path),
            Step::File { .. } => {}
            Step::Unreadable { path, error } => match &first {
                None => first = Some((path.to_vec(), error)),
                Some(_) => more += 1,
            },
        }
        Ok::<(), Infallible>(())
    });
    if let Some((path, error)) = first {
        let more = match more {
            0 => String::new(),
            more => format!(", nor in {more} more"),
        };
        log::warn!(
            "cannot look for unfinished uploads in the directory `{}`{more}: {error}",
            path.escape_ascii()
        );
    }
}

fn remove(directory: BorrowedFd<'_>, name: &CStr, path: &[u8]) {
    match unlinkat(directory, name, AtFlags::empty()) {
        Ok(()) => log::info!("removed the unfinished upload {}", path.escape_ascii()),
        Err(error) => log::warn!(
            "cannot remove the unfinished upload {}: {error}",
            path.escape_ascii()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{StagingName, is_staging_name};
    use crate::durable::Durability;
    use crate::store::{Attachment, Depth, Store};

    #[test]
    fn number_of_a_staging_file_is_in_its_name() {
        for (number, name) in [
            (0, ".httpserver-0000000000000000"),
            (0x5bdc_425c_f638_9d3f, ".httpserver-5bdc425cf6389d3f"),
            (u64::MAX, ".httpserver-ffffffffffffffff"),
        ] {
            assert_eq!(StagingName::new(number).to_string(), name);
            assert!(is_staging_name(StagingName::new(number).as_bytes()));
        }
    }

    #[test]
    fn server_that_starts_leaves_the_staging_files_of_a_writer_alone() {
        for (attachment, is_left) in [(Attachment::Writing, true), (Attachment::Reading, false)] {
            let root = tempfile::tempdir().unwrap();
            let unfinished = root.path().join(StagingName::new(7).to_string());
            std::fs::write(&unfinished, "").unwrap();
            let attached = Store::attach(root.path(), attachment).unwrap();
            assert!(unfinished.exists());
            Store::open(root.path(), Depth::Root, Durability::Kernel).unwrap();
            assert_eq!(unfinished.exists(), is_left, "{attachment:?}");
            drop(attached);
            Store::open(root.path(), Depth::Root, Durability::Kernel).unwrap();
            assert!(!unfinished.exists());
        }
    }
}
