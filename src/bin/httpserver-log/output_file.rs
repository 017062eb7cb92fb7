//! A file that a command writes: it is created or replaced only when its content is complete.

use crate::failure::{Failure, reason};
use crate::text;
use httpserver::store::{Attachment, CommitCondition, Store, StoreError, StoreErrorKind};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Writes a file. `fill` gets a function, and passes the content to it piece by piece.
pub(crate) fn to_file(
    path: &Path,
    fill: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let target = replaceable(path)?;
    let name = target.file_name().unwrap_or(OsStr::new("")).as_bytes();
    let dir = match target.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let failed = |kind: StoreErrorKind| Failure::File {
        path: text::path(path),
        cause: reason(kind).into_owned(),
    };
    let of = |error: StoreError| failed(error.kind);
    let store = Store::attach(dir, Attachment::Writing).map_err(Failure::file(path))?;
    let target = store.target(name).map_err(of)?;
    let mut staged = store.stage(&target).map_err(of)?;
    fill(&mut |piece| staged.write(piece).map_err(failed))?;
    store
        .commit(staged, &target, &CommitCondition::Always, |_| {})
        .map_err(of)
}

/// The path that a rename can replace: the target of symbolic links, and not a device or a directory.
fn replaceable(path: &Path) -> Result<PathBuf, Failure> {
    match fs::canonicalize(path) {
        Ok(target) if target.is_file() => Ok(target),
        Ok(_) => Err(Failure::NotRegular {
            path: text::path(path),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(path.to_owned()),
        Err(error) => Err(Failure::file(path)(error)),
    }
}
