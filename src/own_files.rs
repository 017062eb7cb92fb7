//! The files that the server writes itself, besides uploads. Each has a name of its own, and clients cannot see them.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::cli::Config;
use crate::paths::{NamedPath, Purpose, named_paths};
use httpserver::files::Files;
use httpserver::request_log::write::{Location, LogError};

/// A file cannot be one of the server's own.
#[derive(Debug, Error)]
enum OwnFileError {
    #[error("--{one} and --{two} both name {}: type different names", path.display())]
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
    #[error("cannot use {} of --{option}: it is a directory; type the name of a file", path.display())]
    Directory { option: &'static str, path: PathBuf },
}

/// Checks that each of these files has a name of its own. Nothing is opened or changed.
pub(crate) fn check(config: &Config) -> Result<(), Box<dyn Error>> {
    locate(config).map(drop)
}

/// Reserves the names of all these files, so that clients can neither get nor store a file with one; opens nothing.
pub(crate) fn reserve(config: &Config, files: &mut Files) -> Result<(), Box<dyn Error>> {
    for Located {
        named, location, ..
    } in locate(config)?
    {
        match named.purpose {
            // The targets of their names may change while the server runs.
            Purpose::Log | Purpose::AccessLog => files.reserve_log(&named.path)?,
            Purpose::State => files.reserve(location),
            // A file that is only read is secret or public; the code that reads it has the rules.
            Purpose::Read | Purpose::Root(_) | Purpose::SelfSigned | Purpose::Socket => {}
        }
    }
    Ok(())
}

/// One of these files.
struct Located {
    named: NamedPath,
    location: Location,
}

/// The locations of these files. Each has a name of its own.
fn locate(config: &Config) -> Result<Vec<Located>, Box<dyn Error>> {
    let mut seen: Vec<Located> = Vec::new();
    for named in named_paths(config) {
        let (option, path, purpose) = (named.option, &named.path, named.purpose);
        if let Purpose::Root(_) | Purpose::SelfSigned | Purpose::Socket = purpose {
            continue; // They are not written as files, or have a directory of their own.
        }
        let location = match (Location::resolve(path), purpose) {
            (Ok(location), _) => location,
            // No client can get it.
            (Err(LogError::NotRegular(_)), Purpose::AccessLog) | (Err(_), Purpose::Read) => {
                continue;
            }
            (Err(error), Purpose::State | Purpose::AccessLog) => {
                return Err(in_our_words(error, option, path));
            }
            (Err(error), _) => return Err(error.into()),
        };
        let taken = |one: &Located, two: &Location| match purpose {
            Purpose::Read => None,
            _ if one.location.is_same(two) => Some(OwnFileError::Same {
                one: one.named.option,
                two: option,
                path: path.clone(),
            }),
            Purpose::State if one.location.covers(two) => Some(OwnFileError::Covered {
                one: one.named.option,
                two: option,
                path: path.clone(),
            }),
            _ => None,
        };
        if let Some(error) = seen.iter().find_map(|one| taken(one, &location)) {
            return Err(Box::new(error));
        }
        seen.push(Located { named, location });
    }
    Ok(seen)
}

fn in_our_words(error: LogError, option: &'static str, path: &Path) -> Box<dyn Error> {
    let path = path.to_path_buf();
    Box::new(match error {
        LogError::Open { source, .. } => OwnFileError::Open {
            option,
            path,
            source,
        },
        LogError::NotRegular(_) => OwnFileError::NotRegular { option, path },
        LogError::Directory(_) => OwnFileError::Directory { option, path },
        other => return other.into(),
    })
}
