//! Staging: creates the file of an upload. It has no name, or a staging name; [`Store::method`] decides.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::Mode;
use rustix::io::Errno;

use super::error::{StoreError, StoreErrorKind, once_more_if_stale};
use super::file_system::is_tmpfs;
use super::root::require_present;
use super::staged::{Staged, StagingLock, create_named};
use super::state::Store;
use super::sys::metadata_of;
use super::unnamed::{LinkWay, StagingMethod, has_none, open_unnamed};
use super::write_target::WriteTarget;
use crate::durable::Durability;

/// The number of attempts if another server's clean-up removes a new file.
const ATTEMPTS: usize = 8;

/// The time for which a file is staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StagedFor {
    /// Until its client has sent everything.
    Long,
    /// For two system calls.
    Instant,
}

/// The result of creating a file without a name.
enum Unnamed {
    Made(Staged),
    /// The file must have a staging name, and this lock.
    ToBeNamed(StagingLock),
}

impl Store {
    /// Creates the file for an upload to `target`.
    ///
    /// # Errors
    /// `Vanished` if its directory was removed; else from openat(2).
    pub fn stage(&self, target: &WriteTarget) -> Result<Staged, StoreError> {
        self.stage_for(target, StagedFor::Long)
    }

    /// The same for an upload with its whole content in memory: it is written and committed at once.
    ///
    /// # Errors
    /// As [`Store::stage`].
    pub fn stage_for_an_instant(&self, target: &WriteTarget) -> Result<Staged, StoreError> {
        self.stage_for(target, StagedFor::Instant)
    }

    fn stage_for(&self, target: &WriteTarget, staged_for: StagedFor) -> Result<Staged, StoreError> {
        once_more_if_stale(|| self.make_staged(target, staged_for))
            .map_err(|kind| kind.of(target.path()))
    }

    fn make_staged(
        &self,
        target: &WriteTarget,
        staged_for: StagedFor,
    ) -> Result<Staged, StoreErrorKind> {
        let permissions = target
            .existing()
            .map_or(0o666, |old| old.permissions() & 0o777);
        let mode = Mode::from_raw_mode(permissions);
        let staged = match self.make_unnamed(target, mode, staged_for)? {
            Unnamed::Made(unnamed) => unnamed,
            Unnamed::ToBeNamed(lock) => self.make_named(target, mode, lock)?,
        };
        // A replaced file keeps its permissions, even those that the umask would remove from a new one.
        if target.existing().is_some() && permissions & self.umask != 0 {
            staged.set_mode(mode)?;
        }
        Ok(staged)
    }

