//! The reports of a server, and their destinations, as the command line asks for them: the access log, and lines for
//! people on stderr.

use std::error::Error;
use std::io::{self, IsTerminal};
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::cli::{AccessLog, AccessLogTarget, Config, Verbosity};
use crate::diagnostics;
use httpserver::files::Files;
use httpserver::line_writer::{Destination, LineWriter, Pace};
use httpserver::reporting::{AnswerLimit, Counting, Detail, Reporter, Reports, Summary, Totals};
use httpserver::server::StopHandle;

/// Why nothing can be reported.
#[derive(Debug, Error)]
enum ReportError {
    #[error("cannot open the access log {}: {source}", path.display())]
    AccessLog { path: PathBuf, source: io::Error },
    #[error("cannot write the access log to stdout: {0}")]
    Stdout(io::Error),
    #[error("cannot write to stderr: {0}")]
    Stderr(io::Error),
    #[error("cannot start a thread that writes lines: {0}")]
    Thread(io::Error),
}

/// The reports of a server that runs.
pub(crate) struct RunningReports {
    reporter: Option<Arc<Reporter>>,
    access_log: Option<Arc<LineWriter>>,
    console: Arc<LineWriter>,
    /// Whether a line says at the end what was done.
    summary: Summary,
}

impl RunningReports {
    /// Opens what lines go to. They are kept until [`RunningReports::start`].
    pub(crate) fn open(config: &Config, stop: StopHandle) -> Result<Self, Box<dyn Error>> {
        let workers = config.settings.workers.get();
        let console = LineWriter::open(Destination::Stderr, Pace::Prompt, workers);
        let console = Arc::new(console.map_err(ReportError::Stderr)?);
        let access_log = match &config.access_log {
            Some(AccessLog { to, .. }) => Some(Arc::new(open_access_log(to, workers)?)),
            None => None,
        };
        let format = config.access_log.as_ref().map(|log| log.format);
        let is_terminal = io::stderr().is_terminal();
        let is_quiet = config.verbosity == Verbosity::Quiet;
        let uploads = (is_terminal && !is_quiet).then_some(Detail::Uploads);
        let summary = if !is_quiet && (is_terminal || config.detail.is_some()) {
            Summary::Kept
        } else {
            Summary::Omitted
        };
        let exit_after = config
            .exit_after
            .and_then(|answers| NonZeroU64::try_from(answers).ok());
        let reports = Reports {
            access_log: format.zip(access_log.clone()),
            server: config
                .sealing
                .as_ref()
                .and_then(|sealing| sealing.server.clone()),
            console: config
                .detail
                .or(uploads)
                .map(|detail| (detail, Arc::clone(&console))),
            summary: match &config.harness.summary {
                Some(_) => Summary::Kept,
                None => summary,
            },
            answers: exit_after.map(|answers| AnswerLimit::new(answers, move || stop.stop())),
            tally: match config.status {
                Some(_) => Counting::On,
                None => Counting::Off,
            },
        };
        Ok(Self {
            reporter: Reporter::new(reports, workers).map(Arc::new),
            access_log,
            console,
            summary,
        })
    }

    /// Starts the threads that write.
    pub(crate) fn start(&self) -> Result<(), Box<dyn Error>> {
        for writer in self.access_log.iter().chain([&self.console]) {
            writer.start().map_err(ReportError::Thread)?;
        }
        // A write to a file is over soon, and then nothing is left to be written at a kill.
        if self.console.identity().is_none() {
            diagnostics::write_through(&self.console);
        }
        Ok(())
    }

    /// Has the access log concealed and opened again together with the request log, and entries reported.
    pub(crate) fn attach_to(&self, files: &mut Files) {
        if let Some(access_log) = &self.access_log {
            files.set_access_log(Arc::clone(access_log));
        }
        if let Some(reporter) = &self.reporter {
            files.make_receipts(reporter.receipts());
        }
    }

    /// Prints lines for people, each with its newline.
    pub(crate) fn print(&self, lines: &str) {
        self.console.append(None, lines.as_bytes());
    }

    /// The writer of lines for people, each with its newline, for as long as the server runs.
    pub(crate) fn printer(&self) -> impl Fn(&str) + Send + 'static {
        let console = Arc::clone(&self.console);
        move |lines| console.append(None, lines.as_bytes())
    }

    /// The receiver of the connections' reports.
    pub(crate) fn reporter(&self) -> Option<Arc<Reporter>> {
        self.reporter.clone()
    }

    /// Ends with a summary, if there is to be one, and returns what was counted. The last lines are written when this
    /// returns, or lost if that takes more than a second.
    pub(crate) fn finish(self) -> Totals {
        let totals = self
            .reporter
            .as_ref()
            .and_then(|reporter| reporter.totals());
        let totals = totals.unwrap_or_default();
        if self.summary == Summary::Kept {
            log::debug!("the longest turn took {}", totals.longest_turn);
            // The terminal has echoed ctrl-C as ^C, which the summary overwrites.
            let start = if io::stderr().is_terminal() { "\r" } else { "" };
            let line = format!("{start}{totals}\n");
            self.console.append(None, line.as_bytes());
        }
        self.console.stop();
        if let Some(access_log) = &self.access_log {
            access_log.stop();
        }
        totals
    }
}

fn open_access_log(to: &AccessLogTarget, workers: usize) -> Result<LineWriter, ReportError> {
    let open = |to| LineWriter::open(to, Pace::Gathered, workers);
    match to {
        AccessLogTarget::Stdout => open(Destination::Stdout).map_err(ReportError::Stdout),
        AccessLogTarget::File(path) => {
            let failed = |source| ReportError::AccessLog {
                path: path.clone(),
                source,
            };
            open(Destination::File(path)).map_err(failed)
        }
    }
}
