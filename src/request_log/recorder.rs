//! The writing side of the request log: what the dialects call, whether or not there is a log.
//!
//! It writes small entries, secures room for those of uploads, and changes files at a rotation. `open` opens these; the
//! entry of an upload is written by [`Dump`], block by block.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::dump::Dump;
use super::layout;
use super::open::{self, LogError, Mode};
use super::space::{LogFile, Reservation, Room};
use crate::durable::Durability;

/// The request log of a server, or the knowledge that there is none.
pub struct Recorder {
    log: Option<Log>,
}

struct Log {
    path: PathBuf,
    durability: Durability,
    /// Guards which file new entries go to; entries in flight keep theirs.
    current: RwLock<Arc<LogFile>>,
    /// Whether it was said that entries are missing.
    full: AtomicBool,
}

/// What a refused request is recorded with: each part as received, `None` where it could not be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Refused<'r> {
    /// The method.
    pub method: Option<&'r [u8]>,
    /// The name: the target without its leading `/`.
    pub name: Option<&'r [u8]>,
    /// The protocol version.
    pub version: Option<&'r [u8]>,
}

impl Recorder {
    /// Records nothing.
    #[must_use]
    pub fn none() -> Self {
        Self { log: None }
    }

    /// Records in the file at `path`.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open(path: &Path, mode: Mode, durability: Durability) -> Result<Self, LogError> {
        let file = open::open(path, mode)?;
        if !file.secures() {
            log::warn!(
                "the file system of {} cannot secure space ahead: a full disk may leave torn entries",
                path.display()
            );
        }
        Ok(Self {
            log: Some(Log {
                path: path.to_path_buf(),
                durability,
                current: RwLock::new(Arc::new(file)),
                full: AtomicBool::new(false),
            }),
        })
    }

    /// Device and inode number of the log's file, as stat(2) has them.
    #[must_use]
    pub fn identity(&self) -> Option<(u64, u64)> {
        let log = self.log.as_ref()?;
        let current = log.current.read().unwrap_or_else(PoisonError::into_inner);
        Some(current.identity())
    }

    /// Goes on in the file that the log's path names now, or in a new one. Entries in flight end where they began.
    pub fn reopen(&self) {
        let Some(log) = &self.log else { return };
        match open::reopen(&log.path, &log.current()) {
            Ok(Some(file)) => {
                let mut current = log.current.write().unwrap_or_else(PoisonError::into_inner);
                let old = std::mem::replace(&mut *current, Arc::new(file));
                drop(current);
                drop(old); // cuts the old file, unless entries are in flight
                log.full.store(false, Ordering::Relaxed);
            }
            Ok(None) => {}
            Err(error) => log::error!("the request log stays in its old file: {error}"),
        }
    }

    /// Records a request that was answered with success and stored nothing.
    ///
    /// On return the entry is in the file. A log without space does not keep a server from being read: then the
    /// entry is left out, and a warning says so.
    pub fn success(&self, method: &str, name: &[u8]) {
        if let Some(log) = &self.log {
            let mut entry = Vec::with_capacity(96);
            layout::push_header(&mut entry, method, name, 0);
            log.record(entry);
        }
    }

    /// Records a request that was refused with `status`; as [`Recorder::success`].
    pub fn failure(&self, request: Refused<'_>, status: u16) {
        if let Some(log) = &self.log {
            let mut entry = Vec::with_capacity(96);
            let Refused {
                method,
                name,
                version,
            } = request;
            layout::push_failure(&mut entry, method, name, version, status);
            log.record(entry);
        }
    }

    /// Whether every entry waits until it is on stable storage.
    #[must_use]
    pub fn waits_for_disk(&self) -> bool {
        self.log
            .as_ref()
            .is_some_and(|log| log.durability == Durability::Storage)
    }

    /// Secures space for the entry of an upload of `length` bytes; `None` if there is no log.
    ///
    /// # Errors
    /// From fallocate(2), ENOSPC for one: then the upload must be refused.
    pub fn make_room(
        &self,
        method: &str,
        name: &[u8],
        length: u64,
    ) -> io::Result<Option<EntryRoom>> {
        let Some(log) = &self.log else {
            return Ok(None);
        };
        let mut header = Vec::with_capacity(96);
        layout::push_header(&mut header, method, name, length);
        let total = header.len() as u64 + layout::rows_len(length) + layout::SEPARATOR.len() as u64;
        let room = log.current().secure(total)?;
        Ok(Some(EntryRoom {
            room,
            header,
            length,
            durability: log.durability,
        }))
    }
}

/// Space for the entry of one upload.
#[must_use = "an upload that takes effect must be placed in the log"]
pub struct EntryRoom {
    room: Room,
    header: Vec<u8>,
    length: u64,
    durability: Durability,
}

impl EntryRoom {
    /// Takes the entry's place; to be called in the instant in which the upload takes effect.
    pub fn place(self) -> Dump {
        Dump::new(self.room.place(), self.header, self.length, self.durability)
    }
}

impl Log {
    fn current(&self) -> Arc<LogFile> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn record(&self, mut entry: Vec<u8>) {
        entry.extend_from_slice(layout::SEPARATOR);
        let written = self
            .current()
            .reserve(entry.len() as u64)
            .and_then(|reservation| self.write(reservation, &entry));
        match written {
            Ok(()) => {
                if self.full.load(Ordering::Relaxed) && self.full.swap(false, Ordering::Relaxed) {
                    log::warn!("{}: entries are recorded again", self.path.display());
                }
            }
            Err(error) => {
                if !self.full.swap(true, Ordering::Relaxed) {
                    log::error!(
                        "{}: entries are missing from here on: {error}",
                        self.path.display()
                    );
                }
            }
        }
    }

    fn write(&self, mut reservation: Reservation, entry: &[u8]) -> io::Result<()> {
        reservation.write(entry)?;
        match self.durability {
            Durability::Kernel => Ok(()),
            Durability::Storage => reservation.sync(),
        }
    }
}
