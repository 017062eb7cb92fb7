//! Files below one directory, by names that come from a log and deserve no trust.
//!
//! Names that are not plain relative paths are refused here; where symbolic links lead is for the kernel to judge
//! (openat2(2), `RESOLVE_BENEATH`), as it alone sees the same links at the same moment.

use crate::staged::Staged;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, ResolveFlags, mkdirat, openat, openat2, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

/// A directory whose inside can be reached, and nothing else.
#[derive(Debug)]
pub(crate) struct Tree {
    root: OwnedFd,
}

/// Why a name is not that of a file below a directory, or `None` if it is.
pub(crate) fn objection(name: &[u8]) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty");
    }
    if name.contains(&0) {
        return Some("contains a NUL byte");
    }
    if name.starts_with(b"/") {
        return Some("is absolute");
    }
    name.split(|&byte| byte == b'/')
        .find_map(|component| match component {
            b"" => Some("has an empty component"),
            b"." => Some("has a component `.`"),
            b".." => Some("would leave the directory"),
            _ => None,
        })
}

impl Tree {
    /// Opens an existing directory.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self {
            root: openat(CWD, dir, flags, Mode::empty())?,
        })
    }

    /// Opens a regular file for reading; it never waits, whatever the name turns out to be.
    pub(crate) fn read(&self, name: &[u8]) -> io::Result<File> {
        let file = File::from(self.beneath(name, OFlags::RDONLY | OFlags::NONBLOCK)?);
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(io::Error::other("not a regular file"))
        }
    }

    /// Begins a file that will be called `name`, and creates the directories on the way to it.
    pub(crate) fn stage(&self, name: &[u8]) -> io::Result<Staged> {
        let (parent, _) = split(name);
        Staged::create(self.directory(parent)?)
    }

    /// Puts a file in place that was staged for `name`.
    pub(crate) fn commit(staged: Staged, name: &[u8]) -> io::Result<()> {
        staged.commit(split(name).1)
    }

    /// Whether anything but a directory is called `name`.
    pub(crate) fn holds(&self, name: &[u8]) -> io::Result<bool> {
        match self.beneath(name, OFlags::PATH | OFlags::NOFOLLOW) {
            Ok(found) => Ok(!File::from(found).metadata()?.is_dir()),
            Err(error) if is_absence(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes the file `name` if it is there.
    pub(crate) fn remove(&self, name: &[u8]) -> io::Result<()> {
        if !self.holds(name)? {
            return Ok(());
        }
        let (parent, last) = split(name);
        Ok(unlinkat(
            self.existing_directory(parent)?,
            last,
            AtFlags::empty(),
        )?)
    }

    /// The directory `path`, created as far as it is not there.
    fn directory(&self, path: &[u8]) -> io::Result<OwnedFd> {
        match self.existing_directory(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let (parent, last) = split(path);
        let dir = self.directory(parent)?;
        match mkdirat(&dir, last, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => self.existing_directory(path),
            Err(error) => Err(error.into()),
        }
    }

    fn existing_directory(&self, path: &[u8]) -> io::Result<OwnedFd> {
        if path.is_empty() {
            return self.root.try_clone();
        }
        self.beneath(path, OFlags::RDONLY | OFlags::DIRECTORY)
    }

    fn beneath(&self, path: &[u8], flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        openat2(
            self.root.as_fd(),
            path,
            flags | OFlags::CLOEXEC,
            Mode::empty(),
            resolve,
        )
        .map_err(|error| match error {
            Errno::XDEV => {
                io::Error::other("a symbolic link on the way leads out of the directory")
            }
            error => error.into(),
        })
    }
}

/// Whether an error says that there is no such name, be it that a file stands where a directory would have to.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// A path as its directory, which may be empty, and its last component.
fn split(path: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memrchr(b'/', path) {
        Some(slash) => (&path[..slash], &path[slash + 1..]),
        None => (b"", path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::{Read, Write};
    use std::os::unix::fs::symlink;

    #[test]
    fn names() {
        for (name, expected) in [
            (&b"a"[..], None),
            (b"sub/dir/a b.txt", None),
            (b"...", None),
            (b"..a/b..", None),
            (b"\xff", None),
            (b"", Some("is empty")),
            (b"/", Some("is absolute")),
            (b"/etc/passwd", Some("is absolute")),
            (b"..", Some("would leave the directory")),
            (b"a/../../b", Some("would leave the directory")),
            (b"a/.", Some("has a component `.`")),
            (b"a//b", Some("has an empty component")),
            (b"a/", Some("has an empty component")),
            (b"a\0b", Some("contains a NUL byte")),
        ] {
            assert_eq!(objection(name), expected, "{}", name.escape_ascii());
        }
    }

    fn store(tree: &Tree, name: &str) -> io::Result<()> {
        let mut staged = tree.stage(name.as_bytes())?;
        staged.file().write_all(name.as_bytes())?;
        Tree::commit(staged, name.as_bytes())
    }

    #[test]
    fn files_are_stored_read_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree::open(dir.path()).unwrap();
        for name in ["a", "sub/deep/er/b", "sub/c"] {
            store(&tree, name).unwrap();
            let mut found = String::new();
            tree.read(name.as_bytes())
                .unwrap()
                .read_to_string(&mut found)
                .unwrap();
            assert_eq!(found, name);
            assert!(tree.holds(name.as_bytes()).unwrap());
        }
        for absent in ["b", "sub", "a/b", "none/at/all"] {
            assert!(!tree.holds(absent.as_bytes()).unwrap(), "{absent}");
            tree.remove(absent.as_bytes()).unwrap();
        }
        tree.remove(b"sub/c").unwrap();
        assert!(!tree.holds(b"sub/c").unwrap());
        assert!(store(&tree, "a/b").is_err(), "a file is no directory");
        assert!(tree.read(b"sub").is_err(), "a directory is no file");
    }

    #[test]
    fn links_that_lead_out_are_not_followed() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "secret").unwrap();
        let dir = tempfile::tempdir().unwrap();
        let tree = Tree::open(dir.path()).unwrap();
        symlink(outside.path(), dir.path().join("out")).unwrap();
        symlink("..", dir.path().join("up")).unwrap();
        symlink(outside.path().join("secret"), dir.path().join("file")).unwrap();
        fs::create_dir(dir.path().join("real")).unwrap();
        symlink("real", dir.path().join("inside")).unwrap();

        for name in ["out/secret", "up/x", "out/new/x"] {
            assert!(store(&tree, name).is_err(), "{name}");
            assert!(tree.read(name.as_bytes()).is_err(), "{name}");
            assert!(tree.remove(name.as_bytes()).is_err(), "{name}");
        }
        assert!(tree.read(b"file").is_err());
        store(&tree, "file").unwrap();
        assert!(
            fs::symlink_metadata(dir.path().join("file"))
                .unwrap()
                .is_file(),
            "the link itself was replaced"
        );
        store(&tree, "inside/x").unwrap();
        assert!(dir.path().join("real/x").is_file());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1);
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
    }
}
