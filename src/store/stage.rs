//! Staging: a file for an upload is made, without a name where the file system can.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;

use super::error::{StoreError, StoreErrorKind};
use super::file_system::is_tmpfs;
use super::root::require_present;
use super::staged::Staged;
use super::state::Store;
use super::sys::metadata_of;
use super::unnamed::{LinkWay, OwnLock, StagingMethod, has_none, open_unnamed};
use super::write_target::WriteTarget;
use crate::operations::operate;

/// How often a file is made anew that a server has removed while it cleaned up.
const ATTEMPTS: usize = 8;

/// What came of an attempt to do without a name.
enum Unnamed {
    Made(Staged),
    /// The file is to have a staging name.
    ToBeNamed(OwnLock),
}

impl Store {
    /// Makes a file for an upload to `target`.
    ///
    /// # Errors
    /// `Vanished` if its directory was removed; else as openat(2).
    pub fn stage(&self, target: &WriteTarget) -> Result<Staged, StoreError> {
        self.make_staged(target)
            .map_err(|kind| kind.of(target.path()))
    }

    fn make_staged(&self, target: &WriteTarget) -> Result<Staged, StoreErrorKind> {
        let permissions = target
            .existing()
            .map_or(0o666, |old| old.permissions() & 0o777);
        let mode = Mode::from_raw_mode(permissions);
        let staged = match self.make_unnamed(target, mode)? {
            Unnamed::Made(staged) => staged,
            Unnamed::ToBeNamed(lock) => self.make_named(target, mode, lock)?,
        };
        // A replaced file keeps its permissions, also those that the umask would take from a new one.
        if target.existing().is_some() && permissions & self.umask != 0 {
            staged.set_mode(mode)?;
        }
        Ok(staged)
    }

    /// Makes one without a name where that can be had, and is no slower.
    fn make_unnamed(&self, target: &WriteTarget, mode: Mode) -> Result<Unnamed, StoreErrorKind> {
        let directory = &target.directory;
        let root = self.root.get();
        let (device, occupation) = if Arc::ptr_eq(directory, &root.directory) {
            (root.device, None)
        } else {
            let identity = metadata_of(directory)?.identity();
            let occupation = self.occupied.occupy(identity);
            // It may have been removed before it was occupied.
            require_present(directory)?;
            (identity.0, Some(occupation))
        };
        let link = match self.method(directory, device) {
            StagingMethod::Unnamed(link) => link,
            StagingMethod::Named(lock) => return Ok(Unnamed::ToBeNamed(lock)),
        };
        match open_unnamed(directory, mode) {
            Ok(file) => {
                let background = &self.background.0;
                let staged = Staged::unnamed(file, link, directory, occupation, background);
                Ok(Unnamed::Made(staged))
            }
            // A directory that was removed is found out with the name.
            Err(error) if has_none(error) || error == Errno::NOENT => {
                Ok(Unnamed::ToBeNamed(OwnLock::Needed))
            }
            Err(error) => {
                // In a directory that was removed, ext4 refuses files without names with EPERM.
                require_present(directory)?;
                Err(StoreErrorKind::in_directory(error))
            }
        }
    }

    /// How uploads are staged in a directory on this device: tried if it is not known.
    fn method(&self, directory: &OwnedFd, device: u64) -> StagingMethod {
        if let Some(method) = self.methods.of(device) {
            return method;
        }
        if is_tmpfs(directory) {
            // Nothing of it outlives the machine, and a file that has a name from the start is replaced faster.
            let method = StagingMethod::Named(OwnLock::Unneeded);
            self.methods.remember(device, method);
            return method;
        }
        let found = match open_unnamed(directory, Mode::RUSR | Mode::WUSR) {
            Ok(file) => LinkWay::find(&file, directory, self.staging_name()),
            Err(error) if has_none(error) => Ok(None),
            Err(error) => Err(error),
        };
        let named = StagingMethod::Named(OwnLock::Needed);
        let method = match found {
            Ok(link) => link.map_or(named, StagingMethod::Unnamed),
            // That fault is found again, or is over.
            Err(_) => return named,
        };
        // In a directory that was removed, nothing is linked.
        if require_present(directory).is_ok() {
            if method == named {
                log::debug!(
                    "this file system has no files without names: uploads get staging names"
                );
            }
            self.methods.remember(device, method);
        }
        method
    }

    fn make_named(
        &self,
        target: &WriteTarget,
        mode: Mode,
        lock: OwnLock,
    ) -> Result<Staged, StoreErrorKind> {
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        for _ in 0..ATTEMPTS {
            let name = self.staging_name();
            let create = || openat(&target.directory, name.as_bytes(), flags, mode);
            let file = match operate(create) {
                Err(Errno::EXIST) => continue,
                done => done.map_err(StoreErrorKind::in_directory)?,
            };
            let staged = Staged::named(file, name, &target.directory, &self.background.0);
            if lock == OwnLock::Unneeded || staged.is_kept()? {
                return Ok(staged);
            }
        }
        Err(StoreErrorKind::Vanished)
    }
}
