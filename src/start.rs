//! The start of a server: opens what the command line names, and runs until a signal ends it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::announcement::{Role, announce};
use crate::certificate;
use crate::cli::Config;
use crate::harness::Harness;
use crate::listening::Listening;
use crate::own_files;
use crate::reports::RunningReports;
use httpserver::classic::Classic;
use httpserver::connection::{Dialect, Http};
use httpserver::files::Files;
use httpserver::server::{Listener, Server};
use httpserver::status::{FigureSources, StatusServer};
use httpserver::store::{Attempt, Depth, Store, StoreError, StoreErrorKind};
use httpserver::users::Authenticator;
use httpserver::web::{self, Access, Web};

/// Why a server did not start, in terms of what was typed.
#[derive(Debug, Error)]
enum StartError {
    #[error("cannot serve '{}': {source}{}", root.display(), after_root(source))]
    Root { root: PathBuf, source: io::Error },
    #[error("cannot serve '{}' of --spa from '{}': {kind}", file.display(), root.display())]
    Fallback {
        file: PathBuf,
        root: PathBuf,
        kind: StoreErrorKind,
    },
}

/// What to do about a root that cannot be served.
fn after_root(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "; make it first, or type another",
        io::ErrorKind::NotADirectory => "; type the directory that holds it",
        _ => "",
    }
}

/// Runs the server.
pub(crate) fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let mut harness = Harness::open(&config.harness)?;
    let server = Server::new(config.settings.clone())?;
    let store = Store::open(&config.root, depth(config), config.durability).map_err(|source| {
        StartError::Root {
            root: config.root.clone(),
            source,
        }
    })?;
    let fallback_error = |error: StoreError| StartError::Fallback {
        file: error.path,
        root: config.root.clone(),
        kind: error.kind,
    };
    let mut files = Files::new(store);
    let certificate = certificate::load(config, &mut files)?;
    own_files::reserve(config, &mut files)?;
    harness.prepare(&config.harness)?;
    let mut listening = Listening::bind(&config.listeners, certificate.as_ref())?;
    let status = listening.bind_status(config.status.as_ref())?;
    let users = open_users(config, &mut files)?;
    if let Some(options) = &config.web {
        options.check(&files).map_err(fallback_error)?;
    }
    let reports = RunningReports::open(config, server.stop_handle())?;
    // Last, so that a server that cannot start leaves an old log where it is.
    if let Some((path, mode)) = &config.log {
        let (durability, workers) = (config.durability, config.settings.workers);
        files.open_log(path, *mode, durability, workers, config.sealing.as_ref())?;
    }
    reports.attach_to(&mut files);
    let source = FigureSources::new(reports.reporter(), files.view(), attempt(config));
    let server = report_status(server, source, status, &reports)?;
    match &config.web {
        None => {
            let dialect = Classic::new(files, config.max_body);
            serve(
                server,
                listening,
                (dialect, users),
                config,
                &reports,
                &mut harness,
            )
        }
        Some(options) => {
            let dialect = Web::new(files, options.clone());
            serve(
                server,
                listening,
                (dialect, users),
                config,
                &reports,
                &mut harness,
            )
        }
    }?;
    Ok(harness.tell_end(&reports.finish())?)
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

/// Serves until a signal ends it.
fn serve(
    server: Server,
    listening: Listening,
    (dialect, users): (impl Dialect, Option<Authenticator>),
    config: &Config,
    reports: &RunningReports,
    harness: &mut Harness,
) -> Result<(), Box<dyn Error>> {
    let Listening {
        listeners,
        entrances,
        announced,
    } = listening;
    let http = Http::new(dialect, config.timeouts)
        .listening(entrances)
        .behind(config.proxies.clone())
        .for_users(users)
        .reporting_to(reports.reporter());
    server.run(listeners, http, || {
        announce(&announced, config, reports)?;
        let serving = announced.iter().filter(|one| one.role != Role::Status);
        let addresses = serving.map(ToString::to_string);
        Ok(harness.tell_ready(&addresses.collect::<Vec<_>>())?)
    })
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

/// What clients may do with files.
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
