//! Opening the log: a new file, the old one continued, or the next one after a rotation.
//!
//! A log file belongs to one server at a time, which holds a lock on it (flock(2)).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::{CWD, FlockOperation, RenameFlags, flock, renameat_with};
use rustix::io::Errno;

use super::error::{LogError, with_suffix};
use super::recover::recover;
use super::space::LogFile;

/// What becomes of a log that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Unless it is empty, it is renamed to `FILE.1` (or the first free number), and a new one begins.
    Fresh,
    /// It is continued, after a torn tail was moved to `FILE.torn`.
    Append,
}

/// Opens the log at `path`.
pub(super) fn open(path: &Path, mode: Mode) -> Result<LogFile, LogError> {
    let file = open_and_lock(path)?;
    let length = length_of(&file, path)?;
    match mode {
        Mode::Fresh if length > 0 => {
            keep_aside(path)?;
            start(open_and_lock(path)?, 0, path)
        }
        Mode::Fresh => start(file, 0, path),
        Mode::Append => {
            let end = recover(&file, path)?;
            start(file, end, path)
        }
    }
}

/// Opens the file that `path` names now; `None` if that is still `current`.
pub(super) fn reopen(path: &Path, current: &LogFile) -> Result<Option<LogFile>, LogError> {
    let named = match std::fs::metadata(path) {
        Ok(found) => Some((found.dev(), found.ino())),
        Err(_) => None,
    };
    if named == Some(current.identity()) {
        return Ok(None);
    }
    open(path, Mode::Append).map(Some)
}

fn open_and_lock(path: &Path) -> Result<File, LogError> {
    let failed = |source| LogError::Open {
        path: path.to_path_buf(),
        source,
    };
    // Looked at first: to open a FIFO would wait for its reader.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(LogError::NotRegular(path.to_path_buf()));
    }
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        // Some file systems have no locks.
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOLCK | Errno::NOSYS) => Ok(file),
        Err(Errno::WOULDBLOCK) => Err(LogError::InUse(path.to_path_buf())),
        Err(error) => Err(failed(error.into())),
    }
}

fn length_of(file: &File, path: &Path) -> Result<u64, LogError> {
    let found = file.metadata().map_err(|source| LogError::Open {
        path: path.to_path_buf(),
        source,
    })?;
    if found.is_file() {
        Ok(found.len())
    } else {
        Err(LogError::NotRegular(path.to_path_buf()))
    }
}

/// Renames the log at `path` to the first of `path.1`, `path.2`, … that is free.
fn keep_aside(path: &Path) -> Result<(), LogError> {
    let mut number = 1_u64;
    loop {
        let to = with_suffix(path, &number.to_string());
        match renameat_with(CWD, path, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(()),
            Err(Errno::EXIST) => number += 1,
            Err(source) => {
                return Err(LogError::Keep {
                    from: path.to_path_buf(),
                    to,
                    source: source.into(),
                });
            }
        }
    }
}

fn start(file: File, end: u64, path: &Path) -> Result<LogFile, LogError> {
    LogFile::new(file, end).map_err(|source| LogError::Space {
        path: path.to_path_buf(),
        source,
    })
}
