//! A file that appears under its name only when it is complete.
//!
//! It is written under a name of its own beside the target, and renamed; if it is dropped before, it is gone.

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

/// A file that has no name yet that anybody would look for.
#[derive(Debug)]
pub(crate) struct Staged {
    dir: OwnedFd,
    file: File,
    /// What it is called in `dir` until it is renamed.
    temporary: Option<String>,
}

impl Staged {
    /// Creates a file in the directory `dir`.
    pub(crate) fn create(dir: OwnedFd) -> io::Result<Self> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let process = std::process::id();
        let mut attempt = 0_u64;
        loop {
            let temporary = format!(".httpserver-log.{process}.{attempt}");
            match openat(&dir, &temporary, flags, Mode::from_raw_mode(0o666)) {
                Ok(file) => {
                    return Ok(Self {
                        dir,
                        file: file.into(),
                        temporary: Some(temporary),
                    });
                }
                Err(Errno::EXIST) => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The file, to be written.
    pub(crate) fn file(&mut self) -> &mut File {
        &mut self.file
    }

    /// Puts the file in its place, `name` in the same directory, in one step: whoever looks sees all or nothing of it.
    pub(crate) fn commit(mut self, name: &[u8]) -> io::Result<()> {
        if let Some(temporary) = &self.temporary {
            renameat(&self.dir, temporary, &self.dir, name)?;
        }
        self.temporary = None;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            // Nobody is left who could be told that this failed.
            let _ = unlinkat(&self.dir, temporary, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    fn open(dir: &tempfile::TempDir) -> OwnedFd {
        File::open(dir.path()).unwrap().into()
    }

    #[test]
    fn appears_when_committed_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a"), "old").unwrap();
        let mut one = Staged::create(open(&dir)).unwrap();
        let mut other = Staged::create(open(&dir)).unwrap();
        one.file().write_all(b"new").unwrap();
        other.file().write_all(b"never seen").unwrap();
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"old");
        one.commit(b"a").unwrap();
        drop(other);
        assert_eq!(fs::read(dir.path().join("a")).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_commit_that_fails_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        assert!(Staged::create(open(&dir)).unwrap().commit(b"a").is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
