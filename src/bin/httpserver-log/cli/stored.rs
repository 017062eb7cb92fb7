//! The arguments of `extract`, `replay` and `merge`.

use super::last::split_last;
use crate::failure::Failure;
use crate::until::Until;
use clap::Args;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

const EXTRACT_USAGE: &str = "httpserver-log extract [OPTIONS] <FILE>... <N|NAME>";

const REPLAY_USAGE: &str = "httpserver-log replay [OPTIONS] <FILE>... <DIR>";

/// Extract what an entry stored, or what a name held at a time.
///
/// Only PUT entries have stored bytes. `list` and `history` show the numbers.
#[derive(Debug, Args)]
#[command(override_usage = EXTRACT_USAGE, after_long_help = "\
Examples:
  httpserver-log extract log.txt 7 | less
  httpserver-log extract log.txt 7 -o old.txt
  httpserver-log extract log.txt --at '2026-11-27 12:30' notes/today.txt
  httpserver-log extract log.txt.1 log.txt --at 2h notes/today.txt")]
pub(crate) struct ExtractArguments {
    /// The log, then N or NAME. A log is plain or compressed with gzip or zstd; `-` is standard input. With --at several
    /// are read as one, the oldest first. N is the number of the entry, from 1. With --at, NAME is a name, plain or as the
    /// log writes it
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    arguments: Vec<PathBuf>,
    /// Extract the content of NAME at TIME, or, if TIME is #N, after entry N
    ///
    /// A time needs the seal of the log, and has the forms that `list --help` explains for --since. It is an error if
    /// NAME did not exist at that time.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) at: Option<Until>,
    /// Write to OUT instead of standard output; OUT is created or replaced only when its content is complete
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

/// Rebuild a directory from a log.
///
/// The last PUT or DELETE of each name counts. The whole log is read, and every name is checked, before the first file
/// is written. A name that would leave DIR is refused, and so are symbolic links that lead out of it. Torn entries are
/// skipped with a warning: no client has received a response that they succeeded. Several logs in another order than that of
/// their seals are refused; without seals the order is not checked. Logs of several servers are read in the order of `merge`;
/// missing versions are reported, and the exit status is then 1.
#[derive(Debug, Args)]
#[command(override_usage = REPLAY_USAGE, after_long_help = "\
Examples:
  httpserver-log replay log.txt rebuilt && diff -r rebuilt public
  httpserver-log replay log.txt public --force
  httpserver-log replay log.txt.1 log.txt yesterday --until 2026-11-26")]
pub(crate) struct ReplayArguments {
    /// One or more logs, then DIR. A log is plain or compressed with gzip or zstd, and a regular file, since it is read
    /// twice. Several are read as one, the oldest first. DIR is the directory, absent or empty
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    arguments: Vec<PathBuf>,
    /// Rebuild the directory as it was at TIME, or, if TIME is #N, after entry N
    ///
    /// A time needs the seal of the log, and has the forms that `list --help` explains for --since: `--until
    /// 2026-11-26` includes that day. If an entry up to then does not match the seal, nothing is written.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    pub(crate) until: Option<Until>,
    /// Replay into a directory that is not empty: replace files of the same name, remove files that the log deletes,
    /// and keep all others
    #[arg(long)]
    pub(crate) force: bool,
}

/// Merge the logs of several servers of one root into one log.
///
/// The servers must share the root (--shared), seal their logs (--seal), and have names (--server-id). The changes of each name
/// are in the order of the versions in the seals, even if the clocks differ; all other entries are in the order of time. Torn
/// entries are left out with a warning. If versions are missing, because a log was not given or a server was killed, they are
/// reported, and the exit status is 1. The result has no seal. `replay`, `extract --at`, `history`, `list` and `check --against`
/// read the logs of several servers in the same order, so these need not be merged first.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log merge web-1.txt web-2.txt -o all.txt && httpserver-log check all.txt --against public
  httpserver-log merge web-1.txt.1 web-1.txt web-2.txt | httpserver-log stats -")]
pub(crate) struct MergeArguments {
    /// The logs of all servers, old ones included, in any order, each with its seal beside it; plain or compressed with gzip or zstd
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Write to OUT instead of standard output; OUT is created or replaced only when its content is complete
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
}

impl ExtractArguments {
    /// The logs, and the number or name.
    pub(crate) fn split(&self) -> Result<(&[PathBuf], &OsStr), Failure> {
        let (files, last) = split_last(&self.arguments, "<N|NAME>", EXTRACT_USAGE)?;
        Ok((files, last.as_os_str()))
    }
}

impl ReplayArguments {
    /// The logs, and the directory.
    pub(crate) fn split(&self) -> Result<(&[PathBuf], &Path), Failure> {
        split_last(&self.arguments, "<DIR>", REPLAY_USAGE)
    }
}
