//! The options of the request log.

use std::path::PathBuf;

use clap::Args;

use httpserver::request_log::write::Mode;

use super::group::{Group, Need};

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
    #[arg(short, long, value_name = "FILE")]
    log: Option<PathBuf>,

    /// Continue the log instead of starting a new one
    #[arg(long)]
    log_append: bool,
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
