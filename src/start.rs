//! The start of a server: opens what the command line names, and runs until a signal ends it.

use std::error::Error;
use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::announcement::{Announced, announce};
use crate::cli::{Config, ListenerConfig, Place};
use crate::reports::{self, RunningReports};
use httpserver::classic::Classic;
use httpserver::connection::{Dialect, Entrance, Http};
use httpserver::files::Files;
use httpserver::server::{Listener, Server};
use httpserver::store::{Depth, Store, StoreError, StoreErrorKind};
use httpserver::web::{self, Access, Web};

/// How the server's URLs begin.
const SCHEME: &str = "http";

/// Why a server did not start, in terms of what was typed.
#[derive(Debug, Error)]
enum StartError {
    #[error("cannot serve '{}': {source}{}", root.display(), after_root(source))]
    Root { root: PathBuf, source: io::Error },
    #[error("cannot listen on {listen}: {source}{}", after_listen(source))]
    Listen { listen: String, source: io::Error },
    #[error("cannot listen on unix:{}: {source}{}", path.display(), after_listen_unix(source))]
    ListenUnix { path: PathBuf, source: io::Error },
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

/// What to do about an address that cannot be listened on.
fn after_listen(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; type another port, or 0 for one that is free",
        io::ErrorKind::AddrNotAvailable => "; type an address of this machine, or 0.0.0.0 for all",
        io::ErrorKind::PermissionDenied => "; type a port above 1023, such as 8080",
        _ => "",
    }
}

/// What to do about a path that cannot be listened on.
fn after_listen_unix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; a server listens there: stop it, or type another path",
        io::ErrorKind::AlreadyExists => "; type another path",
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::InvalidFilename => "; type a path of fewer than 108 bytes",
        _ => "",
    }
}

/// Runs the server.
pub(crate) fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let server = Server::new(config.settings.clone())?;
    let store = Store::open(&config.root, depth(config), config.durability).map_err(|source| {
        StartError::Root {
            root: config.root.clone(),
            source,
        }
    })?;
    let listeners = config.listeners.iter().map(listen);
    let listeners = listeners.collect::<Result<Vec<_>, _>>()?;
    let fallback_error = |error: StoreError| StartError::Fallback {
        file: error.path,
        root: config.root.clone(),
        kind: error.kind,
    };
    let mut files = Files::new(store);
    if let Some((path, _)) = &config.log {
        files.reserve_log(path)?;
        let sealing = config.sealing.as_ref();
        if let Some(state) = sealing.and_then(|sealing| sealing.key_state.as_ref()) {
            files.reserve_log(state)?;
        }
    }
    reports::reserve(config, &files)?;
    if let Some(options) = &config.web {
        options.check(&files).map_err(fallback_error)?;
    }
    let reports = RunningReports::open(config)?;
    // Last, so that a server that cannot start leaves an old log where it is.
    if let Some((path, mode)) = &config.log {
        let (durability, workers) = (config.durability, config.settings.workers);
        files.open_log(path, *mode, durability, workers, config.sealing.as_ref())?;
    }
    reports.attach_to(&mut files);
    match &config.web {
        None => {
            let dialect = Classic::new(files, config.max_body);
            serve(server, listeners, dialect, config, &reports)
        }
        Some(options) => {
            let dialect = Web::new(files, options.clone());
            serve(server, listeners, dialect, config, &reports)
        }
    }?;
    reports.finish();
    Ok(())
}

/// Serves until a signal ends it.
fn serve(
    server: Server,
    listeners: Vec<Listener>,
    dialect: impl Dialect,
    config: &Config,
    reports: &RunningReports,
) -> Result<(), Box<dyn Error>> {
    let announced = listeners.iter().map(|listener| Announced {
        scheme: SCHEME,
        place: listener.local().clone(),
    });
    let announced: Vec<_> = announced.collect();
    let entrances = config.listeners.iter().map(|one| Entrance {
        proxy_protocol: one.proxy_protocol,
    });
    let http = Http::new(dialect, config.timeouts)
        .listening(entrances.collect())
        .behind(config.proxies.clone())
        .reporting_to(reports.reporter());
    server.run(listeners, http, || announce(&announced, config, reports))
}

/// Binds a listener.
fn listen(config: &ListenerConfig) -> Result<Listener, StartError> {
    match &config.place {
        Place::Internet(listen) => {
            Listener::bind(&listen.addresses).map_err(|source| StartError::Listen {
                listen: listen.to_string(),
                source,
            })
        }
        Place::Unix { path, mode } => {
            Listener::bind_unix(path, *mode).map_err(|source| StartError::ListenUnix {
                path: path.clone(),
                source,
            })
        }
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
