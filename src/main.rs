//! `httpserver`: reads the command line, opens what it names, and runs the server until a signal ends it.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]

mod cli;

use std::error::Error;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use thiserror::Error;

use self::cli::{Config, Typed};
use httpserver::classic::Classic;
use httpserver::connection::Http;
use httpserver::files::Files;
use httpserver::request_log::write::Recorder;
use httpserver::server::{Listener, Server};
use httpserver::store::{Depth, Store, StoreError};
use httpserver::web::Access;
use httpserver::web::{self, Web};

/// Why a server did not start, in terms of what was typed.
#[derive(Debug, Error)]
enum StartError {
    #[error("cannot serve '{}': {source}", root.display())]
    Root { root: PathBuf, source: io::Error },
    #[error("cannot listen on {listen}: {source}")]
    Listen { listen: String, source: io::Error },
    #[error("cannot serve the file of --spa: {0}")]
    Fallback(StoreError),
}

fn main() -> ExitCode {
    let typed = match Typed::try_parse() {
        Ok(typed) => typed,
        Err(error) => return explain(&error),
    };
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("warn"))
        .format_target(false)
        .init();
    let result = Config::try_from(typed)
        .map_err(Box::from)
        .and_then(|config| run(&config));
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

/// Prints help and version as they are; a usage error as one line.
fn explain(error: &clap::Error) -> ExitCode {
    if let ErrorKind::DisplayHelp | ErrorKind::DisplayVersion = error.kind() {
        // Nobody is left to tell if stdout is closed.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let mut line = String::new();
    for part in text.lines().take_while(|part| !part.starts_with("Usage:")) {
        let part = part.trim();
        if !part.is_empty() && !part.starts_with("For more information") {
            let _ = write!(line, "{}{part}", if line.is_empty() { "" } else { " " });
        }
    }
    fail(&format!(
        "{}; try 'httpserver --help'",
        line.strip_prefix("error: ").unwrap_or(&line)
    ))
}

fn fail(message: &str) -> ExitCode {
    eprintln!("httpserver: {message}");
    ExitCode::FAILURE
}

fn run(config: &Config) -> Result<(), Box<dyn Error>> {
    let server = Server::new(config.settings.clone())?;
    let store = Store::open(&config.root, depth(config), config.durability).map_err(|source| {
        StartError::Root {
            root: config.root.clone(),
            source,
        }
    })?;
    let listener = Listener::bind(&config.addresses).map_err(|source| StartError::Listen {
        listen: config.listen.clone(),
        source,
    })?;
    // Last, so that a server that cannot start leaves an old log where it is.
    let recorder = match &config.log {
        Some((path, mode)) => {
            Recorder::open(path, *mode, config.durability, config.settings.workers)?
        }
        None => Recorder::none(),
    };
    let files = Files { store, recorder };
    match &config.web {
        None => {
            let dialect = Classic::new(files, config.max_body);
            announce(&listener)?;
            server.run(listener, Http::new(dialect, config.timeouts))?;
        }
        Some(options) => {
            let dialect = Web::new(files, options.clone()).map_err(StartError::Fallback)?;
            announce(&listener)?;
            server.run(listener, Http::new(dialect, config.timeouts))?;
        }
    }
    Ok(())
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
fn announce(listener: &Listener) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "listening on http://{}", listener.local_addr()?)?;
    stdout.flush()
}
