//! `check`: is every byte of the log where it belongs?

use crate::Verdict;
use crate::against;
use crate::cli::Check;
use crate::failure::Failure;
use crate::journal::{Journal, Keep};
use crate::log_file::{open, open_again};
use crate::text::count;
use httpserver::request_log::format::line::Kind;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::Fault;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{Read, Write};

/// Checks a log and, if asked to, a directory against it.
pub(crate) fn run(options: &Check, out: &mut impl Write) -> Result<Verdict, Failure> {
    let against = match &options.against {
        Some(dir) => Some((dir, open_again(&options.file, "--against")?)),
        None => None,
    };
    let mut bar = ProgressBar::hidden();
    let mut log = open(&options.file, |input, length| {
        bar = progress(length);
        Box::new(bar.wrap_read(input)) as Box<dyn Read>
    })?;
    let name = log.name().to_owned();
    let keep = if against.is_some() {
        Keep::Names
    } else {
        Keep::Counts
    };
    let journal = Journal::read(&mut log, keep, |head, fault| {
        bar.suspend(|| writeln!(out, "{name}: {}", torn(head, fault)).and_then(|()| out.flush()))
            .map_err(Failure::output)
    });
    bar.finish_and_clear();
    let journal = journal?;

    let entries = count(journal.entries, "entry", "entries");
    let bytes = count(log.position(), "byte", "bytes");
    let summary = if journal.torn == 0 {
        format!("{entries}, {bytes}, no gap, no overlap")
    } else {
        format!("{} whole, {} torn, {bytes}", entries, journal.torn)
    };
    writeln!(out, "{name}: {summary}").map_err(Failure::output)?;
    let of_log = if journal.torn == 0 {
        Verdict::Sound
    } else {
        Verdict::Faulty
    };
    let of_dir = match against {
        Some((dir, file)) => against::compare(&name, &file, &journal, dir, out)?,
        None => Verdict::Sound,
    };
    Ok(if of_dir == Verdict::Faulty {
        of_dir
    } else {
        of_log
    })
}

/// The bar shows itself only on a terminal.
fn progress(length: Option<u64>) -> ProgressBar {
    const TEMPLATE: &str = "[{bar:25}] {percent:>3} %  {binary_bytes} of {binary_total_bytes}, {binary_bytes_per_sec}, {eta} left";
    let Some(length) = length else {
        return ProgressBar::hidden();
    };
    let bar = ProgressBar::new(length);
    match ProgressStyle::with_template(TEMPLATE) {
        Ok(style) => bar.with_style(style.progress_chars("=> ")),
        Err(_) => bar,
    }
}

fn torn(head: Option<&EntryHead>, fault: &Fault) -> String {
    match head.map(|head| (head.number, &head.kind)) {
        Some((
            number,
            Kind::Success {
                method,
                name,
                length,
            },
        )) => {
            format!("{fault} (entry {number}, {method} {name} length {length})")
        }
        Some((number, Kind::Failure { status, .. })) => {
            format!("{fault} (entry {number}, response {status})")
        }
        None => fault.to_string(),
    }
}
