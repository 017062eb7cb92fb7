//! The errors of file operations; a dialect maps each to a status.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use rustix::io::Errno;
use thiserror::Error;

/// An error and its file.
#[derive(Debug, Error)]
#[error("{}: {kind}", path.display())]
pub struct StoreError {
    /// The path below the root.
    pub path: PathBuf,
    /// The kind of the error.
    pub kind: StoreErrorKind,
}

/// The kind of an error of a file operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The file does not exist, or a component of its path is not a directory (ENOENT, ENOTDIR).
    NotFound,
    /// A directory of its path, or its staged file, was removed in the meantime.
    Vanished,
    /// Another machine has replaced or removed it between two calls (ESTALE), also in the second attempt.
    Stale,
    /// The root was removed, and there is no other.
    RootGone,
    /// The file system has lost its storage: its process or machine is gone (ENOTCONN, ECONNABORTED,
    /// ESHUTDOWN, EHOSTDOWN).
    Disconnected,
    /// The storage failed in the call by which the change takes effect, so the change may have taken effect.
    Uncertain(Errno),
    /// It belongs to the server, which keeps it from clients: the log, an upload in progress.
    Concealed,
    /// It may not be read, written or replaced (EACCES, EPERM).
    Forbidden,
    /// Nothing on its file system may be changed (EROFS).
    ReadOnly,
    /// It is a directory.
    Directory,
    /// It is a directory that is not empty (ENOTEMPTY).
    NotEmpty,
    /// It is a directory for the server's own files.
    HoldsServerFiles,
    /// It is neither a regular file nor a directory: a FIFO, a device, a socket; for an upload also a symlink.
    NotRegular,
    /// Its path leads out of the root, or has a loop of symlinks (EXDEV, ELOOP).
    Outside,
    /// No file can have such a name (ENAMETOOLONG, EINVAL, EILSEQ).
    ImpossibleName,
    /// It is a mount point, or the system uses it in another way (EBUSY).
    Busy,
    /// Another server that shares the root holds the lock of the name. Nothing has changed; the operation may be
    /// retried.
    Locked,
    /// The condition of the replacement does not hold.
    ConditionFailed,
    /// The disk, the quota or a directory is full (ENOSPC, EDQUOT, EMLINK).
    NoSpace,
    /// It is larger than the file system allows (EFBIG).
    TooLarge,
    /// The system has no descriptor or memory for it now (EMFILE, ENFILE, ENOMEM).
    Exhausted,
    /// Anything else.
    Io(Errno),
}

impl StoreErrorKind {
    /// The error in words, without the path.
    #[must_use]
    pub fn reason(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NotFound => "no such file",
            Self::Vanished => {
                "its directory, or what was received of it, was removed in the meantime"
            }
            Self::Stale => "was replaced or removed on another machine in the meantime",
            Self::RootGone => "the directory that is served was removed",
            Self::Disconnected => "the file system has lost the connection to its storage",
            Self::Concealed => "belongs to the server",
            Self::Forbidden => "permission denied",
            Self::ReadOnly => "the file system is read-only",
            Self::Directory => "is a directory",
            Self::NotEmpty => "the directory is not empty",
            Self::HoldsServerFiles => "the server keeps files of its own in this directory",
            Self::NotRegular => "is not a regular file",
            Self::Outside => "leads out of the root",
            Self::ImpossibleName => "no file can have this name",
            Self::Busy => "it is a mount point",
            Self::Locked => "another server holds the lock of this name",
            Self::ConditionFailed => "the condition does not hold for the current file",
            Self::NoSpace => "no space left on the disk",
            Self::TooLarge => "larger than the file system allows",
            Self::Exhausted => "the system is out of descriptors or memory",
            Self::Uncertain(errno) => {
                return Cow::Owned(format!(
                    "the storage failed during the change, which may have taken effect: {errno}"
                ));
            }
            Self::Io(errno) => return Cow::Owned(errno.to_string()),
        })
    }
}

impl fmt::Display for StoreErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason())
    }
}

impl StoreError {
    /// The error of the file at `path`.
    #[must_use]
    pub fn new(path: &[u8], kind: StoreErrorKind) -> Self {
        Self {
            path: PathBuf::from(OsStr::from_bytes(path)),
            kind,
        }
    }
}

impl StoreErrorKind {
    /// The kind of an error with a name in an open directory, or with a file that is staged there. If that no longer
    /// exists, it was removed.
    pub(super) fn in_directory(errno: Errno) -> Self {
        match errno {
            Errno::NOENT => Self::Vanished,
            other => other.into(),
        }
    }

    /// The kind of an error in the call by which a change takes effect; `otherwise` is for errors after which nothing
    /// has changed.
    pub(super) fn in_change(errno: Errno, otherwise: impl Fn(Errno) -> Self) -> Self {
        match otherwise(errno) {
            Self::Disconnected | Self::Io(_) => Self::Uncertain(errno),
            kind => kind,
        }
    }

    /// What went wrong in the call by which a staged file takes its name.
    pub(super) fn in_placement(errno: Errno) -> Self {
        Self::in_change(errno, Self::in_directory)
    }

    /// Whether the cause may be that the root is gone.
    pub(super) fn may_be_due_to_root(self) -> bool {
        matches!(
            self,
            Self::NotFound | Self::Vanished | Self::Stale | Self::Disconnected | Self::Uncertain(_)
        )
    }

    /// This error, for the file at `path`.
    pub(super) fn of(self, path: &[u8]) -> StoreError {
        StoreError::new(path, self)
    }
}

impl From<Errno> for StoreErrorKind {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::NOENT | Errno::NOTDIR => Self::NotFound,
            Errno::STALE => Self::Stale,
            Errno::NOTCONN | Errno::CONNABORTED | Errno::SHUTDOWN | Errno::HOSTDOWN => {
                Self::Disconnected
            }
            Errno::ACCESS | Errno::PERM => Self::Forbidden,
            Errno::ROFS => Self::ReadOnly,
            Errno::ISDIR => Self::Directory,
            Errno::NOTEMPTY => Self::NotEmpty,
            Errno::NXIO | Errno::NODEV => Self::NotRegular,
            Errno::XDEV | Errno::LOOP => Self::Outside,
            Errno::NAMETOOLONG | Errno::INVAL | Errno::ILSEQ => Self::ImpossibleName,
            Errno::BUSY => Self::Busy,
            Errno::NOSPC | Errno::DQUOT | Errno::MLINK => Self::NoSpace,
            Errno::FBIG => Self::TooLarge,
            Errno::MFILE | Errno::NFILE | Errno::NOMEM => Self::Exhausted,
            other => Self::Io(other),
        }
    }
}

impl From<io::Error> for StoreErrorKind {
    fn from(error: io::Error) -> Self {
        Errno::from_io_error(&error).unwrap_or(Errno::IO).into()
    }
}

/// Runs a file operation, and once more if a file is stale: on a network file system another machine may replace a file or
/// a directory between two calls, and the path then leads to the new one. `attempt` must begin at the path.
pub(super) fn once_more_if_stale<R>(
    mut attempt: impl FnMut() -> Result<R, StoreErrorKind>,
) -> Result<R, StoreErrorKind> {
    match attempt() {
        Err(StoreErrorKind::Stale) => attempt(),
        done => done,
    }
}
