//! The arguments of commands that give back what was stored: `extract` and `replay`.

use clap::Args;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// Extract the bytes that an entry stored.
///
/// Only PUT entries have any. `list` shows the numbers.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log extract log.txt 7 | less
  httpserver-log extract log.txt 7 -o old.txt")]
pub(crate) struct ExtractArguments {
    /// The log, plain or compressed with gzip or zstd; `-` is standard input
    pub(crate) file: PathBuf,
    /// Number of the entry, from 1
    #[arg(value_name = "N", value_parser = entry_number)]
    pub(crate) number: NonZeroU64,
    /// Write to OUT instead of standard output; it appears, or is replaced, only when all of it is there
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

/// Rebuild a directory from a log.
///
/// The last PUT or DELETE of each name counts. The whole log is read, and every name is checked, before the first file
/// is written. A name that would leave DIR is refused, and so are symbolic links that lead out of it. Torn entries are
/// skipped with a warning: no client was told that they succeeded.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log replay log.txt rebuilt && diff -r rebuilt public
  httpserver-log replay log.txt public --force")]
pub(crate) struct ReplayArguments {
    /// The log, plain or compressed with gzip or zstd; a regular file, since it is read twice
    pub(crate) file: PathBuf,
    /// The directory, absent or empty
    pub(crate) dir: PathBuf,
    /// Replay into a directory that is not empty: files of the same name are replaced, those that the log deletes are
    /// removed, all others stay
    #[arg(long)]
    pub(crate) force: bool,
}

fn entry_number(typed: &str) -> Result<NonZeroU64, &'static str> {
    typed
        .parse()
        .map_err(|_| "not the number of an entry, which is 1 or more")
}
