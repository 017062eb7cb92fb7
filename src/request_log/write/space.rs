//! One log file as space: bytes that are secured on disk, promised to somebody, and placed.
//!
//! Three steps, so that an upload can be refused while nothing has happened yet, and takes its place in the log in
//! the same instant as its file takes effect:
//!
//! 1. [`LogFile::secure`] makes sure of disk space (fallocate(2)) and promises it: a [`Room`], without a place.
//! 2. [`Room::place`] turns the promise into a place, a [`Reservation`]. It cannot fail.
//! 3. [`Reservation::write`] writes there (pwrite(2)), outside every lock.
//!
//! The mutex guards numbers only.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::fs::{FallocateFlags, fallocate, fdatasync};
use rustix::io::Errno;
use rustix::process::{Resource, getrlimit};

use crate::durable::SharedSync;
use crate::sync::lock;

/// Disk space is secured this many bytes ahead, where the disk has them.
const AHEAD: u64 = 1024 * 1024;

/// Space that uploads leave to the entries of other requests, so that a log that is full for uploads still records
/// what is refused and what is read.
pub const KEPT_FOR_SMALL_ENTRIES: u64 = 64 * 1024;

/// What an entry belongs to, which decides how much space it must leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// An upload: [`KEPT_FOR_SMALL_ENTRIES`] must be left after it.
    Upload,
    /// A small entry: nothing need be left.
    Small,
}

/// An open log file and its space.
pub(super) struct LogFile {
    file: File,
    /// Device and inode number.
    identity: (u64, u64),
    /// Guards the offsets and nothing else.
    space: Mutex<Space>,
    /// Held by whoever secures more disk space, so that one does it for all.
    growing: Mutex<()>,
    /// Whether the file system can secure space; if not, promises are made on trust.
    secures: AtomicBool,
    syncs: SharedSync,
}

/// Offsets in the log file. `end + promised <= secured`.
#[derive(Debug, Clone, Copy)]
struct Space {
    /// Where the next entry begins.
    end: u64,
    /// Bytes promised to uploads that are not placed yet.
    promised: u64,
    /// The disk has space for all that is below.
    secured: u64,
    /// The file may not be longer: fallocate(2) secures space past that limit, and pwrite(2) fails there all the same.
    most: u64,
}

impl Space {
    /// Where `secured` must be for a claim on `length` bytes; `None` past the largest offset.
    fn needed(self, claim: Claim, length: u64) -> Option<u64> {
        let kept = match claim {
            Claim::Upload => KEPT_FOR_SMALL_ENTRIES,
            Claim::Small => 0,
        };
        let needed = self
            .end
            .checked_add(self.promised)?
            .checked_add(length)?
            .checked_add(kept)?;
        (needed <= self.most).then_some(needed)
    }
}

impl LogFile {
    /// Takes over a file whose entries end at `end`, and secures the space that is kept for small entries.
    pub(super) fn new(file: File, end: u64) -> io::Result<Self> {
        let found = file.metadata()?;
        let this = Self {
            identity: (found.dev(), found.ino()),
            file,
            space: Mutex::new(Space {
                end,
                promised: 0,
                secured: end,
                most: longest(),
            }),
            growing: Mutex::new(()),
            secures: AtomicBool::new(true),
            syncs: SharedSync::default(),
        };
        this.grow(Claim::Upload, 0)?;
        Ok(this)
    }

    /// Device and inode number of the file.
    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// Whether the file system can secure space ahead.
    pub(super) fn secures(&self) -> bool {
        self.secures.load(Ordering::Relaxed)
    }

    /// Secures space for an upload's entry of `length` bytes, and promises it.
    ///
    /// # Errors
    /// ENOSPC and the like, from fallocate(2).
    pub(super) fn secure(self: &Arc<Self>, length: u64) -> io::Result<Room> {
        self.claim(Claim::Upload, length, |space| space.promised += length)?;
        Ok(Room {
            log: Arc::clone(self),
            length,
        })
    }

    /// Secures and places a small entry in one step.
    ///
    /// # Errors
    /// As [`LogFile::secure`].
    pub(super) fn reserve(self: &Arc<Self>, length: u64) -> io::Result<Reservation> {
        let mut at = 0;
        self.claim(Claim::Small, length, |space| {
            at = space.end;
            space.end += length;
        })?;
        Ok(Reservation {
            log: Arc::clone(self),
            at,
            end: at + length,
        })
    }

