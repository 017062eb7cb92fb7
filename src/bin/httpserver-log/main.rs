//! `httpserver-log`: reads, checks and replays the request log.
//!
//! Each subcommand is a module. They read the log through `httpserver::request_log::read` and files through
//! `httpserver::store`, so they use the server's own code. This file maps results to exit statuses: 0 for no fault, 1
//! for a fault or a failure, 2 for a wrong command line.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]

mod against;
mod check;
mod checkpoint;
mod cli;
mod compression;
mod contents;
mod extract;
mod failure;
mod follow;
mod growing;
mod interruption;
mod journal;
mod json;
mod list;
mod log_order;
mod log_reader;
mod logs;
#[cfg(test)]
#[path = "../../made_files.rs"]
mod made_files;
mod merge;
mod mismatches;
mod name;
mod name_events;
mod notes;
mod ordered_records;
mod output_file;
mod pairing;
mod progress;
mod proof;
mod read_ahead;
mod record;
mod records;
mod replay;
mod revisions;
mod seal_entries;
mod seal_files;
mod seal_key;
mod sealed;
mod secret;
mod selected;
mod selection;
mod source;
mod stats;
mod table;
mod text;
mod typed_time;
mod until;
mod usage;
mod verdict;
mod version_order;
mod whole_lines;

use clap::FromArgMatches;
use clap::error::ErrorKind;
use cli::{Cli, Command};
use failure::Failure;
use std::io::{self, Write};
use std::process::ExitCode;
use verdict::Verdict;

fn main() -> ExitCode {
    let parsed = Cli::definition().try_get_matches();
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return end_of_usage(&error),
    };
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let verdict = match &cli.command {
        Command::Check(options) => check::run(options, &mut out),
        Command::List(options) => list::run(options, &mut out),
        Command::History(options) => revisions::run(options, &mut out),
        Command::Extract(options) => extract::run(options, &mut out),
        Command::Replay(options) => replay::run(options, &mut out),
        Command::Merge(options) => merge::run(options, &mut out),
        Command::Stats(options) => stats::run(options, &mut out),
        Command::SealKey(options) => seal_key::run(options, &mut out),
        Command::Checkpoint(options) => checkpoint::run(options, &mut out),
        Command::SignKey(options) => checkpoint::make_key(options, &mut out),
    };
    let flushed = out.flush().map_err(Failure::output);
    match verdict.and_then(|verdict| flushed.map(|()| verdict)) {
        // A closed output, as by `head`, is not an error.
        Ok(Verdict::Sound) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Ok(Verdict::Faulty) => ExitCode::FAILURE,
        Err(failure @ Failure::Usage(_)) => {
            eprintln!("httpserver-log: {failure}");
            ExitCode::from(2)
        }
        Err(failure) => {
            eprintln!("httpserver-log: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Prints the requested help, or the error of the command line.
fn end_of_usage(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let printed = error.print().and_then(|()| io::stdout().flush());
            match printed.map_err(Failure::output) {
                // A closed output is not an error here either.
                Ok(()) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
                Err(failure) => {
                    eprintln!("httpserver-log: {failure}");
                    ExitCode::FAILURE
                }
            }
        }
        _ => {
            eprintln!("httpserver-log: {}", usage::sentence(error));
            ExitCode::from(2)
        }
    }
}
