//! The location of a log: the file behind a path, and the names that lead to it.
//!
//! Symlinks at the path's end are followed once, here. All other steps use the directory of the file itself: an old log
//! is renamed there, and the links stay unchanged. A log must be a regular file, since its space is reserved in it;
//! everything else is refused before it is opened. Links of proc(5) are also refused: they stand for open files of a
//! process and could not be renamed.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{
    AtFlags, CWD, FileType, FsWord, Mode, OFlags, fstat, fstatfs, openat, readlinkat, statat,
};
use rustix::io::Errno;

use super::error::LogError;

/// Symlinks that are followed, as many as the kernel follows (`path_resolution(7)`).
const MAX_LINKS: usize = 40;

/// The type of proc(5), as statfs(2) has it.
const PROC_SUPER_MAGIC: FsWord = 0x9fa0;

/// A log's file, which may not exist yet, and the symlinks that lead to it.
#[derive(Debug, Clone)]
pub struct Location {
    /// The path of the file itself, for messages.
    path: PathBuf,
    /// Names of symlinks, and the file's own as the last.
    names: Vec<LogName>,
}

/// A name in a directory.
#[derive(Debug, Clone)]
pub struct LogName {
    /// The directory, open with `O_PATH`.
    pub directory: Arc<OwnedFd>,
    /// Its device and inode number.
    pub directory_identity: (u64, u64),
    /// The name in it.
    pub name: Box<[u8]>,
}

impl Location {
    /// Follows the symlinks at the end of a path.
    ///
    /// # Errors
    /// `Open` if a directory of the path cannot be searched; `Directory` or `NotRegular` if it is not a regular file.
    pub fn resolve(typed: &Path) -> Result<Self, LogError> {
        let failed = |source| match source {
            // The path ends with a slash, or is a directory above.
            Errno::ISDIR => LogError::Directory(typed.to_path_buf()),
            _ => LogError::Open {
                path: typed.to_path_buf(),
                source: source.into(),
            },
        };
        let mut path = typed.to_path_buf();
        let mut names = Vec::new();
        while names.len() <= MAX_LINKS {
            let (parent, name) = split(&path).map_err(failed)?;
            let name = name.as_bytes();
            let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
            let directory = openat(CWD, parent, flags, Mode::empty()).map_err(failed)?;
            let found = fstat(&directory).map_err(failed)?;
            let file_type = type_of(&directory, name).map_err(failed)?;
            let not_regular = || LogError::NotRegular(typed.to_path_buf());
            if fstatfs(&directory).map_err(failed)?.f_type == PROC_SUPER_MAGIC {
                return Err(not_regular());
            }
            let target = match file_type {
                None | Some(FileType::RegularFile) => None,
                Some(FileType::Symlink) => {
                    let target = readlinkat(&directory, name, Vec::new()).map_err(failed)?;
                    Some(PathBuf::from(OsString::from_vec(target.into_bytes())))
                }
                Some(FileType::Directory) => return Err(failed(Errno::ISDIR)),
                Some(_) => return Err(not_regular()),
            };
            names.push(LogName {
                directory: Arc::new(directory),
                directory_identity: (found.st_dev, found.st_ino),
                name: name.into(),
            });
            match target {
                None => return Ok(Self { path, names }),
                Some(target) => path = parent.join(target),
            }
        }
        Err(failed(Errno::LOOP))
    }

    /// All names that lead to the file, its own as the last.
    #[must_use]
    pub fn names(&self) -> &[LogName] {
        &self.names
    }

    /// Whether both are the same name in the same directory.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let last = |location: &Self| {
            let last = location.names.last()?;
            Some((last.directory_identity, last.name.clone()))
        };
        last(self) == last(other)
    }

    /// Whether the other file is in the same directory, and its name begins with this name and a dot.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let (Some(own), Some(other)) = (self.names.last(), other.names.last()) else {
            return false;
        };
        let rest = other.name.strip_prefix(&*own.name);
        own.directory_identity == other.directory_identity
            && rest.is_some_and(|rest| rest.starts_with(b"."))
    }

    /// The path of the file itself, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file beside it, for messages: its own, a dot, and `suffix`.
    pub(super) fn path_with(&self, suffix: &str) -> PathBuf {
        let mut path = self.path.as_os_str().to_os_string();
        path.push(".");
        path.push(suffix);
        PathBuf::from(path)
    }

    /// The name of a file beside it: its own, a dot, and `suffix`.
    pub(super) fn name_with(&self, suffix: &str) -> Vec<u8> {
        [self.name(), b".", suffix.as_bytes()].concat()
    }

    /// A file beside it: its name is this one's, a dot, and `suffix`.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> Self {
        let names = self.names.last().map(|last| LogName {
            name: self.name_with(suffix).into(),
            ..last.clone()
        });
        Self {
            path: self.path_with(suffix),
            names: names.into_iter().collect(),
        }
    }

    /// The name of the file in its directory.
    pub(super) fn name(&self) -> &[u8] {
        self.names.last().map_or(&[], |last| &last.name)
    }

    /// The directory that the file is in.
    pub(super) fn directory(&self) -> BorrowedFd<'_> {
        self.names.last().map_or(CWD, |last| last.directory.as_fd())
    }

    /// Whether the file at this name is the one with these device and inode numbers; a symlink is not followed.
    pub(super) fn is_file(&self, identity: (u64, u64)) -> bool {
        let found = statat(self.directory(), self.name(), AtFlags::SYMLINK_NOFOLLOW);
        found.is_ok_and(|found| (found.st_dev, found.st_ino) == identity)
    }

    /// Opens a regular file in the directory, and creates it if it does not exist; no symlink is followed.
    ///
    /// # Errors
    /// From openat(2) and fstat(2); EINVAL if it is not a regular file.
    pub(super) fn open(&self, name: &[u8], flags: OFlags) -> io::Result<File> {
        // NONBLOCK: opening a FIFO waits for its reader.
        let flags = flags
            | OFlags::CREATE
            | OFlags::NOFOLLOW
            | OFlags::NONBLOCK
            | OFlags::NOCTTY
            | OFlags::CLOEXEC;
        let file = File::from(openat(
            self.directory(),
            name,
            flags,
            Mode::from_raw_mode(0o666),
        )?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(Errno::INVAL.into())
        }
    }
}

