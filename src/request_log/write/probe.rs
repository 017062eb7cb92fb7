//! A probe whether the request log can be written.

use std::fs::File;
use std::io;

use rustix::fs::{StatVfsMountFlags, fstatvfs};
use rustix::io::Errno;
use thiserror::Error;

use super::figures::LogFigures;
use super::recorder::Recorder;

/// The log's file, for a probe on any thread.
#[derive(Debug)]
pub struct LogProbe {
    file: io::Result<File>,
    figures: LogFigures,
}

/// Why entries cannot be recorded.
#[derive(Debug, Error)]
pub enum LogProbeError {
    /// Entries are missing.
    #[error("the request log is full, and entries are missing")]
    Full,
    /// Its file system cannot be used.
    #[error("the request log cannot be written: {0}")]
    Write(#[source] io::Error),
}

impl Recorder {
    /// A probe of the file that the log is written to now; `None` if there is no log.
    #[must_use]
    pub fn probe(&self) -> Option<LogProbe> {
        Some(LogProbe {
            file: self.duplicate()?,
            figures: self.figures()?,
        })
    }
}

impl LogProbe {
    /// Checks the file without a write. It may block if the file system hangs.
    ///
    /// # Errors
    /// See [`LogProbeError`].
    pub fn run(&self) -> Result<(), LogProbeError> {
        if self.figures.is_full {
            return Err(LogProbeError::Full);
        }
        let file = match &self.file {
            Ok(file) => file,
            Err(error) => return Err(LogProbeError::Write(error.kind().into())),
        };
        self.look_for_space(file)
            .map_err(|error| LogProbeError::Write(error.into()))
    }

    fn look_for_space(&self, file: &File) -> Result<(), Errno> {
        let found = fstatvfs(file)?;
        if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
            return Err(Errno::ROFS);
        }
        // Preallocated space can be written even if the disk is full.
        let left = self.figures.preallocated - self.figures.end - self.figures.reserved;
        if found.f_bavail == 0 && found.f_blocks > 0 && left < super::RESERVED_FOR_SMALL_ENTRIES / 2
        {
            return Err(Errno::NOSPC);
        }
        Ok(())
    }
}
