//! The parts of [`Files`], the opening of its logs, and their concealment from clients.

use std::io;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use crate::durable::Durability;
use crate::line_writer::LineWriter;
use crate::request_log::write::{Location, LogError, LogName, Mode, Recorder, Sealing};
use crate::store::{ReservedName, Store};

/// The files of a server, and its logs.
pub struct Files {
    pub(super) store: Arc<Store>,
    pub(super) recorder: Arc<Recorder>,
    /// Concealed, and reopened together with the request log.
    pub(super) access_log: Option<Arc<LineWriter>>,
    /// Concealed, too.
    pub(super) secrets: Vec<Location>,
    /// The locations of other files of the server.
    others: Vec<Location>,
}

impl Files {
    /// The files of this store. Requests are recorded only after [`Files::open_log`].
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self {
            store: Arc::new(store),
            recorder: Arc::new(Recorder::none()),
            access_log: None,
            secrets: Vec::new(),
            others: Vec::new(),
        }
    }

    /// Conceals the log at `path`, existing or not, inside or outside the root, with all names that begin with its name
    /// and a dot, such as those of old logs. Nothing is opened or changed.
    ///
    /// # Errors
    /// If a log cannot be at `path`.
    pub fn reserve_log(&self, path: &Path) -> Result<(), LogError> {
        self.store
            .reserve(reserved_names(&Location::resolve(path)?));
        Ok(())
    }

    /// Conceals another file of the server in the same way, for the lifetime of this value.
    pub fn reserve(&mut self, location: Location) {
        self.store.reserve(reserved_names(&location));
        self.others.push(location);
    }

    /// Records all requests in the log at `path` from now on, for this many workers, and seals it if requested.
    /// Conceals the log, the seal and the state of its key as [`Files::reserve_log`] does.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open_log(
        &mut self,
        path: &Path,
        mode: Mode,
        durability: Durability,
        workers: NonZeroUsize,
        sealing: Option<&Sealing>,
    ) -> Result<(), LogError> {
        let location = Location::resolve(path)?;
        self.recorder = Arc::new(Recorder::open(path, mode, durability, workers, sealing)?);
        self.conceal_logs(Some(&location), self.locate_access_log().as_ref());
        Ok(())
    }

    /// Starts the threads besides the workers. Opening a log starts no thread.
    ///
    /// # Errors
    /// From `pthread_create(3)`.
    pub fn start_threads(&self) -> io::Result<()> {
        self.recorder.start_threads()
    }

    /// Conceals this access log as [`Files::reserve_log`] does, and reopens it together with the request log.
    pub fn set_access_log(&mut self, access_log: Arc<LineWriter>) {
        self.access_log = Some(access_log);
        let log = self.recorder.locate().and_then(Result::ok);
        self.conceal_logs(log.as_ref(), self.locate_access_log().as_ref());
    }

    /// The location of the access log; `None` for a pipe or a device, which no client can get.
    pub(super) fn locate_access_log(&self) -> Option<Location> {
        Location::resolve(self.access_log.as_ref()?.path()?).ok()
    }

    /// Conceals the current logs, and all files that have or may get their names.
    pub(super) fn conceal_logs(&self, log: Option<&Location>, access_log: Option<&Location>) {
        let access_identity = self.access_log.as_ref().and_then(|log| log.identity());
        let open = self.recorder.identities().into_iter();
        let key_state = self.recorder.locate_key_state();
        let logs = log.into_iter().chain(access_log).chain(&key_state);
        let names = logs.chain(&self.secrets).chain(&self.others);
        let names = names.flat_map(reserved_names);
        let open = open.chain(access_identity).collect();
        self.store.conceal(names.collect(), open);
    }
}

/// The names that lead to a log.
pub(super) fn reserved_names(location: &Location) -> Vec<ReservedName> {
    let names = location.names().iter();
    names
        .map(
            |LogName {
                 directory,
                 directory_identity,
                 name,
             }| { ReservedName::new(Arc::clone(directory), *directory_identity, name) },
        )
        .collect()
}
