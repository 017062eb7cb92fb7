//! Splits `FILE... NAME`. clap parses them as one list, so that options may be between the files and the name.

use crate::failure::Failure;
use std::path::{Path, PathBuf};

/// The last argument, which messages call `name`, and the files before it.
pub(super) fn split_last<'a>(
    arguments: &'a [PathBuf],
    name: &str,
    usage: &str,
) -> Result<(&'a [PathBuf], &'a Path), Failure> {
    match arguments {
        [files @ .., last] if !files.is_empty() => Ok((files, last)),
        _ => Err(Failure::Usage(format!("{name} is missing; usage: {usage}"))),
    }
}
