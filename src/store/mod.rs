//! Files under one root: found, read, staged and committed.
//!
//! Everything is relative to a descriptor of the root, so that it stays the same directory whatever becomes of its
//! name; the kernel decides what lies beneath it (openat2(2)). Paths are bytes without a leading `/`. This room
//! knows no HTTP: its errors are its own, and a dialect gives each a status.

mod abandoned;
mod cache;
mod directory;
mod error;
mod lookup;
mod metadata;
mod order;
mod staged;
mod tree;
mod walk;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, FsWord, Mode, OFlags, ResolveFlags, fstatfs, open, openat2, statx};
use rustix::io::retry_on_intr;
use rustix::process::{Resource, geteuid, getrlimit, umask};

use self::cache::Cache;
use self::order::Order;
use crate::durable::{Durability, SharedSync};

pub use self::abandoned::is_staging_name;
pub use self::directory::{Directory, Entry, EntryKind};
pub use self::error::{StoreError, StoreErrorKind};
pub use self::lookup::{FileContent, Found, SMALL};
pub use self::metadata::Metadata;
pub use self::staged::{Committed, Condition, Staged, Target};
pub use self::tree::Removed;
pub use self::walk::{Depth, Step, walk};

/// A directory and all that is below it.
pub struct Store {
    root: Arc<OwnedFd>,
    cache: Cache,
    order: Order,
    durability: Durability,
    syncs: SharedSync,
    /// The number of the next staging file.
    staging: AtomicU64,
    /// The effective user of this process.
    user: u32,
    /// The permissions that new files do not get.
    umask: u32,
    /// The mount that the root is seen through.
    mount: u64,
    /// Whether a file's change time also tells that it was renamed, or that its name was given to another.
    tells_of_names: bool,
}

impl Store {
    /// Opens the directory at `root`, and removes uploads that a killed server left there.
    ///
    /// # Errors
    /// From open(2); ENOSYS if the kernel has no openat2(2), which Linux has since 5.6.
    pub fn open(root: &Path, depth: Depth, durability: Durability) -> io::Result<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open(root, flags, Mode::empty())?;
        openat2(
            &root,
            ".",
            flags | OFlags::PATH,
            Mode::empty(),
            ResolveFlags::BENEATH,
        )?;
        abandoned::take_over(&root, depth);
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let descriptors = usize::try_from(limit).unwrap_or(usize::MAX);
        // umask(2) can only be read by setting it.
        let mask = umask(Mode::empty());
        umask(mask);
        let mount = statx(&root, "", AtFlags::EMPTY_PATH, Metadata::ASKS)?.stx_mnt_id;
        // Without the mount's number nobody knows what is mounted over a name.
        let tells_of_names = mount != 0 && tells_of_names(fstatfs(&root)?.f_type);
        Ok(Self {
            root: Arc::new(root),
            cache: Cache::new(descriptors),
            order: Order::new(),
            durability,
            syncs: SharedSync::default(),
            staging: AtomicU64::new(RandomState::new().hash_one(0)),
            user: geteuid().as_raw(),
            umask: mask.as_raw_mode(),
            mount,
            tells_of_names,
        })
    }

    fn staging_name(&self) -> String {
        abandoned::staging_name(self.staging.fetch_add(1, Ordering::Relaxed))
    }
}

/// Whether rename(2) and unlink(2) set the change time of the file that had the name, in file systems of this type, as
/// statfs(2) has it. XFS does not when two names are exchanged. Of others it is not known, or not known in time:
/// networks, FUSE, layers.
fn tells_of_names(type_: FsWord) -> bool {
    const EXT4: FsWord = 0xEF53;
    const BTRFS: FsWord = 0x9123_683E;
    const TMPFS: FsWord = 0x0102_1994;
    matches!(type_, EXT4 | BTRFS | TMPFS)
}

/// What `name` in `directory` is now; a symlink is not followed.
fn metadata_at(directory: &OwnedFd, name: &[u8]) -> Result<Metadata, StoreErrorKind> {
    let flags = AtFlags::SYMLINK_NOFOLLOW;
    let found = retry_on_intr(|| statx(directory, name, flags, Metadata::ASKS))?;
    Ok(Metadata::new(&found))
}
