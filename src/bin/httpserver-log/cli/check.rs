//! The arguments of `check`.

use clap::Args;
use std::path::PathBuf;

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
/// with number and time. Several files that follow each other are verified together, which finds a missing file between them. So are the logs of several
/// servers of one root (see `merge`), which finds missing versions.
/// The last lines of the output say what this does not prove.
///
/// Without a seal it cannot find a change after which every line is still valid, since the log has no checksums:
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
#[command(after_long_help = "\
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
    /// permissions and empty directories are not compared. The log must be a regular file, since it is read twice. Several logs are
    /// read as one, as `replay` does.
    #[arg(long, value_name = "DIR")]
    pub(crate) against: Option<PathBuf>,
    /// Verify the authentication codes of the seal with the verification key in FILE
    ///
    /// `httpserver-log seal-key` printed that key. This finds alterations after which the chain was recomputed.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// Compare the end of the seal with the state of its key
    ///
    /// The state must belong to the last line. Otherwise the end of log and seal was cut off, the newest files are
    /// missing, or an older state was put back. While the server runs, the state may be a second behind.
    #[arg(long, value_name = "STATE")]
    pub(crate) state: Option<PathBuf>,
    /// Verify that the seal only grew since the checkpoint in FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) grown_from: Option<PathBuf>,
    /// Verify the signature of that checkpoint with the key in FILE
    #[arg(long, value_name = "FILE", requires = "grown_from")]
    pub(crate) verify_key: Option<PathBuf>,
}
