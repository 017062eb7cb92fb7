//! Opening the log: a new file, the old one continued, or the next one after a rotation.
//!
//! A log file belongs to one server at a time. The server holds a lock on it (flock(2)).

use std::fs::File;

use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;

use super::error::LogError;
use super::keep::{KeepOutcome, keep};
use super::location::Location;
use super::recover::recover;
use super::space::LogFile;

/// The treatment of an existing log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Unless it is empty, it is renamed to `FILE.` and the UTC time of its last change, and a new one begins. A log that
    /// cannot be renamed because it is a mount point is continued, with a warning.
    Fresh,
    /// It is continued, after a torn tail was moved to `FILE.torn`.
    Append,
}

/// Opens the log at this location.
pub(super) fn open(location: &Location, mode: Mode) -> Result<LogFile, LogError> {
    let file = open_and_lock(location)?;
    let found = file
        .metadata()
        .map_err(|error| cannot_open(location, error))?;
    match mode {
        Mode::Fresh if found.len() == 0 => start(file, 0, location),
        Mode::Fresh => {
            let changed = found
                .modified()
                .map_err(|error| cannot_open(location, error))?;
            match keep(&[location], changed)? {
                KeepOutcome::Renamed => start(open_and_lock(location)?, 0, location),
                KeepOutcome::Mounted => resume(file, location),
            }
        }
        Mode::Append => resume(file, location),
    }
}

/// Opens the file that is at this location now; `None` if that is still `current`.
pub(super) fn reopen(location: &Location, current: &LogFile) -> Result<Option<LogFile>, LogError> {
    if location.is_file(current.identity()) {
        return Ok(None);
    }
    open(location, Mode::Append).map(Some)
}

pub(super) fn open_and_lock(location: &Location) -> Result<File, LogError> {
    let file = location
        .open(location.name(), OFlags::RDWR)
        .map_err(|error| cannot_open(location, error))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // Some file systems have no locks.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(LogError::InUse(location.path().to_path_buf())),
        Err(error) => Err(cannot_open(location, error.into())),
    }
}

pub(super) fn cannot_open(location: &Location, source: std::io::Error) -> LogError {
    LogError::Open {
        path: location.path().to_path_buf(),
        source,
    }
}

/// Continues after the last complete entry.
fn resume(file: File, location: &Location) -> Result<LogFile, LogError> {
    let end = recover(&file, location)?;
    start(file, end, location)
}

fn start(file: File, end: u64, location: &Location) -> Result<LogFile, LogError> {
    LogFile::new(file, end, None).map_err(|source| LogError::Space {
        path: location.path().to_path_buf(),
        source,
    })
}
