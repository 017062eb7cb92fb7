//! What was typed, as plain values. Nothing is opened here.

use clap::{Args, Parser, Subcommand};
use std::num::NonZeroU64;
use std::path::PathBuf;

/// Read, check and replay the request log of httpserver.
///
/// The log holds one entry per request, and for every PUT the bytes that were stored. So it can be listed and
/// counted, it can give back any version of any file, and the directory it tells of can be rebuilt from it.
#[derive(Debug, Parser)]
#[command(name = "httpserver-log", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  httpserver-log check log.txt                    is every byte where it belongs?
  httpserver-log check log.txt --against public   and does the directory hold what the log says?
  httpserver-log list log.txt --failed            what went wrong
  httpserver-log extract log.txt 7 -o old.txt     what entry 7 stored
  httpserver-log replay log.txt rebuilt           the directory, from the log alone
  zcat log.1.gz | httpserver-log stats -          a log from standard input

Exit status: 0 all is well, 1 a fault or a failure, 2 a command line that makes no sense.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(Check),
    List(List),
    Extract(Extract),
    Replay(Replay),
    Stats(Stats),
}

/// Check every byte of a log.
///
/// Entries must follow each other without gap or overlap, and each must be as the server writes it. The first
/// corrupt entry (bytes altered, added or taken away) ends the check. Torn entries (the server was killed or the disk
/// was full while it wrote them) are listed, and what follows them is checked as well. Both make the exit
/// status 1.
///
/// The log has no checksums: a hex digit changed into another one, or a letter of a name into another, is
/// noticed by --against only. An entry that a server is writing meanwhile may look torn or corrupt.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log check log.txt
  httpserver-log check log.txt --against .")]
pub(crate) struct Check {
    /// The log; `-` is standard input
    pub(crate) file: PathBuf,
    /// Compare the files in DIR with the last PUT or DELETE of each name
    ///
    /// A name that is missing, differs, or was deleted and is still there makes the exit status 1. Files the log
    /// does not tell of are noted only: they may be older than the log.
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
}

/// List the entries of a log, one per line.
///
/// The columns are the entry's number, its offset in bytes, the method, the name, the bytes of its content and its
/// status: `ok`, the number of the error response, or `torn` (see `check`). Names are as in the log: bytes that
/// are not visible ASCII, and `%`, are written %XX.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log list log.txt
  httpserver-log list log.txt --name notes/today.txt
  httpserver-log list log.txt --json | jq 'select(.length > 1000000)'")]
pub(crate) struct List {
    /// The log; `-` is standard input
    pub(crate) file: PathBuf,
    /// One JSON object per line: number, offset, kind, name, length, status, failed
    #[arg(long)]
    pub(crate) json: bool,
    /// Only entries of this name, plain or as the log writes it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<std::ffi::OsString>,
    /// Only requests that failed
    #[arg(long)]
    pub(crate) failed: bool,
}

/// Give back the bytes that an entry stored.
///
/// Only PUT entries have any. `list` shows the numbers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log extract log.txt 7 | less
  httpserver-log extract log.txt 7 -o old.txt")]
pub(crate) struct Extract {
    /// The log; `-` is standard input
    pub(crate) file: PathBuf,
    /// Number of the entry, from 1
    #[arg(value_name = "N")]
    pub(crate) number: NonZeroU64,
    /// Write to OUT instead of standard output; it appears, or is replaced, only when all of it is there
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

/// Rebuild a directory from a log.
///
/// The last PUT or DELETE of each name counts. The whole log is read and every name is judged before the first file is
/// written; a name that would leave DIR is refused, and so are symbolic links that lead out of it. Torn
/// entries are passed over with a warning: nobody was told that they succeeded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log replay log.txt rebuilt && diff -r rebuilt public
  httpserver-log replay log.txt public --force")]
pub(crate) struct Replay {
    /// The log; it is read twice, so it must be a file
    pub(crate) file: PathBuf,
    /// The directory, absent or empty
    pub(crate) dir: PathBuf,
    /// Replay into a directory that is not empty: files of the same name are replaced, those the log deletes are
    /// removed, all others stay
    #[arg(long)]
    pub(crate) force: bool,
}

/// Count what a log tells: requests by method and status, bytes, names.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log stats log.txt
  httpserver-log stats log.txt --json | jq .stored")]
pub(crate) struct Stats {
    /// The log; `-` is standard input
    pub(crate) file: PathBuf,
    /// One JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
