//! `extract`: the bytes that an entry stored.

use crate::Verdict;
use crate::cli::Extract;
use crate::failure::Failure;
use crate::log_file::{LogFile, open_plain};
use crate::staged::Staged;
use httpserver::request_log::format::line::Kind;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Write};
use std::num::NonZeroU64;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Writes the content of an entry to standard output, or to a file that appears when all of it is there.
pub(crate) fn run(options: &Extract, out: &mut impl Write) -> Result<Verdict, Failure> {
    let mut log = open_plain(&options.file)?;
    find(&mut log, options.number)?;
    match &options.output {
        None => {
            while let Some(piece) = log.content()? {
                out.write_all(piece).map_err(Failure::output)?;
            }
        }
        Some(path) => to_file(&mut log, path)?,
    }
    Ok(Verdict::Sound)
}

/// Reads up to the head of entry `number`, which must be a PUT.
fn find(log: &mut LogFile, number: NonZeroU64) -> Result<(), Failure> {
    let mut last = 0;
    while let Some(head) = log.next_head()? {
        last = head.number;
        if last != number.get() {
            continue;
        }
        let what = match head.kind {
            Kind::Success { method: "PUT", .. } => return Ok(()),
            Kind::Success { method, .. } => method.to_owned(),
            Kind::Failure { method, status, .. } => format!("{method} that failed with {status}"),
        };
        return Err(Failure::NothingStored {
            log: log.name().to_owned(),
            number,
            what,
        });
    }
    Err(Failure::NoSuchEntry {
        log: log.name().to_owned(),
        number,
        last,
    })
}

fn to_file(log: &mut LogFile, path: &Path) -> Result<(), Failure> {
    let target = replaceable(path)?;
    let name = target.file_name().unwrap_or(OsStr::new("")).as_bytes();
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let dir = File::open(dir).map_err(Failure::file(path))?;
    let mut staged = Staged::create(dir.into()).map_err(Failure::file(path))?;
    while let Some(piece) = log.content()? {
        staged
            .file()
            .write_all(piece)
            .map_err(Failure::file(path))?;
    }
    staged.commit(name).map_err(Failure::file(path))
}

/// The path that a rename can replace: behind symbolic links, and not a device or a directory.
fn replaceable(path: &Path) -> Result<PathBuf, Failure> {
    match fs::canonicalize(path) {
        Ok(target) if target.is_file() => Ok(target),
        Ok(_) => Err(Failure::NotRegular {
            path: path.display().to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(Failure::file(path)(error)),
    }
}
