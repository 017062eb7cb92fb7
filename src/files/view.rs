//! A view of a running server's files: figures, and probes of its root and its log.
//!
//! A view keeps no file and no log open: after the server has ended, it returns nothing.

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

/// The figures at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileFigures {
    /// The file cache.
    pub cache: CacheFigures,
    /// The request log, if there is one.
    pub log: Option<LogFigures>,
}

/// A probe of the root and the log, for any thread.
pub struct Probe {
    root: RootProbe,
    /// The search for another root if this one is gone.
    store: Weak<Store>,
    log: Option<LogProbe>,
}

/// The reason why a server cannot work.
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
    /// The current figures.
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

    /// A probe of the current root and log; `None` if the server has ended.
    #[must_use]
    pub fn probe(&self, attempt: Attempt) -> Option<Probe> {
        Some(Probe {
            root: self.store.upgrade()?.root_probe(attempt),
            store: Weak::clone(&self.store),
            log: self.recorder.upgrade()?.probe(),
        })
    }
}

impl Probe {
    /// Probes them. It may block if their file systems hang.
    ///
    /// # Errors
    /// See [`ProbeError`].
    pub fn run(&self) -> Result<(), ProbeError> {
        self.run_root()?;
        if let Some(log) = &self.log {
            log.run()?;
        }
        Ok(())
    }

    fn run_root(&self) -> Result<(), RootProbeError> {
        let Err(error) = self.root.run() else {
            return Ok(());
        };
        let store = self.store.upgrade();
        match store.and_then(|store| store.root_probe_after(&self.root)) {
            Some(again) => again.run(),
            None => Err(error),
        }
    }
}
