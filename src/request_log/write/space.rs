//! The space of one log file: bytes that are preallocated on disk, reserved for an entry, and committed at an offset;
//! for a sealed log, also the space of its seal.
//!
//! Two invariants hold. *The disk has all space that is counted as preallocated*, which is at least the committed and
//! the reserved space. *Entries tile*: each begins where another ends. The mutex guards numbers, and the lines that are
//! made when entries get their offsets. `reservation` has the steps of an entry, and `succession` those of a rotation.

use std::fs::File;
use std::io;
use std::sync::Arc;

use super::figures::LogFigures;
use super::seal_file::SealFile;
use super::seal_lines::SealLines;
use super::space_file::{Area, ReservationClass, SpaceFile};
use crate::seal::line_group::LineGroup;
use crate::sync::{Mutex, MutexGuard, lock};

/// Space that uploads leave for other entries, so that a log without space for uploads still records refusals and
/// reads.
pub const RESERVED_FOR_SMALL_ENTRIES: u64 = 64 * 1024;

/// The same in the seal. Its lines are longer than such entries.
pub(super) const RESERVED_FOR_LINES: u64 = 256 * 1024;

/// An open log file, its space, and its seal.
pub(super) struct LogFile {
    pub(super) file: SpaceFile,
    /// Guards the offsets, and the lines that are made with them.
    space: Mutex<Space>,
    /// Held while one thread preallocates more disk space for all.
    pub(super) growing: Mutex<()>,
    pub(super) seal: Option<SealFile>,
}

pub(super) struct Space {
    /// The area of the log.
    pub(super) log: Area,
    /// The area of the seal, if there is one.
    pub(super) lines: Option<SealLines>,
    /// The file for entries without a place, after this file is closed.
    pub(super) successor: Option<Arc<LogFile>>,
}

/// Bytes of one reservation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) log: u64,
    pub(super) seal: u64,
}

impl Space {
    fn has(&self, class: ReservationClass, claim: Claim) -> bool {
        let has_line = |lines: &SealLines| lines.area.has(class, claim.seal);
        self.log.has(class, claim.log) && self.lines.as_ref().is_none_or(has_line)
    }

    pub(super) fn reserved(&self) -> Claim {
        Claim {
            log: self.log.reserved,
            seal: self.lines.as_ref().map_or(0, |lines| lines.area.reserved),
        }
    }

    pub(super) fn add_reserved(&mut self, claim: Claim) {
        self.log.reserved += claim.log;
        if let Some(lines) = &mut self.lines {
            lines.area.reserved += claim.seal;
        }
    }

    pub(super) fn subtract_reserved(&mut self, claim: Claim) {
        self.log.reserved -= claim.log;
        if let Some(lines) = &mut self.lines {
            lines.area.reserved -= claim.seal;
        }
    }

    /// Lines of the seal so far.
    pub(super) fn lines_made(&self) -> u64 {
        self.lines.as_ref().map_or(0, SealLines::made)
    }
}

impl LogFile {
    /// Takes over a file with entries up to `end`, and preallocates the space that is kept for small entries.
    pub(super) fn new(
        file: File,
        end: u64,
        seal: Option<(SealFile, SealLines)>,
    ) -> io::Result<Self> {
        let (seal, lines) = seal.unzip();
        let this = Self {
            file: SpaceFile::new(file)?,
            space: Mutex::new(Space {
                log: Area::new(end, RESERVED_FOR_SMALL_ENTRIES),
                lines,
                successor: None,
            }),
            growing: Mutex::new(()),
            seal,
        };
        this.grow(ReservationClass::Upload, Claim::default())?;
        Ok(this)
    }

    /// Device and inode number of the file.
    pub(super) fn identity(&self) -> (u64, u64) {
        self.file.identity()
    }

    /// The same of its seal.
    pub(super) fn seal_identity(&self) -> Option<(u64, u64)> {
        self.seal.as_ref().map(|seal| seal.file().identity())
    }

    /// The present space; the caller knows whether the log is full.
    pub(super) fn figures(&self, is_full: bool) -> LogFigures {
        let space = self.lock();
        LogFigures {
            end: space.log.end,
            reserved: space.log.reserved,
            preallocated: space.log.preallocated,
            is_full,
        }
    }

    /// Another descriptor of the file.
    pub(super) fn duplicate(&self) -> io::Result<File> {
        self.file.file().try_clone()
    }

    /// Whether the file system can preallocate space.
    pub(super) fn preallocates(&self) -> bool {
        let seal = self.seal.as_ref();
        self.file.preallocates() && seal.is_none_or(|seal| seal.file().preallocates())
    }

    /// Calls `take` to change the numbers of the file that has the space; also returns that file.
    pub(super) fn take_space<R>(
        self: &Arc<Self>,
        class: ReservationClass,
        claim: Claim,
        take: impl FnOnce(&mut Space) -> R,
    ) -> io::Result<(Arc<Self>, R)> {
        let mut log = Arc::clone(self);
        loop {
            let mut space = log.lock();
            if let Some(successor) = space.successor.clone() {
                drop(space);
                log = successor;
            } else if space.has(class, claim) {
                let taken = take(&mut space);
                drop(space);
                return Ok((log, taken));
            } else {
                drop(space);
                log.grow(class, claim)?;
            }
        }
    }

    /// Returns when this many lines are in the file of the seal.
    pub(super) fn flush_lines(&self, made: u64) -> io::Result<()> {
        match &self.seal {
            Some(seal) => seal.flush(made, |group, end| self.take_lines(group, end)),
            None => Ok(()),
        }
    }

    pub(super) fn take_lines(&self, group: &mut LineGroup, end: u64) -> u64 {
        let mut space = self.lock();
        space
            .lines
            .as_mut()
            .map_or(0, |lines| lines.take(group, end))
    }

    /// Returns when all bytes written before are on stable storage.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.file.sync()?;
        self.seal.as_ref().map_or(Ok(()), SealFile::sync)
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Space> {
        lock(&self.space)
    }
}

impl Drop for LogFile {
    /// Frees unused preallocated space.
    fn drop(&mut self) {
        let end = self.lock().log.end;
        self.file.cut(end);
    }
}
