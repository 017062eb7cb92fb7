//! An upload before its commit: a file without a name, or, on file systems without `O_TMPFILE`, a file with a staging
//! name in the target's directory.
//!
//! A file without a name disappears when its server is killed. If it replaces another file, it has a staging name for
//! an instant, since linkat(2) cannot replace. A file with a staging name is locked with flock(2) while it is staged,
//! so that no server's clean-up removes it. Such a lock belongs to the open file, so it ends with the process, also
//! over FUSE. A file that is staged for an instant is not locked if it is in memory or replaces another: it is made
//! again if a clean-up comes in that instant.

mod placement;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_OMIT, fchmod,
    fdatasync, flock, fstat, futimens, openat, unlinkat,
};
use rustix::io::{Errno, pread, write};

use super::background::Background;
use super::error::StoreErrorKind;
use super::large::LARGE;
use super::metadata::Metadata;
use super::occupied::Occupation;
use super::staging::StagingName;
use super::sys::metadata_of;
use super::unnamed::LinkWay;
use crate::operations::{operate, operate_once};

/// An upload before its commit. It is removed when it is dropped.
pub struct Staged {
    file: Arc<OwnedFd>,
    directory: Arc<OwnedFd>,
    name: StagedName,
    length: u64,
    background: Arc<Background>,
    /// Keeps the directory of a file without a name from being removed. `None` in the root, which no request removes.
    occupation: Option<Occupation>,
}

/// The name of a staged file.
#[derive(Debug, Clone, Copy)]
enum StagedName {
    /// No name; it gets one by this method.
    None(LinkWay),
    /// A staging name.
    Staging(StagingName, StagingLock),
    /// The name of its target.
    Final,
}

/// Whether a file with a staging name is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StagingLock {
    /// It is locked, so no clean-up removes it.
    Held,
    /// It is not locked, and is made again if a clean-up has removed it.
    Omitted,
}

/// The content of an upload that has taken effect.
#[derive(Debug, Clone)]
pub struct Committed {
    pub(super) file: Arc<OwnedFd>,
    pub(super) directory: Arc<OwnedFd>,
    pub(super) unsynced: Unsynced,
}

/// The parts that must reach the disk to make a file's name durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsynced {
    /// Its directory.
    Directory,
    /// Also its count of links: it was on the disk as a file without a name.
    LinksAndDirectory,
}

impl Staged {
    /// A file without a name; this method gives it one. `occupation` prevents the removal of its directory.
    pub(super) fn unnamed(
        file: OwnedFd,
        way: LinkWay,
        directory: &Arc<OwnedFd>,
        occupation: Option<Occupation>,
        background: &Arc<Background>,
    ) -> Self {
        let mut staged = Self::new(file, StagedName::None(way), directory, background);
        staged.occupation = occupation;
        staged
    }

    /// A file with this staging name.
    pub(super) fn named(
        file: OwnedFd,
        name: StagingName,
        lock: StagingLock,
        directory: &Arc<OwnedFd>,
        background: &Arc<Background>,
    ) -> Self {
        Self::new(file, StagedName::Staging(name, lock), directory, background)
    }

    fn new(
        file: OwnedFd,
        name: StagedName,
        directory: &Arc<OwnedFd>,
        background: &Arc<Background>,
    ) -> Self {
        Self {
            file: Arc::new(file),
            directory: Arc::clone(directory),
            name,
            length: 0,
            background: Arc::clone(background),
            occupation: None,
        }
    }

    /// Locks the file, which from now on is staged until its client has sent everything.
    pub(super) fn lock(
        &mut self,
        staging_name: impl Fn() -> StagingName,
    ) -> Result<(), StoreErrorKind> {
        if let StagedName::Staging(name, StagingLock::Omitted) = self.name {
            if !self.is_kept()? {
                return self.make_again(&staging_name);
            }
            self.name = StagedName::Staging(name, StagingLock::Held);
        }
        Ok(())
    }

    /// Makes a file again that has lost its staging name, and locks it: with its content, permissions and times.
    fn make_again(
        &mut self,
        staging_name: &impl Fn() -> StagingName,
    ) -> Result<(), StoreErrorKind> {
        let name = staging_name();
        let found = operate(|| fstat(&self.file)).map_err(StoreErrorKind::in_directory)?;
        let mode = Mode::from_raw_mode(found.st_mode & 0o7777);
        let file = create_named(&self.directory, name, mode);
        let file = file.map_err(StoreErrorKind::in_directory)?;
        let (directory, background) = (&self.directory, &self.background);
        let mut again = Self::named(file, name, StagingLock::Held, directory, background);
        if !again.is_kept()? {
            return Err(StoreErrorKind::Vanished);
        }
        again.set_mode(mode)?;
        let mut buffer = [0; 16 * 1024];
        while again.length < self.length {
            match operate(|| pread(&self.file, &mut buffer, again.length))? {
                0 => return Err(StoreErrorKind::Vanished),
                count => again.write(&buffer[..count])?,
            }
        }
        again.set_times(&modification_of(&found))?;
        log::debug!("an upload in progress was removed, and is made again");
        *self = again;
        Ok(())
    }

