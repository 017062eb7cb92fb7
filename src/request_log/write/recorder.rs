//! The writing side of the request log. The dialects call it whether or not there is a log.
//!
//! It writes small entries, reserves space for the entries of uploads, and switches files at a rotation. `open` opens
//! the files; [`super::EntryWriter`] writes the entry of an upload, block by block. Small entries are *pending* with the
//! worker that made them, until that worker commits them all in one write. No response may be sent in between.

use std::fs::File;
use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use super::current_log::Log;
use super::entry_reservation::EntryReservation;
use super::error::LogError;
use super::figures::LogFigures;
use super::location::Location;
use super::open::{self, Mode};
use super::pending::PendingBuffer;
use super::preallocation::Preallocated;
use super::seal_lines;
use super::seal_open::Rotation;
use super::sealer::{Sealer, Sealing};
use crate::durable::Durability;
use crate::entry_range::{EntryReceipt, Receipts};
use crate::request_log::format::layout;
use crate::requester::{Answered, Requester};

/// The request log of a server, if it has one.
pub struct Recorder {
    log: Option<Log>,
}

/// The result of reopening a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reopened {
    /// The log continues in the file that its path names now.
    Done,
    /// Only this one was renamed: log and seal continue in the old files until the other is, too.
    Half(&'static str),
}

