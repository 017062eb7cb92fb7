//! Whether files can be stored and read in the root right now, tried for real. No name is left there.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Dir, Mode, OFlags, StatVfsMountFlags, fstatvfs, openat};
use rustix::io::{Errno, pread, write};
use thiserror::Error;

use super::root::require_present;
use super::state::Store;
use super::unnamed::{has_none, open_unnamed};

/// What is written and read back.
const CONTENT: &[u8] = b"httpserver";

/// The root, to be tried on any thread. It keeps the directory, and nothing else of the store.
#[derive(Debug)]
pub struct RootProbe {
    directory: Arc<OwnedFd>,
    attempt: Attempt,
}

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// To read the directory.
    Read,
    /// To read the directory, and to write a file without a name and read it back.
    ReadAndWrite,
}

/// Why the root cannot be used.
#[derive(Debug, Error)]
pub enum RootProbeError {
    /// It was removed.
    #[error("the root was removed")]
    Removed,
    /// It cannot be read.
    #[error("the root cannot be read: {0}")]
    Read(#[source] io::Error),
    /// Nothing can be written there.
    #[error("nothing can be written to the root: {0}")]
    Write(#[source] io::Error),
    /// What was written is not what was read back.
    #[error("a file in the root does not have the content that was written")]
    Altered,
}

impl Store {
    /// What tries the directory that is the root now.
    #[must_use]
    pub fn root_probe(&self, attempt: Attempt) -> RootProbe {
        RootProbe {
            directory: self.root(),
            attempt,
        }
    }
}

impl RootProbe {
    /// Tries it. That takes as long as the file system takes, for ever on a dead network.
    ///
    /// # Errors
    /// See [`RootProbeError`].
    pub fn run(&self) -> Result<(), RootProbeError> {
        require_present(&self.directory).map_err(|_| RootProbeError::Removed)?;
        self.read()
            .map_err(|error| RootProbeError::Read(error.into()))?;
        match self.attempt {
            Attempt::Read => Ok(()),
            Attempt::ReadAndWrite => self.write(),
        }
    }

    /// Opens the directory anew and reads its first entry.
    fn read(&self) -> Result<(), Errno> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = openat(&*self.directory, ".", flags, Mode::empty())?;
        Dir::new(opened)?.next().transpose().map(drop)
    }

    fn write(&self) -> Result<(), RootProbeError> {
        let failed = |error: Errno| RootProbeError::Write(error.into());
        let file = match open_unnamed(&self.directory, Mode::RUSR | Mode::WUSR) {
            Err(error) if has_none(error) => return self.look_for_space().map_err(failed),
            opened => opened.map_err(failed)?,
        };
        let written = write(&file, CONTENT).map_err(failed)?;
        let mut content = [0; CONTENT.len()];
        let filled = pread(&file, &mut content, 0).map_err(failed)?;
        if written == CONTENT.len() && content[..filled] == *CONTENT {
            Ok(())
        } else {
            Err(RootProbeError::Altered)
        }
    }

    fn look_for_space(&self) -> Result<(), Errno> {
        let found = fstatvfs(&*self.directory)?;
        if found.f_flag.contains(StatVfsMountFlags::RDONLY) {
            Err(Errno::ROFS)
        } else if found.f_bavail == 0 && found.f_blocks > 0 {
            Err(Errno::NOSPC)
        } else {
            Ok(())
        }
    }
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
            .look_for_space()
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
}
