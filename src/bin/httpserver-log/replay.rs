//! `replay`: the directory, rebuilt from the log.
//!
//! 1. Read the whole log; remember where the last entry of each name is. A corrupt log ends here.
//! 2. Judge every name. One that would leave the directory ends here.
//! 3. Remove what was deleted last.
//! 4. Write each other name once, from its last entry, complete or not at all.

use crate::Verdict;
use crate::cli::Replay;
use crate::failure::Failure;
use crate::journal::{Contents, Journal, Keep};
use crate::progress;
use crate::source::Source;
use crate::text::{self, count, visible};
use crate::tree::{Tree, objection};
use indicatif::ProgressBar;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Rebuilds a directory.
pub(crate) fn run(options: &Replay, out: &mut impl Write) -> Result<Verdict, Failure> {
    let source = Source::open_for_two_readings(&options.file, "replay")?;
    if !options.force {
        require_empty(&options.dir)?;
    }
    let name = source.name();
    let bar = progress::bytes("reading", source.length());
    let journal = Journal::read(&mut source.read(&bar)?, Keep::Names, |_, fault| {
        bar.suspend(|| eprintln!("httpserver-log: {name}: passed over: {fault}"));
        Ok(())
    });
    bar.finish_and_clear();
    let journal = journal?;
    judge(name, &journal)?;

    fs::create_dir_all(&options.dir).map_err(Failure::file(&options.dir))?;
    let tree = Tree::open(&options.dir).map_err(Failure::file(&options.dir))?;
    for (path, _) in journal.deleted() {
        tree.remove(path)
            .map_err(Failure::file(options.dir.join(visible(path))))?;
    }
    let stored = journal.stored();
    let bytes = stored.iter().map(|(_, put)| put.length).sum();
    let bar = progress::bytes("writing", Some(bytes));
    let mut contents = Contents::open(&source)?;
    for (path, put) in &stored {
        contents.find(put)?;
        write(&tree, path, &mut contents, &bar, || {
            Failure::file(options.dir.join(visible(path)))
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

fn write<F: FnOnce(io::Error) -> Failure>(
    tree: &Tree,
    path: &[u8],
    contents: &mut Contents<'_>,
    bar: &ProgressBar,
    at_path: impl Fn() -> F,
) -> Result<(), Failure> {
    let mut staged = tree.stage(path).map_err(at_path())?;
    while let Some(piece) = contents.next_piece()? {
        staged.file().write_all(piece).map_err(at_path())?;
        bar.inc(piece.len() as u64);
    }
    Tree::commit(staged, path).map_err(at_path())
}
