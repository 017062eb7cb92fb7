//! What was typed, as plain values. Nothing is opened here.

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;

/// Read, check and replay the request log of httpserver.
///
/// The log holds one entry per request, and for every PUT the bytes that were stored. So its entries can be listed and
/// counted, any version of any file can be extracted, and the directory can be rebuilt. The log may be compressed with
/// gzip or zstd.
#[derive(Debug, Parser)]
#[command(
    name = "httpserver-log",
    version,
    arg_required_else_help = false,
    after_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXAMPLES: &str = "\
Examples:
  httpserver-log check log.txt                    is every byte where it belongs?
  httpserver-log check log.txt --against public   does the directory hold what the log says?
  httpserver-log check log.txt --key key.txt      was anything in the sealed log altered?
  httpserver-log list log.txt --failed            the requests that failed
  httpserver-log extract log.txt 7 -o old.txt     what entry 7 stored
  httpserver-log replay log.txt.gz rebuilt        the directory, from the log alone
  xz -dc log.txt.xz | httpserver-log stats -      a log from standard input

Exit status: 0 no fault was found, 1 a fault was found or the command failed, 2 the command line is wrong.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(CheckArguments),
    List(ListArguments),
    Extract(ExtractArguments),
    Replay(ReplayArguments),
    Stats(StatsArguments),
    SealKey(SealKeyArguments),
    Checkpoint(CheckpointArguments),
    SignKey(SignKeyArguments),
}

/// Check every byte of a log.
///
/// Entries must follow each other without a gap or an overlap, and every line must be as the server writes it: method,
/// name, length, the offset and the hex digits of each row, and the separator.
///
/// It finds:
///
/// - torn entries. The server was killed, or the disk was full, while it wrote them: after a correct beginning the file
///   ends, or NUL bytes fill the rest. The check lists them and continues after them.
///
/// - corrupt entries. No server writes such bytes: some were changed, added or removed. The check stops at the first
///   one.
///
/// If there is a seal beside the log (FILE.seal, or FILE.seal.SUFFIX for FILE.SUFFIX), each entry is compared with its line in
/// the seal. That finds every change: entries and lines of the seal that were altered, removed, moved or added are named,
/// with number and time. Several files that follow each other are verified together, so that none is missing in between.
/// What this does not prove is said at the end.
///
/// Without a seal it cannot find a change that leaves every line as a server could have written it, since the log has no checksums:
///
/// - a hex digit of a row that was replaced by another (--against finds it if the entry is the last of its name);
///
/// - a letter of a name that was replaced by another; GET, HEAD, DELETE, OPTIONS, or PUT with length 0 in place of each
///   other; another method, target, version or status (300 to 599) in a FAIL line;
///
/// - whole entries that were removed, added, repeated or put in another order.
///
/// An entry that a server is writing at this moment may look torn or corrupt. So may one in which a power cut left a
/// gap.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log check log.txt
  httpserver-log check log.txt --against .
  httpserver-log check log.txt.2 log.txt.1 log.txt --key key.txt --state /var/lib/httpserver/key")]
pub(crate) struct CheckArguments {
    /// The log, plain or compressed with gzip or zstd; `-` is standard input. Several are files of one sealed log
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Compare the files in DIR with the last PUT or DELETE of each name
    ///
    /// The exit status is 1 if a file is missing, has other content, or still exists after its DELETE, or if a directory
    /// cannot be read. Files that are not in the log are listed as notes: they may be older than the log. Times,
    /// permissions and empty directories are not compared. The log must be a regular file, since it is read twice.
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
    /// Verify the authentication codes of the seal with the verification key in FILE
    ///
    /// It is what `httpserver-log seal-key` printed. It finds alterations after which the chain was made anew.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Compare the end of the seal with the state of its key
    ///
    /// The state must be of the last line: else the end of log and seal was cut off, the newest files are missing, or an
    /// older state was put in its place. While the server runs the state may be a second behind.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<PathBuf>,
    /// Verify that the seal only grew since the checkpoint in FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) grown_from: Option<PathBuf>,
    /// Verify the signature of that checkpoint with the key in FILE
    #[arg(long, value_name = "FILE", requires = "grown_from")]
    pub(crate) verify_key: Option<PathBuf>,
}

