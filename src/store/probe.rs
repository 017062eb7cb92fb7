//! Checks whether files can be stored and read in the root: writes a file and reads it back. The file has no name, or a
//! staging name for an instant if the file system does not support files without names.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, Mode, OFlags, openat, unlinkat};
use rustix::io::{Errno, pread, write};
use thiserror::Error;

use super::error::StoreErrorKind;
use super::root::{Fate, Root, require_present};
use super::staging::StagingName;
use super::state::Store;
use super::unnamed::{has_none, open_unnamed};

/// The bytes that are written and read back.
const CONTENT: &[u8] = b"httpserver";

/// The root, to be tried on any thread. It keeps the directory, and nothing else of the store.
pub struct RootProbe {
    root: Arc<Root>,
    attempt: Attempt,
    /// The name of the written file, if it must have one.
    name: StagingName,
}

/// The extent of the probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// To read the directory.
    Read,
    /// To read the directory, and to write a file and read it back.
    ReadAndWrite,
}

/// Why the root cannot be used.
#[derive(Debug, Error)]
pub enum RootProbeError {
    /// It was removed.
    #[error("the root was removed")]
    Removed,
    /// Its file system has lost its storage.
    #[error("the root has lost the connection to its storage")]
    Disconnected,
    /// It cannot be read.
    #[error("the root cannot be read: {0}")]
    Read(#[source] io::Error),
    /// Nothing can be written there.
    #[error("nothing can be written to the root: {0}")]
    Write(#[source] io::Error),
    /// Reading back returned other bytes.
    #[error("a file in the root does not have the content that was written")]
    Altered,
}

impl Store {
    /// A probe of the current root.
    #[must_use]
    pub fn root_probe(&self, attempt: Attempt) -> RootProbe {
        RootProbe {
            root: self.root.get(),
            attempt,
            name: self.staging_name(),
        }
    }

    /// After this probe has failed, a probe of the directory that is the root now; `None` if there is no other. It looks for
    /// a root that is gone, since there may be no request that does.
    #[must_use]
    pub fn root_probe_after(&self, failed: &RootProbe) -> Option<RootProbe> {
        match self.fate(&failed.root) {
            Fate::Replaced => Some(self.root_probe(failed.attempt)),
            Fate::There | Fate::Gone(_) => None,
        }
    }
}

impl RootProbe {
    /// Runs the probe. It may block, on a dead network forever.
    ///
    /// # Errors
    /// See [`RootProbeError`].
    pub fn run(&self) -> Result<(), RootProbeError> {
        match require_present(&self.root.directory) {
            Err(StoreErrorKind::Disconnected) => return Err(RootProbeError::Disconnected),
            Err(_) => return Err(RootProbeError::Removed),
            Ok(()) => {}
        }
        self.read()
            .map_err(|error| RootProbeError::Read(error.into()))?;
        match self.attempt {
            Attempt::Read => Ok(()),
            Attempt::ReadAndWrite => self.write(),
        }
    }

    /// Opens the directory again and reads its first entry.
    fn read(&self) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(&*self.root.directory, ".", flags, Mode::empty())?;
        Dir::new(opened)?.next().transpose().map(drop)
    }

    fn write(&self) -> Result<(), RootProbeError> {
        match open_unnamed(&self.root.directory, OWN) {
            Err(error) if has_none(error) => self.write_named(),
            opened => write_and_read(&opened.map_err(failed)?),
        }
    }

    fn write_named(&self) -> Result<(), RootProbeError> {
        let (directory, name) = (&*self.root.directory, self.name.as_bytes());
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(directory, name, flags, OWN).map_err(failed)?;
        let done = write_and_read(&file);
        // Over NFS a file that is open gets another name when it is removed.
        drop(file);
        let removed = unlinkat(directory, name, AtFlags::empty());
        done.and(removed.map_err(failed))
    }
}

/// The permissions of the written file.
const OWN: Mode = Mode::RUSR.union(Mode::WUSR);

fn write_and_read(file: &OwnedFd) -> Result<(), RootProbeError> {
    let written = write(file, CONTENT).map_err(failed)?;
    let mut content = [0; CONTENT.len()];
    let filled = pread(file, &mut content, 0).map_err(failed)?;
    if written == CONTENT.len() && content[..filled] == *CONTENT {
        Ok(())
    } else {
        Err(RootProbeError::Altered)
    }
}

fn failed(error: Errno) -> RootProbeError {
    RootProbeError::Write(error.into())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::durable::Durability;
    use crate::store::Depth;

    #[test]
    fn a_root_that_works_passes_and_gets_no_name() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Root, Durability::Kernel).unwrap();
        for attempt in [Attempt::Read, Attempt::ReadAndWrite] {
            store.root_probe(attempt).run().unwrap();
        }
        store
            .root_probe(Attempt::ReadAndWrite)
            .write_named()
            .unwrap();
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_root_that_was_removed_does_not_pass() {
        let root = tempfile::tempdir().unwrap();
        let store = Store::open(root.path(), Depth::Root, Durability::Kernel).unwrap();
        fs::remove_dir(root.path()).unwrap();
        let failed = store.root_probe(Attempt::Read).run().unwrap_err();
        assert_eq!(failed.to_string(), "the root was removed");
    }

    #[test]
    fn probe_finds_a_root_that_was_made_again() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        fs::create_dir(&root).unwrap();
        let store = Store::open(&root, Depth::Root, Durability::Kernel).unwrap();
        let probe = store.root_probe(Attempt::Read);
        assert!(store.root_probe_after(&probe).is_none());
        fs::remove_dir(&root).unwrap();
        fs::create_dir(&root).unwrap();
        probe.run().unwrap_err();
        store.root_probe_after(&probe).unwrap().run().unwrap();
    }
}
