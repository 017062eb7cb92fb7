//! The writing side of the request log: what the dialects call, whether or not there is a log.
//!
//! It writes small entries, reserves space for those of uploads, and changes files at a rotation. `open` opens these; the
//! entry of an upload is written by [`EntryWriter`], block by block.
//!
//! Small entries are *pending* with the worker on which they were made, until that worker commits them, all in one
//! write. Nothing may be sent in between.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use super::entry::EntryWriter;
use super::error::LogError;
use super::location::Location;
use super::open::{self, Mode};
use super::pending::Pending;
use super::space::{Extent, LogFile, Preallocated, Reservation};
use crate::durable::Durability;
use crate::entry_range::{EntryReceipt, Receipts};
use crate::request_log::format::layout;
use crate::sync;

/// The request log of a server, or the knowledge that there is none.
pub struct Recorder {
    log: Option<Log>,
}

struct Log {
    path: PathBuf,
    durability: Durability,
    /// Guards which file new entries go to; entries in flight keep theirs.
    current: RwLock<Arc<LogFile>>,
    /// Whether it was reported that entries are missing.
    full: AtomicBool,
    /// One for each worker.
    pending: Box<[PendingEntries]>,
    receipts: Receipts,
}

/// Only one worker takes this lock. It is by itself in a cache line or two, since the next is another worker's.
#[derive(Default)]
#[repr(align(128))]
struct PendingEntries(Mutex<Pending>);

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

    /// Records in the file at `path`, for so many workers.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open(
        path: &Path,
        mode: Mode,
        durability: Durability,
        workers: NonZeroUsize,
    ) -> Result<Self, LogError> {
        let file = open::open(&Location::resolve(path)?, mode)?;
        if !file.preallocates() {
            log::warn!(
                "the file system of {} cannot reserve space ahead: a full disk may leave torn entries",
                path.display()
            );
        }
        Ok(Self {
            log: Some(Log {
                path: path.to_path_buf(),
                durability,
                current: RwLock::new(Arc::new(file)),
                full: AtomicBool::new(false),
                pending: (0..workers.get())
                    .map(|_| PendingEntries::default())
                    .collect(),
                receipts: Receipts::default(),
            }),
        })
    }

    /// Says from now on where entries are in the log, or does not.
    pub fn make_receipts(&mut self, receipts: Receipts) {
        if let Some(log) = &mut self.log {
            log.receipts = receipts;
        }
    }

    /// Device and inode number of the log's file, as stat(2) has them.
    #[must_use]
    pub fn identity(&self) -> Option<(u64, u64)> {
        let log = self.log.as_ref()?;
        let current = sync::read(&log.current);
        Some(current.identity())
    }

    /// Where the log's path leads now; `None` if there is no log.
    ///
    /// # Errors
    /// See [`Location::resolve`].
    pub fn locate(&self) -> Option<Result<Location, LogError>> {
        self.log.as_ref().map(|log| Location::resolve(&log.path))
    }

    /// Goes on in the file at this location, or in a new one there. Entries in flight end where they began.
    pub fn reopen(&self, location: &Location) {
        let Some(log) = &self.log else { return };
        match open::reopen(location, &log.current()) {
            Ok(Some(file)) => {
                let mut current = sync::write(&log.current);
                let old = std::mem::replace(&mut *current, Arc::new(file));
                drop(current);
                drop(old); // cuts the old file, unless entries are in flight
                log.full.store(false, Ordering::Relaxed);
            }
            Ok(None) => {}
            Err(error) => log::error!("the request log stays in its old file: {error}"),
        }
    }

    /// Records a request that was granted and stored nothing, in a turn with this worker. The entry is pending.
    ///
    /// A log without space does not keep a server from being read: then the entry is left out, and a warning says so.
    pub fn success(&self, method: &str, name: &[u8], worker: usize) -> EntryReceipt {
        let Some(log) = &self.log else {
            return EntryReceipt::None;
        };
        log.pending(worker).push(log.receipts, |text| {
            layout::push_header(text, method, name, 0);
        })
    }

    /// Records a request that was refused with `status`. The entry is pending if a worker is given; else it is in the
    /// file on return. A log without space is met as in [`Recorder::success`].
    pub fn failure(
        &self,
        request: Refused<'_>,
        status: u16,
        worker: Option<usize>,
    ) -> EntryReceipt {
        let Some(log) = &self.log else {
            return EntryReceipt::None;
        };
        let push_line = |text: &mut Vec<u8>| {
            let Refused {
                method,
                name,
                version,
            } = request;
            layout::push_failure(text, method, name, version, status);
        };
        if let Some(worker) = worker {
            log.pending(worker).push(log.receipts, push_line)
        } else {
            let mut entry = Pending::default();
            let receipt = entry.push(log.receipts, push_line);
            log.record(&entry);
            receipt
        }
    }

    /// Whether entries are pending with this worker.
    #[must_use]
    pub fn has_pending(&self, worker: usize) -> bool {
        self.log
            .as_ref()
            .is_some_and(|log| !log.pending(worker).text.is_empty())
    }

    /// Writes the entries that are pending with this worker: on return they are in the file, and on stable storage if
    /// entries wait for that.
    pub fn commit(&self, worker: usize) {
        if let Some(log) = &self.log {
            log.record_all(&mut log.pending(worker));
        }
    }

    /// Whether every entry waits until it is on stable storage.
    #[must_use]
    pub fn waits_for_disk(&self) -> bool {
        self.log
            .as_ref()
            .is_some_and(|log| log.durability == Durability::Storage)
    }

    /// Preallocates a portion of what [`Recorder::reserve`] will reserve.
    pub fn preallocate(&self, method: &str, name: &[u8], length: u64) -> Preallocated {
        let Some(log) = &self.log else {
            return Preallocated::Enough;
        };
        let (_, total) = header_and_total(method, name, length);
        log.current().preallocate(total)
    }

    /// Reserves space for the entry of an upload of `length` bytes; `None` if there is no log.
    ///
    /// What is pending with `worker` is written before, so that entries of one connection are in the order of its
    /// requests.
    ///
    /// # Errors
    /// From fallocate(2), ENOSPC for one: then the upload must be refused.
    pub fn reserve(
        &self,
        method: &str,
        name: &[u8],
        length: u64,
        worker: Option<usize>,
    ) -> io::Result<Option<EntryReservation>> {
        let Some(log) = &self.log else {
            return Ok(None);
        };
        if let Some(worker) = worker {
            log.record_all(&mut log.pending(worker));
        }
        let (header, total) = header_and_total(method, name, length);
        let reservation = log.current().reserve(total)?;
        Ok(Some(EntryReservation {
            reservation,
            header,
            length,
            durability: log.durability,
        }))
    }
}

