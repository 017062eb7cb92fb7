//! The three steps by which an entry gets its place in a log. So an upload can be refused before anything has changed,
//! and it is committed to the log at the same instant at which its file takes effect:
//!
//! 1. [`LogFile::reserve`] preallocates disk space (fallocate(2)) and sets it aside: a [`Reservation`], without offset.
//! 2. [`Reservation::commit`] gives it the next offset: an [`Extent`]. It cannot fail.
//! 3. [`Extent::write`] writes there (pwrite(2)), outside every lock.
//!
//! In a sealed log, the second step also makes the entry's line. The line is written to the seal before any byte of the
//! entry is written to the log.

use std::io;
use std::os::unix::fs::FileExt;
use std::slice;
use std::sync::Arc;

use super::seal_lines;
use super::space::{Claim, LogFile, Space};
use super::space_file::ReservationClass;
use crate::operations;

/// Small entries that get their places together.
#[derive(Debug, Clone, Copy)]
pub(super) struct SmallEntries<'p> {
    /// The entries, one after the other.
    pub(super) text: &'p [u8],
    /// The known parts of their lines in the seal; empty without a seal.
    pub(super) known: &'p [u8],
    /// The lengths of each entry's parts.
    pub(super) lengths: &'p [EntryLengths],
}

/// The number of bytes of each part of [`SmallEntries`] that belong to one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryLengths {
    pub(super) text: usize,
    pub(super) known: usize,
}

impl<'p> SmallEntries<'p> {
    /// The entries one by one.
    pub(super) fn split(self) -> impl Iterator<Item = Self> + use<'p> {
        let (mut text, mut known) = (self.text, self.known);
        self.lengths.iter().map(move |lengths| {
            let (entry, other_text) = text.split_at(lengths.text);
            let (line, other_lines) = known.split_at(lengths.known);
            (text, known) = (other_text, other_lines);
            Self {
                text: entry,
                known: line,
                lengths: slice::from_ref(lengths),
            }
        })
    }
}

impl LogFile {
    /// Reserves space for an upload's entry of `length` bytes, and for its line in the seal with a known part of
    /// `known` bytes.
    ///
    /// # Errors
    /// ENOSPC and the like, from fallocate(2).
    pub(super) fn reserve(self: &Arc<Self>, length: u64, known: usize) -> io::Result<Reservation> {
        let claim = Claim {
            log: length,
            seal: self.claimed(known),
        };
        let (log, ()) = self.take_space(ReservationClass::Upload, claim, |space| {
            space.add_reserved(claim);
        })?;
        Ok(Reservation { log, claim })
    }

    /// Reserves and commits the space of small entries in one step.
    ///
    /// # Errors
    /// As [`LogFile::reserve`].
    pub(super) fn allocate(self: &Arc<Self>, entries: SmallEntries<'_>) -> io::Result<Extent> {
        let length = entries.text.len() as u64;
        let claim = Claim {
            log: length,
            seal: self.claimed_by_all(entries),
        };
        let (log, (at, made)) = self.take_space(ReservationClass::Small, claim, |space| {
            let at = space.log.end;
            space.log.end += length;
            if let Some(lines) = &mut space.lines {
                let time = lines.read_clock();
                let mut offset = at;
                for entry in entries.split() {
                    let length = entry.text.len() as u64;
                    lines.push_entry(time, offset, length, entry.known);
                    offset += length;
                }
            }
            (at, space.lines_made())
        })?;
        let end = at + length;
        Ok(Extent { log, at, end, made })
    }

    /// The space for an entry's line in the seal.
    fn claimed(&self, known: usize) -> u64 {
        self.seal.as_ref().map_or(0, |_| seal_lines::most(known))
    }

    /// The space for the lines of several entries in the seal.
    fn claimed_by_all(&self, entries: SmallEntries<'_>) -> u64 {
        let claimed = |lengths: &EntryLengths| self.claimed(lengths.known);
        entries.lengths.iter().map(claimed).sum()
    }
}

/// Reserved disk space for one entry, without an offset yet.
#[must_use = "space that is reserved and never committed is only given back"]
pub(super) struct Reservation {
    /// The log of the reservation; after a rotation, its successor has the reservation.
    log: Arc<LogFile>,
    claim: Claim,
}

