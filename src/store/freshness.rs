//! Whether a cached file is still current.

use std::time::Duration;

use rustix::fs::FsWord;
use rustix::time::Timespec;

use super::found::CachedFile;
use super::metadata::{Metadata, system_time};
use super::sys::metadata_of;

/// The time after a change in which another change might have the same time stamp. File systems use timer ticks of at
/// most 10 ms; and write(2) sets the time before it writes, and may be delayed in between.
const PAUSE: Duration = Duration::from_secs(1);

/// The same for file systems with stamps of one or two seconds.
const WHOLE_SECONDS: Duration = Duration::from_secs(3);

impl Metadata {
    /// Whether a change after `now` would have another time stamp, for metadata that were read after `now`. A file with
    /// a change time in the future, as after the clock was set back, is not stable.
    ///
    /// `now` is of the clock that the kernel takes time stamps from, `CLOCK_REALTIME_COARSE`.
    pub(super) fn is_stable(&self, now: Timespec) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let pause = if nanoseconds == 0 {
            WHOLE_SECONDS
        } else {
            PAUSE
        };
        system_time((now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0)))
            .duration_since(system_time((seconds, nanoseconds)))
            .is_ok_and(|age| age > pause)
    }
}

impl CachedFile {
    /// Whether neither the content nor the name of the file has changed since it was cached. Also false if this is not
    /// known: then the name must be looked up.
    pub(super) fn is_unchanged(&self) -> bool {
        self.validator
            .as_ref()
            .is_some_and(|file| metadata_of(file).is_ok_and(|now| now == self.found.metadata))
    }
}

/// Whether rename(2) and unlink(2) set the change time of the file that had the name, on file systems of this type
/// (statfs(2)). XFS does not when two names are exchanged. For network file systems, FUSE and layered ones, this is not
/// known, or not known in time.
pub(super) fn ctime_covers_names(type_: FsWord) -> bool {
    const EXT4: FsWord = 0xEF53;
    const BTRFS: FsWord = 0x9123_683E;
    const TMPFS: FsWord = 0x0102_1994;
    matches!(type_, EXT4 | BTRFS | TMPFS)
}
