//! The start of a server: opens what the command line names, and runs until a signal ends it.

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;

use thiserror::Error;

use crate::announcement::{Role, announce};
use crate::certificate;
use crate::cli::{Config, Sharing};
use crate::harness::Harness;
use crate::listening::{Bound, Listening};
use crate::own_files;
use crate::reports::RunningReports;
use crate::sandbox;
use crate::systemd::{PassedSockets, ServiceManager};
use httpserver::classic::Classic;
use httpserver::confinement::{Account, InForce};
use httpserver::connection::{Dialect, HttpService};
use httpserver::files::Files;
use httpserver::server::{Listener, Server, StopHandle};
use httpserver::status::{FigureSources, StatusServer};
use httpserver::store::{Attempt, Depth, Store, StoreError, StoreErrorKind};
use httpserver::users::Authenticator;
use httpserver::web::{self, Access, Web};

/// Why a server did not start, in terms of what was typed.
#[derive(Debug, Error)]
enum StartError {
    #[error("cannot serve '{}': {source}{}", root.display(), after_root(source))]
    Root { root: PathBuf, source: io::Error },
    #[error("cannot share '{}' with other servers, since nothing can be locked there: {source}", root.display())]
    Lock { root: PathBuf, source: io::Error },
    #[error("cannot start a thread: {0}")]
    Thread(io::Error),
    #[error("as the user '{user}': {cause}")]
    AsUser { user: String, cause: Box<dyn Error> },
    #[error("cannot serve '{}' of --spa from '{}': {kind}", file.display(), root.display())]
    Fallback {
        file: PathBuf,
        root: PathBuf,
        kind: StoreErrorKind,
    },
}

/// The remedy for a root that cannot be served.
fn after_root(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; make it first, or type another",
        io::ErrorKind::NotADirectory => "; type the directory that holds it",
        _ => "",
    }
}

/// The files and sockets that a server has opened before it serves.
struct OpenedFiles {
    files: Files,
    listening: Listening,
    users: Option<Authenticator>,
    reports: RunningReports,
}

/// A server that is complete except for its dialect.
struct PreparedServer<'s> {
    server: Server,
    listening: Listening,
    users: Option<Authenticator>,
    config: &'s Config,
    reports: &'s RunningReports,
    harness: &'s mut Harness,
    manager: &'s ServiceManager,
}

/// Runs the server. The order matters: what needs root comes first; what is opened again later is opened as the user
/// that does so; and what confines a thread comes before there are others.
pub(crate) fn run(config: &Config, mut manager: ServiceManager) -> Result<(), Box<dyn Error>> {
    let mut harness = Harness::open(&config.harness)?;
    let server = Server::new(config.settings.clone())?;
    own_files::check(config)?;
    let bound = bind(config, &mut manager.sockets)?;
    let opened = open(config, bound, &mut harness, server.stop_handle());
    let OpenedFiles {
        files,
        mut listening,
        mut users,
        reports,
    } = opened.map_err(|cause| as_user(config, cause))?;
    let in_force = sandbox::enter(config);
    if config.detail.is_some() {
        say_environment(config, in_force);
    }
    files.start_threads().map_err(StartError::Thread)?;
    reports.start()?;
    if let Some(users) = &mut users {
        users.start()?;
    }
    let source = FigureSources::new(reports.reporter(), files.view(), attempt(config));
    let server = report_status(server, source, listening.status.take(), &reports)?;
    let prepared = PreparedServer {
        server: server.supervised_by(manager.supervisor()),
        listening,
        users,
        config,
        reports: &reports,
        harness: &mut harness,
        manager: &manager,
    };
    match &config.web {
        None => prepared.serve(Classic::new(files, config.max_body)),
        Some(options) => prepared.serve(Web::new(files, options.clone())),
    }?;
    Ok(harness.tell_end(&reports.finish())?)
}

/// Binds the listeners, and becomes the user of `--user`.
fn bind(config: &Config, passed: &mut PassedSockets) -> Result<Bound, Box<dyn Error>> {
    let account = config.user.as_deref().map(Account::find).transpose()?;
    Harness::remove_stale(&config.harness)?;
    let bound = Bound::bind(config, passed)?;
    if let Some(account) = &account {
        bound.hand_over(account)?;
        account.assume()?;
    }
    Ok(bound)
}

