//! Reading: finds the regular file at a path below the root, and its content.
//!
//! 1. The cache has an open file for the path, and statx(2) of it shows that it is current: done.
//! 2. The cache has a file for the path, which is a name in the root, and statx(2) of the name shows that it is
//!    current: done. Up to here the kernel most likely has everything in memory, and nothing blocks.
//! 3. statx(2) the path without following a symlink at its end: absent, regular, symlink, or another kind, which is
//!    never opened (opening a FIFO waits for its writer, and opening a device may have effects). Below a directory this
//!    is openat2(2) with `O_PATH`, then statx(2).
//! 4. The cache has this file: done.
//! 5. openat2(2) beneath the root: the kernel decides what is inside.
//! 6. statx(2) the opened file, since the path may have changed meanwhile; only a regular file is served, and only if
//!    it does not belong to the server (see `checks`).
//! 7. Read it if it is small; else keep it open for sendfile(2).

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{FileType, OFlags};
use rustix::io::pread;
use rustix::time::{ClockId, Timespec, clock_gettime};

use super::certainty::StampSource;
use super::checks::check_path;
use super::error::{StoreError, StoreErrorKind, once_more_if_stale};
use super::found::{CachedFile, Certainty, FileContent, ReadableFile, SMALL};
use super::metadata::Metadata;
use super::state::Store;
use super::sys::{is_in_root, metadata_at, metadata_of, regular};
use crate::blocking::{Blocking, Permission, WouldBlock};
use crate::operations::operate;

/// The number of retries if a file changes while it is read.
const ATTEMPTS: usize = 4;

impl ReadableFile {
    /// Whether the file is unchanged since it was found, so that all bytes read since belong to one state.
    #[must_use]
    pub fn is_unchanged(&self, _: Blocking<'_>) -> bool {
        match &self.content {
            FileContent::Memory(_) => true,
            FileContent::Descriptor(file) => {
                metadata_of(file).is_ok_and(|now| now == self.metadata)
            }
        }
    }

    /// Reads the first bytes of the file: as many as the buffer holds, fewer if the file is shorter. It blocks unless
    /// they are in memory.
    ///
    /// # Errors
    /// From pread(2).
    pub fn start<'a>(
        &'a self,
        buffer: &'a mut [u8],
        permission: Permission<'_>,
    ) -> Result<Result<&'a [u8], StoreErrorKind>, WouldBlock> {
        match &self.content {
            FileContent::Memory(bytes) => Ok(Ok(&bytes[..bytes.len().min(buffer.len())])),
            FileContent::Descriptor(file) => {
                permission.require()?;
                Ok(fill(file, buffer).map(|count| &buffer[..count]))
            }
        }
    }
}

impl Store {
    /// Finds the file at `path`, relative to the root, if it is in the cache and in the root itself, or kept open.
    pub fn look_up_cached(&self, path: &[u8]) -> Option<Result<ReadableFile, StoreError>> {
        let cached = self.cache.get(path)?;
        let is_current = match cached.validator {
            Some(_) => cached.is_unchanged(),
            // The kernel most likely has a cached name in memory; it may have to read others from the disk.
            None => {
                is_in_root(path)
                    && metadata_at(&self.root(), path).is_ok_and(|now| now == cached.found.metadata)
            }
        };
        is_current.then(|| {
            self.check_found(path, &cached.found.metadata)
                .map_err(|kind| kind.of(path))?;
            self.cache.count_hit(path);
            Ok(cached.found)
        })
    }

    /// Finds the file at `path`, relative to the root, after [`Store::look_up_cached`] has not found it. It may block.
    pub fn look_up(&self, path: &[u8]) -> Result<ReadableFile, StoreError> {
        self.with_root(|| self.find(path))
            .map_err(|kind| kind.of(path))
    }

    fn find(&self, path: &[u8]) -> Result<ReadableFile, StoreErrorKind> {
        let cached = self.cache.get(path);
        let now = clock_gettime(ClockId::RealtimeCoarse);
        let metadata = self
            .metadata_beneath(path)
            .inspect_err(|_| self.cache.remove(path))?;
        if let Some(CachedFile { found, .. }) = cached
            && found.metadata == metadata
        {
            self.check_found(path, &metadata)?;
            self.cache.count_hit(path);
            return Ok(found);
        }
        self.cache.remove(path);
        check_path(path)?;
        match metadata.file_type() {
            FileType::RegularFile => self.check_found(path, &metadata)?,
            FileType::Directory => return Err(StoreErrorKind::Directory),
            // The target of a symlink is checked without opening it.
            FileType::Symlink => {
                let target = self.open_beneath(path, OFlags::PATH)?;
                self.check_found(path, &regular(metadata_of(&target)?)?)?;
            }
            _ => return Err(StoreErrorKind::NotRegular),
        }
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = Arc::new(self.open_beneath(path, flags)?);
        self.cache.count_miss(path);
        let mut found = read(&file)?;
        self.check_found(path, &found.metadata)?;
        found.certainty = self.certainty(&found.metadata, now);
        // Only if it is still the same file: a symlink may have been followed.
        if found.metadata == metadata && metadata.is_stable(now) {
            let validator = self.can_validate(path, &metadata).then_some(file);
            let found = found.clone();
            self.cache.insert(path, CachedFile { found, validator });
        }
        Ok(found)
    }

