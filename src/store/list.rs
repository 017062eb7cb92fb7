//! Listing: the entries of a directory below the root; a symlink is listed as its target.

use std::os::fd::OwnedFd;

use rustix::fs::{Dir, FileType, OFlags};

use super::checks::check_path;
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
    entries: Dir,
}

/// One portion of a directory.
#[derive(Debug)]
pub struct Portion {
    /// In the order of the file system.
    pub entries: Vec<DirectoryEntry>,
    /// Whether no more entries follow.
    pub is_last: bool,
}

/// A regular file or a directory in a directory, or a symlink to one inside the root.
#[derive(Debug, Clone)]
pub struct DirectoryEntry {
    /// Its name, any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// Its kind.
    pub kind: DirectoryEntryKind,
    /// Its metadata, or those of its target.
    pub metadata: Metadata,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryEntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

impl Store {
    /// Opens the directory at `path`.
    ///
    /// # Errors
    /// `NotFound` also if it is not a directory.
    pub fn open_directory(&self, path: &[u8]) -> Result<DirectoryReader, StoreError> {
        let open = || {
            check_path(path)?;
            let directory = self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
            let entries = Dir::read_from(&directory)?;
            Ok(DirectoryReader {
                path: path.into(),
                directory,
                entries,
            })
        };
        self.with_root(open).map_err(|kind| kind.of(path))
    }

    /// Reads the next `count` entries, or fewer if they take more than `count` file operations, as symlinks do; returns
    /// those with `wanted` names.
    ///
    /// Entries other than files and directories, links out of the root, and the server's own files are skipped.
    ///
    /// # Errors
    /// From getdents(2).
    pub fn read_entries(
        &self,
        reader: &mut DirectoryReader,
        count: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Portion, StoreError> {
        let mut entries = Vec::new();
        let before = operations::count();
        for _ in 0..count {
            if operations::count().wrapping_sub(before) >= count as u64 {
                break;
            }
            let Some(found) = reader.entries.read() else {
                let is_last = true;
                return Ok(Portion { entries, is_last });
            };
            let found = found.map_err(|error| StoreErrorKind::from(error).of(&reader.path))?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." || check_path(name).is_err() || !wanted(name) {
                continue;
            }
            let directory = &reader.directory;
            let inspect = || self.inspect_entry(&reader.path, directory, name);
            let found = match once_more_if_stale(inspect) {
                // It is not known whether the entry exists.
                Err(kind @ StoreErrorKind::Disconnected) => return Err(kind.of(&reader.path)),
                found => found.ok().flatten(),
            };
            let Some((kind, metadata)) = found else {
                continue;
            };
            if self.check_name(directory, name, Some(&metadata)).is_ok() {
                entries.push(DirectoryEntry {
                    name: name.to_vec(),
                    kind,
                    metadata,
                });
            }
        }
        let is_last = false;
        Ok(Portion { entries, is_last })
    }

    /// The kind and the metadata of `name` in the directory at `path`, or of its target; `None` if it cannot be served.
    fn inspect_entry(
        &self,
        path: &[u8],
        directory: &OwnedFd,
        name: &[u8],
    ) -> Result<Option<(DirectoryEntryKind, Metadata)>, StoreErrorKind> {
        let mut metadata = metadata_at(directory, name)?;
        if metadata.file_type() == FileType::Symlink {
            let whole = [path, b"/", name].concat();
            metadata = metadata_of(&self.open_beneath(&whole, OFlags::PATH)?)?;
        }
        let kind = match metadata.file_type() {
            FileType::Directory => DirectoryEntryKind::Directory,
            FileType::RegularFile => DirectoryEntryKind::File,
            _ => return Ok(None),
        };
        Ok(Some((kind, metadata)))
    }
}
