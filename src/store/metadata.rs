//! The metadata of a file, which show whether it is still the same file.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::fs::{FileType, Statx, StatxFlags, StatxTimestamp, makedev};

/// A regular file's identity, length and times, from statx(2). Equal values mean that nothing was written in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metadata {
    device: (u32, u32),
    inode: u64,
    length: u64,
    modified: Timestamp,
    /// The time of any change: content, mode, owner, links. Unlike the modification time, no program can set it.
    pub(super) changed: Timestamp,
    mode: u16,
    owner: u32,
    /// The mount through which it was found; 0 before Linux 5.8.
    mount: u64,
}

/// Device and inode number, as stat(2) has them.
pub(super) type Identity = (u64, u64);

/// Seconds and nanoseconds since the epoch.
pub(super) type Timestamp = (i64, u32);

impl Metadata {
    /// The fields to request from statx(2).
    pub(super) const ASKS: StatxFlags = StatxFlags::BASIC_STATS.union(StatxFlags::MNT_ID);

    pub(super) fn new(from: &Statx) -> Self {
        let stamp = |time: StatxTimestamp| (time.tv_sec, time.tv_nsec);
        Self {
            device: (from.stx_dev_major, from.stx_dev_minor),
            inode: from.stx_ino,
            length: from.stx_size,
            modified: stamp(from.stx_mtime),
            changed: stamp(from.stx_ctime),
            mode: from.stx_mode,
            owner: from.stx_uid,
            mount: from.stx_mnt_id,
        }
    }

    /// Bytes of content.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Device and inode number, as stat(2) has them: they identify a file independent of its names.
    #[must_use]
    pub fn identity(&self) -> (u64, u64) {
        (makedev(self.device.0, self.device.1), self.inode)
    }

    /// The inode number.
    #[must_use]
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// When the content was modified last.
    #[must_use]
    pub fn modified(&self) -> SystemTime {
        system_time(self.modified)
    }

    /// The same as the system has it.
    pub(super) fn modification_stamp(&self) -> Timestamp {
        self.modified
    }

    /// When its content, mode, owner or names were changed last. No program can set it.
    #[must_use]
    pub fn changed(&self) -> SystemTime {
        system_time(self.changed)
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.file_type() == FileType::Directory
    }

    /// The permission bits.
    pub(super) fn permissions(&self) -> u32 {
        u32::from(self.mode) & 0o7777
    }

    /// The mount through which it was found.
    pub(super) fn mount(&self) -> u64 {
        self.mount
    }

    /// Whether its owner is `user` and may write it.
    pub(super) fn is_writable_by_owner(&self, user: u32) -> bool {
        self.owner == user && self.mode & 0o200 != 0
    }

    /// Whether it is a file of this type.
    pub(super) fn file_type(&self) -> FileType {
        FileType::from_raw_mode(u32::from(self.mode))
    }
}

pub(super) fn system_time((seconds, nanoseconds): Timestamp) -> SystemTime {
    let part = Duration::new(0, nanoseconds);
    let whole = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        UNIX_EPOCH.checked_sub(whole)
    } else {
        UNIX_EPOCH.checked_add(whole)
    }
    .and_then(|time| time.checked_add(part))
    .unwrap_or(UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use rustix::time::Timespec;

    use super::*;

    #[test]
    fn file_that_may_change_again_within_its_time_stamp_is_not_stable() {
        let now = Timespec {
            tv_sec: 1_000,
            tv_nsec: 500_000_000,
        };
        for (changed, stable) in [
            ((0, 1), true),
            ((-1, 1), true),
            ((999, 499_999_999), true),
            ((999, 500_000_000), false),
            ((1_000, 500_000_000), false),
            ((1_000, 500_000_001), false),
            ((2_000, 1), false),
            // Some file systems store times in steps of one or two seconds.
            ((1_000, 0), false),
            ((998, 0), false),
            ((997, 0), true),
            ((997, 500_000_000), true),
            ((1_001, 0), false),
        ] {
            let file = Metadata {
                device: (0, 0),
                inode: 1,
                length: 0,
                modified: (0, 0),
                changed,
                mode: 0,
                owner: 0,
                mount: 0,
            };
            assert_eq!(file.is_stable(now), stable, "{changed:?}");
        }
    }
}
