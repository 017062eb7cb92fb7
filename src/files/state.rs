//! What [`Files`] is made of, how its logs are opened, and that clients do not see them.

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
    /// Concealed and opened again together with the request log.
    pub(super) access_log: Option<Arc<LineWriter>>,
    /// Concealed, too.
    pub(super) secrets: Vec<Location>,
    /// Where other files of the server are.
    others: Vec<Location>,
}

impl Files {
    /// The files of this store. Nothing is recorded before [`Files::open_log`].
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

    /// Conceals what is or will be the log at `path`, wherever that is, with all names that begin with its own and a
    /// dot: old logs, and what is torn off. Nothing is opened or changed.
    ///
    /// # Errors
    /// If there can be no log at `path`.
    pub fn reserve_log(&self, path: &Path) -> Result<(), LogError> {
        self.store
            .reserve(reserved_names(&Location::resolve(path)?));
        Ok(())
    }

    /// Conceals a file of the server that is no log, in the same way and for as long as this exists.
    pub fn reserve(&mut self, location: Location) {
        self.store.reserve(reserved_names(&location));
        self.others.push(location);
    }

    /// Records all requests in the log at `path` from now on, for so many workers, and seals it if that is wanted; conceals
    /// log, seal and the state of its key as [`Files::reserve_log`] does.
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

    /// Starts what works beside the workers. Opening a log starts no thread.
    ///
    /// # Errors
    /// From `pthread_create(3)`.
    pub fn start_threads(&self) -> io::Result<()> {
        self.recorder.start_threads()
    }

    /// Conceals the access log that is written so, as [`Files::reserve_log`] does, and opens it again with the request
    /// log.
    pub fn set_access_log(&mut self, access_log: Arc<LineWriter>) {
        self.access_log = Some(access_log);
        let log = self.recorder.locate().and_then(Result::ok);
        self.conceal_logs(log.as_ref(), self.locate_access_log().as_ref());
    }

    /// Where the access log is; `None` if that is a pipe or a device, which no client can have.
    pub(super) fn locate_access_log(&self) -> Option<Location> {
        Location::resolve(self.access_log.as_ref()?.path()?).ok()
    }

    /// Conceals the logs that are written now, and what has or may get their names.
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
