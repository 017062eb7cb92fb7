//! Diagnostics on stderr, filtered by `RUST_LOG`. The default is errors, warnings, and reports of actions that the
//! server took by itself.
//!
//! While a server runs, they go through a [`LineWriter`] if stderr may be a stopped terminal or an unread pipe, since a
//! worker must not wait for it.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock, Weak};

use log::Level;

use crate::systemd::{Variable, is_journal};
use httpserver::line_writer::LineWriter;

/// The level if `RUST_LOG` is not set.
const DEFAULT: &str = "warn,httpserver=info";

/// The writer of diagnostics, if there is one.
static WRITER: OnceLock<Weak<LineWriter>> = OnceLock::new();

/// Set if stderr is the journal.
static IN_JOURNAL: OnceLock<()> = OnceLock::new();

/// The destination of each line.
struct Stderr;

/// Starts printing diagnostics.
///
/// In the journal each line begins with its level, and has no time, since the journal adds it.
pub(crate) fn start(variables: &[Variable]) {
    let environment = env_logger::Env::default().default_filter_or(DEFAULT);
    let mut builder = env_logger::Builder::from_env(environment);
    builder
        .format_target(false)
        .target(env_logger::Target::Pipe(Box::new(Stderr)));
    if is_journal(variables, io::stderr()) {
        let _ = IN_JOURNAL.set(()); // once in a process
        builder.format(|line, record| {
            let mark = level_mark(record.level());
            let said = record.args().to_string();
            writeln!(line, "{mark}{}", said.replace('\n', &format!("\n{mark}")))
        });
    }
    builder.init();
}

/// The prefix of a line of this level if stderr is the journal; see `sd-daemon(3)`.
pub(crate) fn level_mark(level: Level) -> &'static str {
    match level {
        _ if IN_JOURNAL.get().is_none() => "",
        Level::Error => "<3>",
        Level::Warn => "<4>",
        Level::Info => "<6>",
        Level::Debug | Level::Trace => "<7>",
    }
}

/// From now on diagnostics go through this writer, as long as it exists.
pub(crate) fn write_through(writer: &Arc<LineWriter>) {
    // Called once: there is one server in a process.
    let _ = WRITER.set(Arc::downgrade(writer));
}

impl Write for Stderr {
    /// Receives whole lines, each in one call.
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        match WRITER.get().and_then(Weak::upgrade) {
            Some(writer) => {
                writer.append(None, lines);
                Ok(lines.len())
            }
            None => io::stderr().write(lines),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}
