//! The root directory, and its replacement after it is removed.
//!
//! The root stays the same directory even if its name changes. But a build may delete and create it again, and a mount may
//! lose its storage and be mounted again: then no file is found in the old directory. So if a file is not found, and the
//! root has no link left or fstat(2) of it fails, its name is looked up, at most once a second. If a directory has the name
//! again, it becomes the root; until then there is none. Where a mount is missing, the name leads to the empty directory
//! under the mount point: so a remote root ([`is_remote`]) is replaced only by one on a file system of the same type.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use rustix::fs::{AtFlags, FsWord, Mode, OFlags, fstat, fstatfs, open, statx};
use rustix::io::Errno;
use rustix::system::uname;

use super::certainty::StampSource;
use super::error::StoreErrorKind;
use super::file_system::is_remote;
use super::freshness::ctime_covers_names;
use super::metadata::Metadata;
use crate::sync::{lock, read, write};

/// The time between two checks for the name of a removed root.
const PAUSE: Duration = Duration::from_secs(1);

/// A directory that is, or was, the root.
pub(super) struct Root {
    pub(super) directory: Arc<OwnedFd>,
    /// The number of its device.
    pub(super) device: u64,
    /// The mount through which it was found.
    pub(super) mount: u64,
    /// The type of its file system, as statfs(2) has it.
    pub(super) file_system: FsWord,
    /// Whether a rename, removal or replacement also updates a file's change time.
    pub(super) ctime_covers_names: bool,
    /// The source of time stamps below it, on the same mount.
    pub(super) stamp_source: StampSource,
}

/// The root as it is now.
pub(super) struct CurrentRoot {
    name: PathBuf,
    /// Guards the pointer; held for a clone or an exchange.
    current: RwLock<Arc<Root>>,
    /// Guards the time of the last check while the root is removed; held for a comparison.
    looked: Mutex<Option<LastLook>>,
}

/// The last check for the name of a removed root.
#[derive(Clone, Copy)]
struct LastLook {
    at: Instant,
    found: AtName,
}

/// The result of a check for the name of a removed root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AtName {
    /// The name does not exist yet.
    Nothing,
    /// Something that cannot be opened, or is not the root.
    Refused,
}

/// Why a directory is no longer the root.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Loss {
    /// It was removed.
    Removed,
    /// Its file system has lost its storage.
    Disconnected,
}

/// The state of a root in which something was not found.
pub(super) enum Fate {
    /// It still exists.
    There,
    /// It is gone, and there is another.
    Replaced,
    /// It is gone, and there is no other; the error of requests.
    Gone(StoreErrorKind),
}

impl Root {
    fn new(directory: OwnedFd) -> io::Result<Self> {
        let found = statx(&directory, "", AtFlags::EMPTY_PATH, Metadata::ASKS)?;
        let found = Metadata::new(&found);
        let mount = found.mount();
        let file_system = fstatfs(&directory)?.f_type;
        Ok(Self {
            directory: Arc::new(directory),
            device: found.identity().0,
            mount,
            file_system,
            // Without the mount's number a mount over a name is not noticed.
            ctime_covers_names: mount != 0 && ctime_covers_names(file_system),
            stamp_source: StampSource::of(file_system, uname().release().to_bytes()),
        })
    }

    /// Whether another directory of its name may replace it. The directory under a missing mount may not.
    fn may_be_followed_by(&self, other: &Self) -> bool {
        !is_remote(self.file_system) || self.file_system == other.file_system
    }
}

