//! The arguments of commands that make keys and checkpoints.

use clap::Args;
use std::path::PathBuf;

/// Make a key that seals a log.
///
/// The key's state goes into STATE, for `httpserver --seal --seal-key STATE`, which replaces the key by its hash again and
/// again. The verification key is printed, once. It verifies the seal, and could also be used to forge it: keep it in a safe
/// place, not on the machine that runs the server. On a terminal a QR code of it is drawn, too.
#[derive(Debug, Args)]
#[command(after_long_help = "\
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

/// Print a signed checkpoint of the seal of a log.
///
/// The checkpoint is a signed note (C2SP): the number of lines of the seal, over all its files, and the chain value of the
/// last. Have another person keep it: later `check --grown-from` shows that the log has only grown since.
#[derive(Debug, Args)]
#[command(after_long_help = "\
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
/// The key goes into FILE. The key that verifies its signatures is printed; it is not secret.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log sign-key sign.key --name example.org/log > sign.pub")]
pub(crate) struct SignKeyArguments {
    /// The file to make; it must not exist
    pub(crate) file: PathBuf,
    /// The name of the key and its owner: a word without `+`
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}
