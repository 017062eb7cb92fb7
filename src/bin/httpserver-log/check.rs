//! `check`: is every byte of the log where it belongs?

use crate::against::Directory;
use crate::cli::Check;
use crate::failure::Failure;
use crate::journal::{Journal, Keep};
use crate::progress;
use crate::source::Source;
use crate::text::count;
use crate::verdict::Verdict;
use httpserver::request_log::format::line::Kind;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::Fault;
use std::io::Write;

/// Checks a log and, if asked to, a directory against it.
pub(crate) fn run(options: &Check, out: &mut impl Write) -> Result<Verdict, Failure> {
    let (source, keep) = match options.against {
        Some(_) => (
            Source::open_for_two_readings(&options.file, "--against")?,
            Keep::Names,
        ),
        None => (Source::open(&options.file)?, Keep::Counts),
    };
    let directory = options
        .against
        .as_deref()
        .map(Directory::open)
        .transpose()?;
    let name = source.name();
    let bar = progress::bytes("checking", source.length());
    let mut log = source.read(&bar)?;
    let journal = Journal::read(&mut log, keep, |head, fault| {
        bar.suspend(|| writeln!(out, "{name}: {}", torn(head, fault)).and_then(|()| out.flush()))
            .map_err(Failure::output)
    });
    bar.finish_and_clear();
    let journal = journal?;

    let entries = count(journal.entries, "entry", "entries");
    let bytes = count(journal.bytes, "byte", "bytes");
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
    let of_dir = match directory {
        Some(directory) => directory.compare(&source, &journal, out)?,
        None => Verdict::Sound,
    };
    Ok(if of_dir == Verdict::Faulty {
        of_dir
    } else {
        of_log
    })
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
