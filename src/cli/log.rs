//! The options of the request log.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use thiserror::Error;

use httpserver::request_log::write::{Mode, Sealing};
use httpserver::server_id::ServerId;

use super::address::Address;
use super::group::{Group, Requirement};
use super::values::is_number;

pub(super) const GROUP: Group = Group {
    heading: "Log",
    sentence: "an entry for each request, with the bytes of each upload.",
    example: "httpserver -l log.txt 127.0.0.1 8080",
    does: "records every request in log.txt; 'httpserver-log list log.txt' lists them",
    defaults: &[],
    needs: &[
        Requirement {
            option: "log-append",
            needs: "log",
        },
        Requirement {
            option: "seal",
            needs: "log",
        },
        Requirement {
            option: "seal-key",
            needs: "seal",
        },
    ],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct LogOptions {
    /// Record every request in FILE
    ///
    /// An existing log is renamed: the UTC time of its last change is appended, as in FILE.20261127T103312Z.
    #[arg(short, long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(log_path))]
    log: Option<PathBuf>,

    /// Continue the log instead of starting a new one
    #[arg(long)]
    log_append: bool,

    /// Seal the log in FILE.seal
    ///
    /// A line for each entry records its time, peer and user, and reveals later alterations of the log. 'httpserver-log
    /// check' verifies it.
    #[arg(long)]
    seal: bool,

    /// Seal with the key in STATE
    ///
    /// 'httpserver-log seal-key STATE' makes it. The key is replaced by its own hash after each use, so an intruder
    /// cannot alter entries that were sealed before.
    #[arg(long, value_name = "STATE", hide_short_help = true)]
    seal_key: Option<PathBuf>,
}

/// Why a name is not accepted for a log or another file of the server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum LogNameError {
    /// In `-l 127.0.0.1 8080` the file is missing.
    #[error("it is an address or a port; type './{0}' if a file is to have this name")]
    Address(String),
    /// Space cannot be reserved in a pipe, and a pipe cannot be replaced by rename.
    #[error("it must be a file, and cannot be standard output; type './-' for a file of this name")]
    StandardOutput,
}

pub(super) fn log_path(path: PathBuf) -> Result<PathBuf, LogNameError> {
    if path.as_os_str() == "-" {
        return Err(LogNameError::StandardOutput);
    }
    not_an_address(path)
}

/// Refuses a value that is more likely to be the next argument.
pub(super) fn not_an_address(path: PathBuf) -> Result<PathBuf, LogNameError> {
    match path.to_str() {
        Some(text) if is_number(text) || matches!(Address::parse(text), Ok(Some(_))) => {
            Err(LogNameError::Address(text.to_owned()))
        }
        _ => Ok(path),
    }
}

impl LogOptions {
    /// The sealing of the log, with the name of the server, if requested.
    pub(super) fn sealing(&self, server: Option<ServerId>) -> Option<Sealing> {
        self.seal.then(|| Sealing {
            key_state: self.seal_key.clone(),
            server,
        })
    }

    /// The log, if requested, and the treatment of an old one.
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
    fn name_of_a_log_is_neither_an_address_nor_standard_output() {
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
            ("-", false),
            ("./-", true),
        ] {
            assert_eq!(log_path(typed.into()).is_ok(), is_name, "{typed}");
        }
    }
}
