//! A file with preallocated disk space, and the numbers of that space.
//!
//! It knows nothing of entries: the log and its seal are two such files. Their numbers are guarded by one mutex, since an
//! entry takes its place in both at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate, fdatasync, fstatvfs};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::durable::SharedSync;
use crate::operations;

/// Disk space is preallocated this many bytes ahead if the disk has them.
pub(super) const AHEAD: u64 = 1024 * 1024;

/// The class of an entry, which decides how much space it must leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReservationClass {
    /// An upload: [`Area::kept`] must be left after it.
    Upload,
    /// A small entry: no space must be left.
    Small,
}

/// Offsets in a file. `end + reserved <= preallocated`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Area {
    /// The offset of the next entry.
    pub(super) end: u64,
    /// Bytes reserved and not committed yet.
    pub(super) reserved: u64,
    /// The disk has space for all bytes below this offset.
    pub(super) preallocated: u64,
    /// The limit on the length of the file: fallocate(2) preallocates space beyond it, but pwrite(2) fails there.
    most: u64,
    /// Space that uploads leave for other entries.
    pub(super) kept: u64,
}

impl Area {
    /// The area of a file that ends at `end`, with nothing preallocated.
    pub(super) fn new(end: u64, kept: u64) -> Self {
        Self {
            end,
            reserved: 0,
            preallocated: end,
            most: longest(),
            kept,
        }
    }

    /// The value of `preallocated` that a reservation of `length` bytes needs; `None` past the largest offset.
    pub(super) fn needed(self, class: ReservationClass, length: u64) -> Option<u64> {
        let kept = match class {
            ReservationClass::Upload => self.kept,
            ReservationClass::Small => 0,
        };
        let needed = self
            .end
            .checked_add(self.reserved)?
            .checked_add(length)?
            .checked_add(kept)?;
        (needed <= self.most).then_some(needed)
    }

    /// Whether `length` bytes can be reserved now.
    pub(super) fn has(self, class: ReservationClass, length: u64) -> bool {
        self.needed(class, length)
            .is_some_and(|needed| needed <= self.preallocated)
    }
}

/// The longest file this process may write, in bytes; see `RLIMIT_FSIZE` in setrlimit(2).
fn longest() -> u64 {
    let largest = i64::MAX.unsigned_abs();
    let limit = getrlimit(Resource::Fsize).current;
    limit.map_or(largest, |limit| limit.min(largest))
}

/// See the module's description.
pub(super) struct SpaceFile {
    file: File,
    /// Device and inode number.
    identity: (u64, u64),
    /// Whether the file system can preallocate space. If not, reservations are not backed by space.
    preallocates: AtomicBool,
    syncs: SharedSync,
}

impl SpaceFile {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let found = file.metadata()?;
        Ok(Self {
            identity: (found.dev(), found.ino()),
            file,
            preallocates: AtomicBool::new(true),
            syncs: SharedSync::default(),
        })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    pub(super) fn preallocates(&self) -> bool {
        self.preallocates.load(Ordering::Relaxed)
    }

    /// Preallocates the space for a reservation of `length` bytes beyond `area`, and more if the disk has it; returns
    /// the number of bytes.
    ///
    /// # Errors
    /// EFBIG past the largest offset; ENOSPC and the like, from fallocate(2).
    pub(super) fn grow(&self, area: Area, class: ReservationClass, length: u64) -> io::Result<u64> {
        let needed = area.needed(class, length).ok_or(Errno::FBIG)?;
        let Some(missing) = needed
            .checked_sub(area.preallocated)
            .filter(|&bytes| bytes > 0)
        else {
            return Ok(0); // Another thread did it meanwhile.
        };
        let more = missing.saturating_add(AHEAD);
        match self.fallocate(area.preallocated, more) {
            Ok(()) => Ok(more),
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.preallocates.store(false, Ordering::Relaxed);
                Ok(i64::MAX.unsigned_abs() - area.preallocated)
            }
            Err(_) => {
                self.fallocate(area.preallocated, missing)?;
                Ok(missing)
            }
        }
    }

    /// Whether the disk reports this much free space.
    pub(super) fn disk_has(&self, length: u64) -> bool {
        operations::add();
        fstatvfs(&self.file).is_ok_and(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) >= length)
    }

    /// Frees preallocated space from byte `end` on, if the file system supports that beyond the end of a file.
    pub(super) fn give_back(&self, end: u64, length: u64) {
        let flags = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
        operations::add();
        if let Err(error) = fallocate(&self.file, flags, end, length) {
            log::debug!("space of the request log that is not needed stays preallocated: {error}");
        }
    }

    /// Preallocates these bytes.
    pub(super) fn fallocate(&self, offset: u64, length: u64) -> rustix::io::Result<()> {
        loop {
            operations::add();
            // KEEP_SIZE: a reader of the file must not see preallocated space.
            match fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, length) {
                Err(Errno::INTR) => {}
                done => return done,
            }
        }
    }

    /// Returns when all bytes written before are on stable storage.
    pub(super) fn sync(&self) -> io::Result<()> {
        operations::add();
        self.syncs.sync(|| fdatasync(&self.file))
    }

    /// Frees unused preallocated space.
    pub(super) fn cut(&self, end: u64) {
        if let Err(error) = self.file.set_len(end) {
            log::warn!("cannot cut a log to its length of {end} bytes: {error}");
        }
    }
}
