//! The files that the server writes itself, besides uploads: each has a name of its own, and clients see none of them.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::cli::{AccessLogTarget, Certificate, Config};
use httpserver::files::Files;
use httpserver::request_log::write::{Location, LogError};

/// A file cannot be the server's own.
#[derive(Debug, Error)]
enum OwnFileError {
    #[error("--{one} and --{two} both name {}: type two names", path.display())]
    Same {
        one: &'static str,
        two: &'static str,
        path: PathBuf,
    },
    #[error("--{two} names {}, which may be a file of --{one}: type another name", path.display())]
    Covered {
        one: &'static str,
        two: &'static str,
        path: PathBuf,
    },
    #[error("cannot use {} of --{option}: {source}", path.display())]
    Open {
        option: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("cannot use {} of --{option}: it is not a regular file", path.display())]
    NotRegular { option: &'static str, path: PathBuf },
}

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The request log and what seals it, whose errors are their own.
    Log,
    /// The access log; it may be a pipe or a device, too.
    AccessLog,
    /// A file that the server reads; where it may be is another's business.
    Read,
    /// A file that other programs read.
    State,
}

/// Reserves the names of all these files, so that nothing is served or stored that has one; opens nothing.
pub(crate) fn reserve(config: &Config, files: &mut Files) -> Result<(), Box<dyn Error>> {
    let mut seen: Vec<(&'static str, Location)> = Vec::new();
    for (option, path, of) in named(config) {
        let location = match (Location::resolve(path), of) {
            (Ok(location), _) => location,
            // No client can have it.
            (Err(LogError::NotRegular { .. }), Use::AccessLog) | (Err(_), Use::Read) => continue,
            (Err(error), Use::State) => return Err(in_our_words(error, option, path)),
            (Err(error), Use::Log | Use::AccessLog) => return Err(error.into()),
        };
        if of == Use::Read {
            seen.push((option, location));
            continue;
        }
        if let Some((one, _)) = seen.iter().find(|(_, other)| other.is_same(&location)) {
            return Err(Box::new(OwnFileError::Same {
                one,
                two: option,
                path: path.to_path_buf(),
            }));
        }
        let covers = |(_, other): &&(&str, Location)| other.covers(&location);
        if let (Use::State, Some((one, _))) = (of, seen.iter().find(covers)) {
            return Err(Box::new(OwnFileError::Covered {
                one,
                two: option,
                path: path.to_path_buf(),
            }));
        }
        match of {
            // What their names lead to may change while the server runs.
            Use::Log | Use::AccessLog => files.reserve_log(path)?,
            Use::State | Use::Read => files.reserve(location.clone()),
        }
        seen.push((option, location));
    }
    Ok(())
}

fn in_our_words(error: LogError, option: &'static str, path: &Path) -> Box<dyn Error> {
    let path = path.to_path_buf();
    Box::new(match error {
        LogError::Open { source, .. } => OwnFileError::Open {
            option,
            path,
            source,
        },
        LogError::NotRegular { .. } => OwnFileError::NotRegular { option, path },
        other => return other.into(),
    })
}

/// The options that name such a file, and the files.
fn named(config: &Config) -> impl Iterator<Item = (&'static str, &Path, Use)> {
    let access_log = match config.access_log.as_ref().map(|log| &log.to) {
        Some(AccessLogTarget::File(path)) => Some(path),
        Some(AccessLogTarget::Stdout) | None => None,
    };
    let log = config.log.as_ref().map(|(log, _)| log);
    let sealing = config.sealing.as_ref();
    let key_state = sealing.and_then(|sealing| sealing.key_state.as_ref());
    let pair = match &config.certificate {
        Some(Certificate::Files(pair)) => Some(pair),
        Some(Certificate::SelfSigned(_)) | None => None,
    };
    let (cert, key) = (
        pair.map(|pair| &pair.certificate),
        pair.map(|pair| &pair.key),
    );
    let (ready, summary) = (&config.harness.ready_file, &config.harness.summary);
    let all = [
        ("log", log, Use::Log),
        ("seal-key", key_state, Use::Log),
        ("access-log", access_log, Use::AccessLog),
        ("tls-cert", cert, Use::Read),
        ("tls-key", key, Use::Read),
        ("users", config.users.as_ref(), Use::Read),
        ("ready-file", ready.as_ref(), Use::State),
        ("summary", summary.as_ref(), Use::State),
    ];
    all.into_iter()
        .filter_map(|(option, path, of)| Some((option, path?.as_path(), of)))
}
