//! The options for programs that start a server, wait until it is ready, and stop it, such as tests and graders.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use thiserror::Error;

use super::group::{Default, Group};
use super::log::log_path;
use super::values;
use crate::harness::HarnessConfig;

pub(super) const GROUP: Group = Group {
    heading: "Harness",
    sentence: "for tests and other programs that start a server.",
    example: "httpserver -q --ready-file ready --exit-after 3 --max-time 1m 127.0.0.1 0",
    does: "writes its address to the file 'ready', and stops after three requests or a minute",
    defaults: &[
        Default {
            option: "exit-after",
            holds: "no limit",
        },
        Default {
            option: "max-time",
            holds: "no limit",
        },
    ],
    needs: &[],
};

/// More requests than any test sends.
const MOST_REQUESTS: usize = 1 << 30;

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct HarnessOptions {
    /// Write a line of JSON to FILE when the server listens
    ///
    /// Its keys are pid, addresses, started and version. FILE is removed before the start and at the end.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_parser = PathBufValueParser::new().try_map(log_path))]
    ready_file: Option<PathBuf>,

    /// Write the same line to descriptor N, and close it
    ///
    /// The descriptor is a pipe or a file that the server inherits, 3 or more.
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = descriptor)]
    ready_fd: Option<u32>,

    /// Write a summary to FILE at shutdown, as JSON
    ///
    /// It has the requests by status, the bytes, the log entries and the longest turn.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_parser = PathBufValueParser::new().try_map(log_path))]
    summary: Option<PathBuf>,

    /// Stop when N requests are answered
    ///
    /// Requests in progress are finished, as after SIGTERM, so a few more may be answered.
    #[arg(long, value_name = "N", hide_short_help = true, value_parser = values::count::<MOST_REQUESTS>)]
    pub(super) exit_after: Option<NonZeroUsize>,

    /// Stop after TIME, as after SIGTERM
    #[arg(long, value_name = "TIME", hide_short_help = true, value_parser = values::duration)]
    pub(super) max_time: Option<Duration>,
}

/// A harness never passes a descriptor with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "it must be the number of a descriptor from 3 to 2147483647; stdin, stdout and stderr have those below"
)]
struct DescriptorError;

fn descriptor(typed: &str) -> Result<u32, DescriptorError> {
    match typed.parse() {
        Ok(number @ 3..=0x7fff_ffff) if values::is_number(typed) => Ok(number),
        _ => Err(DescriptorError),
    }
}

impl HarnessOptions {
    /// The reports and their destinations.
    pub(super) fn config(self) -> HarnessConfig {
        HarnessConfig {
            ready_file: self.ready_file,
            ready_fd: self.ready_fd,
            summary: self.summary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_are_inherited_ones() {
        for (typed, expected) in [
            ("3", Some(3)),
            ("2147483647", Some(2_147_483_647)),
            ("2", None),
            ("0", None),
            ("-3", None),
            ("+3", None),
            ("2147483648", None),
            ("three", None),
            ("", None),
        ] {
            assert_eq!(descriptor(typed).ok(), expected, "{typed}");
        }
    }
}
