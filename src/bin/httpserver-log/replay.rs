//! `replay`: the directory, rebuilt from the log.
//!
//! 1. Read the whole log; remember where the last entry of each name is. A corrupt log ends here.
//! 2. Judge every name. One that would leave the directory ends here.
//! 3. Remove what was deleted last, from below: files, and directories that are empty then.
//! 4. Write each other name once, from its last entry, complete or not at all.

use crate::cli::ReplayArguments;
use crate::failure::{Failure, reason};
use crate::journal::{Contents, Deleted, Journal, Retention};
use crate::name::objection;
use crate::progress;
use crate::source::LogSource;
use crate::text::{self, count, visible};
use crate::verdict::Verdict;
use httpserver::store::{Attachment, CommitCondition, Store, StoreError, StoreErrorKind};
use indicatif::ProgressBar;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Rebuilds a directory.
pub(crate) fn run(options: &ReplayArguments, out: &mut impl Write) -> Result<Verdict, Failure> {
    let source = LogSource::open_for_two_readings(&options.file, "replay")?;
    if !options.force {
        require_empty(&options.dir)?;
    }
    let name = source.name();
    let bar = progress::bytes("reading", source.length());
    let journal = Journal::read(&mut source.read(&bar)?, Retention::Names, |_, fault| {
        bar.suspend(|| eprintln!("httpserver-log: {name}: passed over: {fault}"));
        Ok(())
    });
    bar.finish_and_clear();
    let journal = journal?;
    judge(name, &journal)?;

    fs::create_dir_all(&options.dir).map_err(Failure::file(&options.dir))?;
    let store =
        Store::attach(&options.dir, Attachment::Writing).map_err(Failure::file(&options.dir))?;
    for (path, delete) in journal.deleted() {
        remove(&store, path, delete.what).map_err(|kind| failure(&options.dir, path, kind))?;
    }
    let stored = journal.stored();
    let bytes = stored.iter().map(|(_, put)| put.length).sum();
    let bar = progress::bytes("writing", Some(bytes));
    let mut contents = Contents::open(&source)?;
    for (path, put) in &stored {
        contents.find(put)?;
        write(&store, path, &mut contents, &bar, |kind| {
            failure(&options.dir, path, kind)
        })?;
    }
    bar.finish_and_clear();
    let dir = text::path(&options.dir);
    let entries = count(journal.entries, "entry", "entries");
    let files = count(stored.len() as u64, "file", "files");
    let bytes = count(bytes, "byte", "bytes");
    writeln!(out, "{dir}: {files}, {bytes}, from {entries}").map_err(Failure::output)?;
    Ok(Verdict::Sound)
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

fn judge(log: &str, journal: &Journal) -> Result<(), Failure> {
    for (name, number) in journal.names() {
        if let Some(reason) = objection(name) {
            return Err(Failure::Name {
                log: log.to_owned(),
                number,
                name: visible(name),
                reason,
            });
        }
    }
    Ok(())
}

/// Removes what the log deletes, if it is there: a file, or an empty directory. One with something in it stays.
fn remove(store: &Store, path: &[u8], what: Deleted) -> Result<(), StoreErrorKind> {
    let file = store.remove(path, &CommitCondition::Always, || {});
    let kind = match (file, what) {
        (Ok(_), _) => return Ok(()),
        (Err(error), Deleted::Anything) if error.kind == StoreErrorKind::Directory => {
            match store.remove_directory(path, &CommitCondition::Always, || {}) {
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

/// The failure of what was to be done with the file `path` in `dir`.
fn failure(dir: &Path, path: &[u8], kind: StoreErrorKind) -> Failure {
    let cause = match kind {
        StoreErrorKind::NotFound => "something on the way is not a directory".into(),
        kind => reason(kind),
    };
    Failure::File {
        path: text::path(&dir.join(visible(path))),
        cause: cause.into_owned(),
    }
}
