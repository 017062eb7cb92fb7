//! The options of the request log.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use thiserror::Error;

use httpserver::request_log::write::Mode;

use super::address::Address;
use super::group::{Group, Need};
use super::values::is_number;

pub(super) const GROUP: Group = Group {
    heading: "Log",
    sentence: "an entry for each request, and in it the bytes of each upload.",
    example: "httpserver -l log.txt 127.0.0.1 8080",
    does: "records what happens in log.txt; 'httpserver-log list log.txt' shows it",
    defaults: &[],
    needs: &[Need {
        option: "log-append",
        needs: "log",
    }],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct LogOptions {
    /// Record every request in FILE
    ///
    /// A log that is there already is kept as FILE.1, FILE.2 and so on.
    #[arg(short, long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(not_an_address))]
    log: Option<PathBuf>,

    /// Continue the log instead of starting a new one
    #[arg(long)]
    log_append: bool,
}

/// What was typed is an address or a port: `-l 127.0.0.1 8080` lacks the file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("it is an address or a port; type './{0}' if a file is to have this name")]
struct LogNameError(String);

fn not_an_address(path: PathBuf) -> Result<PathBuf, LogNameError> {
    match path.to_str() {
        Some(text) if is_number(text) || matches!(Address::parse(text), Ok(Some(_))) => {
            Err(LogNameError(text.to_owned()))
        }
        _ => Ok(path),
    }
}

impl LogOptions {
    /// The log, if there is to be one, and what becomes of an old one.
    pub(super) fn log(self) -> Option<(PathBuf, Mode)> {
        let mode = if self.log_append {
            Mode::Append
        } else {
            Mode::Fresh
        };
        self.log.map(|path| (path, mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_not_called_as_an_address() {
        for (typed, is_name) in [
            ("log.txt", true),
            ("/var/log/x", true),
            ("./8080", true),
            ("./127.0.0.1", true),
            ("example.org", true),
            ("8080.txt", true),
            ("2026-11-27", true),
            ("8080", false),
            ("127.0.0.1", false),
            ("::1", false),
            ("[::1]:8080", false),
            ("localhost", false),
            (":8080", false),
            ("http://localhost", false),
        ] {
            assert_eq!(not_an_address(typed.into()).is_ok(), is_name, "{typed}");
        }
    }
}
