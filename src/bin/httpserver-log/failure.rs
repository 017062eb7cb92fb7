//! The failure of a subcommand, in one line with the offending value.

use crate::text;
use httpserver::request_log::read::fault::{Fault, ReadError};
use httpserver::store::StoreErrorKind;
use std::borrow::Cow;
use std::io;
use std::num::NonZeroU64;
use std::path::Path;

/// The end of a run; exit status 1, but for [`Failure::OutputClosed`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The program that reads our standard output closed it. Nothing is printed then.
    #[error("standard output was closed")]
    OutputClosed,
    /// Writing to standard output failed for another reason.
    #[error("standard output: {}", cause(.0))]
    Output(io::Error),
    /// A file or directory could not be used.
    #[error("{path}: {cause}")]
    File { path: String, cause: String },
    /// The log has a fault.
    #[error("{log}: {fault}")]
    Fault { log: String, fault: Fault },
    /// The file does not begin like a log.
    #[error("{log}: not an httpserver log: {decompressed} begins with `{head}`")]
    NotALog {
        log: String,
        /// `it`, or `decompressed, it`.
        decompressed: &'static str,
        head: String,
    },
    /// It is compressed in a way that is not supported.
    #[error(
        "{log}: not an httpserver log, but {format} data: \
         type `{command} {log} | httpserver-log ... -`"
    )]
    Compressed {
        log: String,
        format: &'static str,
        command: &'static str,
    },
    /// Only a regular file can be read twice.
    #[error("{log}: {purpose} reads the log twice, which {input} does not allow: type a file")]
    ReadTwice {
        log: String,
        purpose: &'static str,
        /// The kind of its input.
        input: &'static str,
    },
    /// Logs that are read as one are given in the wrong order.
    #[error("{log} is older than {newer} by their seals: type the oldest log first")]
    NewerFirst { log: String, newer: String },
    /// One of the logs of several servers cannot be put in order with the others.
    #[error("cannot order the entries of {log} among those of '{one}' and '{other}': {reason}")]
    NoServer {
        log: String,
        reason: String,
        one: String,
        other: String,
    },
    /// A change has no version.
    #[error(
        "{log}: {entry} has no version in the seal, so its place among the entries of other servers is not known: its server ran without \
         --shared, or the entry was altered"
    )]
    NoVersion { log: String, entry: String },
    /// Two changes have one version.
    #[error(
        "{one} and {other} have the same version {number}: the logs are of different roots, or were altered, or the file system of \
         the root did not show one server the version that another had taken"
    )]
    Conflict {
        number: u64,
        one: String,
        other: String,
    },
    /// Every entry waits for another.
    #[error(
        "{log}: the entry at byte {offset} follows a change that is in a seal and not in its log; `httpserver-log check` shows \
         what was altered"
    )]
    NoOrder { log: String, offset: u64 },
    /// A log is given twice.
    #[error("{log} and {other} are the same log")]
    SameFile { log: String, other: String },
    /// There is nothing to merge.
    #[error(
        "merge needs the logs of several servers, and seals with their names: start the servers with --shared, --seal and --server-id"
    )]
    OneServer,
    /// There is nothing to verify a log with.
    #[error("{log}: there is no seal, {seal}")]
    NoSeal {
        log: String,
        /// The name that it would have.
        seal: String,
    },
    /// An option needs a seal.
    #[error("{option} needs the seal of {log}, which has times, peers and users: {seal}")]
    OptionNeedsSeal {
        option: &'static str,
        log: String,
        /// The reason why there is no seal.
        seal: String,
    },
    /// A wrong command line that is detected late; exit status 2.
    #[error("{0}")]
    Usage(String),
    /// It is not known whether an entry was made before a time.
    #[error("{log}: the time of the entry at byte {offset} is not known: {reason}")]
    TimeUnknown {
        log: String,
        offset: u64,
        reason: String,
    },
    /// A number refers to an entry of one log.
    #[error("the number of an entry counts in one log: type one FILE, or a time")]
    NumberInSeveralLogs,
    /// A log cannot be followed.
    #[error(
        "{log}: only a plain file can be followed, not a compressed one, a pipe or standard input"
    )]
    NotFollowed { log: String },
    /// A followed log was cut.
    #[error("{log}: it was cut to {length} bytes after {read} had been read: no server cuts a log")]
    Shrunk { log: String, length: u64, read: u64 },
    /// A name is not in the log.
    #[error("nothing was stored or deleted under `{name}`")]
    NoHistory { name: String },
    /// A name did not exist at a time.
    #[error("`{name}` {state}")]
    NotThere { name: String, state: String },
    /// A name has fewer revisions.
    #[error("`{name}` has no revision {number}, the last is {last}")]
    NoSuchRevision {
        name: String,
        number: NonZeroU64,
        last: u64,
    },
    /// A revision is not text, or is too long.
    #[error("`{name}`: revision {number} {reason}; `httpserver-log extract` writes it to a file")]
    NotCompared {
        name: String,
        number: u64,
        reason: &'static str,
    },
    /// A seal is incomplete.
    #[error("{seal}: {finding}")]
    Altered { seal: String, finding: String },
    /// An entry was removed while the log was read.
    #[error("{log}: the log was changed while it was read")]
    Changed { log: String },
    /// The log has fewer entries.
    #[error("{log}: there is no entry {number}, the last is {last}")]
    NoSuchEntry {
        log: String,
        number: NonZeroU64,
        last: u64,
    },
    /// The entry holds no content.
    #[error("{log}: entry {number} is a {what} and stored nothing; only a PUT stores bytes")]
    NothingStored {
        log: String,
        number: NonZeroU64,
        what: String,
    },
    /// The output exists and is not a regular file.
    #[error("{path}: exists and is not a regular file")]
    NotRegular { path: String },
    /// The file for a key exists.
    #[error("{path}: it exists, and a key in it would be lost: type a name that is free")]
    KeyExists { path: String },
    /// The directory of a replay is not empty.
    #[error("{path}: the directory is not empty: type another, or --force to replay into it")]
    NotEmpty { path: String },
    /// A name does not refer to a file below the directory.
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
    pub(crate) fn file(path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = text::path(path.as_ref());
        move |error| Self::File {
            path,
            cause: cause(&error),
        }
    }

    /// The failure of reading the log called `log`.
    pub(crate) fn reading(log: &str, error: ReadError) -> Self {
        match error {
            ReadError::Fault(fault) => Self::Fault {
                log: log.to_owned(),
                fault,
            },
            ReadError::Input(error) => Self::file(log)(error),
        }
    }
}

/// Why something could not be done with a file below a directory.
pub(crate) fn reason(kind: StoreErrorKind) -> Cow<'static, str> {
    match kind {
        StoreErrorKind::Outside => {
            "a symbolic link leads out of the directory, or in circles".into()
        }
        kind => kind.reason(),
    }
}

/// The text of an error, without the number that [`io::Error`] appends.
pub(crate) fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