/// List the entries of a log, one per line.
///
/// If there is a seal beside the log (FILE.seal, or FILE.seal.SUFFIX for FILE.SUFFIX), the columns are the entry's number, its
/// time in UTC, the peer's address, the user (`-`: nobody logged in), the status, the bytes of its content, the method and
/// the name. Without a seal they are number, offset in bytes, bytes of content, status, method and name, and the status is
/// `ok` for 2xx and 3xx, since the log does not hold which.
///
/// The status is `torn` if the entry is not whole (see `check`). Names are as in the log: bytes that are not visible ASCII,
/// and `%`, are written %XX.
///
/// A line of the seal counts only if it is in the chain and has the entry's place, first line and content. An entry without
/// such a line is shown with `-` for time, peer and user; why is said on stderr, and the exit status is 1. Authentication
/// codes are not verified: `check --key` does that.
///
/// Several logs are listed one after the other: give kept logs first, and the oldest of them at first.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log list log.txt
  httpserver-log list log.txt --name notes/today.txt
  httpserver-log list log.txt.1.gz log.txt --failed
  httpserver-log list log.txt --json | jq 'select(.bytes > 1000000)'")]
pub(crate) struct ListArguments {
    /// The log, plain or compressed with gzip or zstd; `-` is standard input. Several are listed in this order
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// One JSON object per line, with all that log and seal hold
    ///
    /// The keys are log (if several are given), number, offset and length (of the entry in the log), method, name, bytes (of content), status,
    /// failed, torn; and from the seal: sealed (true: its line was found, false: none matches, null: not sealed),
    /// `seal_number`, time (RFC 3339), peer, port, user, sha256, server, version. What is not known is null.
    #[arg(long)]
    pub(crate) json: bool,
    /// Show names as text
    ///
    /// %XX is decoded, and UTF-8 is shown. Characters that a terminal would obey or hide are escaped: control characters
    /// (\n, \x1b), characters that are invisible or change the direction (\u{202e}), bytes that are not UTF-8 (\xff),
    /// and the backslash (\\). With --json a field `decoded` is added; it is null where the name is not UTF-8. The
    /// target of a request that failed may have been sent with %XX; these are decoded, too.
    #[arg(long)]
    pub(crate) decoded: bool,
    /// Only entries of this name, plain or as the log writes it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<OsString>,
    /// Only requests that failed
    #[arg(long)]
    pub(crate) failed: bool,
}

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

/// Count requests by method and status, stored bytes, and names.
///
/// Methods are counted as `list` shows them, up to 100 of them; requests with others are counted together.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log stats log.txt
  httpserver-log stats log.txt --json | jq .stored")]
pub(crate) struct StatsArguments {
    /// The log, plain or compressed with gzip or zstd; `-` is standard input
    pub(crate) file: PathBuf,
    /// One JSON object instead of a table
    #[arg(long)]
    pub(crate) json: bool,
}

/// Make a key that seals a log.
///
/// The key's state goes into STATE, for `httpserver --seal --seal-key STATE`, which replaces the key by its hash again and
/// again. The verification key is printed, once: whoever has it can verify the seal, and could also forge it. Keep it in a
/// safe place, not on the machine that runs the server. On a terminal a QR code of it is drawn, too.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log seal-key /var/lib/httpserver/key
  httpserver-log seal-key key > verification-key    to be moved to another machine")]
pub(crate) struct SealKeyArguments {
    /// The file to make; it must not exist
    pub(crate) state: PathBuf,
    /// Draw a QR code of the key, too, where the output is no terminal
    #[arg(long)]
    pub(crate) qr: bool,
}

/// Print how far the seal of a log has come, signed.
///
/// The checkpoint is a signed note (C2SP): the number of lines of the seal, over all its files, and the chain value of the
/// last. Somebody else keeps it, and later `check --grown-from` shows that the log has only grown since.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log checkpoint log.txt --sign-key sign.key > monday.checkpoint
  httpserver-log check log.txt --grown-from monday.checkpoint --verify-key sign.pub")]
pub(crate) struct CheckpointArguments {
    /// The log, beside its seal
    pub(crate) file: PathBuf,
    /// The key in FILE signs it; `httpserver-log sign-key` makes one
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: PathBuf,
}

/// Make a key that signs checkpoints.
///
/// The key goes into FILE. The key that verifies its signatures is printed; everybody may have it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  httpserver-log sign-key sign.key --name example.org/log > sign.pub")]
pub(crate) struct SignKeyArguments {
    /// The file to make; it must not exist
    pub(crate) file: PathBuf,
    /// The name of the key, a word without `+`: who signs
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}

fn entry_number(typed: &str) -> Result<NonZeroU64, &'static str> {
    typed
        .parse()
        .map_err(|_| "not the number of an entry, which is 1 or more")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
