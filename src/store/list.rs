//! Listing: the entries of a directory below the root; a symlink is listed as its target.
//!
//! A reading can be compared with an earlier one, a [`DirectorySnapshot`]. Then every name is looked at all the same,
//! and entries are returned only if one of them differs.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Dir, FileType, OFlags};
use rustix::time::{ClockId, clock_gettime};

use super::checks::check_path;
use super::directory_snapshot::{
    Comparison, DirectoryEntry, DirectoryEntryKind, DirectorySnapshot, ListedFile, ReadingProgress,
    SnapshotExtent,
};
use super::error::{StoreError, StoreErrorKind, once_more_if_stale};
use super::metadata::Metadata;
use super::state::Store;
use super::sys::{metadata_at, metadata_of};
use crate::operations;

/// A directory that is read in portions.
#[derive(Debug)]
pub struct DirectoryReader {
    path: Box<[u8]>,
    directory: OwnedFd,
    /// Its state before its names were read, if a later change of its names shows in it.
    state: Option<Metadata>,
    names: NameSource,
    comparison: Comparison,
}

/// The source of the names of a directory.
#[derive(Debug)]
enum NameSource {
    /// getdents(2)
    System(Dir),
    /// An earlier reading, since when no name has changed; with the index of the next.
    Snapshot(Arc<DirectorySnapshot>, usize),
}

/// One portion of a directory.
#[derive(Debug)]
pub struct Portion {
    /// In the order of the file system.
    pub entries: Vec<DirectoryEntry>,
    /// Whether more entries follow.
    pub progress: ReadingProgress,
}

impl DirectoryReader {
    /// All entries that were found, or the first of them, for the comparison with a later reading.
    #[must_use]
    pub fn into_snapshot(
        self,
        entries: Vec<DirectoryEntry>,
        extent: SnapshotExtent,
    ) -> DirectorySnapshot {
        DirectorySnapshot::new(self.state, entries, extent)
    }
}

impl Store {
    /// Opens the directory at `path`, and compares it with what was found `before`.
    ///
    /// # Errors
    /// `NotFound` also if it is not a directory.
    pub fn open_directory(
        &self,
        path: &[u8],
        before: Option<&Arc<DirectorySnapshot>>,
    ) -> Result<DirectoryReader, StoreError> {
        let open = || {
            check_path(path)?;
            let directory = self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let now = clock_gettime(ClockId::RealtimeCoarse);
            let state = metadata_of(&directory)?;
            let names = match before {
                Some(before) if before.has_names_of(&state) => {
                    NameSource::Snapshot(Arc::clone(before), 0)
                }
                Some(_) | None => NameSource::System(Dir::read_from(&directory)?),
            };
            let shows_names = self.stamp_source(&state).shows_names(&state, now);
            Ok(DirectoryReader {
                path: path.into(),
                directory,
                state: shows_names.then_some(state),
                names,
                comparison: Comparison::with(before.cloned()),
            })
        };
        self.with_root(open).map_err(|kind| kind.of(path))
    }

    /// Looks at the next `count` names, or fewer if they take more than `count` file operations, as symlinks do; returns
    /// those that are `wanted`.
    ///
    /// # Errors
    /// From getdents(2).
    pub fn read_entries(
        &self,
        reader: &mut DirectoryReader,
        count: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Portion, StoreError> {
        let comparison = &mut reader.comparison;
        let mut entries = comparison.take_late(count);
        let mut progress = ReadingProgress::More;
        let before = operations::count();
        for _ in entries.len()..count {
            if operations::count().wrapping_sub(before) >= count as u64 || comparison.is_behind() {
                break;
            }
            if let Some(unchanged) = comparison.end_of_part() {
                progress = ReadingProgress::Unchanged(unchanged);
                break;
            }
            let read;
            let name = match &mut reader.names {
                NameSource::System(names) => {
                    read = names.read().transpose();
                    let read = read
                        .as_ref()
                        .map_err(|&error| StoreErrorKind::from(error).of(&reader.path))?;
                    read.as_ref().map(|entry| entry.file_name().to_bytes())
                }
                NameSource::Snapshot(before, next) => {
                    *next += 1;
                    before.name(*next - 1)
                }
            };
            let Some(name) = name else {
                progress = comparison.end();
                break;
            };
            if name == b"." || name == b".." || check_path(name).is_err() || !wanted(name) {
                continue;
            }
            let listed = self
                .inspect_entry(&reader.path, &reader.directory, name)
                .map_err(|kind| kind.of(&reader.path))?;
            comparison.add(name, listed, &mut entries);
        }
        Ok(Portion { entries, progress })
    }

    /// What is listed under `name` in the directory at `path`.
    fn inspect_entry(
        &self,
        path: &[u8],
        directory: &OwnedFd,
        name: &[u8],
    ) -> Result<Option<ListedFile>, StoreErrorKind> {
        let metadata = match once_more_if_stale(|| self.follow_entry(path, directory, name)) {
            // It is not known whether the entry exists.
            Err(StoreErrorKind::Disconnected) => return Err(StoreErrorKind::Disconnected),
            Err(_) => return Ok(None),
            Ok(metadata) => metadata,
        };
        let kind = match metadata.file_type() {
            FileType::Directory => DirectoryEntryKind::Directory,
            FileType::RegularFile => DirectoryEntryKind::File,
            _ => return Ok(None),
        };
        if self.check_name(directory, name, Some(&metadata)).is_err() {
            return Ok(None);
        }
        Ok(Some(ListedFile {
            kind,
            length: metadata.length(),
            modified: metadata.modified(),
        }))
    }

    /// The metadata of `name` in the directory at `path`, or of its target.
    fn follow_entry(
        &self,
        path: &[u8],
        directory: &OwnedFd,
        name: &[u8],
    ) -> Result<Metadata, StoreErrorKind> {
        let metadata = metadata_at(directory, name)?;
        if metadata.file_type() != FileType::Symlink {
            return Ok(metadata);
        }
        let whole = [path, b"/", name].concat();
        metadata_of(&self.open_beneath(&whole, OFlags::PATH)?)
    }
}
