//! The arguments of commands that make keys and checkpoints.

use clap::Args;
use std::path::PathBuf;

/// Make a key that seals a log.
///
/// The key's state is written to STATE, for `httpserver --seal --seal-key STATE`. The server replaces the key by its
/// hash after each use. The verification key is printed once. It verifies the seal, but could also be used to forge it:
/// keep it in a safe place, not on the machine of the server. On a terminal it is also shown as a QR code.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log seal-key /var/lib/httpserver/key
  httpserver-log seal-key key > verification-key    to be moved to another machine")]
pub(crate) struct SealKeyArguments {
    /// The file to create; it must not exist
    pub(crate) state: PathBuf,
    /// Also draw a QR code of the key if the output is not a terminal
    #[arg(long)]
    pub(crate) qr: bool,
}

/// Print a signed checkpoint of the seal of a log.
///
/// The checkpoint is a signed note (C2SP) with the number of lines in all files of the seal, and the chain value of the
/// last line. Let another person keep it: `check --grown-from` can then show that the log has only grown since.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log checkpoint log.txt --sign-key sign.key > monday.checkpoint
  httpserver-log check log.txt --grown-from monday.checkpoint --verify-key sign.pub")]
pub(crate) struct CheckpointArguments {
    /// The log, beside its seal
    pub(crate) file: PathBuf,
    /// Sign it with the key in FILE; `httpserver-log sign-key` makes one
    #[arg(long, value_name = "FILE")]
    pub(crate) sign_key: PathBuf,
}

/// Make a key that signs checkpoints.
///
/// The key is written to FILE. The key that verifies its signatures is printed; it is not secret.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  httpserver-log sign-key sign.key --name example.org/log > sign.pub")]
pub(crate) struct SignKeyArguments {
    /// The file to create; it must not exist
    pub(crate) file: PathBuf,
    /// The name of the key and its owner: a word without `+`
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
}
