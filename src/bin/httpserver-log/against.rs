//! `check --against`: compares a directory with the log.
//!
//! Compares the last PUT or DELETE of each name with the file of that name. Contents are compared in a stream.

use crate::contents::Contents;
use crate::failure::{Failure, cause, reason};
use crate::journal::{Deleted, Journal};
use crate::name::objection;
use crate::progress;
use crate::source::LogSource;
use crate::text::{self, count, visible};
use crate::verdict::Verdict;
use httpserver::store::{Attachment, Depth, FileContent, Store, StoreErrorKind, WalkStep, walk};
use indicatif::ProgressBar;
use rustix::fs::{AtFlags, statat};
use std::collections::BTreeMap;
use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

/// A directory to compare.
pub(crate) struct Directory<'o> {
    dir: &'o Path,
    store: Store,
}

impl<'o> Directory<'o> {
    /// Opens an existing directory.
    pub(crate) fn open(dir: &'o Path) -> Result<Self, Failure> {
        let store = Store::attach(dir, Attachment::Reading).map_err(Failure::file(dir))?;
        Ok(Self { dir, store })
    }

    /// Compares it with logs that have been read, and prints what differs, sorted by name.
    pub(crate) fn compare(
        &self,
        sources: &[&LogSource],
        journal: &Journal,
        out: &mut impl Write,
    ) -> Result<Verdict, Failure> {
        let Self { dir, store } = self;
        let differing = differences(sources, journal, store)?;
        for (name, difference) in &differing {
            let note = journal.torn_entry_of(name).map_or_else(String::new, |at| {
                format!("; the torn entry at byte {at} names it too")
            });
            writeln!(out, "{}: {difference}{note}", path_of(dir, name)).map_err(Failure::output)?;
        }
        let unknown = Unknown::find(sources, journal, dir, out)?;
        let names = count(journal.len() as u64, "name", "names");
        let unread = match unknown.unread {
            0 => String::new(),
            unread => format!(", {} not read", count(unread, "directory", "directories")),
        };
        writeln!(
            out,
            "{}: {names} compared, {} differ, {} not in the log{unread}",
            text::path(dir),
            differing.len(),
            unknown.files
        )
        .map_err(Failure::output)?;
        Ok(if differing.is_empty() && unknown.unread == 0 {
            Verdict::Sound
        } else {
            Verdict::Faulty
        })
    }
}

/// How the files differ from their last entries.
fn differences<'j>(
    sources: &[&LogSource],
    journal: &'j Journal,
    store: &Store,
) -> Result<BTreeMap<&'j [u8], String>, Failure> {
    let mut differing = BTreeMap::new();
    for (name, delete) in journal.deleted() {
        if let Some(what) = delete_difference(store, name, delete.what) {
            let entry = entry(sources, delete.log, delete.number);
            differing.insert(name, format!("{what} ({entry} deleted it)"));
        }
    }
    let stored = journal.stored();
    let bar = progress::bytes(
        "comparing",
        Some(stored.iter().map(|(_, put)| put.length).sum()),
    );
    let mut contents = Contents::open(sources.to_vec())?;
    let mut compared = 0;
    for (name, put) in stored {
        contents.find(&put)?;
        if let Some(what) = put_difference(store, name, &mut contents, &bar)? {
            let entry = entry(sources, put.log, put.number);
            let stored = count(put.length, "byte", "bytes");
            differing.insert(name, format!("{what} ({entry} stored {stored})"));
        }
        compared += put.length;
        bar.set_position(compared);
    }
    bar.finish_and_clear();
    Ok(differing)
}

/// The name of an entry in messages.
fn entry(sources: &[&LogSource], log: usize, number: u64) -> String {
    match sources {
        [_] => format!("entry {number}"),
        sources => format!("entry {number} of {}", sources[log].name()),
    }
}

