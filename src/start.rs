//! The start of a server: opens what the command line names, and runs until a signal ends it.

use std::error::Error;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use thiserror::Error;

use crate::cli::{Config, Verbosity};
use httpserver::classic::Classic;
use httpserver::connection::Http;
use httpserver::files::Files;
use httpserver::server::{Listener, Server};
use httpserver::store::{Depth, Store, StoreError, StoreErrorKind};
use httpserver::web::{self, Access, Web};

/// Why a server did not start, in terms of what was typed.
#[derive(Debug, Error)]
enum StartError {
    #[error("cannot serve '{}': {source}{}", root.display(), after_root(source))]
    Root { root: PathBuf, source: io::Error },
    #[error("cannot listen on {listen}: {source}{}", after_listen(source))]
    Listen { listen: String, source: io::Error },
    #[error("cannot serve '{}' of --spa from '{}': {kind}", file.display(), root.display())]
    Fallback {
        file: PathBuf,
        root: PathBuf,
        kind: StoreErrorKind,
    },
    #[error("cannot say on stdout where the server listens: {0}; type -q to start without")]
    Stdout(io::Error),
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

/// Runs the server.
pub(crate) fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let server = Server::new(config.settings.clone())?;
    let store = Store::open(&config.root, depth(config), config.durability).map_err(|source| {
        StartError::Root {
            root: config.root.clone(),
            source,
        }
    })?;
    let listener =
        Listener::bind(&config.listen.addresses).map_err(|source| StartError::Listen {
            listen: config.listen.to_string(),
            source,
        })?;
    let fallback_error = |error: StoreError| StartError::Fallback {
        file: error.path,
        root: config.root.clone(),
        kind: error.kind,
    };
    let mut files = Files::new(store);
    if let Some((path, _)) = &config.log {
        files.reserve_log(path)?;
    }
    if let Some(options) = &config.web {
        options.check(&files).map_err(fallback_error)?;
    }
    // Last, so that a server that cannot start leaves an old log where it is.
    if let Some((path, mode)) = &config.log {
        files.open_log(path, *mode, config.durability, config.settings.workers)?;
    }
    let address = listener.local_addr()?;
    let announce = || announce(address, config.verbosity).map_err(Box::from);
    match &config.web {
        None => {
            let dialect = Classic::new(files, config.max_body);
            server.run(listener, Http::new(dialect, config.timeouts), announce)
        }
        Some(options) => {
            let dialect = Web::new(files, options.clone());
            server.run(listener, Http::new(dialect, config.timeouts), announce)
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

/// Says where the server listens, so that a script need not choose a port.
fn announce(address: SocketAddr, verbosity: Verbosity) -> Result<(), StartError> {
    if verbosity == Verbosity::Quiet {
        return Ok(());
    }
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{address}")
        .and_then(|()| stdout.flush())
        .map_err(StartError::Stdout)
}