    fn claim(&self, claim: Claim, length: u64, take: impl FnOnce(&mut Space)) -> io::Result<()> {
        loop {
            let mut space = self.lock();
            if space
                .needed(claim, length)
                .is_some_and(|needed| needed <= space.secured)
            {
                take(&mut space);
                return Ok(());
            }
            drop(space);
            self.grow(claim, length)?;
        }
    }

    /// Secures enough for a claim on `length` bytes, and more if the disk has it.
    fn grow(&self, claim: Claim, length: u64) -> io::Result<()> {
        let _one_at_a_time = lock(&self.growing);
        let space = *self.lock();
        let needed = space.needed(claim, length).ok_or(Errno::FBIG)?;
        let Some(missing) = needed.checked_sub(space.secured).filter(|&bytes| bytes > 0) else {
            return Ok(()); // another did it meanwhile
        };
        let mut secured = missing;
        let result = match self.allocate(space.secured, missing.saturating_add(AHEAD)) {
            Ok(()) => {
                secured = missing.saturating_add(AHEAD);
                Ok(())
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {
                self.secures.store(false, Ordering::Relaxed);
                secured = i64::MAX.unsigned_abs() - space.secured;
                Ok(())
            }
            Err(_) => self.allocate(space.secured, missing),
        };
        if result.is_ok() {
            self.lock().secured += secured;
        }
        Ok(result?)
    }

    fn allocate(&self, offset: u64, length: u64) -> rustix::io::Result<()> {
        loop {
            // KEEP_SIZE: who reads the log must not see what is only secured.
            match fallocate(&self.file, FallocateFlags::KEEP_SIZE, offset, length) {
                Err(Errno::INTR) => {}
                done => return done,
            }
        }
    }

    /// Returns when all that was written before is on stable storage.
    fn sync(&self) -> io::Result<()> {
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
    /// Gives the space back that was secured and not used.
    fn drop(&mut self) {
        let end = self.lock().end;
        if let Err(error) = self.file.set_len(end) {
            log::warn!("cannot cut the request log to its length of {end} bytes: {error}");
        }
    }
}

/// Disk space in the log that is promised to one entry, and has no place yet.
#[must_use = "space that is promised and never placed is only given back"]
pub(super) struct Room {
    log: Arc<LogFile>,
    length: u64,
}

impl Room {
    /// Takes the next place in the log. The entry must then be written: nobody else will.
    pub(super) fn place(mut self) -> Reservation {
        let length = std::mem::take(&mut self.length);
        let mut space = self.log.lock();
        let at = space.end;
        space.promised -= length;
        space.end += length;
        drop(space);
        Reservation {
            log: Arc::clone(&self.log),
            at,
            end: at + length,
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.length > 0 {
            self.log.lock().promised -= self.length;
        }
    }
}

/// A range of the log that belongs to one entry, written from its front to its end.
#[must_use = "what is reserved and not written is a hole in the log"]
pub(super) struct Reservation {
    log: Arc<LogFile>,
    at: u64,
    end: u64,
}

impl Reservation {
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
        let room = log.secure(5_000_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        drop(room);
        let mut entry = log.reserve(3).unwrap();
        entry.write(b"abc").unwrap();
        assert_eq!(contents(&file), b"abc");
    }

    #[test]
    fn a_place_is_taken_when_it_is_placed_not_when_it_is_promised() {
        let (file, log) = log();
        let first = log.secure(2).unwrap();
        let second = log.secure(3).unwrap();
        let given_up = log.secure(100).unwrap();
        second.place().write(b"222").unwrap();
        drop(given_up);
        first.place().write(b"11").unwrap();
        assert_eq!(contents(&file), b"22211");
        assert_eq!(log.lock().promised, 0);
    }

    #[test]
    fn a_reservation_cannot_write_past_its_range() {
        let (file, log) = log();
        let mut one = log.reserve(4).unwrap();
        let mut next = log.reserve(4).unwrap();
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
                            log.secure(length as u64).unwrap().place()
                        } else {
                            log.reserve(length as u64).unwrap()
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
            assert!(log.secure(length).is_err(), "{length}");
        }
        assert!(log.reserve(1).is_ok());
    }
}
