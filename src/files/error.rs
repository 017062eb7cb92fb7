//! Why a change of a file is refused.

use std::io;

use thiserror::Error;

use crate::store::StoreError;

/// Why an upload is refused.
#[derive(Debug, Error)]
pub enum UploadError {
    /// More content came than is allowed.
    #[error(
        "{}: longer than the {limit} bytes that are allowed",
        String::from_utf8_lossy(path)
    )]
    TooLong {
        /// The path below the root.
        path: Box<[u8]>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file system refused it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log has no space for its entry; nothing was stored.
    #[error(
        "{}: no space for its entry in the log: {source}",
        String::from_utf8_lossy(path)
    )]
    LogFull {
        /// The path below the root.
        path: Box<[u8]>,
        /// The cause, from fallocate(2).
        source: io::Error,
    },
    /// It is stored, and its entry or its name did not reach the disk.
    #[error(
        "{}: stored, but not recorded: {source}",
        String::from_utf8_lossy(path)
    )]
    NotRecorded {
        /// The path below the root.
        path: Box<[u8]>,
        /// The cause, from pwrite(2), pread(2), fdatasync(2) or fsync(2).
        source: io::Error,
    },
}
