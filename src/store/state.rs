//! The parts of a store, and its opening. Each operation has a file of this room, named by a verb.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::Mode;
use rustix::process::{Resource, geteuid, getrlimit, umask};

use super::background::StopOnDrop;
use super::beneath::Resolver;
use super::cache::{Cache, CacheFigures};
use super::clean_up;
use super::commit_locks::CommitLocks;
use super::concealed::Concealed;
use super::created::{CreatedDirectories, Unfinished};
use super::error::{StoreErrorKind, once_more_if_stale};
use super::occupied::Occupied;
use super::root::{CurrentRoot, Fate, Root, open_root};
use super::staging::StagingName;
use super::stamps::Stamps;
use super::unnamed::StagingMethods;
use super::walk::Depth;
use crate::durable::{Durability, SharedSync};

/// A directory and all files below it.
pub struct Store {
    pub(super) root: CurrentRoot,
    /// The depth of directories with staged uploads.
    pub(super) depth: Depth,
    pub(super) resolver: Resolver,
    pub(super) cache: Cache,
    pub(super) concealed: Concealed,
    pub(super) commit_locks: CommitLocks,
    pub(super) created: Arc<CreatedDirectories>,
    pub(super) occupied: Arc<Occupied>,
    pub(super) unfinished: Unfinished,
    pub(super) durability: Durability,
    pub(super) syncs: SharedSync,
    pub(super) stamps: Stamps,
    /// The staging methods, by device.
    pub(super) methods: StagingMethods,
    /// The number of the next staging name.
    pub(super) staging: AtomicU64,
    /// The effective user of this process.
    pub(super) user: u32,
    /// The permissions that new files do not get.
    pub(super) umask: u32,
    /// The last field: its drop finishes the work that the other fields have left.
    pub(super) background: StopOnDrop,
}

/// The access of a program that is not a server to the root of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attachment {
    /// It only reads.
    Reading,
    /// It writes, and locks the root so that a starting server can detect it.
    Writing,
}

impl Store {
    /// Opens the directory at `root` for a server, and removes uploads that a killed server left there.
    ///
    /// # Errors
    /// From open(2).
    pub fn open(root: &Path, depth: Depth, durability: Durability) -> io::Result<Self> {
        let opened = open_root(root)?;
        clean_up::take_over(&opened, depth);
        Self::new(root, opened, depth, durability)
    }

    /// The same in a process with this many bytes of memory: the file cache uses at most a sixteenth.
    #[must_use]
    pub fn within_memory(mut self, memory: u64) -> Self {
        self.cache.bound(memory);
        self
    }

    /// Opens the directory at `root` beside its servers. Nothing is removed.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn attach(root: &Path, attachment: Attachment) -> io::Result<Self> {
        let opened = open_root(root)?;
        match attachment {
            Attachment::Reading => {}
            Attachment::Writing => clean_up::share(&opened),
        }
        Self::new(root, opened, Depth::Root, Durability::Kernel)
    }

    /// Shares the root with other servers that call this, too: from now on they all share the commit locks.
    ///
    /// # Errors
    /// From openat(2) or fcntl(2), if locks in the root do not work.
    pub fn share(&mut self) -> io::Result<()> {
        let root = self.root();
        Ok(self.commit_locks.share(&root)?)
    }

    fn new(name: &Path, root: OwnedFd, depth: Depth, durability: Durability) -> io::Result<Self> {
        let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let descriptors = usize::try_from(limit).unwrap_or(usize::MAX);
        // umask(2) can only be read by setting it.
        let mask = umask(Mode::empty());
        umask(mask);
        let background = StopOnDrop::default();
        let occupied = Arc::new(Occupied::default());
        Ok(Self {
            resolver: Resolver::detect(&root)?,
            root: CurrentRoot::new(name, root)?,
            depth,
            cache: Cache::new(descriptors),
            concealed: Concealed::default(),
            commit_locks: CommitLocks::new(),
            created: Arc::new(CreatedDirectories::new(
                Arc::clone(&background.0),
                Arc::clone(&occupied),
            )),
            occupied,
            unfinished: Unfinished::default(),
            durability,
            syncs: SharedSync::default(),
            stamps: Stamps::default(),
            methods: StagingMethods::default(),
            staging: AtomicU64::new(RandomState::new().hash_one(0)),
            user: geteuid().as_raw(),
            umask: mask.as_raw_mode(),
            background,
        })
    }

    /// The counts and the contents of the file cache.
    #[must_use]
    pub fn cache_figures(&self) -> CacheFigures {
        self.cache.figures()
    }

    /// The current root.
    pub(super) fn root(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.root.get().directory)
    }

    /// Runs `attempt`, and once more if it fails because a file was stale, or because the root is gone and another
    /// directory has its name.
    pub(super) fn with_root<R>(
        &self,
        mut attempt: impl FnMut() -> Result<R, StoreErrorKind>,
    ) -> Result<R, StoreErrorKind> {
        let root = self.root.get();
        let failed = match once_more_if_stale(&mut attempt) {
            Err(kind) if kind.may_be_due_to_root() => kind,
            done => return done,
        };
        match self.fate(&root) {
            Fate::There => Err(failed),
            Fate::Replaced => attempt(),
            Fate::Gone(kind) => Err(kind),
        }
    }

    /// Determines the state of a root after an error that may be its own.
    pub(super) fn fate(&self, root: &Arc<Root>) -> Fate {
        self.root.fate(root, |directory| {
            clean_up::take_over(directory, self.depth);
            self.commit_locks.move_to(directory);
            self.cache.clear();
        })
    }

    pub(super) fn staging_name(&self) -> StagingName {
        StagingName::new(self.staging.fetch_add(1, Ordering::Relaxed))
    }
}
