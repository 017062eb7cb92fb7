//! The arguments of commands that show entries: `list`, `history` and `stats`.

use super::last::split_last;
use crate::failure::Failure;
use crate::selection::EntrySelection;
use crate::stats::grouping::GroupBy;
use clap::Args;
use std::ffi::OsStr;
use std::num::NonZeroU64;
use std::path::PathBuf;

const HISTORY_USAGE: &str = "httpserver-log history [OPTIONS] <FILE>... <NAME>";

/// List the entries of a log, one per line.
///
/// If there is a seal beside the log (FILE.seal, or FILE.seal.SUFFIX for FILE.SUFFIX), the columns are the entry's
/// number, its time in UTC, the peer's address, the user (`-`: the client did not log in), the status, the bytes of its
/// content, the method and the name. Without a seal they are number, offset in bytes, bytes of content, status, method
/// and name, and the status is `ok` for 2xx and 3xx, since the log does not record which.
///
/// The status is `torn` if the entry is incomplete (see `check`). Names are as in the log: bytes that are not visible
/// ASCII, and `%`, are written %XX.
///
/// A line of the seal counts only if it is in the chain and has the entry's place, first line and content. An entry
/// without such a line is shown with `-` for time, peer and user; a line on stderr has the reason, and the exit status
/// is 1. Authentication codes are not verified: `check --key` does that.
///
/// Several logs are listed one after the other: give kept logs first, the oldest before the others. Logs of several servers
/// are listed in the order of `merge`, but not with --follow.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log list log.txt
  httpserver-log list log.txt --name 'notes/*.txt' --since 2h
  httpserver-log list log.txt --peer 192.0.2.0/24 --user ann --until 2026-11-27
  httpserver-log list log.txt.1.gz log.txt --failed
  httpserver-log list log.txt --follow --since 1m
  httpserver-log list log.txt --json | jq 'select(.bytes > 1000000)'")]
pub(crate) struct ListArguments {
    /// The log; `-` is standard input. Several logs are listed in this order
    ///
    /// A log may be compressed with gzip or zstd.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Print one JSON object per line, with all data of the log and the seal
    ///
    /// The keys are log (if several are given), number, offset and length (of the entry in the log), method, name,
    /// bytes (of content), status, failed, torn; and from the seal: sealed (true: its line was found, false: none
    /// matches, null: not sealed), `seal_number`, time (RFC 3339), peer, port, user, sha256, server, version. Unknown
    /// values are null.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show new entries as they are written, as `tail -F` does
    ///
    /// An entry is shown when it is complete. After a rotation, the new log is followed next; its numbers begin at 1
    /// again. Of several logs the last is followed, which must be a plain file. An incomplete entry is shown as torn if
    /// others follow it and it has not grown for 5 seconds. SIGINT and SIGTERM end the command; so does --until when
    /// that time has passed.
    #[arg(short = 'F', long)]
    pub(crate) follow: bool,
    /// Show names as text
    ///
    /// %XX is decoded, and UTF-8 is shown. Characters that a terminal would interpret or hide are escaped: control
    /// characters (\n, \x1b), characters that are invisible or change the direction (\u{202e}), bytes that are not
    /// UTF-8 (\xff), and the backslash (\\). With --json a field `decoded` is added; it is null if the name is not
    /// UTF-8. A %XX that a client sent in the target of a failed request is decoded, too.
    #[arg(long)]
    pub(crate) decoded: bool,
    #[command(flatten)]
    pub(crate) selection: EntrySelection,
}

/// Show what was stored under a name, and when it was deleted.
///
/// The columns are the number of the revision, from 1, the number of the entry, time, peer, user, status, bytes of
/// content, the first digits of the content's SHA-256, and the method with the name. A deletion is not a revision. The
/// SHA-256 is that of the content in the log; time, peer and user need a seal.
#[derive(Debug, Args)]
#[command(override_usage = HISTORY_USAGE, after_long_help = "\
Examples:
  httpserver-log history log.txt notes/today.txt
  httpserver-log history log.txt.1.gz log.txt notes/today.txt
  httpserver-log history log.txt notes/today.txt --diff 2 3")]
pub(crate) struct HistoryArguments {
    /// One or more logs, then NAME. A log is plain or compressed with gzip or zstd; `-` is standard input. Several are read
    /// as one, the oldest first. NAME is a name, plain or as the log writes it
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    arguments: Vec<PathBuf>,
    /// Show how revision A becomes revision B, as `diff -u` does
    ///
    /// Both must be text in UTF-8 of at most 16 MiB.
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "json", value_parser = revision)]
    pub(crate) diff: Option<Vec<NonZeroU64>>,
    /// Print one JSON object per line, as `list --json` does, with the number of the revision
    #[arg(long)]
    pub(crate) json: bool,
}

/// Count requests by method and status, stored bytes, and names.
///
/// Methods are counted as `list` shows them, up to 100 of them; all others are counted together. For a sealed log, the
/// statuses are those of the seal.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log stats log.txt
  httpserver-log stats log.txt --by day
  httpserver-log stats log.txt --by peer --since 1d
  httpserver-log stats log.txt --json | jq .stored")]
pub(crate) struct StatsArguments {
    /// The log; `-` is standard input. Several logs are counted together
    ///
    /// A log may be compressed with gzip or zstd.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Count requests, uploads and their bytes by day, peer or user
    ///
    /// Days are in UTC. This option needs a seal. Peers and users with the most requests are first. The user `-` stands
    /// for clients that did not log in.
    #[arg(long, value_name = "WHAT")]
    pub(crate) by: Option<GroupBy>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) selection: EntrySelection,
}

/// The number of a revision.
fn revision(typed: &str) -> Result<NonZeroU64, &'static str> {
    let number = typed.parse();
    number.map_err(|_| "not the number of a revision, which is 1 or more")
}

impl HistoryArguments {
    /// The logs, and the name.
    pub(crate) fn split(&self) -> Result<(&[PathBuf], &OsStr), Failure> {
        let (files, last) = split_last(&self.arguments, "<NAME>", HISTORY_USAGE)?;
        Ok((files, last.as_os_str()))
    }
}