/// How a file differs from what was stored under its name.
fn put_difference(
    store: &Store,
    name: &[u8],
    content: &mut Contents<'_>,
    bar: &ProgressBar,
) -> Result<Option<String>, Failure> {
    if let Some(reason) = objection(name) {
        return Ok(Some(format!("the name {reason}")));
    }
    let file = match store.look_up(name) {
        Ok(found) => found.content,
        Err(error) => return Ok(Some(difference(error.kind))),
    };
    let mut at = 0;
    let mut found = Vec::new();
    while let Some(piece) = content.next_piece()? {
        found.resize(piece.len(), 0);
        let count = match read(&file, at, &mut found) {
            Ok(count) => count,
            Err(error) => return Ok(Some(cause(&error))),
        };
        if found[..count] != *piece {
            let equal = found[..count]
                .iter()
                .zip(piece)
                .take_while(|(found, piece)| found == piece)
                .count();
            let how = if equal == count { "ends" } else { "differs" };
            return Ok(Some(format!("{how} at byte {}", at + equal as u64)));
        }
        at += piece.len() as u64;
        bar.inc(piece.len() as u64);
    }
    Ok(match read(&file, at, &mut [0]) {
        Ok(0) => None,
        Ok(_) => Some(format!("goes on at byte {at}")),
        Err(error) => Some(cause(&error)),
    })
}

/// The kinds of remains of a deleted name. A directory that is not empty still exists.
fn delete_difference(store: &Store, name: &[u8], what: Deleted) -> Option<String> {
    if let Some(reason) = objection(name) {
        return Some(format!("the name {reason}"));
    }
    match store.inspect_link(name) {
        Ok(found) if found.is_directory() => match (what, store.is_empty_directory(name)) {
            (Deleted::Anything, Ok(true)) => Some("the empty directory is still there".to_owned()),
            (Deleted::File, _) | (Deleted::Anything, Ok(false)) => None,
            (Deleted::Anything, Err(error)) => Some(difference(error.kind)),
        },
        Ok(_) => Some("still there".to_owned()),
        Err(error) if error.kind == StoreErrorKind::NotFound => None,
        Err(error) => Some(difference(error.kind)),
    }
}

/// The difference of a file that cannot be read.
fn difference(kind: StoreErrorKind) -> String {
    match kind {
        StoreErrorKind::NotFound => "missing".to_owned(),
        kind => reason(kind).into_owned(),
    }
}

/// Reads a file from `offset` on, until `buffer` is full or the file ends.
fn read(file: &FileContent, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(offset + filled as u64, &mut buffer[filled..])? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

/// The contents of a directory besides the names of a log.
#[derive(Debug, Default)]
struct Unknown {
    /// Names that are not in the log.
    files: u64,
    /// Directories that could not be read completely.
    unread: u64,
}

impl Unknown {
    /// Walks the directory `dir`, and prints each name that is not in the logs, except the logs' own files.
    fn find(
        sources: &[&LogSource],
        journal: &Journal,
        dir: &Path,
        out: &mut impl Write,
    ) -> Result<Self, Failure> {
        let logs = sources.iter().filter_map(|source| source.identity());
        let logs: Vec<_> = logs.collect();
        let root = File::open(dir).map_err(Failure::file(dir))?;
        let mut found = Self::default();
        walk(root.as_fd(), Depth::Tree, |step| {
            let (path, note) = match step {
                WalkStep::File {
                    directory,
                    name,
                    path,
                    ..
                } => {
                    let is_log =
                        || identity(directory, name).is_some_and(|found| logs.contains(&found));
                    if journal.has(path) || (!logs.is_empty() && is_log()) {
                        return Ok(());
                    }
                    found.files += 1;
                    (path, "note: not in the log".to_owned())
                }
                WalkStep::Unreadable { path, error } => {
                    found.unread += 1;
                    (path, format!("cannot be read: {}", cause(&error.into())))
                }
            };
            writeln!(out, "{}: {note}", path_of(dir, path)).map_err(Failure::output)
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
fn path_of(dir: &Path, name: &[u8]) -> String {
    let path = if name.is_empty() {
        dir.to_owned()
    } else {
        dir.join(visible(name))
    };
    text::path(&path)
}
