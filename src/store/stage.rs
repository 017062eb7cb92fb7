//! Staging: a file for an upload is made. It has no name, or a staging name; [`Store::method`] decides.

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
use super::unnamed::{LinkWay, StagingMethod, has_none, open_unnamed};
use super::write_target::WriteTarget;
use crate::operations::operate;

/// How often a file is made again after another server's clean-up has removed it.
const ATTEMPTS: usize = 8;

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
            Some(unnamed) => unnamed,
            None => self.make_named(target, mode)?,
        };
        // A replaced file keeps its permissions, also those that the umask would take from a new one.
        if target.existing().is_some() && permissions & self.umask != 0 {
            staged.set_mode(mode)?;
        }
        Ok(staged)
    }

    /// Makes a file without a name; `None` if it is to have a staging name.
    fn make_unnamed(
        &self,
        target: &WriteTarget,
        mode: Mode,
    ) -> Result<Option<Staged>, StoreErrorKind> {
        let directory = &target.directory;
        let root = self.root.get();
        let below_root = if Arc::ptr_eq(directory, &root.directory) {
            None
        } else {
            Some(metadata_of(directory)?.identity())
        };
        let device = below_root.map_or(root.device, |(device, _)| device);
        let StagingMethod::Unnamed(link) = self.method(directory, device) else {
            return Ok(None);
        };
        let occupation = below_root.map(|identity| self.occupied.occupy(identity));
        if occupation.is_some() {
            // It may have been removed before it was occupied.
            require_present(directory)?;
        }
        match open_unnamed(directory, mode) {
            Ok(file) => {
                let background = &self.background.0;
                let staged = Staged::unnamed(file, link, directory, occupation, background);
                Ok(Some(staged))
            }
            // If the directory was removed, no named file can be made either.
            Err(error) if has_none(error) || error == Errno::NOENT => Ok(None),
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
        let found = if is_tmpfs(directory) {
            // Nothing of it outlives the machine, and a file that has a name from the start is replaced faster.
            Ok(None)
        } else {
            match open_unnamed(directory, Mode::RUSR | Mode::WUSR) {
                Ok(file) => LinkWay::find(&file, directory, self.staging_name()),
                Err(error) if has_none(error) => Ok(None),
                Err(error) => Err(error),
            }
        };
        let method = match found {
            Ok(Some(link)) => StagingMethod::Unnamed(link),
            Ok(None) => StagingMethod::Named,
            // The fault occurs again with a named file, or is over.
            Err(_) => return StagingMethod::Named,
        };
        // In a directory that was removed, nothing is linked.
        if require_present(directory).is_ok() {
            log::debug!("uploads to device {device} are staged {method}");
            self.methods.remember(device, method);
        }
        method
    }

    fn make_named(&self, target: &WriteTarget, mode: Mode) -> Result<Staged, StoreErrorKind> {
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
            if staged.is_kept()? {
                return Ok(staged);
            }
        }
        Err(StoreErrorKind::Vanished)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::durable::Durability;
    use crate::store::{CommitCondition, Depth, Store};

    /// Servers whose roots lie in each other do not see each other's locks on the roots.
    #[test]
    fn upload_survives_a_server_that_starts_on_a_directory_above_or_below() {
        let on_tmpfs = tempfile::tempdir_in("/dev/shm").ok();
        for home in on_tmpfs.into_iter().chain(tempfile::tempdir()) {
            let open = |path: &str| {
                let root = home.path().join(path);
                Store::open(&root, Depth::Tree, Durability::Kernel).unwrap()
            };
            fs::create_dir_all(home.path().join("root/below")).unwrap();
            let store = open("root");
            let target = store.target_at_once(b"below/file").unwrap();
            let mut staged = store.stage(&target).unwrap();
            staged.write(b"content").unwrap();
            let _others = [open(""), open("root/below")];
            let committed = store.commit(staged, &target, &CommitCondition::Always, |_| ());
            assert!(committed.is_ok(), "{:?}", committed.err());
            let stored = fs::read(home.path().join("root/below/file")).unwrap();
            assert_eq!(stored, b"content");
        }
    }
}
