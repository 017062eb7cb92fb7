//! A file in the root with bytes that are locked by all servers that share the root (fcntl(2), "open file description
//! locks").
//!
//! No thread waits in the kernel for such a lock: if another server has locked a byte, the result is `Locked`, and the
//! caller retries later. A lock is released explicitly, since not every FUSE file system releases it on close.
//!
//! The file has a number of 8 bytes (little-endian) for each of these bytes: the last modification time that a server has
//! set while it had that lock. The versions follow (see `versions`).

use std::ops::Range;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, RwLock};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::fs::{Mode, OFlags, fdatasync, fstat, fstatfs, ftruncate, openat};
use rustix::io::{Errno, pread, pwrite};

use super::error::StoreErrorKind;
use super::file_system::is_remote;
use crate::change_version::STRIPES;
use crate::operations::{operate, operate_once};
use crate::sync::{read, write};

/// It begins like the names of staged uploads, so no client sees or makes it.
pub(super) const NAME: &str = ".httpserver-lock";

/// Bytes of a number in it.
const NUMBER: usize = size_of::<i64>();

/// The offset of the versions, in bytes.
pub(super) const VERSIONS_AT: u64 = STRIPES as u64 * NUMBER as u64;

/// Bytes of the whole file.
const LENGTH: usize = STRIPES as usize * (NUMBER + 16);

/// The number of attempts to open the file after another program has removed it.
const ATTEMPTS: usize = 3;

/// The file, open.
pub(super) struct SharedLock {
    /// Guards the file and its root; held for a clone or an exchange.
    place: RwLock<LockPlace>,
}

#[derive(Clone)]
struct LockPlace {
    root: Arc<OwnedFd>,
    /// The error of opening it, if there was one.
    file: Result<Arc<LockFile>, Errno>,
}

/// The open file.
struct LockFile {
    file: OwnedFd,
    storage: Storage,
}

/// The place of the file's content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Storage {
    /// In this kernel, which shows each write to all servers.
    Local,
    /// Behind a mount. This descriptor bypasses its caches (`O_DIRECT`), also those inside `GlusterFS`. Written bytes
    /// are there after fdatasync(2).
    Remote,
}

/// Bytes that are locked, until this is dropped.
#[must_use = "the bytes are unlocked when this is dropped"]
pub(super) struct ByteLock {
    file: Arc<LockFile>,
    first: u8,
    count: u8,
}

impl ByteLock {
    /// The number of the first of the bytes; 0 if there is none.
    pub(super) fn number(&self) -> Result<i64, StoreErrorKind> {
        let mut bytes = [0; NUMBER];
        let count = operate(|| pread(&self.file, &mut bytes, self.position()))?;
        Ok(if count == NUMBER {
            i64::from_le_bytes(bytes)
        } else {
            0
        })
    }

    /// Replaces that number.
    pub(super) fn set_number(&self, number: i64) -> Result<(), StoreErrorKind> {
        self.write_at(&number.to_le_bytes(), self.position())
    }

    fn position(&self) -> u64 {
        u64::from(self.first) * NUMBER as u64
    }

    /// The stripes whose bytes are locked.
    pub(super) fn stripes(&self) -> Range<u8> {
        self.first..self.first + self.count
    }

    /// Reads from this position of the file. Bytes beyond the end of the file are 0.
    pub(super) fn read_at(
        &self,
        bytes: &mut [u8],
        mut position: u64,
    ) -> Result<(), StoreErrorKind> {
        bytes.fill(0);
        let mut left = bytes;
        while !left.is_empty() {
            let count = operate(|| pread(&self.file, &mut *left, position))?;
            if count == 0 {
                break;
            }
            left = &mut left[count..];
            position += count as u64;
        }
        Ok(())
    }

    /// Writes from this byte of the file on. Any server that locks the byte afterwards reads that.
    pub(super) fn write_at(
        &self,
        mut bytes: &[u8],
        mut position: u64,
    ) -> Result<(), StoreErrorKind> {
        while !bytes.is_empty() {
            let count = operate(|| pwrite(&self.file, bytes, position))?;
            if count == 0 {
                return Err(StoreErrorKind::Io(Errno::IO));
            }
            bytes = &bytes[count..];
            position += count as u64;
        }
        match self.file.storage {
            Storage::Local => Ok(()),
            Storage::Remote => self.sync(),
        }
    }

    /// Returns when all written bytes are on stable storage.
    pub(super) fn sync(&self) -> Result<(), StoreErrorKind> {
        Ok(operate(|| fdatasync(&self.file))?)
    }
}

