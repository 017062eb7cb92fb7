//! Disk space ahead of the entries: preallocated by fallocate(2), a portion at a time for large uploads, and given back
//! where it is not enough.

use std::io;
use std::sync::atomic::Ordering;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;

use super::{LogFile, Preallocated, RESERVED_FOR_SMALL_ENTRIES, ReservationClass};
use crate::operations;
use crate::sync::lock;

/// Disk space is preallocated this many bytes ahead, where the disk has them.
const AHEAD: u64 = 1024 * 1024;

/// Bytes that are preallocated at once for a large upload: what a file system in memory clears in half a millisecond.
const PORTION: u64 = 4 * 1024 * 1024;

impl LogFile {
    /// Preallocates a portion of what a reservation of `length` bytes needs, so that the reservation itself is quick.
    /// Where that fails, the reservation finds out what there is.
    pub(in super::super) fn preallocate(&self, length: u64) -> Preallocated {
        let _one_at_a_time = lock(&self.growing);
        let space = *self.lock();
        let missing = space
            .needed(ReservationClass::Upload, length)
            .map_or(0, |needed| needed.saturating_sub(space.preallocated));
        if missing <= PORTION || !self.preallocates() || !self.disk_has(missing) {
            return Preallocated::Enough;
        }
        if self.fallocate(space.preallocated, PORTION).is_err() {
            return Preallocated::Enough;
        }
        self.lock().preallocated += PORTION;
        Preallocated::MoreToDo
    }

    /// Whether the disk has so much more, as far as it says. Else all is asked for at once, and refused.
    fn disk_has(&self, length: u64) -> bool {
        operations::add();
        fstatvfs(&self.file).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= length)
    }

    /// Gives back what was preallocated for a reservation that cannot be made, if the file system does that behind the
    /// end of a file. The caller holds `growing`.
    fn give_back(&self) {
        let mut space = self.lock();
        let kept = space.end + space.reserved + RESERVED_FOR_SMALL_ENTRIES + AHEAD;
        let Some(length) = space.preallocated.checked_sub(kept).filter(|&it| it > 0) else {
            return;
        };
        space.preallocated = kept;
        drop(space);
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        operations::add();
        if let Err(error) = fallocate(&self.file, flags, kept, length) {
            log::debug!("space of the request log that is not needed stays preallocated: {error}");
        }
    }

    /// Preallocates enough for a reservation of `length` bytes, and more if the disk has it.
    pub(super) fn grow(&self, class: ReservationClass, length: u64) -> io::Result<()> {
        let _one_at_a_time = lock(&self.growing);
        let space = *self.lock();
        let needed = space.needed(class, length).ok_or(Errno::FBIG)?;
        let Some(missing) = needed
            .checked_sub(space.preallocated)
            .filter(|&bytes| bytes > 0)
        else {
            return Ok(()); // another did it meanwhile
        };
        let mut preallocated = missing;
        let result = match self.fallocate(space.preallocated, missing.saturating_add(AHEAD)) {
            Ok(()) => {
                preallocated = missing.saturating_add(AHEAD);
                Ok(())
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.preallocates.store(false, Ordering::Relaxed);
                preallocated = i64::MAX.unsigned_abs() - space.preallocated;
                Ok(())
            }
            Err(_) => self.fallocate(space.preallocated, missing),
        };
        match result {
            Ok(()) => self.lock().preallocated += preallocated,
            Err(_) => self.give_back(),
        }
        Ok(result?)
    }

    fn fallocate(&self, offset: u64, length: u64) -> rustix::io::Result<()> {
        loop {
            // KEEP_SIZE: a reader of the log must not see what is only preallocated.
            operations::add();
            match fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, length) {
                Err(Errno::INTR) => {}
                done => return done,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;
    use std::sync::Arc;

    use super::*;

    /// An empty log, and what it takes on disk.
    fn log() -> (Arc<LogFile>, impl Fn() -> u64) {
        // A file system in memory gives space back; not all others do.
        let file = tempfile::tempfile_in("/dev/shm").or_else(|_| tempfile::tempfile());
        let file = file.unwrap();
        let same = file.try_clone().unwrap();
        let log = Arc::new(LogFile::new(file, 0).unwrap());
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
            assert!(on_disk() >= before + portions * PORTION);
        }
        assert_eq!(portions, 4);
        let reservation = log.reserve(length).unwrap();
        assert!(on_disk() >= length);
        assert_eq!(log.preallocate(0), Preallocated::Enough);
        drop(reservation);
    }

    #[test]
    fn space_is_given_back_where_it_is_not_enough() {
        let (log, on_disk) = log();
        let reserved = log.reserve(PORTION).unwrap();
        for _ in 0..3 {
            assert_eq!(log.preallocate(9 * PORTION), Preallocated::MoreToDo);
        }
        assert!(on_disk() >= 4 * PORTION);
        // No disk has as much.
        assert!(log.reserve(i64::MAX.unsigned_abs() / 2).is_err());
        let kept = PORTION + RESERVED_FOR_SMALL_ENTRIES + AHEAD;
        assert_eq!(log.lock().preallocated, kept);
        if std::path::Path::new("/dev/shm").is_dir() {
            assert!(on_disk() <= kept + 64 * 1024, "{}", on_disk());
        }
        drop(reserved);
        assert!(log.reserve(PORTION).is_ok());
    }
}
