//! `httpserver-log`: what the request log says, without writing a parser.
//!
//! Each subcommand is a module; they read the log through `httpserver::request_log::reader` and nothing else,
//! so what they tell is what the server's own code understands. This file turns outcomes into exit statuses:
//! 0 all is well, 1 a fault or a failure, 2 a command line that makes no sense.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]

mod against;
mod check;
mod cli;
mod extract;
mod failure;
mod journal;
mod list;
mod log_file;
mod replay;
mod staged;
mod stats;
mod text;
mod tree;

use clap::Parser;
use cli::{Cli, Command};
use failure::Failure;
use std::io;
use std::process::ExitCode;

/// What a subcommand that ran to its end found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// Nothing to object to.
    Sound,
    /// Something is wrong, and it has been said.
    Faulty,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = io::BufWriter::with_capacity(64 * 1024, io::stdout().lock());
    let verdict = match &cli.command {
        Command::Check(options) => check::run(options, &mut out),
        Command::List(options) => list::run(options, &mut out),
        Command::Extract(options) => extract::run(options, &mut out),
        Command::Replay(options) => replay::run(options, &mut out),
        Command::Stats(options) => stats::run(options, &mut out),
    };
    let flushed = io::Write::flush(&mut out).map_err(Failure::output);
    match verdict.and_then(|verdict| flushed.map(|()| verdict)) {
        // Whoever closed our output, such as `head`, has seen enough.
        Ok(Verdict::Sound) | Err(Failure::OutputClosed) => ExitCode::SUCCESS,
        Ok(Verdict::Faulty) => ExitCode::FAILURE,
        Err(failure) => {
            eprintln!("httpserver-log: {failure}");
            ExitCode::FAILURE
        }
    }
}
