//! Listing: the entries of a directory below the root; a symlink is listed as its target.
//!
//! A reading can be compared with an earlier one, a [`DirectorySnapshot`]. Then every name is looked at all the same,
//! and entries are returned only if one of them differs.

use std::ffi::CStr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Dir, DirEntry, FileType, OFlags};
use rustix::time::{ClockId, clock_gettime};

use super::checks::{check_path, is_reserved};
use super::directory_entries::{DirectoryEntries, DirectoryEntryKind, ListedFile};
use super::directory_snapshot::{Comparison, DirectorySnapshot, ReadingProgress, SnapshotExtent};
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

impl DirectoryReader {
    /// All entries that were found, or the first of them, for the comparison with a later reading.
    #[must_use]
    pub fn into_snapshot(
        self,
        entries: Arc<DirectoryEntries>,
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

    /// Looks at the next `count` names, or fewer if they take more than `count` file operations, as symlinks do; adds
    /// those that are `wanted` to `entries`.
    ///
    /// # Errors
    /// From getdents(2).
    pub fn read_entries(
        &self,
        reader: &mut DirectoryReader,
        count: usize,
        wanted: impl Fn(&[u8]) -> bool,
        entries: &mut DirectoryEntries,
    ) -> Result<ReadingProgress, StoreError> {
        let comparison = &mut reader.comparison;
        let old = entries.len();
        comparison.take_late(count, entries);
        let before = operations::count();
        for _ in entries.len() - old..count {
            if operations::count().wrapping_sub(before) >= count as u64 || comparison.is_behind() {
                break;
            }
            if let Some(unchanged) = comparison.end_of_part() {
                return Ok(ReadingProgress::Unchanged(unchanged));
            }
            let read;
            let name = match &mut reader.names {
                NameSource::System(names) => {
                    read = names.read().transpose();
                    let read = read
                        .as_ref()
                        .map_err(|&error| StoreErrorKind::from(error).of(&reader.path))?;
                    read.as_ref().map(DirEntry::file_name)
                }
                NameSource::Snapshot(before, next) => {
                    *next += 1;
                    before.name(*next - 1)
                }
            };
            let Some(name) = name else {
                return Ok(comparison.end());
            };
            let bytes = name.to_bytes();
            if matches!(bytes, b"." | b"..") || is_reserved(bytes) || !wanted(bytes) {
                continue;
            }
            let listed = self
                .inspect_entry(&reader.path, &reader.directory, name)
                .map_err(|kind| kind.of(&reader.path))?;
            comparison.add(name, listed, entries);
        }
        Ok(ReadingProgress::More)
    }

    /// What is listed under `name` in the directory at `path`.
    fn inspect_entry(
        &self,
        path: &[u8],
        directory: &OwnedFd,
        name: &CStr,
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
        if self
            .check_name(directory, name.to_bytes(), Some(&metadata))
            .is_err()
        {
            return Ok(None);
        }
        Ok(Some(ListedFile {
            kind,
            length: metadata.length(),
            modified: metadata.modification_stamp(),
        }))
    }

    /// The metadata of `name` in the directory at `path`, or of its target.
    fn follow_entry(
        &self,
        path: &[u8],
        directory: &OwnedFd,
        name: &CStr,
    ) -> Result<Metadata, StoreErrorKind> {
        let metadata = metadata_at(directory, name)?;
        if metadata.file_type() != FileType::Symlink {
            return Ok(metadata);
        }
        let whole = [path, b"/", name.to_bytes()].concat();
        metadata_of(&self.open_beneath(&whole, OFlags::PATH)?)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::super::Depth;
    use super::*;
    use crate::durable::Durability;

    /// Reads the root; `None` if it is as `before`.
    fn read(
        store: &Store,
        before: Option<&Arc<DirectorySnapshot>>,
    ) -> Option<Arc<DirectorySnapshot>> {
        let mut reader = store.open_directory(b".", before).unwrap();
        let mut entries = DirectoryEntries::default();
        loop {
            let read = store.read_entries(&mut reader, 32, |_| true, &mut entries);
            match read.unwrap() {
                ReadingProgress::More => {}
                ReadingProgress::End => {
                    let entries = Arc::new(entries);
                    let snapshot = reader.into_snapshot(entries, SnapshotExtent::Complete);
                    return Some(Arc::new(snapshot));
                }
                ReadingProgress::Unchanged(_) => return None,
            }
        }
    }

    /// On tmpfs such a directory can have the change time of before.
    #[test]
    fn name_that_is_added_after_a_removal_is_found() {
        let places = [std::env::temp_dir(), "/dev/shm".into()];
        for place in places.iter().filter(|place| place.is_dir()) {
            let root = tempfile::tempdir_in(place).unwrap();
            let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
            let [old, new] = ["old", "new"].map(|name| root.path().join(name));
            let add = |path: &Path| fs::write(path, "").unwrap();
            for round in 0..200 {
                add(&old);
                let before = read(&store, None).unwrap();
                fs::remove_file(&old).unwrap();
                add(&new);
                let after = read(&store, Some(&before)).expect("a difference");
                assert_eq!(after.name(0), Some(c"new"), "{} {round}", place.display());
                fs::remove_file(&new).unwrap();
            }
        }
    }

    #[test]
    fn directory_is_found_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Tree, Durability::Kernel).unwrap();
        for number in 0..100 {
            fs::write(root.path().join(format!("{number}")), "").unwrap();
        }
        let before = read(&store, None).unwrap();
        assert!(read(&store, Some(&before)).is_none());
        fs::write(root.path().join("7"), "longer").unwrap();
        assert!(read(&store, Some(&before)).is_some());
    }
}
