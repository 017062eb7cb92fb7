//! Removes, at startup, the unfinished uploads of a killed server, and distinguishes them from uploads in progress.
//!
//! Several servers may have the same root, on one machine or on several. So a file is removed only if it can be locked
//! (a server locks each file that it stages, see `staged`), and if it has not changed for an hour, since older releases
//! lock no files. Each server also holds a shared lock on the root itself. On file systems where all servers see the
//! locks of a directory, a server that can lock the root exclusively is the only one, and does not wait for the hour.

use std::convert::Infallible;
use std::ffi::CStr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, FileType, FlockOperation, Mode, OFlags, flock, openat, unlinkat};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::file_system::has_common_locks;
use super::metadata::{Metadata, Timestamp};
use super::staging::is_staging_name;
use super::sys::metadata_of;
use super::walk::{Depth, WalkStep, walk};

/// Seconds without a change after which an unlocked file is not an upload in progress. A server writes content as it
/// arrives, and by default waits 30 s for more.
const IDLE: i64 = 60 * 60;

/// The result for a file with a staging name.
enum CleanUpOutcome {
    Removed,
    /// It may be an upload in progress.
    Kept,
}

/// Locks the root for as long as it is open, and removes orphaned uploads.
pub(super) fn take_over(root: &OwnedFd, depth: Depth) {
    let is_alone = flock(root, FlockOperation::NonBlockingLockExclusive).is_ok();
    let now = clock_gettime(ClockId::Realtime);
    let now = (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0));
    let before = if is_alone && has_common_locks(root) {
        now
    } else {
        (now.0 - IDLE, now.1)
    };
    remove_all(root.as_fd(), depth, before);
    share(root);
}

/// Locks the root for as long as it is open, so that a starting server can detect this process.
pub(super) fn share(root: &OwnedFd) {
    if let Err(error) = flock(root, FlockOperation::NonBlockingLockShared) {
        log::debug!("the root is not locked: {error}");
    }
}

/// Removes the staging files below a root that have not changed after `before` and are not locked. Directories that cannot
/// be searched are reported together, in one warning.
fn remove_all(root: BorrowedFd<'_>, depth: Depth, before: Timestamp) {
    let mut more = 0_u64;
    let mut first = None;
    let Ok(()) = walk(root, depth, |step| {
        match step {
            WalkStep::File {
                directory,
                name,
                path,
                file_type: FileType::RegularFile,
            } if is_staging_name(name.to_bytes()) => {
                report(path, &remove(directory, name, before));
            }
            WalkStep::File { .. } => {}
            WalkStep::Unreadable { path, error } => match &first {
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

fn report(path: &[u8], outcome: &Result<CleanUpOutcome, Errno>) {
    let path = path.escape_ascii();
    match outcome {
        Ok(CleanUpOutcome::Removed) => log::info!("removed the unfinished upload {path}"),
        Ok(CleanUpOutcome::Kept) => {
            log::debug!("{path} may be an upload of another server, and stays");
        }
        // Another server has removed it first.
        Err(Errno::NOENT) => {}
        Err(error) => log::warn!("cannot remove the unfinished upload {path}: {error}"),
    }
}

/// Removes one file. It stays locked until it has no name, so that a server that has just created it notices.
fn remove(
    directory: BorrowedFd<'_>,
    name: &CStr,
    before: Timestamp,
) -> Result<CleanUpOutcome, Errno> {
    // Over NFS an exclusive lock needs a file that is open for writing.
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(directory, name, flags, Mode::empty())?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => return Ok(CleanUpOutcome::Kept),
        locked => locked?,
    }
    let changed = metadata_of(&file).map(|found: Metadata| found.changed);
    if changed.is_ok_and(|changed| changed <= before) {
        unlinkat(directory, name, AtFlags::empty())?;
        return Ok(CleanUpOutcome::Removed);
    }
    Ok(CleanUpOutcome::Kept)
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::durable::Durability;
    use crate::store::staging::StagingName;
    use crate::store::{Attachment, Store};

    fn open(root: &tempfile::TempDir) -> Store {
        Store::open(root.path(), Depth::Root, Durability::Kernel).unwrap()
    }

    #[test]
    fn server_that_starts_leaves_the_staging_files_of_a_writer_alone() {
        for (attachment, is_left) in [(Attachment::Writing, true), (Attachment::Reading, false)] {
            let root = tempfile::tempdir().unwrap();
            let unfinished = root.path().join(StagingName::new(7).to_string());
            fs::write(&unfinished, "").unwrap();
            let attached = Store::attach(root.path(), attachment).unwrap();
            assert!(unfinished.exists());
            open(&root);
            assert_eq!(unfinished.exists(), is_left, "{attachment:?}");
            drop(attached);
            open(&root);
            assert!(!unfinished.exists());
        }
    }

    #[test]
    fn file_that_is_locked_stays_however_old_it_is() {
        let root = tempfile::tempdir().unwrap();
        let unfinished = root.path().join(StagingName::new(7).to_string());
        let file = File::create(&unfinished).unwrap();
        flock(&file, FlockOperation::LockExclusive).unwrap();
        open(&root);
        assert!(unfinished.exists());
        drop(file);
        open(&root);
        assert!(!unfinished.exists());
    }

    #[test]
    fn file_stays_that_has_changed_after_the_moment_that_counts() {
        let root = tempfile::tempdir().unwrap();
        let unfinished = root.path().join(StagingName::new(7).to_string());
        fs::write(&unfinished, "").unwrap();
        let directory = OwnedFd::from(File::open(root.path()).unwrap());
        let file = OwnedFd::from(File::open(&unfinished).unwrap());
        let changed = metadata_of(&file).unwrap().changed;
        for (before, is_left) in [
            ((changed.0 - IDLE, changed.1), true),
            ((changed.0 - 1, changed.1), true),
            (changed, false),
        ] {
            remove_all(directory.as_fd(), Depth::Root, before);
            assert_eq!(unfinished.exists(), is_left, "{before:?}");
        }
    }
}
