//! `check --against`: does the directory hold what the log says?
//!
//! Compares the last PUT or DELETE of each name with the file of that name. Contents are compared as they stream by.

use crate::Verdict;
use crate::failure::Failure;
use crate::journal::{Content, Journal, Last};
use crate::text::{count, visible};
use crate::tree::{Tree, objection};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Compares the directory `dir` with a log, called `log` and open as `file`, and prints what differs.
pub(crate) fn compare(
    log: &str,
    file: &File,
    journal: &Journal,
    dir: &Path,
    out: &mut impl Write,
) -> Result<Verdict, Failure> {
    let tree = Tree::open(dir).map_err(Failure::file(dir))?;
    let mut differing = 0;
    for (name, last) in &journal.names {
        let Some(difference) = difference(log, file, &tree, name, last)? else {
            continue;
        };
        let note = journal.uncertain.get(name).map_or_else(String::new, |at| {
            format!("; the torn entry at byte {at} names it too")
        });
        writeln!(
            out,
            "{}: {difference}{note}",
            dir.join(visible(name)).display()
        )
        .map_err(Failure::output)?;
        differing += 1;
    }
    let log_inode = file
        .metadata()
        .map(|metadata| (metadata.dev(), metadata.ino()))
        .ok();
    let mut extra = Extra {
        dir,
        journal,
        log_inode,
        found: 0,
        out,
    };
    extra.walk(Path::new(""))?;
    let extra = extra.found;
    let names = count(journal.names.len() as u64, "name", "names");
    writeln!(
        out,
        "{}: {names} compared, {differing} differ, {extra} not in the log",
        dir.display()
    )
    .map_err(Failure::output)?;
    Ok(if differing == 0 {
        Verdict::Sound
    } else {
        Verdict::Faulty
    })
}

/// How what is there differs from the last that the log tells of a name.
fn difference(
    log: &str,
    file: &File,
    tree: &Tree,
    name: &[u8],
    last: &Last,
) -> Result<Option<String>, Failure> {
    match *last {
        Last::Put {
            number,
            at,
            end,
            length,
        } => {
            let mut content = Content::open(log, file, number, at, end)?;
            let stored = count(length, "byte", "bytes");
            Ok(put_difference(tree, name, &mut content)?
                .map(|what| format!("{what} (entry {number} stored {stored})")))
        }
        Last::Delete { number } => {
            Ok(delete_difference(tree, name)
                .map(|what| format!("{what} (entry {number} deleted it)")))
        }
    }
}

/// How a file differs from what was stored under its name.
fn put_difference(
    tree: &Tree,
    name: &[u8],
    content: &mut Content<'_>,
) -> Result<Option<String>, Failure> {
    if let Some(reason) = objection(name) {
        return Ok(Some(format!("the name {reason}")));
    }
    let mut file = match tree.read(name) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Some("missing".to_owned()));
        }
        Err(error) => return Ok(Some(error.to_string())),
    };
    let mut at = 0;
    let mut found = Vec::new();
    while let Some(piece) = content.next_piece()? {
        found.clear();
        if let Err(error) = (&mut file).take(piece.len() as u64).read_to_end(&mut found) {
            return Ok(Some(error.to_string()));
        }
        if found != piece {
            let equal = found
                .iter()
                .zip(piece)
                .take_while(|(found, piece)| found == piece)
                .count();
            let how = if equal == found.len() {
                "ends"
            } else {
                "differs"
            };
            return Ok(Some(format!("{how} at byte {}", at + equal as u64)));
        }
        at += piece.len() as u64;
    }
    found.clear();
    Ok(match file.take(1).read_to_end(&mut found) {
        Ok(0) => None,
        Ok(_) => Some(format!("goes on at byte {at}")),
        Err(error) => Some(error.to_string()),
    })
}

fn delete_difference(tree: &Tree, name: &[u8]) -> Option<String> {
    if let Some(reason) = objection(name) {
        return Some(format!("the name {reason}"));
    }
    match tree.holds(name) {
        Ok(true) => Some("still there".to_owned()),
        Ok(false) => None,
        Err(error) => Some(error.to_string()),
    }
}

/// Looks for files that the log does not tell of.
struct Extra<'a, W> {
    dir: &'a Path,
    journal: &'a Journal,
    /// Device and inode of the log, which may stand in the directory itself.
    log_inode: Option<(u64, u64)>,
    found: u64,
    out: &'a mut W,
}

impl<W: Write> Extra<'_, W> {
    /// Walks the directory `below` the root; symbolic links are names here, not ways.
    fn walk(&mut self, below: &Path) -> Result<(), Failure> {
        let path = self.dir.join(below);
        for entry in fs::read_dir(&path).map_err(Failure::file(&path))? {
            let entry = entry.map_err(Failure::file(&path))?;
            let name = below.join(entry.file_name());
            if entry
                .file_type()
                .map_err(Failure::file(entry.path()))?
                .is_dir()
            {
                self.walk(&name)?;
            } else if !self.journal.names.contains_key(name.as_os_str().as_bytes())
                && !self.is_log(&entry)
            {
                self.found += 1;
                let shown = self.dir.join(visible(name.as_os_str().as_bytes()));
                writeln!(
                    self.out,
                    "{}: note: the log does not tell of it",
                    shown.display()
                )
                .map_err(Failure::output)?;
            }
        }
        Ok(())
    }

    fn is_log(&self, entry: &fs::DirEntry) -> bool {
        entry
            .metadata()
            .is_ok_and(|metadata| Some((metadata.dev(), metadata.ino())) == self.log_inode)
    }
}