/// The metadata of the file with this name; a symlink is not followed.
fn type_of(directory: &OwnedFd, name: &[u8]) -> rustix::io::Result<Option<FileType>> {
    match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) => Ok(Some(FileType::from_raw_mode(found.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The directory of a path and the name in it.
///
/// # Errors
/// ENOENT for an empty path; EISDIR for a path that can only name a directory.
fn split(path: &Path) -> Result<(&Path, &OsStr), Errno> {
    let bytes = path.as_os_str().as_bytes();
    if bytes.is_empty() {
        return Err(Errno::NOENT);
    }
    // `file_name` ignores a dot or a slash at the end.
    let names_directory = bytes.ends_with(b"/") || bytes.ends_with(b"/.") || bytes == b".";
    match path.file_name().filter(|_| !names_directory) {
        None => Err(Errno::ISDIR),
        Some(name) => {
            let parent = path
                .parent()
                .filter(|parent| !parent.as_os_str().is_empty());
            Ok((parent.unwrap_or(Path::new(".")), name))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn resolved(path: impl AsRef<Path>) -> Result<PathBuf, String> {
        let found = Location::resolve(path.as_ref());
        found
            .map(|location| location.path)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn links_lead_to_the_file_itself() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::create_dir(at("disk")).unwrap();
        fs::write(at("disk/real"), "").unwrap();
        symlink("disk/real", at("relative")).unwrap();
        symlink(at("disk/real"), at("absolute")).unwrap();
        symlink("../relative", at("disk/again")).unwrap();
        symlink("disk/absent", at("dangling")).unwrap();
        symlink("round", at("round")).unwrap();
        symlink("disk", at("directory")).unwrap();
        for (typed, file, names) in [
            ("disk/real", Ok("disk/real"), 1),
            ("absent", Ok("absent"), 1),
            ("directory/real", Ok("directory/real"), 1),
            ("relative", Ok("disk/real"), 2),
            ("absolute", Ok("disk/real"), 2),
            ("disk/again", Ok("disk/../disk/real"), 3),
            ("dangling", Ok("disk/absent"), 2),
            ("round", Err("Too many levels of symbolic links"), 0),
            ("disk", Err("it is a directory"), 0),
            ("directory", Err("it is a directory"), 0),
            ("disk/", Err("it is a directory"), 0),
            ("disk/.", Err("it is a directory"), 0),
            ("disk/..", Err("it is a directory"), 0),
            ("absent/file", Err("No such file or directory"), 0),
            ("disk/real/file", Err("Not a directory"), 0),
        ] {
            match (resolved(at(typed)), file) {
                (Ok(found), Ok(file)) => {
                    assert_eq!(found, at(file), "{typed}");
                    let location = Location::resolve(&at(typed)).unwrap();
                    assert_eq!(location.names().len(), names, "{typed}");
                }
                (Err(found), Err(part)) => assert!(found.contains(part), "{typed}: {found}"),
                (found, _) => panic!("{typed}: {found:?}"),
            }
        }
    }

    #[test]
    fn other_files_than_regular_ones_are_refused() {
        for path in [
            "/dev/null",
            "/dev/stdout",
            "/dev/fd/1",
            "/proc/self/fd/1",
            "/proc/version",
        ] {
            let message = resolved(path).unwrap_err();
            assert!(message.contains(path), "{message}");
            assert!(message.contains("not a regular file"), "{message}");
        }
        for (path, part) in [("", "No such file"), (".", "directory"), ("/", "directory")] {
            let message = resolved(path).unwrap_err();
            assert!(message.contains(part), "{path}: {message}");
        }
    }
}
