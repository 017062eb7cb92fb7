//! The file of a Unix domain socket: bind(2) creates it, and it stays until it is removed.
//!
//! A killed server leaves its file. If connect(2) shows that no program listens on the socket, the file is replaced.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, FileType, Gid, Mode, OFlags, Stat, Uid, chmod, chownat, fchmod, fstat, lstat, open,
    unlink,
};
use rustix::io::Errno;
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

/// A file that bind(2) created. It is removed when this is dropped, unless another file has its path by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    /// Absolute, so that it does not depend on the working directory.
    path: PathBuf,
    /// Device and inode number.
    identity: (u64, u64),
}

impl SocketFile {
    /// Makes a listening socket at `path`.
    pub(super) fn bind(path: &Path, mode: Option<Mode>) -> io::Result<(OwnedFd, Self)> {
        let address = SocketAddrUnix::new(path)?;
        let fd = stream_socket()?;
        if let Some(mode) = mode {
            // bind(2) gives the file no more mode bits than the socket has, so it is never open to more users than
            // asked.
            fchmod(&fd, mode)?;
        }
        match net::bind(&fd, &address) {
            Err(Errno::ADDRINUSE) => {
                remove_abandoned(path, &address)?;
                net::bind(&fd, &address)?;
            }
            bound => bound?,
        }
        let file = Self {
            path: std::path::absolute(path)?,
            identity: identity(&lstat(path)?),
        };
        if let Some(mode) = mode {
            chmod(path, mode)?;
        }
        net::listen(&fd, i32::MAX)?;
        Ok((fd, file))
    }

    /// Changes the owner of the file to this user and group, after a check, since another user may have put another
    /// file there.
    pub(super) fn hand_over(&self, user: u32, group: u32) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = open(&self.path, flags, Mode::empty())?;
        if identity(&fstat(&file)?) != self.identity {
            return Err(io::ErrorKind::NotFound.into());
        }
        let (user, group) = (Uid::from_raw(user), Gid::from_raw(group));
        Ok(chownat(
            &file,
            "",
            Some(user),
            Some(group),
            AtFlags::EMPTY_PATH,
        )?)
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if lstat(&self.path).is_ok_and(|found| identity(&found) == self.identity)
            && let Err(error) = unlink(&self.path)
        {
            log::warn!("cannot remove {}: {error}", self.path.display());
        }
    }
}

fn stream_socket() -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)
}

/// Removes an abandoned socket.
fn remove_abandoned(path: &Path, address: &SocketAddrUnix) -> io::Result<()> {
    if FileType::from_raw_mode(lstat(path)?.st_mode) != FileType::Socket {
        let why = "it is not a socket";
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
    }
    match net::connect(&stream_socket()?, address) {
        Err(Errno::CONNREFUSED) => Ok(unlink(path)?),
        // A program listens, perhaps with a full backlog.
        Ok(()) | Err(Errno::AGAIN) => Err(Errno::ADDRINUSE.into()),
        Err(error) => Err(error.into()),
    }
}

fn identity(found: &Stat) -> (u64, u64) {
    (found.st_dev, found.st_ino)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    fn path() -> (tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        (directory, path)
    }

    #[test]
    fn file_has_its_mode_and_goes_with_the_listener() {
        let (_directory, path) = path();
        for bits in [0o660, 0o600, 0o666, 0o777] {
            let bound = SocketFile::bind(&path, Some(Mode::from_raw_mode(bits))).unwrap();
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, bits);
            UnixStream::connect(&path).unwrap();
            drop(bound);
            assert!(!path.exists());
        }
    }

    #[test]
    fn abandoned_socket_is_replaced_and_one_in_use_is_not() {
        let (_directory, path) = path();
        let other = UnixListener::bind(&path).unwrap();
        let error = SocketFile::bind(&path, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        drop(other);
        assert!(path.exists());
        let before = fs::metadata(&path).unwrap().ctime_nsec();
        let bound = SocketFile::bind(&path, None).unwrap();
        assert_ne!(fs::metadata(&path).unwrap().ctime_nsec(), before);
        UnixStream::connect(&path).unwrap();
        drop(bound);
    }

    #[test]
    fn other_file_than_a_socket_stays() {
        let (_directory, path) = path();
        fs::write(&path, "a file").unwrap();
        let error = SocketFile::bind(&path, None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"a file");
        // A symlink to an abandoned socket is not a socket either.
        let link = path.with_extension("link");
        let target = path.with_extension("target");
        drop(UnixListener::bind(&target).unwrap());
        std::os::unix::fs::symlink(&target, &link).unwrap();
        assert!(SocketFile::bind(&link, None).is_err());
        assert!(link.symlink_metadata().is_ok() && target.exists());
    }

    #[test]
    fn socket_of_another_is_not_removed() {
        let (_directory, path) = path();
        let bound = SocketFile::bind(&path, None).unwrap();
        fs::remove_file(&path).unwrap();
        let _other = UnixListener::bind(&path).unwrap();
        drop(bound);
        UnixStream::connect(&path).unwrap();
    }

    #[test]
    fn path_that_is_too_long_is_an_error() {
        let (directory, _) = path();
        let path = directory.path().join("x".repeat(108));
        assert!(SocketFile::bind(&path, None).is_err());
    }
}
