//! A directory for the files of a benchmark.

use std::path::Path;

use tempfile::TempDir;

/// In memory if this machine has such a file system, so that no disk is measured.
pub(crate) fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    directory.expect("a directory")
}