    /// Makes a file without a name, unless it is to have a staging name.
    fn make_unnamed(
        &self,
        target: &WriteTarget,
        mode: Mode,
        staged_for: StagedFor,
    ) -> Result<Unnamed, StoreErrorKind> {
        let directory = &target.directory;
        let root = self.root.get();
        let below_root = if Arc::ptr_eq(directory, &root.directory) {
            None
        } else {
            Some(metadata_of(directory)?.identity())
        };
        let device = below_root.map_or(root.device, |(device, _)| device);
        let link = match (self.method(directory, device), staged_for) {
            (StagingMethod::Unnamed(_), StagedFor::Instant) if self.replaces_at_once(target) => {
                return Ok(Unnamed::ToBeNamed(StagingLock::Omitted));
            }
            (StagingMethod::Unnamed(link), _) => link,
            (StagingMethod::NamedInMemory, StagedFor::Instant) => {
                return Ok(Unnamed::ToBeNamed(StagingLock::Omitted));
            }
            (StagingMethod::Named | StagingMethod::NamedInMemory, _) => {
                return Ok(Unnamed::ToBeNamed(StagingLock::Held));
            }
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
                Ok(Unnamed::Made(staged))
            }
            // If the directory was removed, a named file cannot be created either.
            Err(error) if has_none(error) || error == Errno::NOENT => {
                Ok(Unnamed::ToBeNamed(StagingLock::Held))
            }
            Err(error) => {
                // In a directory that was removed, ext4 refuses files without names with EPERM.
                require_present(directory)?;
                Err(StoreErrorKind::in_directory(error))
            }
        }
    }

    /// Whether an upload is renamed over a file a few system calls after it was created. It then needs a staging name
    /// anyway; a file without a name would only cost an orphan entry and a link. With `--durable` it waits for the disk
    /// before the rename, and a kill at that moment would leave the name.
    fn replaces_at_once(&self, target: &WriteTarget) -> bool {
        target.existing().is_some() && self.durability == Durability::Kernel
    }

    /// The staging method for this device; determined by a trial if it is not known.
    fn method(&self, directory: &OwnedFd, device: u64) -> StagingMethod {
        if let Some(method) = self.methods.of(device) {
            return method;
        }
        let method = if is_tmpfs(directory) {
            // Its files do not outlive the machine, and a file with a name from the start is faster.
            StagingMethod::NamedInMemory
        } else {
            let found = match open_unnamed(directory, Mode::RUSR | Mode::WUSR) {
                Ok(file) => LinkWay::find(&file, directory, self.staging_name()),
                Err(error) if has_none(error) => Ok(None),
                Err(error) => Err(error),
            };
            match found {
                Ok(Some(link)) => StagingMethod::Unnamed(link),
                Ok(None) => StagingMethod::Named,
                // The fault occurs again with a named file, or is over.
                Err(_) => return StagingMethod::Named,
            }
        };
        // In a directory that was removed, nothing is linked.
        if require_present(directory).is_ok() {
            log::debug!("uploads to device {device} are staged {method}");
            self.methods.remember(device, method);
        }
        method
    }

    fn make_named(
        &self,
        target: &WriteTarget,
        mode: Mode,
        lock: StagingLock,
    ) -> Result<Staged, StoreErrorKind> {
        for _ in 0..ATTEMPTS {
            let name = self.staging_name();
            let file = match create_named(&target.directory, name, mode) {
                Err(Errno::EXIST) => continue,
                done => done.map_err(StoreErrorKind::in_directory)?,
            };
            let staged = Staged::named(file, name, lock, &target.directory, &self.background.0);
            if lock == StagingLock::Omitted || staged.is_kept()? {
                return Ok(staged);
            }
        }
        Err(StoreErrorKind::Vanished)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::Mode;

    use crate::durable::Durability;
    use crate::store::file_system::is_tmpfs;
    use crate::store::unnamed::open_unnamed;
    use crate::store::{CommitCondition, Depth, Store, StoreErrorKind, is_staging_name};

    /// Removes the one staging file of a directory, as a clean-up does.
    fn remove_staging_file(directory: &Path) {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        let staged: Vec<_> = entries
            .filter(|entry| is_staging_name(entry.file_name().as_encoded_bytes()))
            .collect();
        assert_eq!(staged.len(), 1);
        fs::remove_file(staged[0].path()).unwrap();
    }

    /// The number of staging files in a directory.
    fn staging_files(directory: &Path) -> usize {
        let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
        entries
            .filter(|entry| is_staging_name(entry.file_name().as_encoded_bytes()))
            .count()
    }

    /// The file of such an upload is not locked.
    #[test]
    fn upload_that_is_staged_for_an_instant_survives_the_loss_of_its_name() {
        use std::os::unix::fs::PermissionsExt;
        let on_tmpfs = tempfile::tempdir_in("/dev/shm").ok();
        for home in on_tmpfs.into_iter().chain(tempfile::tempdir()) {
            let directory = OwnedFd::from(fs::File::open(home.path()).unwrap());
            let in_memory = is_tmpfs(&directory);
            if !in_memory && open_unnamed(&directory, Mode::RUSR).is_err() {
                continue; // Every upload is locked there.
            }
            let store = Store::open(home.path(), Depth::Tree, Durability::Kernel).unwrap();
            fs::write(home.path().join("old"), "old content").unwrap();
            let restricted = fs::Permissions::from_mode(0o604);
            fs::set_permissions(home.path().join("old"), restricted).unwrap();
            let always = |_: Option<&_>| true;
            for (name, condition) in [
                ("new", CommitCondition::Always),
                ("old", CommitCondition::Always),
                ("old", CommitCondition::Holds(&always)),
                ("absent", CommitCondition::Absent),
            ] {
                let target = store.target_at_once(name.as_bytes()).unwrap();
                let mut staged = store.stage_for_an_instant(&target).unwrap();
                staged.write(b"content").unwrap();
                if in_memory || name == "old" {
                    remove_staging_file(home.path());
                }
                assert_eq!(staging_files(home.path()), 0, "{name}");
                let committed = store.commit(staged, &target, &condition, |committed| {
                    committed.metadata().unwrap()
                });
                let path = home.path().join(name);
                assert_eq!(fs::read(&path).unwrap(), b"content", "{name}");
                let there = store.target_at_once(name.as_bytes()).unwrap();
                assert_eq!(there.existing(), Some(&committed.unwrap()), "{name}");
                let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
                assert_eq!(mode == 0o604, name == "old", "{name}");
            }
            assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
        }
    }

    /// A kill while an upload waits for the disk leaves no name.
    #[test]
    fn durable_upload_has_no_name_before_its_commit() {
        let home = tempfile::tempdir().unwrap();
        let directory = OwnedFd::from(fs::File::open(home.path()).unwrap());
        if is_tmpfs(&directory) || open_unnamed(&directory, Mode::RUSR).is_err() {
            return; // Uploads have names there.
        }
        fs::write(home.path().join("old"), "old content").unwrap();
        for (durability, named) in [(Durability::Storage, 0), (Durability::Kernel, 1)] {
            let store = Store::open(home.path(), Depth::Tree, durability).unwrap();
            let target = store.target_at_once(b"old").unwrap();
            let staged = store.stage_for_an_instant(&target).unwrap();
            assert_eq!(staging_files(home.path()), named, "{durability:?}");
            let long = store.stage(&target).unwrap();
            assert_eq!(staging_files(home.path()), named, "{durability:?}");
            drop((staged, long));
            assert_eq!(staging_files(home.path()), 0, "{durability:?}");
        }
    }

    #[test]
    fn upload_into_a_directory_that_was_removed_vanishes() {
        let Ok(home) = tempfile::tempdir_in("/dev/shm") else {
            return; // This machine has no tmpfs.
        };
        fs::create_dir(home.path().join("below")).unwrap();
        let store = Store::open(home.path(), Depth::Tree, Durability::Kernel).unwrap();
        let target = store.target_at_once(b"below/file").unwrap();
        let mut staged = store.stage_for_an_instant(&target).unwrap();
        staged.write(b"content").unwrap();
        fs::remove_dir_all(home.path().join("below")).unwrap();
        let committed = store.commit(staged, &target, &CommitCondition::Always, |_| ());
        assert_eq!(committed.unwrap_err().kind, StoreErrorKind::Vanished);
    }

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