    /// Sets its permissions.
    pub(super) fn set_mode(&self, mode: Mode) -> Result<(), StoreErrorKind> {
        operate_once(|| fchmod(&self.file, mode)).map_err(StoreErrorKind::in_directory)
    }

    /// Locks a file that has a staging name. False if another server's clean-up has locked or removed it first.
    pub(super) fn is_kept(&self) -> Result<bool, StoreErrorKind> {
        match operate(|| flock(&self.file, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => return Ok(false),
            // Where locks are not supported, no server removes files, since it must lock them first.
            Err(error) => log::debug!("an upload in progress cannot be locked: {error}"),
        }
        let found = operate(|| fstat(&self.file)).map_err(StoreErrorKind::in_directory)?;
        Ok(found.st_nlink > 0)
    }

    /// Appends to the upload.
    ///
    /// # Errors
    /// `Vanished` if it was removed; else as write(2).
    pub fn write(&mut self, mut content: &[u8]) -> Result<(), StoreErrorKind> {
        while !content.is_empty() {
            let count =
                operate(|| write(&self.file, content)).map_err(StoreErrorKind::in_directory)?;
            if count == 0 {
                return Err(StoreErrorKind::Io(Errno::IO));
            }
            content = &content[count..];
            self.length += count as u64;
        }
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.length
    }

    /// Sets its times.
    pub(super) fn set_times(&self, times: &Timestamps) -> Result<(), StoreErrorKind> {
        operate(|| futimens(&self.file, times)).map_err(StoreErrorKind::in_directory)
    }

    /// Returns when its content is on stable storage.
    pub(super) fn sync(&self) -> Result<(), StoreErrorKind> {
        operate(|| fdatasync(&self.file)).map_err(StoreErrorKind::in_directory)
    }

    /// The parts that must reach the disk after it has taken effect.
    pub(super) fn unsynced(&self) -> Unsynced {
        match self.name {
            StagedName::None(_) => Unsynced::LinksAndDirectory,
            StagedName::Staging(..) | StagedName::Final => Unsynced::Directory,
        }
    }

    /// Its metadata after the commit.
    pub(super) fn committed(&self, unsynced: Unsynced) -> Committed {
        Committed {
            file: Arc::clone(&self.file),
            directory: Arc::clone(&self.directory),
            unsynced,
        }
    }
}

/// The time of the last modification, to be set; that of the last access stays as it is.
fn modification_of(found: &Stat) -> Timestamps {
    Timestamps {
        last_access: Timespec {
            tv_sec: 0,
            tv_nsec: UTIME_OMIT,
        },
        last_modification: Timespec {
            tv_sec: found.st_mtime,
            tv_nsec: found.st_mtime_nsec.cast_signed(),
        },
    }
}

/// Makes a file with a staging name.
///
/// # Errors
/// From openat(2).
pub(super) fn create_named(
    directory: &OwnedFd,
    name: StagingName,
    mode: Mode,
) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    operate(|| openat(directory, name.as_bytes(), flags, mode))
}

impl Drop for Staged {
    fn drop(&mut self) {
        match self.name {
            StagedName::Final => return,
            StagedName::None(_) => {}
            StagedName::Staging(name, _) => {
                let unlink = || unlinkat(&self.directory, name.as_bytes(), AtFlags::empty());
                let result = operate_once(unlink);
                if let Err(error) = result
                    && error != Errno::NOENT
                {
                    log::warn!("cannot remove the unfinished upload {name}: {error}");
                }
            }
        }
        if self.length >= LARGE {
            let file = Arc::clone(&self.file);
            self.background.run(move || drop(file));
        }
    }
}

impl Committed {
    /// Its current metadata.
    pub fn metadata(&self) -> Result<Metadata, StoreErrorKind> {
        metadata_of(&self.file)
    }

    /// Reads the content's bytes from `offset` until `buffer` is full; false if it has become shorter.
    pub fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<bool> {
        let mut filled = 0;
        while filled < buffer.len() {
            let from = offset + filled as u64;
            match operate(|| pread(&self.file, &mut buffer[filled..], from))? {
                0 => return Ok(false),
                count => filled += count,
            }
        }
        Ok(true)
    }
}
