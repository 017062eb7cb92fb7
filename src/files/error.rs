//! The reasons for a failed change of a file.

use std::borrow::Cow;
use std::io;

use thiserror::Error;

use crate::store::{StoreError, StoreErrorKind};
use crate::users::{Permissions, Right};

/// The reason for a failed change of a file.
#[derive(Debug, Error)]
pub enum UploadError {
    /// The content is longer than allowed.
    #[error("{}: {}", String::from_utf8_lossy(path), self.reason())]
    TooLong {
        /// The path below the root.
        path: Box<[u8]>,
        /// The limit in bytes.
        limit: u64,
    },
    /// The file system refused it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The requester does not have this right.
    #[error("{}: {}", String::from_utf8_lossy(path), self.reason())]
    NotPermitted {
        /// The path below the root.
        path: Box<[u8]>,
        /// The missing right.
        right: Right,
        /// The requester's permissions.
        permissions: Permissions,
    },
    /// The log has no space for its entry; nothing was stored.
    #[error("{}: {}", String::from_utf8_lossy(path), self.reason())]
    LogFull {
        /// The path below the root.
        path: Box<[u8]>,
        /// The cause, from fallocate(2).
        source: io::Error,
    },
    /// The change took effect, but its entry or its name did not reach the disk.
    #[error("{}: {}", String::from_utf8_lossy(path), self.reason())]
    NotRecorded {
        /// The path below the root.
        path: Box<[u8]>,
        /// The cause, from pwrite(2), pread(2), fdatasync(2) or fsync(2).
        source: io::Error,
    },
}

impl UploadError {
    /// Whether nothing has changed because another server holds the lock of the name.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        matches!(self, Self::Store(error) if error.kind == StoreErrorKind::Locked)
    }

    /// The error in words, without the path.
    #[must_use]
    pub fn reason(&self) -> Cow<'static, str> {
        match self {
            Self::TooLong { limit, .. } => {
                format!("the content is longer than the {limit} bytes that are allowed").into()
            }
            Self::Store(error) => error.kind.reason(),
            Self::NotPermitted { right, .. } => {
                format!("the right to {right} the file is missing").into()
            }
            Self::LogFull { source, .. } => {
                format!("the request log has no space for the entry: {source}").into()
            }
            Self::NotRecorded { source, .. } => {
                format!("the change took effect, but is not recorded: {source}").into()
            }
        }
    }
}
