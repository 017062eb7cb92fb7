//! A log and its seal as a pair of files.
//!
//! The seal has the name of the log and `.seal`, and is in the directory of the log's file.

use std::fs::File;
use std::io::{self, Seek, SeekFrom};

use super::error::LogError;
use super::location::Location;
use super::open::open_and_lock;
use crate::seal::text::word;

/// A log and its seal, open and locked.
pub(super) struct Pair {
    pub(super) log: File,
    pub(super) seal: File,
}

impl Pair {
    pub(super) fn open(log: &Location, seal: &Location) -> Result<Self, LogError> {
        Ok(Self {
            log: open_and_lock(log)?,
            seal: open_and_lock(seal)?,
        })
    }
}

/// The location of the seal for the log at this location.
pub(super) fn seal_of(location: &Location) -> Location {
    location.beside("seal")
}

/// The name of a log as a word of its seal.
pub(super) fn name_of(location: &Location) -> String {
    word(location.name())
}

pub(super) fn length(file: &File) -> io::Result<u64> {
    Ok(file.metadata()?.len())
}

/// The file, for reading from its start.
pub(super) fn rewound(mut file: &File) -> io::Result<&File> {
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

pub(super) fn seal_failed(location: &Location) -> impl Fn(io::Error) -> LogError {
    move |error| LogError::Seal {
        path: location.path().to_path_buf(),
        reason: error.to_string(),
    }
}
