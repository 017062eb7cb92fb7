//! The command line as plain values. This module opens nothing.

mod check;
mod entries;
mod last;
#[cfg(test)]
mod manual;
mod proof;
mod stored;

pub(crate) use self::check::CheckArguments;
pub(crate) use self::entries::{HistoryArguments, ListArguments, StatsArguments};
pub(crate) use self::proof::{CheckpointArguments, SealKeyArguments, SignKeyArguments};
pub(crate) use self::stored::{ExtractArguments, MergeArguments, ReplayArguments};
use clap::{CommandFactory, Parser, Subcommand};

/// Read, check and replay the request log of httpserver.
///
/// The log has one entry per request, with the stored bytes of every PUT. So you can list and count its entries,
/// extract any version of any file, and rebuild the directory. The log may be compressed with gzip or zstd.
#[derive(Debug, Parser)]
#[command(
    name = "httpserver-log",
    version,
    arg_required_else_help = false,
    after_help = EXIT_STATUS,
    after_long_help = EXAMPLES
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the command `help` does.
const HELP: &str = "Print this text, or the help of a command";

impl Cli {
    /// The definition of the command line.
    pub(crate) fn definition() -> clap::Command {
        let mut command = Self::command();
        // The parser adds `help` now, with a text that calls commands subcommands.
        command.build();
        command.mut_subcommand("help", |help| {
            help.about(HELP)
                .mut_subcommand("help", |itself| itself.about(HELP))
        })
    }
}

const EXIT_STATUS: &str = "Exit status: 0 if no fault was found, 1 if one was found or the command failed, 2 if the command line is wrong.";

const EXAMPLES: &str = "\
Examples:
  httpserver-log check log.txt                    is every byte where it belongs?
  httpserver-log check log.txt --against public   does the directory hold what the log says?
  httpserver-log check log.txt --key key.txt      was anything in the sealed log altered?
  httpserver-log list log.txt --failed            the requests that failed
  httpserver-log list log.txt --follow --since 1m what is going on?
  httpserver-log history log.txt notes.txt        every revision of a file
  httpserver-log extract log.txt 7 -o old.txt     what entry 7 stored
  httpserver-log replay log.txt.gz rebuilt        the directory, from the log alone
  httpserver-log merge web-1.txt web-2.txt -o all.txt   the logs of two servers of one root, as one
  xz -dc log.txt.xz | httpserver-log stats -      a log from standard input

Exit status: 0 if no fault was found, 1 if one was found or the command failed, 2 if the command line is wrong.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Check(CheckArguments),
    List(ListArguments),
    Extract(ExtractArguments),
    Replay(ReplayArguments),
    History(HistoryArguments),
    Merge(MergeArguments),
    Stats(StatsArguments),
    SealKey(SealKeyArguments),
    Checkpoint(CheckpointArguments),
    SignKey(SignKeyArguments),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_line_is_consistent() {
        Cli::definition().debug_assert();
    }
}
