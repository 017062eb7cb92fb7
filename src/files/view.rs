//! What can be seen of the files of a server while it runs: figures, and whether its root and its log can be used.
//!
//! A view keeps no file and no log open: when the server has ended, there is nothing to see.

use std::sync::{Arc, Weak};

use thiserror::Error;

use super::state::Files;
use crate::request_log::write::{LogFigures, LogProbe, LogProbeError, Recorder};
use crate::store::{Attempt, CacheFigures, RootProbe, RootProbeError, Store};

/// See the module's description.
#[derive(Clone)]
pub struct FilesView {
    store: Weak<Store>,
    recorder: Weak<Recorder>,
}

/// The figures of one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFigures {
    /// The file cache.
    pub cache: CacheFigures,
    /// The request log, if there is one.
    pub log: Option<LogFigures>,
}

/// What tries the root and the log, on any thread.
pub struct Probe {
    root: RootProbe,
    log: Option<LogProbe>,
}

/// Why a server cannot do its work.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// The root.
    #[error(transparent)]
    Root(#[from] RootProbeError),
    /// The request log.
    #[error(transparent)]
    Log(#[from] LogProbeError),
}

impl Files {
    /// A view of these files and their log.
    #[must_use]
    pub fn view(&self) -> FilesView {
        FilesView {
            store: Arc::downgrade(&self.store),
            recorder: Arc::downgrade(&self.recorder),
        }
    }
}

impl FilesView {
    /// The figures now.
    #[must_use]
    pub fn figures(&self) -> FileFigures {
        FileFigures {
            cache: self
                .store
                .upgrade()
                .map_or_else(CacheFigures::default, |store| store.cache_figures()),
            log: self
                .recorder
                .upgrade()
                .and_then(|recorder| recorder.figures()),
        }
    }

    /// What tries the root and the log as they are now; `None` if the server has ended.
    #[must_use]
    pub fn probe(&self, attempt: Attempt) -> Option<Probe> {
        Some(Probe {
            root: self.store.upgrade()?.root_probe(attempt),
            log: self.recorder.upgrade()?.probe(),
        })
    }
}

impl Probe {
    /// Tries them. That takes as long as their file systems take.
    ///
    /// # Errors
    /// See [`ProbeError`].
    pub fn run(&self) -> Result<(), ProbeError> {
        self.root.run()?;
        if let Some(log) = &self.log {
            log.run()?;
        }
        Ok(())
    }
}