impl SharedLock {
    /// Opens or creates the file in this directory, and tests whether its first `count` bytes can be locked.
    ///
    /// # Errors
    /// From openat(2) or fcntl(2).
    pub(super) fn open(root: &Arc<OwnedFd>, count: u8) -> Result<Self, Errno> {
        let file = open(root)?;
        match set_lock(&file, LockType::Exclusive, 0, count) {
            Ok(()) => {
                let prepared = reserve_space(&file);
                set_lock(&file, LockType::None, 0, count)?;
                prepared?;
            }
            // Another server has locked one of them now, so locks work.
            Err(Errno::AGAIN | Errno::ACCESS) => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            place: RwLock::new(LockPlace {
                root: Arc::clone(root),
                file: Ok(Arc::new(file)),
            }),
        })
    }

    /// Uses the file in another directory from now on. If it cannot be opened there, nothing can be locked.
    pub(super) fn move_to(&self, root: &Arc<OwnedFd>) {
        let file = open(root).map(Arc::new).inspect_err(|error| {
            log::error!("{NAME} cannot be opened in the new root: {error}");
        });
        let root = Arc::clone(root);
        *write(&self.place) = LockPlace { root, file };
    }

    /// Locks `count` bytes from `first` on.
    ///
    /// # Errors
    /// `Locked` if another server has one of them.
    pub(super) fn lock(&self, first: u8, count: u8) -> Result<ByteLock, StoreErrorKind> {
        for _ in 0..ATTEMPTS {
            let LockPlace { root, file } = read(&self.place).clone();
            let file = file?;
            match set_lock(&file, LockType::Exclusive, first, count) {
                Ok(()) => {}
                Err(Errno::AGAIN | Errno::ACCESS) => return Err(StoreErrorKind::Locked),
                Err(error) => return Err(error.into()),
            }
            let locked = ByteLock { file, first, count };
            // If this file was removed, a server that has started since uses another file.
            if operate(|| fstat(&locked.file))?.st_nlink > 0 {
                return Ok(locked);
            }
            drop(locked);
            let file = Ok(Arc::new(open(&root)?));
            *write(&self.place) = LockPlace { root, file };
        }
        Err(StoreErrorKind::Locked)
    }
}

impl Drop for ByteLock {
    fn drop(&mut self) {
        if let Err(error) = set_lock(&self.file, LockType::None, self.first, self.count) {
            log::warn!("cannot unlock {NAME}: {error}");
        }
    }
}

#[derive(Clone, Copy)]
enum LockType {
    Exclusive,
    None,
}

impl AsFd for LockFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

fn open(root: &OwnedFd) -> Result<LockFile, Errno> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |flags| operate(|| openat(root, NAME, flags, Mode::from_raw_mode(0o666)));
    let file = open(flags)?;
    if !operate(|| fstatfs(root)).is_ok_and(|found| is_remote(found.f_type)) {
        let storage = Storage::Local;
        return Ok(LockFile { file, storage });
    }
    // The whole file, so that the next read has something to read. It changes no byte of another server.
    if length_of(&file)? < LENGTH {
        operate(|| ftruncate(&file, LENGTH as u64))?;
    }
    let storage = Storage::Remote;
    let file = match open(flags | OFlags::DIRECT) {
        Ok(direct) if takes_any_length(&direct) => direct,
        // Such a file system may show old numbers for a moment.
        _ => file,
    };
    Ok(LockFile { file, storage })
}

/// The length of the file as a `usize`, or [`LENGTH`] if it does not fit.
fn length_of(file: &OwnedFd) -> Result<usize, Errno> {
    let length = operate(|| fstat(file))?.st_size;
    Ok(usize::try_from(length).unwrap_or(LENGTH))
}

/// Whether a file that is open for direct I/O can be read and written in pieces of any length. A local disk behind the file
/// system may want whole blocks.
fn takes_any_length(file: &OwnedFd) -> bool {
    operate(|| pread(file, &mut [0; 1], 1)).is_ok()
}

/// Gives the file all the space that it will need, so that no upload fails for lack of it.
fn reserve_space(file: &LockFile) -> Result<(), Errno> {
    let zeros = [0; LENGTH];
    let length = length_of(&file.file)?;
    if length < LENGTH {
        operate(|| pwrite(file, &zeros[length..], length as u64))?;
    }
    Ok(())
}

fn set_lock(file: &LockFile, kind: LockType, first: u8, count: u8) -> Result<(), Errno> {
    let kind = match kind {
        LockType::Exclusive => libc::F_WRLCK,
        LockType::None => libc::F_UNLCK,
    };
    let lock = libc::flock {
        l_type: i16::try_from(kind).map_err(|_| Errno::INVAL)?,
        l_whence: i16::try_from(libc::SEEK_SET).map_err(|_| Errno::INVAL)?,
        l_start: first.into(),
        l_len: count.into(),
        l_pid: 0, // Open file description locks require 0.
    };
    loop {
        let set = operate_once(|| Ok(fcntl(file, FcntlArg::F_OFD_SETLK(&lock))))?;
        match set {
            Ok(_) => return Ok(()),
            Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(Errno::from_raw_os_error(error as i32)),
        }
    }
}
