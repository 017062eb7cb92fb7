//! Listing: the entries of a directory below the root, each as what it leads to.

use std::os::fd::OwnedFd;

use rustix::fs::{Dir, FileType, OFlags};

use super::Store;
use super::checks::check_path;
use super::error::{StoreError, StoreErrorKind};
use super::metadata::Metadata;
use super::sys::{metadata_at, metadata_of};

/// What was found in a directory.
#[derive(Debug, Clone)]
pub struct Directory {
    /// In the order of the file system.
    pub entries: Vec<Entry>,
    /// Whether there was more than was asked for.
    pub truncated: bool,
}

/// A regular file or a directory in a directory, or a symlink to one inside the root.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name, any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// Which of the two it is.
    pub kind: EntryKind,
    /// What it is, or leads to.
    pub metadata: Metadata,
}

/// What an entry can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

impl Store {
    /// Reads the directory at `path`: up to `limit` of the entries whose names are `wanted`.
    ///
    /// What is neither a file nor a directory, leads out of the root, or belongs to the server is left out.
    ///
    /// # Errors
    /// `NotFound` also if it is not a directory.
    pub fn list(
        &self,
        path: &[u8],
        limit: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Directory, StoreError> {
        self.read_directory(path, limit, wanted)
            .map_err(|kind| kind.of(path))
    }

    fn read_directory(
        &self,
        path: &[u8],
        limit: usize,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Directory, StoreErrorKind> {
        check_path(path)?;
        let directory = self.open_beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)?;
        let mut entries = Vec::new();
        for found in Dir::read_from(&directory)? {
            let found = found?;
            let name = found.file_name().to_bytes();
            if name == b"." || name == b".." || check_path(name).is_err() || !wanted(name) {
                continue;
            }
            let Some((kind, metadata)) = self.inspect_entry(path, &directory, name) else {
                continue;
            };
            if self.check_name(&directory, name, Some(&metadata)).is_err() {
                continue;
            }
            if entries.len() == limit {
                return Ok(Directory {
                    entries,
                    truncated: true,
                });
            }
            entries.push(Entry {
                name: name.to_vec(),
                kind,
                metadata,
            });
        }
        Ok(Directory {
            entries,
            truncated: false,
        })
    }

    /// What `name` in the directory at `path` is or leads to; `None` if that cannot be served, or is gone by now.
    fn inspect_entry(
        &self,
        path: &[u8],
        directory: &OwnedFd,
        name: &[u8],
    ) -> Option<(EntryKind, Metadata)> {
        let mut metadata = metadata_at(directory, name).ok()?;
        if metadata.file_type() == FileType::Symlink {
            let whole = [path, b"/", name].concat();
            metadata = metadata_of(&self.open_beneath(&whole, OFlags::PATH).ok()?).ok()?;
        }
        match metadata.file_type() {
            FileType::Directory => Some((EntryKind::Directory, metadata)),
            FileType::RegularFile => Some((EntryKind::File, metadata)),
            _ => None,
        }
    }
}
