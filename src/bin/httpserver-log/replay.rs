//! `replay`: rebuilds a directory from the log.
//!
//! 1. Read the whole log; keep the place of the last entry of each name. Stop if the log is corrupt.
//! 2. Check every name. Stop if one would leave the directory.
//! 3. Remove the names with a DELETE as their last entry, the deepest first: files, and directories that are empty by
//!    then.
//! 4. Write each other name once, from its last entry, completely or not at all.

use crate::cli::ReplayArguments;
use crate::contents::Contents;
use crate::failure::{Failure, reason};
use crate::journal::{Deleted, Journal};
use crate::log_order::LogOrder;
use crate::logs::LogWithSeal;
use crate::name::objection;
use crate::notes::Notes;
use crate::progress;
use crate::text::{self, count, visible};
use crate::until::{Until, read_until};
use crate::verdict::Verdict;
use httpserver::store::{Attachment, CommitCondition, Store, StoreError, StoreErrorKind};
use indicatif::ProgressBar;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Rebuilds a directory.
pub(crate) fn run(options: &ReplayArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let (files, dir) = options.split()?;
    let logs = LogWithSeal::open_all(files)?;
    LogWithSeal::require_files(&logs, "replay")?;
    let order = LogOrder::of_history(&logs)?;
    let mut notes = Notes::default();
    notes.say_holes(&order.holes(&logs));
    if let Some(until) = &options.until {
        until.require_seals("--until", &logs, files)?;
    }
    if !options.force {
        require_empty(dir)?;
    }
    let journal = read(&logs, &order, options.until.as_ref())?;
    judge(&logs, &journal)?;

    fs::create_dir_all(dir).map_err(Failure::file(dir))?;
    let store = Store::attach(dir, Attachment::Writing).map_err(Failure::file(dir))?;
    for (path, delete) in journal.deleted() {
        remove(&store, path, delete.what).map_err(|kind| failure(dir, path, kind))?;
    }
    let stored = journal.stored();
    let bytes = stored.iter().map(|(_, put)| put.length).sum();
    let bar = progress::bytes("writing", Some(bytes));
    let mut contents = LogWithSeal::contents(&logs)?;
    for (path, put) in &stored {
        contents.find(put)?;
        write(&store, path, &mut contents, &bar, |kind| {
            failure(dir, path, kind)
        })?;
    }
    bar.finish_and_clear();
    let name = text::path(dir);
    let entries = count(journal.entries, "entry", "entries");
    let files = count(stored.len() as u64, "file", "files");
    let bytes = count(bytes, "byte", "bytes");
    writeln!(out, "{name}: {files}, {bytes}, from {entries}").map_err(Failure::output)?;
    Ok(notes.verdict())
}

/// Reads what the logs say, up to an entry or a time.
fn read(logs: &[LogWithSeal], order: &LogOrder, until: Option<&Until>) -> Result<Journal, Failure> {
    let bar = progress::bytes("reading", LogWithSeal::total_length(logs));
    let mut journal = Journal::default();
    let finished = read_until(logs, order, until, &bar, |log, record| {
        if let Some(fault) = &record.torn {
            let name = logs[log].name();
            bar.suspend(|| eprintln!("httpserver-log: {name}: skipped: {fault}"));
        }
        journal.add(log, record);
        Ok(())
    });
    bar.finish_and_clear();
    finished?;
    Ok(journal)
}

fn require_empty(dir: &Path) -> Result<(), Failure> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::NotEmpty {
            path: text::path(dir),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::file(dir)(error)),
    }
}

fn judge(logs: &[LogWithSeal], journal: &Journal) -> Result<(), Failure> {
    for (name, log, number) in journal.names() {
        if let Some(reason) = objection(name) {
            return Err(Failure::Name {
                log: logs[log].name().to_owned(),
                number,
                name: visible(name),
                reason,
            });
        }
    }
    Ok(())
}

/// Removes a file or an empty directory that the log deletes, if it exists. A directory that is not empty stays.
fn remove(store: &Store, path: &[u8], what: Deleted) -> Result<(), StoreErrorKind> {
    let file = store.remove(path, &CommitCondition::Always, |_| {});
    let kind = match (file, what) {
        (Ok(_), _) => return Ok(()),
        (Err(error), Deleted::Anything) if error.kind == StoreErrorKind::Directory => {
            match store.remove_directory(path, &CommitCondition::Always, |_| {}) {
                Ok(_) => return Ok(()),
                Err(error) => error.kind,
            }
        }
        (Err(error), _) => error.kind,
    };
    match kind {
        StoreErrorKind::NotFound | StoreErrorKind::Directory | StoreErrorKind::NotEmpty => Ok(()),
        kind => Err(kind),
    }
}

fn write(
    store: &Store,
    path: &[u8],
    contents: &mut Contents<'_>,
    bar: &ProgressBar,
    failed: impl Fn(StoreErrorKind) -> Failure,
) -> Result<(), Failure> {
    let of = |error: StoreError| failed(error.kind);
    let target = store.target_at_once(path).map_err(of)?;
    let mut staged = store.stage(&target).map_err(of)?;
    while let Some(piece) = contents.next_piece()? {
        staged.write(piece).map_err(&failed)?;
        bar.inc(piece.len() as u64);
    }
    store
        .commit(staged, &target, &CommitCondition::Always, |_| {})
        .map_err(of)
}

/// The failure of an operation on the file `path` in `dir`.
fn failure(dir: &Path, path: &[u8], kind: StoreErrorKind) -> Failure {
    let cause = match kind {
        StoreErrorKind::NotFound => "a component of the path is not a directory".into(),
        kind => reason(kind),
    };
    Failure::File {
        path: text::path(&dir.join(visible(path))),
        cause: cause.into_owned(),
    }
}
