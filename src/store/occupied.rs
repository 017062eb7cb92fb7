//! Directories in which uploads without a name are staged. Such a directory looks empty, but must not be removed.
//!
//! If another program removes the directory, the commit of the upload fails. A directory is identified by its device
//! and inode number; while it is occupied, a descriptor of it is open, so no other directory can get these numbers.

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustc_hash::FxBuildHasher;
use rustix::fs::{AtFlags, unlinkat};
use rustix::io::Errno;

use super::metadata::Identity;
use crate::operations::operate_once;
use crate::sync::lock;

/// The number of uploads without a name in each directory.
#[derive(Default)]
pub(super) struct Occupied(
    /// Guards the counts. Directories are removed under it, so that none becomes occupied meanwhile.
    Mutex<HashMap<Identity, usize, FxBuildHasher>>,
);

/// Prevents the removal of a directory until it is dropped.
#[must_use = "the directory may be removed once this is dropped"]
pub(super) struct Occupation {
    occupied: Arc<Occupied>,
    directory: Identity,
}

impl Occupied {
    /// Prevents [`Occupied::remove`] from removing this directory. It may have been removed before.
    pub(super) fn occupy(self: &Arc<Self>, directory: Identity) -> Occupation {
        *lock(&self.0).entry(directory).or_default() += 1;
        Occupation {
            occupied: Arc::clone(self),
            directory,
        }
    }

    /// Whether an upload without a name is staged in this directory.
    pub(super) fn contains(&self, directory: Identity) -> bool {
        lock(&self.0).contains_key(&directory)
    }

    /// Removes the empty directory `directory`, which is at `path`, beginning at `from`.
    ///
    /// # Errors
    /// ENOTEMPTY also if it is occupied; else from unlinkat(2).
    pub(super) fn remove(
        &self,
        directory: Identity,
        from: impl AsFd,
        path: &Path,
    ) -> Result<(), Errno> {
        let counts = lock(&self.0);
        if counts.contains_key(&directory) {
            return Err(Errno::NOTEMPTY);
        }
        operate_once(|| unlinkat(from, path, AtFlags::REMOVEDIR))
    }
}

impl Drop for Occupation {
    fn drop(&mut self) {
        let mut counts = lock(&self.occupied.0);
        if let Some(count) = counts.get_mut(&self.directory) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.directory);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn occupied_directory_is_removed_once_all_have_left() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("a")).unwrap();
        let found = fs::metadata(root.path().join("a")).unwrap();
        let directory = (found.dev(), found.ino());
        let occupied = Arc::new(Occupied::default());
        let here = File::open(root.path()).unwrap();
        let remove = || occupied.remove(directory, &here, Path::new("a"));
        let (first, second) = (occupied.occupy(directory), occupied.occupy(directory));
        assert_eq!(remove(), Err(Errno::NOTEMPTY));
        drop(second);
        assert!(occupied.contains(directory));
        assert_eq!(remove(), Err(Errno::NOTEMPTY));
        drop(first);
        assert!(!occupied.contains(directory));
        assert_eq!(remove(), Ok(()));
        assert_eq!(remove(), Err(Errno::NOENT));
    }
}
