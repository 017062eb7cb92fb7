//! The options for the served files and the operation of the server.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgAction, Args};
use thiserror::Error;

use httpserver::durable::Durability;
use httpserver::reporting::Detail;
use httpserver::server_id::ServerId;

use super::group::{Default, Group, Requirement};
use super::positionals::DialectChoice;
use super::values::{self, ValueError};

/// The default output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Nothing but errors.
    Quiet,
    /// The addresses of the server; on a terminal also uploads and a summary.
    Normal,
}

pub(super) const GROUP: Group = Group {
    heading: "Serve",
    sentence: "what is served, and how the server runs.",
    example: "httpserver -N 8 --root /srv/files 127.0.0.1 8080",
    does: "serves and stores files of /srv/files with eight worker threads",
    defaults: &[
        Default {
            option: "root",
            holds: ".",
        },
        Default {
            option: "threads",
            holds: "4, with --web auto",
        },
        Default {
            option: "user",
            holds: "the user that starts the server",
        },
    ],
    needs: &[Requirement {
        option: "server-id",
        needs: "seal",
    }],
};

/// The most worker threads. The kernel limits stacks to about 13,000 (`vm.max_map_count`). Since a worker never waits
/// for a client, more than a few for each processor would have no work.
const MOST_THREADS: usize = 4096;

/// Enough for one processor, since a worker may wait for a disk.
const FEW_THREADS: NonZeroUsize = NonZeroUsize::new(4).expect("it is not 0");

/// The most worker threads for `auto`.
const MOST_AUTO: NonZeroUsize = NonZeroUsize::new(256).expect("it is not 0");

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct ServeOptions {
    /// Serve and store files in DIR
    ///
    /// With --web the argument ROOT does the same.
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,

    /// Worker threads
    ///
    /// A slow client does not keep a worker busy. With 'auto' there is one for each processor, and at least 4.
    #[arg(short = 'N', long, value_name = "N", value_parser = threads)]
    threads: Option<Threads>,

    /// Print nothing on stdout
    ///
    /// On stderr, leave out addresses, uploads and the summary. Warnings, errors and the lines of -v are still printed.
    #[arg(short, long)]
    quiet: bool,

    /// Print a line on stderr for each request
    ///
    /// -vv also prints a line for each connection that is opened or closed.
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,

    /// Respond only when the file and its log entry are on the disk
    ///
    /// Without this option, they survive a kill of the server, but not always a power cut.
    #[arg(long, hide_short_help = true)]
    durable: bool,

    /// Share the root with other servers
    ///
    /// All servers on the root must have this option. Then conditional changes, such as uploads with If-Match, hold across all of
    /// them. They lock the file .httpserver-lock in the root.
    #[arg(long, hide_short_help = true)]
    shared: bool,

    /// Name of the server in its seal and in the access log
    ///
    /// Servers that share a root must have different names. 'httpserver-log merge' needs them to merge the logs.
    #[arg(long, value_name = "ID", hide_short_help = true)]
    pub(super) server_id: Option<ServerId>,
}

/// Whether other servers change files in the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// No other server does.
    Alone,
    /// Other servers may.
    Shared,
}

/// The requested number of worker threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Threads {
    /// One for each processor, and at least [`FEW_THREADS`].
    Auto,
    Count(NonZeroUsize),
}

impl Threads {
    pub(super) fn by_default(dialect: DialectChoice) -> Self {
        match dialect {
            DialectChoice::Classic => Self::Count(FEW_THREADS),
            DialectChoice::Web => Self::Auto,
        }
    }
}

impl fmt::Display for Threads {
    /// The typed form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Count(count) => count.fmt(f),
        }
    }
}

/// The typed text is not a number of threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum ThreadsError {
    #[error("{}, or auto", ValueError::Count)]
    Word,
    #[error(transparent)]
    Count(ValueError),
}

fn threads(typed: &str) -> Result<Threads, ThreadsError> {
    match values::count::<MOST_THREADS>(typed) {
        Ok(count) => Ok(Threads::Count(count)),
        Err(ValueError::Count) if typed == "auto" => Ok(Threads::Auto),
        Err(ValueError::Count) => Err(ThreadsError::Word),
        Err(error) => Err(ThreadsError::Count(error)),
    }
}

impl ServeOptions {
    /// The number of workers on a machine with this many processors.
    pub(super) fn workers(&self, processors: NonZeroUsize, dialect: DialectChoice) -> NonZeroUsize {
        match self.threads.unwrap_or(Threads::by_default(dialect)) {
            Threads::Auto => processors.clamp(FEW_THREADS, MOST_AUTO),
            Threads::Count(count) => count,
        }
    }

    pub(super) fn verbosity(&self) -> Verbosity {
        if self.quiet {
            Verbosity::Quiet
        } else {
            Verbosity::Normal
        }
    }

    /// The lines that are printed on any stderr.
    pub(super) fn detail(&self) -> Option<Detail> {
        match self.verbose {
            0 => None,
            1 => Some(Detail::Requests),
            2.. => Some(Detail::Connections),
        }
    }

    pub(super) fn sharing(&self) -> Sharing {
        if self.shared {
            Sharing::Shared
        } else {
            Sharing::Alone
        }
    }

    pub(super) fn durability(&self) -> Durability {
        if self.durable {
            Durability::Storage
        } else {
            Durability::Kernel
        }
    }
}