/// The parts of a refused request for its entry, as received; `None` if a part could not be read.
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

    /// Records in the file at `path`, for this many workers, and seals it if requested.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open(
        path: &Path,
        mode: Mode,
        durability: Durability,
        workers: NonZeroUsize,
        sealing: Option<&Sealing>,
    ) -> Result<Self, LogError> {
        let location = Location::resolve(path)?;
        let (sealer, file) = match sealing {
            None => (None, Arc::new(open::open(&location, mode)?)),
            Some(sealing) => {
                let (sealer, state) = Sealer::open(sealing)?;
                let file = sealer.start(&location, mode, state)?;
                (Some(sealer), file)
            }
        };
        if !file.preallocates() {
            log::warn!(
                "the file system of {} cannot reserve space ahead: a full disk may leave torn entries",
                path.display()
            );
        }
        Ok(Self {
            log: Some(Log::new(path, file, durability, workers, sealer)),
        })
    }

    /// Starts the thread that keeps the key of the seal, if there is one.
    ///
    /// # Errors
    /// From `pthread_create(3)`.
    pub fn start_threads(&self) -> io::Result<()> {
        let sealer = self.log.as_ref().and_then(|log| log.sealer.as_ref());
        match sealer.and_then(Sealer::keeper) {
            Some(keeper) => keeper.start(),
            None => Ok(()),
        }
    }

    /// Turns on or off receipts for the places of entries.
    pub fn make_receipts(&mut self, receipts: Receipts) {
        if let Some(log) = &mut self.log {
            log.receipts = receipts;
        }
    }

    /// Device and inode numbers of the log and its seal, which stay open until a rotation. The state of the sealing key
    /// is not included, since it is a new file each time.
    #[must_use]
    pub fn identities(&self) -> Vec<(u64, u64)> {
        let Some(log) = &self.log else {
            return Vec::new();
        };
        let current = log.current();
        let seal = current.seal_identity();
        seal.into_iter().chain([current.identity()]).collect()
    }

    /// The present location of the log's path; `None` if there is no log.
    ///
    /// # Errors
    /// See [`Location::resolve`].
    pub fn locate(&self) -> Option<Result<Location, LogError>> {
        self.log.as_ref().map(|log| Location::resolve(&log.path))
    }

    /// The log's space; `None` if there is no log.
    #[must_use]
    pub fn figures(&self) -> Option<LogFigures> {
        self.log.as_ref().map(Log::figures)
    }

    /// Another descriptor of the log's file; `None` if there is no log.
    pub(super) fn duplicate(&self) -> Option<io::Result<File>> {
        self.log.as_ref().map(|log| log.current().duplicate())
    }

    /// The path of the state of the sealing key, if there is one.
    #[must_use]
    pub fn locate_key_state(&self) -> Option<Location> {
        let keeper = self.log.as_ref()?.sealer.as_ref()?.keeper()?;
        Some(keeper.location().clone())
    }

    /// Switches to the file at this location, or creates one. Entries that have a place are finished in the old file.
    pub fn reopen(&self, location: &Location) -> Reopened {
        let Some(log) = &self.log else {
            return Reopened::Done;
        };
        match log.rotate(location) {
            Ok(Rotation::Moved(file)) => {
                log.change_file(file);
                Reopened::Done
            }
            Ok(Rotation::Unmoved) => Reopened::Done,
            Ok(Rotation::Half(what)) => Reopened::Half(what),
            Err(error) => {
                log::error!("the request log stays in its old file: {error}");
                Reopened::Done
            }
        }
    }

    /// Records a request that was granted and stored nothing, in a turn with this worker. The entry is pending.
    ///
    /// A full log does not prevent reading: the entry is omitted, with a warning.
    pub fn success(
        &self,
        method: &str,
        name: &[u8],
        answered: &Answered<'_>,
        worker: usize,
    ) -> EntryReceipt {
        let Some(log) = &self.log else {
            return EntryReceipt::None;
        };
        let sealed = log.sealer.as_ref().map(|_| answered);
        log.pending(worker).push(log.receipts, sealed, |text| {
            layout::push_header(text, method, name, 0);
        })
    }

    /// Records a refused request. The entry is pending if a worker is given; else it is in the file on return. A full
    /// log is handled as in [`Recorder::success`].
    pub fn failure(
        &self,
        request: Refused<'_>,
        answered: &Answered<'_>,
        worker: Option<usize>,
    ) -> EntryReceipt {
        let Some(log) = &self.log else {
            return EntryReceipt::None;
        };
        let sealed = log.sealer.as_ref().map(|_| answered);
        let push_line = |text: &mut Vec<u8>| {
            let Refused {
                method,
                name,
                version,
            } = request;
            layout::push_failure(text, method, name, version, answered.status);
        };
        if let Some(worker) = worker {
            log.pending(worker).push(log.receipts, sealed, push_line)
        } else {
            let mut entry = PendingBuffer::default();
            let receipt = entry.push(log.receipts, sealed, push_line);
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

    /// Writes the entries that are pending with this worker: on return they are in the file, and with `--durable` on
    /// stable storage.
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

    /// Whether the content of uploads must be hashed.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.sealer.is_some())
    }

    /// Preallocates a portion of the space for [`Recorder::reserve`].
    pub fn preallocate(&self, method: &str, name: &[u8], length: u64) -> Preallocated {
        let Some(log) = &self.log else {
            return Preallocated::Enough;
        };
        let (_, total) = header_and_total(method, name, length);
        log.current().preallocate(total)
    }

    /// Reserves space for the entry of an upload of `length` bytes; `None` if there is no log.
    ///
    /// Entries pending with `worker` are written first, so that entries of one connection are in the order of its
    /// requests.
    ///
    /// # Errors
    /// From fallocate(2), such as ENOSPC: then the upload must be refused.
    pub fn reserve(
        &self,
        method: &str,
        name: &[u8],
        length: u64,
        requester: &Requester,
        worker: Option<usize>,
    ) -> io::Result<Option<EntryReservation>> {
        let Some(log) = &self.log else {
            return Ok(None);
        };
        if let Some(worker) = worker {
            log.record_all(&mut log.pending(worker));
        }
        let (header, total) = header_and_total(method, name, length);
        let sealer = log.sealer.as_ref();
        let most_known = sealer.map(|_| seal_lines::most_known(requester, &header, name));
        let reservation = log
            .current()
            .reserve(total, most_known.unwrap_or_default())?;
        Ok(Some(EntryReservation::new(
            reservation,
            header,
            most_known,
            length,
            log.durability,
        )))
    }
}

/// The header of an upload's entry, and the length of the whole entry in bytes.
fn header_and_total(method: &str, name: &[u8], length: u64) -> (Vec<u8>, u64) {
    let mut header = Vec::with_capacity(96);
    layout::push_header(&mut header, method, name, length);
    let total = header.len() as u64 + layout::rows_len(length) + layout::SEPARATOR.len() as u64;
    (header, total)
}
