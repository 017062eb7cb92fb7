//! Whether the metadata of a file identify its content, so that an entity tag can be made of them.
//!
//! Time stamps come from a clock that ticks every 1 to 10 ms. A file that changed in the current tick may change again
//! with the same stamps, or be removed so that another file gets its inode number. So its content is uncertain until
//! the tick is over. With another machine's clock it is uncertain for a second, and with stamps in whole seconds for
//! three.
//!
//! Linux 6.13 and newer have finer stamps ("multigrain"): after statx(2) has returned the stamps of a file, its next
//! change gets a later stamp, even within a tick. A removal is such a change, too, and frees the inode number only
//! afterwards. For directories this does not hold on every file system (see [`StampSource::shows_names`]).

use rustix::fs::FsWord;
use rustix::time::Timespec;

use super::found::Certainty;
use super::metadata::Metadata;

/// The source of a file system's time stamps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StampSource {
    /// The kernel's clock with multigrain stamps.
    ClockAndLooks,
    /// The kernel's clock.
    Clock,
    /// Possibly another machine's clock, or stamps in whole seconds.
    Unknown,
}

impl StampSource {
    /// The source for a file system of this type (statfs(2)) on a kernel of this release (uname(2)).
    pub(super) fn of(file_system: FsWord, release: &[u8]) -> Self {
        const EXT4: FsWord = 0xEF53;
        const BTRFS: FsWord = 0x9123_683E;
        const XFS: FsWord = 0x5846_5342;
        const TMPFS: FsWord = 0x0102_1994;
        // In practice on top of one of these.
        const OVERLAYFS: FsWord = 0x794C_7630;
        match file_system {
            EXT4 | BTRFS | XFS | TMPFS | OVERLAYFS if version(release) >= Some((6, 13)) => {
                Self::ClockAndLooks
            }
            EXT4 | BTRFS | XFS | TMPFS | OVERLAYFS => Self::Clock,
            _ => Self::Unknown,
        }
    }

    /// Whether these metadata identify the content of a file, if statx(2) was called after the moment `now` of the
    /// kernel's coarse clock, and the content was read after that.
    pub(super) fn certainty(self, file: &Metadata, now: Timespec) -> Certainty {
        let (_, nanoseconds) = file.changed;
        let certain = match self {
            // Small inodes of ext2 to ext4 have room for whole seconds only.
            Self::ClockAndLooks | Self::Clock if nanoseconds == 0 => file.is_stable(now),
            Self::ClockAndLooks => true,
            Self::Clock => file.changed < (now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0)),
            Self::Unknown => file.is_stable(now),
        };
        if certain {
            Certainty::Certain
        } else {
            Certainty::Uncertain
        }
    }

    /// Whether any later change of the names in a directory also changes these metadata of it, if its names are read
    /// after them; the metadata were read after the moment `now`.
    ///
    /// A change in progress is seen completely by the reading: it has the directory's lock from before its time stamp
    /// until its end, and getdents(2) takes the same lock. A file system of another kind may have times of its own
    /// making, or none.
    ///
    /// Finer stamps do not help here. On tmpfs, a directory gets the stamp of the file whose name is removed or linked.
    /// That can be the stamp which statx(2) has returned for the directory, and then the next change within the tick
    /// gets it, too.
    pub(super) fn shows_names(self, directory: &Metadata, now: Timespec) -> bool {
        match self {
            Self::ClockAndLooks | Self::Clock => {
                Self::Clock.certainty(directory, now) == Certainty::Certain
            }
            Self::Unknown => false,
        }
    }
}

/// The first two numbers of a kernel's release.
fn version(release: &[u8]) -> Option<(u32, u32)> {
    let text = str::from_utf8(release).ok()?;
    let mut numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::StampSource::{Clock, ClockAndLooks, Unknown};
    use super::*;
    use crate::store::sys::metadata_of;

    #[test]
    fn source_of_time_stamps_follows_from_the_file_system() {
        for (file_system, release, expected) in [
            (0xEF53, "6.13.0", ClockAndLooks),
            (0xEF53, "6.13-rc1", ClockAndLooks),
            (0xEF53, "7.0", ClockAndLooks),
            (0xEF53, "6.12.99-generic", Clock),
            (0xEF53, "5.15.0", Clock),
            (0xEF53, "nonsense", Clock),
            (0x0102_1994, "6.18.44", ClockAndLooks),
            // NFS, FUSE, FAT
            (0x6969, "6.18.44", Unknown),
            (0x6573_5546, "6.18.44", Unknown),
            (0x4D44, "6.18.44", Unknown),
        ] {
            let found = StampSource::of(file_system, release.as_bytes());
            assert_eq!(found, expected, "{file_system:x} {release}");
        }
    }

    fn later(file: &Metadata, seconds: i64) -> Timespec {
        Timespec {
            tv_sec: file.changed.0 + seconds,
            tv_nsec: file.changed.1.into(),
        }
    }

    #[test]
    fn names_may_change_within_a_tick_without_another_stamp() {
        let directory = tempfile::tempdir().unwrap();
        let open = OwnedFd::from(std::fs::File::open(&directory).unwrap());
        let mut directory = metadata_of(&open).unwrap();
        directory.changed.1 = 1;
        for (source, seconds_later, shows) in [
            (ClockAndLooks, 0, false),
            (ClockAndLooks, 1, true),
            (Clock, 0, false),
            (Clock, 1, true),
            (Unknown, 9, false),
        ] {
            let now = later(&directory, seconds_later);
            let found = source.shows_names(&directory, now);
            assert_eq!(found, shows, "{source:?} {seconds_later}");
        }
    }

    #[test]
    fn content_is_uncertain_while_another_change_may_not_show() {
        let open = OwnedFd::from(tempfile::tempfile().unwrap());
        let mut fine = metadata_of(&open).unwrap();
        fine.changed.1 = 1;
        let mut whole = fine;
        whole.changed.1 = 0;
        for (source, file, seconds_later, certain) in [
            (ClockAndLooks, fine, 0, true),
            (ClockAndLooks, whole, 0, false),
            (ClockAndLooks, whole, 4, true),
            (Clock, fine, -1, false),
            (Clock, fine, 0, false),
            (Clock, fine, 1, true),
            (Clock, whole, 1, false),
            (Clock, whole, 4, true),
            (Unknown, fine, 1, false),
            (Unknown, fine, 2, true),
            (Unknown, whole, 2, false),
            (Unknown, whole, 4, true),
        ] {
            let now = later(&file, seconds_later);
            assert_eq!(
                source.certainty(&file, now) == Certainty::Certain,
                certain,
                "{source:?} {:?} {seconds_later}",
                file.changed
            );
        }
    }
}
