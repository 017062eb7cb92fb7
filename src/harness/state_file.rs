//! A file with one line of JSON for other programs. It appears complete, by rename(2).
//!
//! The directory is opened at the start, so the file is found even if the path changes later. A symlink of its name is
//! replaced, not followed.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{
    AtFlags, CWD, FileType, Mode, OFlags, Stat, fstat, openat, renameat, statat, unlinkat,
};
use rustix::io::Errno;
use serde::Serialize;

/// A file that does not exist yet. When this is dropped, the written file is removed, if it still has the name.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    directory: OwnedFd,
    name: Vec<u8>,
    /// The written file. It stays open, so that no other file gets its inode number.
    written: Option<File>,
}

impl StateFile {
    /// Removes the file with this name.
    ///
    /// # Errors
    /// From openat(2) and unlinkat(2). `IsADirectory` or `InvalidInput` if it is not a file.
    pub(super) fn remove(path: &Path) -> io::Result<()> {
        Self::at(path)?.remove_stale()
    }

    /// Removes the file with this name, and checks that a file can be created beside it.
    ///
    /// # Errors
    /// As [`StateFile::remove`].
    pub(super) fn prepare(path: &Path) -> io::Result<Self> {
        let file = Self::at(path)?;
        file.remove_stale()?;
        file.stage()?;
        unlinkat(&file.directory, file.staging_name(), AtFlags::empty())?;
        Ok(file)
    }

    /// The file, of which nothing is changed.
    fn at(path: &Path) -> io::Result<Self> {
        let is_directory = path.as_os_str().as_bytes().ends_with(b"/");
        let name = path.file_name().filter(|_| !is_directory);
        let name = name.ok_or(io::ErrorKind::IsADirectory)?;
        let parent = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(CWD, parent.unwrap_or(Path::new(".")), flags, Mode::empty())?;
        Ok(Self {
            path: path.to_path_buf(),
            directory,
            name: name.as_bytes().to_vec(),
            written: None,
        })
    }

    /// The path as it was typed.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the file; it appears under its name when it is complete.
    pub(super) fn publish(&mut self, content: &[u8]) -> io::Result<()> {
        let mut staged = self.stage()?;
        let renamed = staged.write_all(content).and_then(|()| {
            let staging = self.staging_name();
            renameat(&self.directory, staging, &self.directory, &self.name)?;
            Ok(())
        });
        match &renamed {
            Ok(()) => self.written = Some(staged),
            Err(_) => drop(unlinkat(
                &self.directory,
                self.staging_name(),
                AtFlags::empty(),
            )),
        }
        renamed
    }

    /// The file outlives this.
    pub(super) fn keep(mut self) {
        self.written = None;
    }

    fn remove_stale(&self) -> io::Result<()> {
        let found = match statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => found,
            Err(Errno::NOENT) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        match FileType::from_raw_mode(found.st_mode) {
            FileType::RegularFile | FileType::Symlink => {
                Ok(unlinkat(&self.directory, &self.name, AtFlags::empty())?)
            }
            FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
            _ => {
                let why = "there is something else than a file";
                Err(io::Error::new(io::ErrorKind::InvalidInput, why))
            }
        }
    }

    /// Creates the file under a name that begins with its own and a dot, so that clients do not see it.
    fn stage(&self) -> io::Result<File> {
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o644);
        let staged = openat(&self.directory, self.staging_name(), flags, mode)?;
        Ok(staged.into())
    }

    fn staging_name(&self) -> Vec<u8> {
        let suffix = format!(".{}.new", std::process::id());
        [&self.name, suffix.as_bytes()].concat()
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        let Some(written) = self.written.as_ref().and_then(|file| fstat(file).ok()) else {
            return;
        };
        let found = statat(&self.directory, &self.name, AtFlags::SYMLINK_NOFOLLOW);
        if found.is_ok_and(|found| identity(&found) == identity(&written))
            && let Err(error) = unlinkat(&self.directory, &self.name, AtFlags::empty())
        {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn identity(found: &Stat) -> (u64, u64) {
    (found.st_dev, found.st_ino)
}

/// A value as a line.
pub(super) fn json_line(value: &impl Serialize) -> Vec<u8> {
    // Only a map with keys other than strings fails.
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line
}

/// A moment in UTC, to the microsecond (RFC 3339).
pub(super) fn stamp(time: SystemTime) -> String {
    let time = jiff::Timestamp::try_from(time).unwrap_or_default();
    format!("{time:.6}")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn stale_file_is_removed_at_the_start_and_new_one_with_its_owner() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ready");
        let other = directory.path().join("other");
        fs::write(&path, "stale").unwrap();
        let mut file = StateFile::prepare(&path).unwrap();
        assert_eq!(names(directory.path()), [""; 0]);
        file.publish(b"one\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one\n");
        drop(file);
        assert_eq!(names(directory.path()), [""; 0]);
        // A link is replaced, and its target stays.
        fs::write(&other, "mine").unwrap();
        symlink("other", &path).unwrap();
        let mut file = StateFile::prepare(&path).unwrap();
        file.publish(b"two\n").unwrap();
        file.keep();
        assert_eq!(fs::read(&path).unwrap(), b"two\n");
        assert_eq!(fs::read(&other).unwrap(), b"mine");
    }

    #[test]
    fn file_of_another_is_not_removed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ready");
        let mut first = StateFile::prepare(&path).unwrap();
        first.publish(b"first\n").unwrap();
        let mut second = StateFile::prepare(&path).unwrap();
        second.publish(b"second\n").unwrap();
        drop(first);
        assert_eq!(fs::read(&path).unwrap(), b"second\n");
    }

    #[test]
    fn directory_in_place_of_the_file_is_an_error_and_stays() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("directory")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        fs::write(at("file"), "").unwrap();
        for (name, why) in [
            ("directory", "is a directory"),
            ("directory/", "is a directory"),
            ("socket", "there is something else than a file"),
            ("absent/ready", "No such file or directory"),
            ("file/ready", "Not a directory"),
        ] {
            let error = StateFile::prepare(&at(name)).unwrap_err().to_string();
            assert!(error.starts_with(why), "{name}: {error}");
        }
        assert_eq!(names(directory.path()), ["directory", "file", "socket"]);
    }
}