impl CurrentRoot {
    /// A root from the open directory with this `name`.
    pub(super) fn new(name: &Path, directory: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            // `.` would always be the open directory. Without a working directory, the name is used without change.
            name: std::path::absolute(name).unwrap_or_else(|_| name.to_owned()),
            current: RwLock::new(Arc::new(Root::new(directory)?)),
            looked: Mutex::default(),
        })
    }

    pub(super) fn get(&self) -> Arc<Root> {
        Arc::clone(&read(&self.current))
    }

    /// Determines the state of `root` after a file was not found. `prepare` is called with a new directory before it
    /// becomes the root.
    pub(super) fn fate(&self, root: &Arc<Root>, prepare: impl FnOnce(&Arc<OwnedFd>)) -> Fate {
        let Some(loss) = loss_of(&root.directory) else {
            self.note_return();
            return Fate::There;
        };
        if !Arc::ptr_eq(root, &self.get()) {
            return Fate::Replaced;
        }
        let mut looked = lock(&self.looked);
        let before = *looked;
        if before.is_some_and(|look| look.at.elapsed() < PAUSE) {
            return Fate::Gone(loss.into());
        }
        let look = |found| {
            let at = Instant::now();
            Some(LastLook { at, found })
        };
        *looked = look(before.map_or(AtName::Nothing, |look| look.found));
        drop(looked);
        let name = self.name.display();
        let refused = match open_root(&self.name).and_then(Root::new) {
            Ok(new) if loss_of(&new.directory).is_some() => None,
            Ok(new) if !root.may_be_followed_by(&new) => {
                Some("its file system is not mounted there".to_owned())
            }
            Ok(new) => {
                prepare(&new.directory);
                *write(&self.current) = Arc::new(new);
                *lock(&self.looked) = None;
                log::warn!(
                    "the root {name} {loss}; another directory has its name, and is served now"
                );
                return Fate::Replaced;
            }
            Err(error) => why_not(&error),
        };
        if before.is_none() {
            log::warn!("the root {name} {loss}; until there is one again, requests get 503");
        }
        if let Some(why) = refused
            && before.is_none_or(|look| look.found == AtName::Nothing)
        {
            log::warn!("the root {name} exists again, but cannot be served: {why}");
            *lock(&self.looked) = look(AtName::Refused);
        }
        Fate::Gone(loss.into())
    }
}

impl CurrentRoot {
    /// Called when the root exists. If it was gone, its storage has come back.
    fn note_return(&self) {
        if lock(&self.looked).take().is_some() {
            log::warn!("the root {} can be used again", self.name.display());
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Removed => "was removed",
            Self::Disconnected => "has lost the connection to its storage",
        })
    }
}

impl From<Loss> for StoreErrorKind {
    fn from(loss: Loss) -> Self {
        match loss {
            Loss::Removed => Self::RootGone,
            Loss::Disconnected => Self::Disconnected,
        }
    }
}

/// Why a root cannot be opened again, and a remedy if there is one; `None` if it is still gone.
fn why_not(error: &io::Error) -> Option<String> {
    match StoreErrorKind::from(Errno::from_io_error(error)?) {
        kind if kind.may_be_due_to_root() => None,
        StoreErrorKind::Forbidden => Some(format!(
            "{error}; start the server again, or with --no-sandbox"
        )),
        _ => Some(error.to_string()),
    }
}

/// Opens a directory as a root.
pub(super) fn open_root(root: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    Ok(open(root, flags, Mode::empty())?)
}

/// Checks that a directory has a name, so that files can be created in it.
pub(super) fn require_present(directory: &OwnedFd) -> Result<(), StoreErrorKind> {
    match fstat(directory) {
        Ok(found) if found.st_nlink == 0 => Err(StoreErrorKind::Vanished),
        Ok(_) => Ok(()),
        Err(error) => match error.into() {
            kind @ (StoreErrorKind::Stale | StoreErrorKind::Disconnected) => Err(kind),
            _ => Ok(()),
        },
    }
}

/// Whether a directory was removed, or its file system has lost its storage.
fn loss_of(directory: &OwnedFd) -> Option<Loss> {
    match require_present(directory) {
        Ok(()) => None,
        Err(StoreErrorKind::Disconnected) => Some(Loss::Disconnected),
        Err(_) => Some(Loss::Removed),
    }
}