/// Opens all that the server uses besides its listeners, and starts no thread.
fn open(
    config: &Config,
    bound: Bound,
    harness: &mut Harness,
    stop: StopHandle,
) -> Result<OpenedFiles, Box<dyn Error>> {
    let store = open_store(config)?;
    let mut files = Files::new(store.within_memory(config.resources.memory));
    let certificate = certificate::load(config, &mut files)?;
    let listening = Listening::new(config, bound, certificate.as_ref());
    own_files::reserve(config, &mut files)?;
    harness.prepare(&config.harness)?;
    let users = open_users(config, &mut files)?;
    if let Some(options) = &config.web {
        options
            .check(&files)
            .map_err(|error| fallback_error(config, error))?;
    }
    let reports = RunningReports::open(config, stop)?;
    // Last, so that a server that cannot start leaves an old log where it is.
    if let Some((path, mode)) = &config.log {
        let (durability, workers) = (config.durability, config.settings.workers);
        files.open_log(path, *mode, durability, workers, config.sealing.as_ref())?;
    }
    reports.attach_to(&mut files);
    Ok(OpenedFiles {
        files,
        listening,
        users,
        reports,
    })
}

/// The files of the root.
fn open_store(config: &Config) -> Result<Store, StartError> {
    let root = || config.root.clone();
    let opened = Store::open(&config.root, depth(config), config.durability);
    let mut store = opened.map_err(|source| StartError::Root {
        root: root(),
        source,
    })?;
    if let Some(mount) = store.caching_mount() {
        log::warn!("the root {} is on {mount}", config.root.display());
    }
    // A server that changes nothing needs no lock.
    if config.sharing == Sharing::Shared && attempt(config) == Attempt::ReadAndWrite {
        store.share().map_err(|source| StartError::Lock {
            root: root(),
            source,
        })?;
    }
    Ok(store)
}

/// An error after the process has become the user of `--user` names that user, which may be the cause.
fn as_user(config: &Config, cause: Box<dyn Error>) -> Box<dyn Error> {
    match config.user.clone() {
        Some(user) => StartError::AsUser { user, cause }.into(),
        None => cause,
    }
}

/// The users, if there are some. No client sees their file.
fn open_users(config: &Config, files: &mut Files) -> Result<Option<Authenticator>, Box<dyn Error>> {
    let Some(path) = &config.users else {
        return Ok(None);
    };
    let users = Authenticator::open(path)?;
    files.conceal_secret(path)?;
    Ok(Some(users))
}

/// Says on stderr what confines the process and what it may use, in the first lines there. A stderr that is gone keeps no
/// server from starting.
fn say_environment(config: &Config, in_force: Option<InForce>) {
    let in_force = match in_force {
        Some(in_force) => in_force.to_string(),
        None => "nothing (--no-sandbox)".to_owned(),
    };
    let workers = config.settings.workers;
    let plural = if workers.get() == 1 { "" } else { "s" };
    let lines = format!(
        "confined: {in_force}\nresources: {}; {workers} worker{plural}\n",
        config.resources
    );
    let _ = io::stderr().write_all(lines.as_bytes());
}

/// The fault of the file of `--spa`.
fn fallback_error(config: &Config, error: StoreError) -> StartError {
    StartError::Fallback {
        file: error.path,
        root: config.root.clone(),
        kind: error.kind,
    }
}

impl PreparedServer<'_> {
    /// Serves in this dialect until a signal ends the server.
    fn serve(self, dialect: impl Dialect) -> Result<(), Box<dyn Error>> {
        let Listening {
            listeners,
            entrances,
            announced,
            ..
        } = self.listening;
        let http = HttpService::new(dialect, self.config.timeouts)
            .listening(entrances)
            .behind(self.config.proxies.clone())
            .for_users(self.users)
            .reporting_to(self.reports.reporter());
        self.server.run(listeners, http, || {
            announce(&announced, self.config, self.reports)?;
            let serving = announced.iter().filter(|one| one.role != Role::Status);
            let addresses: Vec<_> = serving.map(ToString::to_string).collect();
            self.harness.tell_ready(&addresses)?;
            self.manager.tell_ready(&addresses);
            Ok(())
        })
    }
}

/// Has the server say what it does: for SIGUSR2, and to the clients of its status, if there is one.
fn report_status(
    server: Server,
    source: FigureSources,
    status: Option<Listener>,
    reports: &RunningReports,
) -> Result<Server, Box<dyn Error>> {
    let print = reports.printer();
    let signalled = source.clone();
    let server = server.on_status_signal(move |view| print(&signalled.snapshot(view).text()));
    let Some(listener) = status else {
        return Ok(server);
    };
    let status = StatusServer::new(listener, source)
        .map_err(|error| format!("cannot set up the status: {error}"))?;
    Ok(server.beside(move |view| status.run(view)))
}

/// The rights of clients to files.
fn attempt(config: &Config) -> Attempt {
    match &config.web {
        Some(web::Options {
            access: Access::ReadOnly,
            ..
        }) => Attempt::Read,
        Some(_) | None => Attempt::ReadAndWrite,
    }
}

/// How deep uploads go.
fn depth(config: &Config) -> Depth {
    match &config.web {
        Some(web::Options {
            access: Access::Writable,
            ..
        }) => Depth::Tree,
        // No server of this kind makes any below the root.
        Some(_) | None => Depth::Root,
    }
}
