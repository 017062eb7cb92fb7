//! Files for a program that starts the server: a report of readiness, and a summary at shutdown.
//!
//! All files are checked before the server listens: files of an earlier server are removed, and a path that cannot be
//! written stops the start. `own_files` conceals them from clients.

mod ready;
mod state_file;
mod summary;

use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use thiserror::Error;

use self::ready::{Ready, ReadyDescriptor};
use self::state_file::StateFile;
use self::summary::Done;
use httpserver::reporting::Totals;

/// The reports and their destinations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct HarnessConfig {
    /// The file that exists while the server is ready.
    pub(crate) ready_file: Option<PathBuf>,
    /// The descriptor that gets the same line.
    pub(crate) ready_fd: Option<u32>,
    /// The file that is written at the end.
    pub(crate) summary: Option<PathBuf>,
}

/// Why a report cannot be written.
#[derive(Debug, Error)]
pub(crate) enum HarnessError {
    #[error("cannot use the ready file {}: {source}", path.display())]
    ReadyFile { path: PathBuf, source: io::Error },
    #[error(
        "cannot use descriptor {number} of --ready-fd: {}",
        about_descriptor(source)
    )]
    ReadyFd { number: u32, source: io::Error },
    #[error("cannot use the summary {}: {source}", path.display())]
    Summary { path: PathBuf, source: io::Error },
}

/// Why a descriptor cannot be used, and the remedy.
fn about_descriptor(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "it is not open: open it for the server, as in 'httpserver --ready-fd 3 3>file'"
                .to_owned()
        }
        _ => format!("{error}; it must be a pipe or a file that is open for writing"),
    }
}

/// The files and the descriptor, ready to be written. The ready file is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct Harness {
    ready_file: Option<StateFile>,
    ready_fd: Option<ReadyDescriptor>,
    summary: Option<StateFile>,
    /// When the server became ready.
    started: Option<SystemTime>,
}

impl Harness {
    /// Takes over the descriptor, before the process opens one that may have its number.
    pub(crate) fn open(config: &HarnessConfig) -> Result<Self, HarnessError> {
        let ready_fd = config.ready_fd.map(|number| {
            let taken = ReadyDescriptor::take(number);
            taken.map_err(|source| HarnessError::ReadyFd { number, source })
        });
        Ok(Self {
            ready_file: None,
            ready_fd: ready_fd.transpose()?,
            summary: None,
            started: None,
        })
    }

    /// Removes the files that an earlier server left. No other file of the server may have one of their names.
    pub(crate) fn remove_stale(config: &HarnessConfig) -> Result<(), HarnessError> {
        if let Some(path) = &config.ready_file {
            StateFile::remove(path).map_err(|source| ready_file_error(path, source))?;
        }
        if let Some(path) = &config.summary {
            StateFile::remove(path).map_err(|source| summary_error(path, source))?;
        }
        Ok(())
    }

    /// Checks that new files can be written, as the user that writes them.
    pub(crate) fn prepare(&mut self, config: &HarnessConfig) -> Result<(), HarnessError> {
        if let Some(path) = &config.ready_file {
            let prepared = StateFile::prepare(path);
            self.ready_file = Some(prepared.map_err(|source| ready_file_error(path, source))?);
        }
        if let Some(path) = &config.summary {
            let prepared = StateFile::prepare(path);
            self.summary = Some(prepared.map_err(|source| summary_error(path, source))?);
        }
        Ok(())
    }

    /// The server listens at these addresses.
    pub(crate) fn tell_ready(&mut self, addresses: &[String]) -> Result<(), HarnessError> {
        let now = SystemTime::now();
        self.started = Some(now);
        let line = Ready::new(addresses, now).line();
        if let Some(file) = &mut self.ready_file {
            file.publish(&line)
                .map_err(|source| ready_file_error(file.path(), source))?;
        }
        match self.ready_fd.take() {
            Some(descriptor) => {
                let number = descriptor.number();
                descriptor
                    .write(&line)
                    .map_err(|source| HarnessError::ReadyFd { number, source })
            }
            None => Ok(()),
        }
    }

    /// The server has ended with these totals.
    pub(crate) fn tell_end(&mut self, totals: &Totals) -> Result<(), HarnessError> {
        let Some(mut file) = self.summary.take() else {
            return Ok(());
        };
        let ended = SystemTime::now();
        let line = Done::new(totals, self.started.unwrap_or(ended), ended).line();
        let published = file.publish(&line);
        let path = file.path().to_path_buf();
        file.keep();
        published.map_err(|source| summary_error(&path, source))
    }
}

fn ready_file_error(path: &Path, source: io::Error) -> HarnessError {
    let path = path.to_path_buf();
    HarnessError::ReadyFile { path, source }
}

fn summary_error(path: &Path, source: io::Error) -> HarnessError {
    let path = path.to_path_buf();
    HarnessError::Summary { path, source }
}
