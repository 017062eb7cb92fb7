//! One log file as space: bytes that are preallocated on disk, reserved for an entry, and committed at an offset.
//!
//! Three steps, so that an upload can be refused while nothing has happened yet, and is committed to the log in the
//! same instant as its file takes effect:
//!
//! 1. [`LogFile::reserve`] preallocates disk space (fallocate(2)) and sets it aside: a [`Reservation`], without offset.
//! 2. [`Reservation::commit`] gives it the next offset: an [`Extent`]. It cannot fail.
//! 3. [`Extent::write`] writes there (pwrite(2)), outside every lock.
//!
//! The mutex guards numbers only.

mod preallocation;

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::fs::fdatasync;
use rustix::process::{Resource, getrlimit};

use crate::durable::SharedSync;
use crate::operations;
use crate::sync::lock;

/// Space that uploads leave to the entries of other requests, so that a log that is full for uploads still records
/// what is refused and what is read.
pub const RESERVED_FOR_SMALL_ENTRIES: u64 = 64 * 1024;

/// What an entry belongs to, which decides how much space it must leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReservationClass {
    /// An upload: [`RESERVED_FOR_SMALL_ENTRIES`] must be left after it.
    Upload,
    /// A small entry: nothing need be left.
    Small,
}

/// Whether the space for an upload's entry can be reserved in little time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preallocated {
    /// It can, or there is not enough.
    Enough,
    /// More of it is to be preallocated before.
    MoreToDo,
}

/// An open log file and its space.
pub(super) struct LogFile {
    file: File,
    /// Device and inode number.
    identity: (u64, u64),
    /// Guards the offsets and nothing else.
    space: Mutex<Space>,
    /// Held while one thread preallocates more disk space for all.
    growing: Mutex<()>,
    /// Whether the file system can preallocate space; if not, reservations are made on trust.
    preallocates: AtomicBool,
    syncs: SharedSync,
}

/// Offsets in the log file. `end + reserved <= preallocated`.
#[derive(Debug, Clone, Copy)]
struct Space {
    /// Where the next entry begins.
    end: u64,
    /// Bytes reserved for uploads that are not committed yet.
    reserved: u64,
    /// The disk has space for all that is below.
    preallocated: u64,
    /// The file may not be longer: fallocate(2) preallocates space past that limit, and pwrite(2) fails there all the same.
    most: u64,
}

impl Space {
    /// Where `preallocated` must be for a reservation of `length` bytes; `None` past the largest offset.
    fn needed(self, class: ReservationClass, length: u64) -> Option<u64> {
        let kept = match class {
            ReservationClass::Upload => RESERVED_FOR_SMALL_ENTRIES,
            ReservationClass::Small => 0,
        };
        let needed = self
            .end
            .checked_add(self.reserved)?
            .checked_add(length)?
            .checked_add(kept)?;
        (needed <= self.most).then_some(needed)
    }
}

impl LogFile {
    /// Takes over a file whose entries end at `end`, and preallocates the space that is kept for small entries.
    pub(super) fn new(file: File, end: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        let this = Self {
            identity: (found.dev(), found.ino()),
            file,
            space: Mutex::new(Space {
                end,
                reserved: 0,
                preallocated: end,
                most: longest(),
            }),
            growing: Mutex::new(()),
            preallocates: AtomicBool::new(true),
            syncs: SharedSync::default(),
        };
        this.grow(ReservationClass::Upload, 0)?;
        Ok(this)
    }

    /// Device and inode number of the file.
    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Whether the file system can preallocate space.
    pub(super) fn preallocates(&self) -> bool {
        self.preallocates.load(Ordering::Relaxed)
    }

    /// Reserves space for an upload's entry of `length` bytes.
    ///
    /// # Errors
    /// ENOSPC and the like, from fallocate(2).
    pub(super) fn reserve(self: &Arc<Self>, length: u64) -> io::Result<Reservation> {
        self.take_space(ReservationClass::Upload, length, |space| {
            space.reserved += length;
        })?;
        Ok(Reservation {
            log: Arc::clone(self),
            length,
        })
    }

    /// Reserves and commits the space of a small entry in one step.
    ///
    /// # Errors
    /// As [`LogFile::reserve`].
    pub(super) fn allocate(self: &Arc<Self>, length: u64) -> io::Result<Extent> {
        let mut at = 0;
        self.take_space(ReservationClass::Small, length, |space| {
            at = space.end;
            space.end += length;
        })?;
        Ok(Extent {
            log: Arc::clone(self),
            at,
            end: at + length,
        })
    }

    fn take_space(
        &self,
        class: ReservationClass,
        length: u64,
        take: impl FnOnce(&mut Space),
    ) -> io::Result<()> {
        loop {
            let mut space = self.lock();
            if space
                .needed(class, length)
                .is_some_and(|needed| needed <= space.preallocated)
            {
                take(&mut space);
                return Ok(());
            }
            drop(space);
            self.grow(class, length)?;
        }
    }

    /// Returns when all that was written before is on stable storage.
    fn sync(&self) -> io::Result<()> {
        operations::add();
        self.syncs.sync(|| fdatasync(&self.file))
    }

