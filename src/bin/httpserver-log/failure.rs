//! Why a subcommand could not do its work, in one line that names the value at fault.

use httpserver::request_log::read::fault::Fault;
use std::io;
use std::num::NonZeroU64;

/// The end of a run; exit status 1, but for [`Failure::OutputClosed`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Standard output was closed by who reads it. Not worth a word.
    #[error("standard output was closed")]
    OutputClosed,
    /// Standard output took no more for another reason.
    #[error("standard output: {0}")]
    Output(io::Error),
    /// A file or directory could not be used.
    #[error("{path}: {cause}")]
    File { path: String, cause: io::Error },
    /// The log has a fault.
    #[error("{log}: {fault}")]
    Fault { log: String, fault: Fault },
    /// Standard input can be read once only.
    #[error("-: {purpose} reads the log twice, which standard input does not allow: give a file")]
    ReadTwice { purpose: &'static str },
    /// The log has fewer entries.
    #[error("{log}: there is no entry {number}, the last is {last}")]
    NoSuchEntry {
        log: String,
        number: NonZeroU64,
        last: u64,
    },
    /// The entry holds no content.
    #[error("{log}: entry {number} is a {what} and stored nothing, only a PUT does")]
    NothingStored {
        log: String,
        number: NonZeroU64,
        what: String,
    },
    /// The output is something that a file must not take the place of.
    #[error("{path}: exists and is not a regular file")]
    NotRegular { path: String },
    /// A replay would mix with what is there.
    #[error("{path}: the directory is not empty (--force replays into it all the same)")]
    NotEmpty { path: String },
    /// A name is not that of a file below the directory.
    #[error("{log}: entry {number}: the name `{name}` {reason}")]
    Name {
        log: String,
        number: u64,
        name: String,
        reason: &'static str,
    },
}

impl Failure {
    /// The failure of a write to standard output.
    pub(crate) fn output(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::OutputClosed
        } else {
            Self::Output(error)
        }
    }

    /// The failure of something done with the file at `path`.
    pub(crate) fn file(path: impl AsRef<std::path::Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().display().to_string();
        move |cause| Self::File { path, cause }
    }
}
