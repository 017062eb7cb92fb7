//! Continuing a log after its server was killed.

use std::fs::File;
use std::path::Path;

use super::open::LogError;

/// Where the next entry of the log in `file` begins.
pub(super) fn recover(file: &File, path: &Path) -> Result<u64, LogError> {
    file.metadata()
        .map(|m| m.len())
        .map_err(|source| LogError::Open {
            path: path.to_path_buf(),
            source,
        })
}
