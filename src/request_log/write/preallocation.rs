//! Preallocation of disk space by fallocate(2), a portion at a time for large uploads. If there is not enough space,
//! the portions are freed.

use std::io;

use super::space::{Claim, LogFile};
use super::space_file::{AHEAD, ReservationClass};
use crate::sync::lock;

/// Bytes that are preallocated at once for a large upload. tmpfs finds them in 25 µs; if the host of a virtual machine
/// supplies the memory at that moment, in 2 ms.
const PORTION: u64 = 256 * 1024;

/// Whether the space for an upload's entry can be reserved in little time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preallocated {
    /// It can, or there is not enough.
    Enough,
    /// More must be preallocated first.
    MoreToDo,
}

impl LogFile {
    /// Preallocates a portion of the space for a reservation of `length` bytes, so that the reservation itself is
    /// quick. If this fails, the reservation tries with the space that there is.
    pub(super) fn preallocate(&self, length: u64) -> Preallocated {
        let _one_at_a_time = lock(&self.growing);
        let area = self.lock().log;
        // With the space ahead, so that the reservation itself preallocates nothing.
        let missing = area
            .needed(ReservationClass::Upload, length)
            .map_or(0, |needed| {
                (needed + AHEAD).saturating_sub(area.preallocated)
            });
        let is_large = length > PORTION && missing > 0;
        if !is_large || !self.preallocates() || !self.file.disk_has(missing) {
            return Preallocated::Enough;
        }
        let portion = missing.min(PORTION);
        if self.file.fallocate(area.preallocated, portion).is_err() {
            return Preallocated::Enough;
        }
        self.lock().log.preallocated += portion;
        Preallocated::MoreToDo
    }

    /// Frees the space that was preallocated for a failed reservation. The caller holds `growing`.
    fn give_back(&self) {
        let mut space = self.lock();
        let area = &mut space.log;
        let kept = area.end + area.reserved + area.kept + AHEAD;
        let Some(length) = area.preallocated.checked_sub(kept).filter(|&it| it > 0) else {
            return;
        };
        area.preallocated = kept;
        drop(space);
        self.file.give_back(kept, length);
    }

    /// Preallocates enough for a reservation, and more if the disk has it.
    pub(super) fn grow(&self, class: ReservationClass, claim: Claim) -> io::Result<()> {
        let _one_at_a_time = lock(&self.growing);
        let area = self.lock().log;
        match self.file.grow(area, class, claim.log) {
            Ok(grown) => self.lock().log.preallocated += grown,
            Err(error) => {
                self.give_back();
                return Err(error);
            }
        }
        let area = self.lock().lines.as_ref().map(|lines| lines.area);
        if let (Some(area), Some(seal)) = (area, &self.seal) {
            let grown = seal.file().grow(area, class, claim.seal)?;
            if let Some(lines) = &mut self.lock().lines {
                lines.area.preallocated += grown;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;

    use super::*;
    use crate::request_log::write::RESERVED_FOR_SMALL_ENTRIES;

    /// An empty log, and its space on disk.
    fn log() -> (Arc<LogFile>, impl Fn() -> u64) {
        // tmpfs frees the space; not all other file systems do.
        let file = tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile());
        let file = file.unwrap();
        let same = file.try_clone().unwrap();
        let log = Arc::new(LogFile::new(file, 0, None).unwrap());
        (log, move || same.metadata().unwrap().blocks() * 512)
    }

    #[test]
    fn space_of_a_large_upload_is_preallocated_in_portions() {
        let (log, on_disk) = log();
        let before = on_disk();
        let length = 5 * PORTION;
        let mut portions = 0;
        while log.preallocate(length) == Preallocated::MoreToDo {
            portions += 1;
            assert!(on_disk() <= before + portions * PORTION);
        }
        assert!(portions >= 5, "{portions}");
        let preallocated = log.lock().log.preallocated;
        let reservation = log.reserve(length, 0).unwrap();
        assert_eq!(log.lock().log.preallocated, preallocated, "it was enough");
        assert!(on_disk() >= length);
        assert_eq!(log.preallocate(0), Preallocated::Enough);
        drop(reservation);
    }

    #[test]
    fn space_is_given_back_where_it_is_not_enough() {
        let (log, on_disk) = log();
        let reserved = log.reserve(PORTION, 0).unwrap();
        for _ in 0..3 {
            assert_eq!(log.preallocate(9 * PORTION), Preallocated::MoreToDo);
        }
        assert!(on_disk() >= 4 * PORTION);
        // No disk has this much space.
        assert!(log.reserve(i64::MAX.unsigned_abs() / 2, 0).is_err());
        let kept = PORTION + RESERVED_FOR_SMALL_ENTRIES + AHEAD;
        assert_eq!(log.lock().log.preallocated, kept);
        if std::path::Path::new("/dev/shm").is_dir() {
            assert!(on_disk() <= kept + 64 * 1024, "{}", on_disk());
        }
        drop(reserved);
        assert!(log.reserve(PORTION, 0).is_ok());
    }
}
