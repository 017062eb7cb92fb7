//! `check --against`: does the directory hold what the log says?
//!
//! Compares the last PUT or DELETE of each name with the file of that name. Contents are compared as they stream by.

use crate::Verdict;
use crate::failure::Failure;
use crate::journal::{Content, Journal, Last};
use crate::text::{count, visible};
use crate::tree::{Tree, objection};
use httpserver::store::{Depth, Step, walk};
use rustix::fs::{AtFlags, statat};
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
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
        writeln!(out, "{}: {difference}{note}", written(dir, name)).map_err(Failure::output)?;
        differing += 1;
    }
    let unknown = Unknown::find(file, journal, dir, out)?;
    let names = count(journal.names.len() as u64, "name", "names");
    let unread = match unknown.unread {
        0 => String::new(),
        unread => format!(", {} not read", count(unread, "directory", "directories")),
    };
    writeln!(
        out,
        "{}: {names} compared, {differing} differ, {} not in the log{unread}",
        dir.display(),
        unknown.files
    )
    .map_err(Failure::output)?;
    Ok(if differing == 0 && unknown.unread == 0 {
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

/// What a directory holds besides the names of a log.
#[derive(Debug, Default)]
struct Unknown {
    /// Names that are not in the log.
    files: u64,
    /// Directories that could not be read to their end.
    unread: u64,
}

impl Unknown {
    /// Walks the directory `dir`, and prints each name that is not in the log; the log itself may be there.
    fn find(
        log: &File,
        journal: &Journal,
        dir: &Path,
        out: &mut impl Write,
    ) -> Result<Self, Failure> {
        let log = log.metadata().map(|log| (log.dev(), log.ino())).ok();
        let root = File::open(dir).map_err(Failure::file(dir))?;
        let mut found = Self::default();
        walk(root.as_fd(), Depth::Tree, |step| {
            let (path, note) = match step {
                Step::File {
                    directory,
                    name,
                    path,
                    ..
                } => {
                    if journal.names.contains_key(path)
                        || (log.is_some() && identity(directory, name) == log)
                    {
                        return Ok(());
                    }
                    found.files += 1;
                    (path, "note: not in the log".to_owned())
                }
                Step::Unreadable { path, error } => {
                    found.unread += 1;
                    (path, format!("cannot be read: {error}"))
                }
            };
            writeln!(out, "{}: {note}", written(dir, path)).map_err(Failure::output)
        })?;
        Ok(found)
    }
}

/// Device and inode number of a name.
fn identity(directory: BorrowedFd<'_>, name: &CStr) -> Option<(u64, u64)> {
    let found = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    Some((found.st_dev, found.st_ino))
}

/// A name below a directory, for people.
fn written(dir: &Path, name: &[u8]) -> String {
    let path = if name.is_empty() {
        dir.to_owned()
    } else {
        dir.join(visible(name))
    };
    path.display().to_string()
}
