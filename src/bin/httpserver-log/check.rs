//! `check`: verifies every byte of a log.

use crate::against::Directory;
use crate::cli::CheckArguments;
use crate::failure::Failure;
use crate::journal::{Journal, Retention};
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::progress;
use crate::proof::Proof;
use crate::seal_files::{require_seal, seal_of};
use crate::sealed::{SealedLog, link};
use crate::source::LogSource;
use crate::text::count;
use crate::until::read_until;
use crate::verdict::Verdict;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::request_log::read::EntryHead;
use httpserver::request_log::read::fault::Fault;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Checks logs and, if requested, compares a directory with one.
pub(crate) fn run(options: &CheckArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let proof = Proof::read(
        options.key.as_deref(),
        options.state.as_deref(),
        options.grown_from.as_deref(),
        options.verify_key.as_deref(),
    )?;
    let against = options.against.as_deref();
    let is_alone = options.files.len() == 1;
    let mut verdict = Verdict::Sound;
    let mut sealed = Vec::new();
    for file in &options.files {
        let seal = if proof.needs_seal() || options.files.len() > 1 {
            Some(require_seal(file)?)
        } else {
            seal_of(file)
        };
        match seal {
            None => verdict = verdict.and(check(file, against, out)?),
            Some(seal) => {
                let source = LogSource::open(file)?;
                let log = SealedLog::verify(&source, &seal, proof.key.as_ref(), &proof.wanted())?;
                verdict = verdict.and(log.say(out)?);
                if let Some(directory) =
                    against.filter(|_| is_alone && log.report.findings.is_empty())
                {
                    verdict = verdict.and(compare(file, directory, out)?);
                }
                sealed.push(log);
            }
        }
    }
    verdict = verdict.and(link(&mut sealed, out)?);
    let is_unaltered = sealed.iter().all(|log| log.report.findings.is_empty());
    if !is_alone && is_unaltered {
        verdict = verdict.and(check_together(&options.files, against, out)?);
    }
    Ok(verdict.and(proof.apply(&sealed, out)?))
}

/// Compares a directory with a log, after the report on the log itself.
fn compare(file: &Path, directory: &Path, out: &mut impl Write) -> Result<Verdict, Failure> {
    let source = LogSource::open_for_two_readings(file, "--against")?;
    let directory = Directory::open(directory)?;
    let bar = progress::bytes("checking", source.length());
    let journal = Journal::read(&mut source.read(&bar)?, Retention::Names, |_, _| Ok(()));
    bar.finish_and_clear();
    directory.compare(&[&source], &journal?, out)
}

/// Checks several logs together: whether versions of several servers are missing, and, if requested, the contents of the
/// directory.
fn check_together(
    files: &[PathBuf],
    against: Option<&Path>,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let logs = LogWithSeal::open_all(files)?;
    let order = match against {
        None => LogOrder::of(&logs)?,
        Some(_) => LogOrder::of_history(&logs)?,
    };
    let mut verdict = Verdict::Sound;
    for hole in order.holes(&logs) {
        writeln!(out, "{hole}").map_err(Failure::output)?;
        verdict = Verdict::Faulty;
    }
    let Some(directory) = against else {
        return Ok(verdict);
    };
    LogWithSeal::require_files(&logs, "--against")?;
    let directory = Directory::open(directory)?;
    let bar = progress::bytes("checking", LogWithSeal::total_length(&logs));
    let mut journal = Journal::default();
    let read = read_until(&logs, &order, None, &bar, |log, record| {
        journal.add(log, record);
        Ok(())
    });
    bar.finish_and_clear();
    read?;
    let sources: Vec<_> = logs.iter().map(|log| &log.source).collect();
    Ok(verdict.and(directory.compare(&sources, &journal, out)?))
}

/// Checks a log that has no seal.
fn check(file: &Path, against: Option<&Path>, out: &mut impl Write) -> Result<Verdict, Failure> {
    let (source, keep) = match against {
        Some(_) => (
            LogSource::open_for_two_readings(file, "--against")?,
            Retention::Names,
        ),
        None => (LogSource::open(file)?, Retention::Counts),
    };
    let directory = against.map(Directory::open).transpose()?;
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
        Some(directory) => directory.compare(&[&source], &journal, out)?,
        None => Verdict::Sound,
    };
    Ok(of_log.and(of_dir))
}

fn torn(head: Option<&EntryHead>, fault: &Fault) -> String {
    match head.map(|head| (head.number, &head.kind)) {
        Some((
            number,
            LoggedRequest::Success {
                method,
                name,
                length,
            },
        )) => {
            format!("{fault} (entry {number}, {method} {name} length {length})")
        }
        Some((number, LoggedRequest::Failure { status, .. })) => {
            format!("{fault} (entry {number}, response {status})")
        }
        None => fault.to_string(),
    }
}
