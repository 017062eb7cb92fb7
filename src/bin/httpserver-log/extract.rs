//! `extract`: writes the content that an entry stored.

use crate::cli::ExtractArguments;
use crate::failure::Failure;
use crate::journal::PutEntry;
use crate::log_order::LogOrder;
use crate::log_reader::LogReader;
use crate::logs::LogWithSeal;
use crate::name_events::{NameEvent, TypedName};
use crate::notes::Notes;
use crate::output_file::to_file;
use crate::progress;
use crate::source::LogSource;
use crate::text::{dash, one_line};
use crate::until::{Until, read_until};
use crate::verdict::Verdict;
use httpserver::request_log::format::line::LoggedRequest;
use indicatif::ProgressBar;
use std::ffi::OsStr;
use std::io::{self, IsTerminal, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

/// Writes the content of an entry to standard output, or to a file that appears when it is complete.
pub(crate) fn run(options: &ExtractArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let (files, what) = options.split()?;
    let output = options.output.as_deref();
    match &options.at {
        Some(until) => extract_at(files, &TypedName::new(what), until, output, out),
        None => extract_entry(files, what, output, out),
    }
}

/// The content of an entry, by its number.
fn extract_entry(
    files: &[PathBuf],
    what: &OsStr,
    output: Option<&Path>,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let [file] = files else {
        return Err(Failure::NumberInSeveralLogs);
    };
    let number = what.to_str().and_then(|typed| typed.parse().ok());
    let number: NonZeroU64 = number.ok_or_else(|| {
        let typed = one_line(&what.to_string_lossy());
        Failure::Usage(format!(
            "`{typed}` is not the number of an entry, which is 1 or more"
        ))
    })?;
    let source = LogSource::open(file)?;
    let bar = progress::bytes("searching", source.length());
    let mut log = source.read(&bar)?;
    let found = find(source.name(), &mut log, number);
    bar.finish_and_clear();
    write(&mut log, found?, output, out)
}

/// The content of a name at a time.
fn extract_at(
    files: &[PathBuf],
    name: &TypedName,
    until: &Until,
    output: Option<&Path>,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let logs = LogWithSeal::open_all(files)?;
    LogWithSeal::require_files(&logs, "--at")?;
    let order = LogOrder::of_history(&logs)?;
    let mut notes = Notes::default();
    notes.say_holes(&order.holes(&logs));
    until.require_seals("--at", &logs, files)?;
    let mut state = Err("was not stored up to then".to_owned());
    let mut torn = None;
    let bar = progress::bytes("searching", LogWithSeal::total_length(&logs));
    let read = read_until(&logs, &order, Some(until), &bar, |log, record| {
        match name.event(record) {
            None => {}
            Some(_) if record.torn.is_some() => torn = Some((log, record.offset)),
            Some(NameEvent::Stored) => {
                torn = None;
                state = PutEntry::of(log, record).ok_or_else(String::new);
            }
            Some(NameEvent::Deleted) => {
                torn = None;
                let time = record.sealed().map(|line| format!(" at {}", line.time));
                let (number, time) = (dash(record.number), time.unwrap_or_default());
                state = Err(format!("was deleted by entry {number}{time}"));
            }
        }
        Ok(())
    });
    bar.finish_and_clear();
    read?;
    if let Some((log, offset)) = torn {
        let (log, name) = (logs[log].name(), name.as_logged());
        eprintln!(
            "httpserver-log: {log}: the torn entry at byte {offset} names `{name}` too: what it did is not known"
        );
    }
    let put = state.map_err(|state| Failure::NotThere {
        name: name.as_logged().to_owned(),
        state,
    })?;
    let mut contents = LogWithSeal::contents(&logs)?;
    contents.find(&put)?;
    write(&mut contents.into_log(), put.length, output, out)?;
    Ok(notes.verdict())
}

/// Writes the content of the entry that a log was read up to.
fn write(
    log: &mut LogReader<'_>,
    length: u64,
    output: Option<&Path>,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    match output {
        None => {
            let bar = if io::stdout().is_terminal() {
                ProgressBar::hidden() // the content is in its place
            } else {
                progress::bytes("writing", Some(length))
            };
            copy(log, &bar, |piece| {
                out.write_all(piece).map_err(Failure::output)
            })?;
        }
        Some(path) => {
            let bar = progress::bytes("writing", Some(length));
            to_file(path, |write| copy(log, &bar, write))?;
        }
    }
    Ok(Verdict::Sound)
}

/// Reads up to the head of entry `number`, which must be a PUT; returns the bytes of its content.
fn find(name: &str, log: &mut LogReader<'_>, number: NonZeroU64) -> Result<u64, Failure> {
    let mut last = 0;
    while let Some(head) = log.next_head()? {
        last = head.number;
        if last != number.get() {
            continue;
        }
        let what = match head.kind {
            LoggedRequest::Success {
                method: "PUT",
                length,
                ..
            } => return Ok(length),
            LoggedRequest::Success { method, .. } => method.to_owned(),
            LoggedRequest::Failure { method, status, .. } => {
                format!("{method} that failed with {status}")
            }
        };
        return Err(Failure::NothingStored {
            log: name.to_owned(),
            number,
            what,
        });
    }
    Err(Failure::NoSuchEntry {
        log: name.to_owned(),
        number,
        last,
    })
}

/// Passes the content of the current entry to `write`, piece by piece.
fn copy(
    log: &mut LogReader<'_>,
    bar: &ProgressBar,
    mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    while let Some(piece) = log.content()? {
        write(piece)?;
        bar.inc(piece.len() as u64);
    }
    bar.finish_and_clear();
    Ok(())
}
