//! Files under one root: found, read, staged and committed.
//!
//! Everything is relative to a descriptor of the root, so that it stays the same directory whatever becomes of its
//! name; the kernel decides what lies beneath it (see `beneath`). Paths are bytes without a leading `/`. This room
//! knows no HTTP: its errors are its own, and a dialect gives each a status.

mod beneath;
mod cache;
mod certainty;
mod checks;
mod commit_locks;
mod concealed;
mod created;
mod directories;
mod error;
mod found;
mod freshness;
mod list;
mod metadata;
mod read;
mod staging;
mod stamps;
mod sys;
mod target;
mod walk;
mod write;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, fstatfs, open, statx};
use rustix::process::{Resource, geteuid, getrlimit, umask};
use rustix::system::uname;

use self::beneath::Resolver;
use self::cache::Cache;
use self::certainty::StampSource;
use self::commit_locks::CommitLocks;
use self::concealed::Concealed;
use self::created::CreatedDirectories;
use self::freshness::ctime_covers_names;
use self::stamps::Stamps;
use crate::durable::{Durability, SharedSync};

pub use self::concealed::ReservedName;
pub use self::directories::Removed;
pub use self::error::{StoreError, StoreErrorKind};
pub use self::found::{Certainty, FileContent, Found, SMALL};
pub use self::list::{DirectoryReader, Entry, EntryKind, Portion};
pub use self::metadata::Metadata;
pub use self::staging::is_staging_name;
pub use self::target::{CommitCondition, WriteTarget};
pub use self::walk::{Depth, Step, walk};
pub use self::write::{Committed, Staged};

/// A directory and all that is below it.
pub struct Store {
    root: Arc<OwnedFd>,
    resolver: Resolver,
    cache: Cache,
    concealed: Concealed,
    commit_locks: CommitLocks,
    created: Arc<CreatedDirectories>,
    durability: Durability,
    syncs: SharedSync,
    stamps: Stamps,
    /// The number of the next staging file.
    staging: AtomicU64,
    /// The effective user of this process.
    user: u32,
    /// The permissions that new files do not get.
    umask: u32,
    /// The mount that the root is seen through.
    mount: u64,
    /// Whether a file's change time also tells that it was renamed, or that its name was given to another.
    ctime_covers_names: bool,
    /// Where time stamps below the root come from, on the same mount.
    stamp_source: StampSource,
}

/// What a program that is not a server does in a root that may be a server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// It reads only, and leaves no trace.
    Reading,
    /// It writes, and a server that starts meanwhile leaves its staging files alone.
    Writing,
}

impl Store {
    /// Opens the directory at `root` for a server, and removes uploads that a killed server left there.
    ///
    /// # Errors
    /// From open(2).
    pub fn open(root: &Path, depth: Depth, durability: Durability) -> io::Result<Self> {
        let root = open_root(root)?;
        staging::take_over(&root, depth);
        Self::new(root, durability)
    }

    /// Opens the directory at `root` beside the servers that may have it. Nothing is removed.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn attach(root: &Path, attachment: Attachment) -> io::Result<Self> {
        let root = open_root(root)?;
        match attachment {
            Attachment::Reading => {}
            Attachment::Writing => staging::share(&root),
        }
        Self::new(root, Durability::Kernel)
    }

    fn new(root: OwnedFd, durability: Durability) -> io::Result<Self> {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let descriptors = usize::try_from(limit).unwrap_or(usize::MAX);
        // umask(2) can only be read by setting it.
        let mask = umask(Mode::empty());
        umask(mask);
        let mount = statx(&root, "", AtFlags::EMPTY_PATH, Metadata::ASKS)?.stx_mnt_id;
        // Without the mount's number nobody knows what is mounted over a name.
        let file_system = fstatfs(&root)?.f_type;
        let ctime_covers_names = mount != 0 && ctime_covers_names(file_system);
        let stamp_source = StampSource::of(file_system, uname().release().to_bytes());
        Ok(Self {
            resolver: Resolver::detect(&root)?,
            root: Arc::new(root),
            cache: Cache::new(descriptors),
            concealed: Concealed::default(),
            commit_locks: CommitLocks::new(),
            created: Arc::default(),
            durability,
            syncs: SharedSync::default(),
            stamps: Stamps::default(),
            staging: AtomicU64::new(RandomState::new().hash_one(0)),
            user: geteuid().as_raw(),
            umask: mask.as_raw_mode(),
            mount,
            ctime_covers_names,
            stamp_source,
        })
    }

    fn staging_name(&self) -> String {
        staging::staging_name(self.staging.fetch_add(1, Ordering::Relaxed))
    }
}

fn open_root(root: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(root, flags, Mode::empty())?)
}