    fn lock(&self) -> MutexGuard<'_, Space> {
        lock(&self.space)
    }
}

/// The longest file this process may write, in bytes; see `RLIMIT_FSIZE` in setrlimit(2).
fn longest() -> u64 {
    let largest = i64::MAX.unsigned_abs();
    let limit = getrlimit(Resource::Fsize).current;
    limit.map_or(largest, |limit| limit.min(largest))
}

impl Drop for LogFile {
    /// Gives back the space that was preallocated and not used.
    fn drop(&mut self) {
        let end = self.lock().end;
        if let Err(error) = self.file.set_len(end) {
            log::warn!("cannot cut the request log to its length of {end} bytes: {error}");
        }
    }
}

/// Disk space in the log that is reserved for one entry, and has no offset yet.
#[must_use = "space that is reserved and never committed is only given back"]
pub(super) struct Reservation {
    log: Arc<LogFile>,
    length: u64,
}

impl Reservation {
    /// Takes the next offset of the log. The entry must then be written: nobody else will.
    pub(super) fn commit(mut self) -> Extent {
        let length = std::mem::take(&mut self.length);
        let mut space = self.log.lock();
        let at = space.end;
        space.reserved -= length;
        space.end += length;
        drop(space);
        Extent {
            log: Arc::clone(&self.log),
            at,
            end: at + length,
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.length > 0 {
            self.log.lock().reserved -= self.length;
        }
    }
}

/// A range of the log that belongs to one entry, written from its front to its end.
#[must_use = "what is reserved and not written is a hole in the log"]
pub(super) struct Extent {
    log: Arc<LogFile>,
    at: u64,
    end: u64,
}

impl Extent {
    /// Where the next byte goes; at first, where the entry begins.
    pub(super) fn start(&self) -> u64 {
        self.at
    }

    /// Bytes that are still to be written.
    pub(super) fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Writes the next bytes of the entry.
    ///
    /// # Errors
    /// From pwrite(2); `InvalidInput`, with nothing written, if the bytes would leave the reservation.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.left() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        operations::add();
        self.log.file.write_all_at(bytes, self.at)?;
        self.at += length;
        Ok(())
    }

    /// Returns when all that was written is on stable storage. See fdatasync(2).
    ///
    /// # Errors
    /// From fdatasync(2).
    pub(super) fn sync(&self) -> io::Result<()> {
        self.log.sync()
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    fn log() -> (File, Arc<LogFile>) {
        let file = tempfile::tempfile().unwrap();
        let log = Arc::new(LogFile::new(file.try_clone().unwrap(), 0).unwrap());
        (file, log)
    }

    fn contents(file: &File) -> Vec<u8> {
        let mut all = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
        file.read_exact_at(&mut all, 0).unwrap();
        all
    }

    #[test]
    fn secured_space_is_not_seen_by_a_reader() {
        let (file, log) = log();
        let reservation = log.reserve(5_000_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        drop(reservation);
        let mut entry = log.allocate(3).unwrap();
        entry.write(b"abc").unwrap();
        assert_eq!(contents(&file), b"abc");
    }

    #[test]
    fn a_place_is_taken_when_it_is_placed_not_when_it_is_promised() {
        let (file, log) = log();
        let first = log.reserve(2).unwrap();
        let second = log.reserve(3).unwrap();
        let given_up = log.reserve(100).unwrap();
        second.commit().write(b"222").unwrap();
        drop(given_up);
        first.commit().write(b"11").unwrap();
        assert_eq!(contents(&file), b"22211");
        assert_eq!(log.lock().reserved, 0);
    }

    #[test]
    fn a_reservation_cannot_write_past_its_range() {
        let (file, log) = log();
        let mut one = log.allocate(4).unwrap();
        let mut next = log.allocate(4).unwrap();
        next.write(b"next").unwrap();
        one.write(b"on").unwrap();
        assert!(one.write(b"eee").is_err());
        one.write(b"ee").unwrap();
        assert_eq!(one.left(), 0);
        assert_eq!(contents(&file), b"oneenext");
    }

    #[test]
    fn entries_tile_whatever_the_threads_do() {
        let (file, log) = log();
        thread::scope(|scope| {
            for id in 1..=8_u8 {
                let log = &log;
                scope.spawn(move || {
                    for round in 0..200_usize {
                        let length = 1 + (round * usize::from(id)) % 700;
                        let bytes = vec![id; length];
                        let mut entry = if round % 3 == 0 {
                            log.reserve(length as u64).unwrap().commit()
                        } else {
                            log.allocate(length as u64).unwrap()
                        };
                        entry.write(&bytes).unwrap();
                    }
                });
            }
        });
        let expected: usize = (1..=8)
            .flat_map(|id| (0..200).map(move |round| 1 + (round * id) % 700))
            .sum();
        let all = contents(&file);
        assert_eq!(all.len(), expected);
        assert!(!all.contains(&0), "a hole");
    }

    #[test]
    fn an_entry_past_the_largest_offset_is_refused() {
        let (_, log) = log();
        for length in [u64::MAX, i64::MAX as u64] {
            assert!(log.reserve(length).is_err(), "{length}");
        }
        assert!(log.allocate(1).is_ok());
    }
}