/// The header of an upload's entry, and the length of the whole entry in bytes.
fn header_and_total(method: &str, name: &[u8], length: u64) -> (Vec<u8>, u64) {
    let mut header = Vec::with_capacity(96);
    layout::push_header(&mut header, method, name, length);
    let total = header.len() as u64 + layout::rows_len(length) + layout::SEPARATOR.len() as u64;
    (header, total)
}

/// Space for the entry of one upload.
#[must_use = "an upload that takes effect must be placed in the log"]
pub struct EntryReservation {
    reservation: Reservation,
    header: Vec<u8>,
    length: u64,
    durability: Durability,
}

impl EntryReservation {
    /// Takes the entry's place; to be called in the instant in which the upload takes effect.
    pub fn commit(self) -> EntryWriter {
        EntryWriter::new(
            self.reservation.commit(),
            self.header,
            self.length,
            self.durability,
        )
    }
}

impl Log {
    fn current(&self) -> Arc<LogFile> {
        Arc::clone(&sync::read(&self.current))
    }

    fn pending(&self, worker: usize) -> MutexGuard<'_, Pending> {
        let PendingEntries(pending) = &self.pending[worker % self.pending.len()];
        sync::lock(pending)
    }

    /// Records pending entries together, or each by itself if there is no space for all.
    fn record_all(&self, pending: &mut Pending) {
        if pending.text.is_empty() {
            return;
        }
        match self.current().allocate(pending.text.len() as u64) {
            Ok(extent) => {
                let offset = extent.start();
                let written = self.write(extent, &pending.text);
                if written.is_ok() {
                    pending.set_receipts(offset);
                }
                self.report(written);
            }
            Err(_) => {
                for entry in pending.split() {
                    self.record(&entry);
                }
            }
        }
        pending.clear();
    }

    fn record(&self, entry: &Pending) {
        let written = self
            .current()
            .allocate(entry.text.len() as u64)
            .and_then(|extent| {
                let offset = extent.start();
                self.write(extent, &entry.text)?;
                entry.set_receipts(offset);
                Ok(())
            });
        self.report(written);
    }

    /// Says once when entries begin to be missing, and once when they are not any more.
    fn report(&self, written: io::Result<()>) {
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

    fn write(&self, mut extent: Extent, entries: &[u8]) -> io::Result<()> {
        extent.write(entries)?;
        match self.durability {
            Durability::Kernel => Ok(()),
            Durability::Storage => extent.sync(),
        }
    }
}