impl Reservation {
    /// Takes the next offset of the log. The caller must then write the entry. `known` is the known part of its
    /// line in the seal.
    pub(super) fn commit(mut self, known: &[u8]) -> Extent {
        let claim = std::mem::take(&mut self.claim);
        self.in_current_log(|log, space| {
            let at = space.log.end;
            let end = at + claim.log;
            space.subtract_reserved(claim);
            space.log.end = end;
            if let Some(lines) = &mut space.lines {
                let time = lines.read_clock();
                lines.push_entry(time, at, claim.log, known);
            }
            Extent {
                log: Arc::clone(log),
                at,
                end,
                made: space.lines_made(),
            }
        })
    }

    /// Calls the function with the log that has the reservation now.
    fn in_current_log<R>(&self, change: impl FnOnce(&Arc<LogFile>, &mut Space) -> R) -> R {
        let mut log = Arc::clone(&self.log);
        loop {
            let mut space = log.lock();
            match space.successor.clone() {
                None => return change(&log, &mut space),
                Some(successor) => {
                    drop(space);
                    log = successor;
                }
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.claim != Claim::default() {
            self.in_current_log(|_, space| space.subtract_reserved(self.claim));
        }
    }
}

/// A range of the log that belongs to one entry, written from its front to its end.
#[must_use = "what is reserved and not written is a hole in the log"]
pub(super) struct Extent {
    log: Arc<LogFile>,
    at: u64,
    end: u64,
    /// The number of lines of the seal up to and including its own.
    made: u64,
}

impl Extent {
    /// The offset of the next byte; at first, that of the entry.
    pub(super) fn start(&self) -> u64 {
        self.at
    }

    /// Bytes that are still to be written.
    pub(super) fn left(&self) -> u64 {
        self.end - self.at
    }

    /// Writes the next bytes of the entry, and its line in the seal before the first.
    ///
    /// # Errors
    /// From pwrite(2); `InvalidInput`, with nothing written, if there are more bytes than were reserved.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let length = bytes.len() as u64;
        if length > self.left() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        self.log.flush_lines(self.made)?;
        operations::add();
        self.log.file.file().write_all_at(bytes, self.at)?;
        self.at += length;
        Ok(())
    }

    /// Returns when all written bytes are on stable storage. See fdatasync(2).
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

    use std::fs::File;

    use super::*;

    fn log() -> (File, Arc<LogFile>) {
        let file = tempfile::tempfile().unwrap();
        let log = Arc::new(LogFile::new(file.try_clone().unwrap(), 0, None).unwrap());
        (file, log)
    }

    fn allocate(log: &Arc<LogFile>, length: u64) -> io::Result<Extent> {
        let text = vec![b' '; usize::try_from(length).unwrap()];
        log.allocate(SmallEntries {
            text: &text,
            known: &[],
            lengths: &[],
        })
    }

    fn reserve(log: &Arc<LogFile>, length: u64) -> io::Result<Reservation> {
        log.reserve(length, 0)
    }

    fn contents(file: &File) -> Vec<u8> {
        let mut all = vec![0; usize::try_from(file.metadata().unwrap().len()).unwrap()];
        file.read_exact_at(&mut all, 0).unwrap();
        all
    }

    #[test]
    fn secured_space_is_not_seen_by_a_reader() {
        let (file, log) = log();
        let reservation = reserve(&log, 5_000_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 0);
        drop(reservation);
        let mut entry = allocate(&log, 3).unwrap();
        entry.write(b"abc").unwrap();
        assert_eq!(contents(&file), b"abc");
    }

    #[test]
    fn a_place_is_taken_when_it_is_placed_not_when_it_is_promised() {
        let (file, log) = log();
        let first = reserve(&log, 2).unwrap();
        let second = reserve(&log, 3).unwrap();
        let given_up = reserve(&log, 100).unwrap();
        second.commit(&[]).write(b"222").unwrap();
        drop(given_up);
        first.commit(&[]).write(b"11").unwrap();
        assert_eq!(contents(&file), b"22211");
        assert_eq!(log.lock().log.reserved, 0);
    }

    #[test]
    fn a_reservation_cannot_write_past_its_range() {
        let (file, log) = log();
        let mut one = allocate(&log, 4).unwrap();
        let mut next = allocate(&log, 4).unwrap();
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
                            reserve(log, length as u64).unwrap().commit(&[])
                        } else {
                            allocate(log, length as u64).unwrap()
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
            assert!(reserve(&log, length).is_err(), "{length}");
        }
        assert!(allocate(&log, 1).is_ok());
    }
}
