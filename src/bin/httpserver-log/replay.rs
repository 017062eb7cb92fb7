//! `replay`: the directory, rebuilt from the log.
//!
//! 1. Read the whole log; remember where the last entry of each name is. A corrupt log ends here.
//! 2. Judge every name. One that would leave the directory ends here.
//! 3. Write each name once, from its last entry, complete or not at all; remove what was deleted last.

use crate::Verdict;
use crate::cli::Replay;
use crate::failure::Failure;
use crate::journal::{Content, Journal, Keep, Last};
use crate::log_file::{open_again, open_plain};
use crate::text::{count, visible};
use crate::tree::{Tree, objection};
use std::fs;
use std::io::{self, Write};
use std::path::Path;

/// Rebuilds a directory.
pub(crate) fn run(options: &Replay, out: &mut impl Write) -> Result<Verdict, Failure> {
    let file = open_again(&options.file, "replay")?;
    let mut log = open_plain(&options.file)?;
    if !options.force {
        require_empty(&options.dir)?;
    }
    let name = log.name().to_owned();
    let journal = Journal::read(&mut log, Keep::Names, |_, fault| {
        eprintln!("httpserver-log: {name}: passed over: {fault}");
        Ok(())
    })?;
    judge(&name, &journal)?;

    fs::create_dir_all(&options.dir).map_err(Failure::file(&options.dir))?;
    let tree = Tree::open(&options.dir).map_err(Failure::file(&options.dir))?;
    let mut files = 0;
    let mut bytes = 0;
    for (path, last) in &journal.names {
        let at_path = || Failure::file(options.dir.join(visible(path)));
        match *last {
            Last::Put {
                number,
                at,
                end,
                length,
            } => {
                let mut content = Content::open(&name, &file, number, at, end)?;
                write(&tree, path, &mut content, at_path)?;
                files += 1;
                bytes += length;
            }
            Last::Delete { .. } => tree.remove(path).map_err(at_path())?,
        }
    }
    let dir = options.dir.display();
    let entries = count(journal.entries, "entry", "entries");
    let (files, bytes) = (count(files, "file", "files"), count(bytes, "byte", "bytes"));
    writeln!(out, "{dir}: {files}, {bytes}, from {entries}").map_err(Failure::output)?;
    Ok(Verdict::Sound)
}

fn require_empty(dir: &Path) -> Result<(), Failure> {
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::NotEmpty {
            path: dir.display().to_string(),
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::file(dir)(error)),
    }
}

fn judge(log: &str, journal: &Journal) -> Result<(), Failure> {
    for (name, last) in &journal.names {
        let (Last::Put { number, .. } | Last::Delete { number }) = *last;
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
    content: &mut Content<'_>,
    at_path: impl Fn() -> F,
) -> Result<(), Failure> {
    let mut staged = tree.stage(path).map_err(at_path())?;
    while let Some(piece) = content.next_piece()? {
        staged.file().write_all(piece).map_err(at_path())?;
    }
    Tree::commit(staged, path).map_err(at_path())
}
