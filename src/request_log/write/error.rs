//! Why a log cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a log cannot be used.
#[derive(Debug, Error)]
pub enum LogError {
    /// It cannot be opened, locked or measured.
    #[error("cannot open the log {}: {source}", path.display())]
    Open {
        /// The log.
        path: PathBuf,
        /// The cause, from open(2), flock(2) or fstat(2).
        source: io::Error,
    },
    /// It is not a regular file, so no range of it can be reserved.
    #[error("cannot use {} as a log: it is not a regular file", .0.display())]
    NotRegular(PathBuf),
    /// It is a directory.
    #[error(
        "cannot use {} as a log: it is a directory; type the name of a file in it, such as {}",
        .0.display(),
        .0.join("log.txt").display()
    )]
    Directory(PathBuf),
    /// Another server uses it.
    #[error("cannot use the log {}: another server is writing to it", .0.display())]
    InUse(PathBuf),
    /// The old log cannot be renamed.
    #[error("cannot keep the old log {} as {}: {source}; --log-append continues it", from.display(), to.display())]
    Keep {
        /// The log.
        from: PathBuf,
        /// Its new name.
        to: PathBuf,
        /// The cause, from renameat2(2).
        source: io::Error,
    },
    /// There is no disk space for it.
    #[error("cannot reserve space for the log {}: {source}", path.display())]
    Space {
        /// The log.
        path: PathBuf,
        /// The cause, from fallocate(2).
        source: io::Error,
    },
    /// Its seal cannot be used.
    #[error("cannot use the seal {}: {reason}", path.display())]
    Seal {
        /// The seal.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The state of the sealing key cannot be used.
    #[error("cannot use {} as the state of a sealing key: {reason}", path.display())]
    State {
        /// The state.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// It cannot be continued.
    #[error("cannot continue the log {}: {reason}", path.display())]
    Recover {
        /// The log.
        path: PathBuf,
        /// The fault in it, and its position.
        reason: String,
    },
}
