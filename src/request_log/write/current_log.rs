//! The log of a recorder: the file for new entries, and the pending entries.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

use super::error::LogError;
use super::figures::LogFigures;
use super::location::Location;
use super::open;
use super::pending::PendingBuffer;
use super::reservation::Extent;
use super::seal_open::Rotation;
use super::sealer::Sealer;
use super::space::LogFile;
use crate::durable::Durability;
use crate::entry_range::Receipts;
use crate::sync;

/// See the module's description.
pub(super) struct Log {
    pub(super) path: PathBuf,
    pub(super) durability: Durability,
    /// Guards the file for new entries; entries in flight keep theirs.
    current: RwLock<Arc<LogFile>>,
    /// Whether it was reported that entries are missing.
    full: AtomicBool,
    /// One for each worker.
    pending: Box<[PendingEntries]>,
    pub(super) receipts: Receipts,
    /// `None` if the log is not sealed.
    pub(super) sealer: Option<Sealer>,
}

/// Only one worker takes this lock. It has cache lines of its own, since the next lock belongs to another worker.
#[derive(Default)]
#[repr(align(128))]
struct PendingEntries(Mutex<PendingBuffer>);

impl Log {
    pub(super) fn new(
        path: &Path,
        file: Arc<LogFile>,
        durability: Durability,
        workers: NonZeroUsize,
        sealer: Option<Sealer>,
    ) -> Self {
        let pending = (0..workers.get()).map(|_| PendingEntries::default());
        Self {
            path: path.to_path_buf(),
            durability,
            current: RwLock::new(file),
            full: AtomicBool::new(false),
            pending: pending.collect(),
            receipts: Receipts::default(),
            sealer,
        }
    }

    /// Makes this the file for new entries.
    pub(super) fn change_file(&self, file: Arc<LogFile>) {
        let mut current = sync::write(&self.current);
        let old = std::mem::replace(&mut *current, file);
        drop(current);
        drop(old); // Cuts the old file, unless entries are in flight.
        self.full.store(false, Ordering::Relaxed);
    }

    /// Opens the file at this location, unless it is the current file.
    pub(super) fn rotate(&self, location: &Location) -> Result<Rotation, LogError> {
        let current = self.current();
        match &self.sealer {
            Some(sealer) => sealer.rotate(location, &current),
            None => match open::reopen(location, &current)? {
                None => Ok(Rotation::Unmoved),
                Some(file) => {
                    let file = Arc::new(file);
                    let succeeded = current.succeed(&file, "");
                    succeeded.map_err(|source| LogError::Space {
                        path: self.path.clone(),
                        source,
                    })?;
                    Ok(Rotation::Moved(file))
                }
            },
        }
    }

    /// The space of the current file, and whether the file is full.
    pub(super) fn figures(&self) -> LogFigures {
        let is_full = self.full.load(Ordering::Relaxed);
        self.current().figures(is_full)
    }

    pub(super) fn current(&self) -> Arc<LogFile> {
        Arc::clone(&sync::read(&self.current))
    }

    pub(super) fn pending(&self, worker: usize) -> MutexGuard<'_, PendingBuffer> {
        let PendingEntries(pending) = &self.pending[worker % self.pending.len()];
        sync::lock(pending)
    }

    /// Records pending entries together, or one by one if there is no space for all.
    pub(super) fn record_all(&self, pending: &mut PendingBuffer) {
        if pending.text.is_empty() {
            return;
        }
        match self.current().allocate(pending.entries()) {
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

    pub(super) fn record(&self, entry: &PendingBuffer) {
        let written = self.current().allocate(entry.entries()).and_then(|extent| {
            let offset = extent.start();
            self.write(extent, &entry.text)?;
            entry.set_receipts(offset);
            Ok(())
        });
        self.report(written);
    }

    /// Reports once when entries begin to be missing, and once when they are recorded again.
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
