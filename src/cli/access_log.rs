//! The options of the access log.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use thiserror::Error;

use httpserver::access_log::AccessLogFormat;

use super::group::{Default, Group, Requirement};
use super::log::not_an_address;

pub(super) const GROUP: Group = Group {
    heading: "Access log",
    sentence: "a line for each request, without its content: time, client, request and result.",
    example: "httpserver --access-log access.log --access-log-format json 127.0.0.1 8080",
    does: "appends an object of JSON to access.log for each request",
    defaults: &[Default {
        option: "access-log-format",
        holds: "combined",
    }],
    needs: &[Requirement {
        option: "access-log-format",
        needs: "access-log",
    }],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct AccessLogOptions {
    /// Append a line for each request to FILE
    ///
    /// FILE may be - for stdout. SIGHUP opens it again.
    #[arg(long, value_name = "FILE", hide_short_help = true, value_parser = PathBufValueParser::new().try_map(not_an_address))]
    access_log: Option<PathBuf>,

    /// Format of the lines: combined, as Apache httpd and nginx write it, or json
    #[arg(long, value_name = "FORMAT", hide_short_help = true, value_parser = format)]
    access_log_format: Option<AccessLogFormat>,
}

/// A requested access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AccessLog {
    pub(crate) to: AccessLogTarget,
    pub(crate) format: AccessLogFormat,
}

/// The destination of an access log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum AccessLogTarget {
    File(PathBuf),
    Stdout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it must be combined or json")]
struct FormatError;

fn format(typed: &str) -> Result<AccessLogFormat, FormatError> {
    match typed {
        "combined" => Ok(AccessLogFormat::Combined),
        "json" => Ok(AccessLogFormat::Json),
        _ => Err(FormatError),
    }
}

impl AccessLogOptions {
    /// The access log, if requested.
    pub(super) fn access_log(self) -> Option<AccessLog> {
        let format = self.access_log_format.unwrap_or(AccessLogFormat::Combined);
        self.access_log.map(|path| AccessLog {
            to: if path.as_os_str() == "-" {
                AccessLogTarget::Stdout
            } else {
                AccessLogTarget::File(path)
            },
            format,
        })
    }
}
