//! `httpserver`: parses the command line and runs the server.
#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")
)]

mod announcement;
mod certificate;
mod cli;
mod diagnostics;
mod harness;
mod hash_password;
mod listening;
#[cfg(test)]
mod made_files;
mod network;
mod own_files;
mod paths;
mod reports;
mod sandbox;
mod start;
mod systemd;

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use self::cli::{Invocation, Surroundings};
use self::systemd::{ServiceManager, Variable};

fn main() -> ExitCode {
    let variables: Vec<_> = std::env::vars_os().collect();
    diagnostics::start(&variables);
    match run(&variables) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let level = diagnostics::level_mark(log::Level::Error);
            eprintln!("{level}httpserver: {}", one_line(&error.to_string()));
            ExitCode::FAILURE
        }
    }
}

fn run(variables: &[Variable]) -> Result<(), Box<dyn Error>> {
    let sockets = systemd::names_of_sockets(variables)?;
    let surroundings = Surroundings {
        variables,
        sockets: &sockets,
    };
    match cli::read(std::env::args_os(), surroundings)? {
        Invocation::Run(config) => {
            let manager = ServiceManager::connect(variables, sockets);
            start::run(&config, manager)
        }
        Invocation::Print(text) => output(&text),
        Invocation::HashPassword => output(&hash_password::run()?),
    }
}

fn output(text: &str) -> Result<(), Box<dyn Error>> {
    print(text).map_err(|error| format!("cannot write to standard output: {error}").into())
}

/// Prints help, the version or a hash. A closed pipe is not an error.
fn print(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// A message on one line: without the error numbers of the standard library, and with the control characters of
/// arguments escaped.
fn one_line(message: &str) -> String {
    let mut line = String::new();
    let mut rest = message;
    while let Some((before, after)) = rest.split_once(" (os error ") {
        line.push_str(before);
        rest = after
            .trim_start_matches(|c: char| c.is_ascii_digit())
            .trim_start_matches(')');
    }
    line.push_str(rest);
    line.chars().fold(String::new(), |mut line, c| {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_one_line_in_the_words_of_the_system() {
        for (message, line) in [
            ("plain", "plain"),
            (
                "cannot open x: No such file or directory (os error 2)",
                "cannot open x: No such file or directory",
            ),
            ("a (os error 2); b (os error 13)", "a; b"),
            ("two\nlines\r\x1b[31m", "two\\nlines\\r\\u{1b}[31m"),
            ("caf\u{e9}", "caf\u{e9}"),
            ("", ""),
        ] {
            assert_eq!(one_line(message), line);
        }
        let error = io::Error::from_raw_os_error(98);
        assert_eq!(one_line(&error.to_string()), "Address already in use");
    }
}