    fn certainty(&self, metadata: &Metadata, now: Timespec) -> Certainty {
        self.stamp_source(metadata).certainty(metadata, now)
    }

    /// The source of the time stamps of a file.
    pub(super) fn stamp_source(&self, metadata: &Metadata) -> StampSource {
        let root = self.root.get();
        if metadata.mount() == root.mount {
            root.stamp_source
        } else {
            StampSource::Unknown
        }
    }

    /// Whether a descriptor of the file at `path` shows that the name was given to another file: by the change time, if
    /// the file is in the root itself and nothing is mounted over it.
    fn can_validate(&self, path: &[u8], file: &Metadata) -> bool {
        let root = self.root.get();
        root.ctime_covers_names && is_in_root(path) && file.mount() == root.mount
    }

    /// The current file at `path`; a symlink at its end is not followed.
    pub(super) fn metadata_beneath(&self, path: &[u8]) -> Result<Metadata, StoreErrorKind> {
        // Only a directory of the path can be a symlink out of the root; a name in the root itself has none.
        if is_in_root(path) {
            return metadata_at(&self.root(), path);
        }
        metadata_of(&self.open_beneath(path, OFlags::PATH | OFlags::NOFOLLOW)?)
    }

    /// The current file at `path`; a symlink at its end is not followed.
    pub fn inspect_link(&self, path: &[u8]) -> Result<Metadata, StoreError> {
        once_more_if_stale(|| self.metadata_beneath(path)).map_err(|kind| kind.of(path))
    }

    /// The current file at `path`, following symlinks.
    pub fn inspect(&self, path: &[u8]) -> Result<Metadata, StoreError> {
        self.with_root(|| self.find_metadata(path))
            .map_err(|kind| kind.of(path))
    }

    fn find_metadata(&self, path: &[u8]) -> Result<Metadata, StoreErrorKind> {
        check_path(path)?;
        let found = metadata_of(&self.open_beneath(path, OFlags::PATH)?)?;
        self.check_found(path, &found)?;
        Ok(found)
    }

    /// Opens the file at `path`, unless it is outside the root.
    pub(super) fn open_beneath(
        &self,
        path: &[u8],
        flags: OFlags,
    ) -> Result<OwnedFd, StoreErrorKind> {
        Ok(self.resolver.open(&self.root(), path, flags)?)
    }
}

/// Reads an open file; the caller determines whether its metadata are certain.
fn read(file: &Arc<OwnedFd>) -> Result<ReadableFile, StoreErrorKind> {
    let mut metadata = regular(metadata_of(file)?)?;
    for _ in 0..ATTEMPTS {
        if metadata.length() > SMALL {
            break;
        }
        let bytes = read_small(file, metadata.length())?;
        let after = metadata_of(file)?;
        if after == metadata && bytes.len() as u64 == metadata.length() {
            return Ok(ReadableFile {
                metadata,
                content: FileContent::Memory(bytes.into()),
                certainty: Certainty::Uncertain,
            });
        }
        metadata = after; // Another program is writing to it.
    }
    Ok(ReadableFile {
        metadata,
        content: FileContent::Descriptor(Arc::clone(file)),
        certainty: Certainty::Uncertain,
    })
}

/// Reads up to `length` bytes, fewer if the file has become shorter.
fn read_small(file: &OwnedFd, length: u64) -> Result<Vec<u8>, StoreErrorKind> {
    let mut bytes = vec![0; usize::try_from(length.min(SMALL)).unwrap_or_default()];
    let count = fill(file, &mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

/// Reads from the file's start until the buffer is full or the file ends; returns the number of bytes.
fn fill(file: &OwnedFd, buffer: &mut [u8]) -> Result<usize, StoreErrorKind> {
    let mut filled = 0;
    while filled < buffer.len() {
        match operate(|| pread(file, &mut buffer[filled..], filled as u64))? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::durable::Durability;
    use crate::store::Depth;

    #[test]
    fn start_of_a_small_file_is_read_without_blocking() {
        let home = tempfile::tempdir().unwrap();
        let small = usize::try_from(SMALL).unwrap();
        for (length, blocks) in [(0, false), (3, false), (small, false), (small + 1, true)] {
            fs::write(home.path().join("file"), vec![b'x'; length]).unwrap();
            let store = Store::open(home.path(), Depth::Root, Durability::Kernel).unwrap();
            let found = store.look_up(b"file").unwrap();
            let mut buffer = [0; 5];
            let blocking = Blocking::outside_turn().into();
            let start = found.start(&mut buffer, blocking).unwrap();
            assert_eq!(start.unwrap(), vec![b'x'; length.min(5)], "{length}");
            let start = found.start(&mut buffer, Permission::NONE);
            assert_eq!(start.is_err(), blocks, "{length}");
        }
    }
}
