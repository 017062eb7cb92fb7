//! Locks for the order of commits of one name, in this process and, if the root is shared, in all servers.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use rustix::fs::Timestamps;
use rustix::io::Errno;

use super::error::StoreErrorKind;
use super::shared_lock::{ByteLock, SharedLock};
use super::stamps::Stamps;
use super::versions::Versions;
use crate::change_version::{ChangeVersion, STRIPES, stripe};
use crate::durable::Durability;
use crate::sync::lock;

/// Locks for names. Each guards the order in which files of its names take effect and are published; it is held for
/// a rename, never while content is written.
pub(super) struct CommitLocks {
    /// By the number of the stripe. Each guards nothing but the order.
    stripes: [Mutex<()>; STRIPES as usize],
    /// The locks for other processes: a byte for each stripe. It is locked after the stripe, and released before it.
    shared: Option<SharedLock>,
    /// The counts of changes, which the shared locks guard.
    versions: Versions,
}

/// The number of attempts of [`CommitLocks::of_soon`], and the pause between two of them.
const TRIES: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(1);

/// The turn of one name, or of all names, until it is dropped.
#[must_use = "the turn is over once this is dropped"]
pub(super) struct CommitTurn<'l> {
    /// The first field, so it is dropped first.
    shared: Option<ByteLock>,
    versions: &'l Versions,
    _stripes: Vec<MutexGuard<'l, ()>>,
    _stripe: Option<MutexGuard<'l, ()>>,
}

impl CommitTurn<'_> {
    /// The times of a file that is committed now: later than those of all earlier files of the name, from any server
    /// that shares the root.
    pub(super) fn next_times(&self, stamps: &Stamps) -> Result<Timestamps, StoreErrorKind> {
        let Some(lock) = &self.shared else {
            return Ok(stamps.next());
        };
        let (times, number) = stamps.next_after(lock.number()?);
        lock.set_number(number)?;
        Ok(times)
    }

    /// Makes a change, and takes the next version for it. `None` if the root is not shared, since changes then have no versions.
    ///
    /// # Errors
    /// From the change, which then keeps no version unless it is `Uncertain`; or from taking the version, and the change
    /// is not made.
    pub(super) fn with_version<R>(
        &self,
        durability: Durability,
        change: impl FnOnce() -> Result<R, StoreErrorKind>,
    ) -> Result<(R, Option<ChangeVersion>), StoreErrorKind> {
        let Some(lock) = &self.shared else {
            return Ok((change()?, None));
        };
        let taken = self.versions.take(lock, durability)?;
        match change() {
            Ok(changed) => Ok((changed, Some(taken.keep(lock)))),
            // The change may have taken effect, so no other change may have its version: the number stays missing.
            Err(kind @ StoreErrorKind::Uncertain(_)) => {
                let _ = taken.keep(lock);
                Err(kind)
            }
            Err(kind) => {
                taken.give_back(lock);
                Err(kind)
            }
        }
    }
}

impl CommitLocks {
    /// The locks of a process without sharing.
    pub(super) fn new() -> Self {
        Self {
            stripes: [const { Mutex::new(()) }; STRIPES as usize],
            shared: None,
            versions: Versions::new(),
        }
    }

    /// Shares the locks with all other processes that share this root.
    ///
    /// # Errors
    /// If the file system does not support locks.
    pub(super) fn share(&mut self, root: &Arc<OwnedFd>) -> Result<(), Errno> {
        self.shared = Some(SharedLock::open(root, STRIPES)?);
        Ok(())
    }

    /// Uses the locks of another root from now on, if the locks are shared.
    pub(super) fn move_to(&self, root: &Arc<OwnedFd>) {
        if let Some(shared) = &self.shared {
            shared.move_to(root);
        }
    }

    /// Whether other processes share the locks.
    pub(super) fn are_shared(&self) -> bool {
        self.shared.is_some()
    }

    /// Locks a name; waits only for this process.
    ///
    /// # Errors
    /// `Locked` at once if another process has the lock.
    pub(super) fn of(&self, path: &[u8]) -> Result<CommitTurn<'_>, StoreErrorKind> {
        let here = self.of_here(path);
        Ok(CommitTurn {
            shared: self.lock_shared(stripe(path), 1)?,
            versions: &self.versions,
            _stripes: Vec::new(),
            _stripe: Some(here),
        })
    }

    /// The same for a caller that cannot try again later: it also waits for another process, for about a second at most.
    ///
    /// # Errors
    /// `Locked` after that.
    pub(super) fn of_soon(&self, path: &[u8]) -> Result<CommitTurn<'_>, StoreErrorKind> {
        for _ in 1..TRIES {
            match self.of(path) {
                Err(StoreErrorKind::Locked) => thread::sleep(PAUSE),
                turn => return turn,
            }
        }
        self.of(path)
    }

    /// Waits for its turn in this process only; another process may have the turn, too.
    fn of_here(&self, path: &[u8]) -> MutexGuard<'_, ()> {
        lock(&self.stripes[usize::from(stripe(path))])
    }

    /// The same as [`CommitLocks::of`] for every name at once. The order of the locks is always the same, and no commit
    /// holds two.
    pub(super) fn of_all(&self) -> Result<CommitTurn<'_>, StoreErrorKind> {
        let stripes = self.stripes.iter().map(lock).collect();
        Ok(CommitTurn {
            shared: self.lock_shared(0, STRIPES)?,
            versions: &self.versions,
            _stripes: stripes,
            _stripe: None,
        })
    }

    /// Locks `count` stripes from `first` on against other processes, if they are shared. Their mutexes are already
    /// locked.
    fn lock_shared(&self, first: u8, count: u8) -> Result<Option<ByteLock>, StoreErrorKind> {
        let shared = self.shared.as_ref();
        shared.map(|shared| shared.lock(first, count)).transpose()
    }

    /// Returns when every commit of this process has ended that held a lock at the time of the call.
    pub(super) fn wait_for_commits(&self) {
        for stripe in &self.stripes {
            drop(lock(stripe));
        }
    }

    /// Whether a commit of this process holds the lock.
    #[cfg(test)]
    pub(super) fn is_locked(&self, path: &[u8]) -> bool {
        self.stripes[usize::from(stripe(path))].try_lock().is_err()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The locks of two servers that share a root: each opens the file itself, as another process would.
    fn two_processes(root: &tempfile::TempDir) -> [CommitLocks; 2] {
        let root = Arc::new(OwnedFd::from(std::fs::File::open(root.path()).unwrap()));
        [(), ()].map(|()| {
            let mut locks = CommitLocks::new();
            locks.share(&root).unwrap();
            locks
        })
    }

    #[test]
    fn turn_of_another_process_is_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = two_processes(&root);
        let is_locked = |locks: &CommitLocks, path: &[u8]| match locks.of(path) {
            Ok(_) => false,
            Err(StoreErrorKind::Locked) => true,
            Err(kind) => panic!("{kind}"),
        };
        let other = (0..100)
            .map(|other: u8| [other])
            .find(|other| stripe(other) != stripe(b"a"))
            .unwrap();
        let turn = one.of(b"a").unwrap();
        assert!(is_locked(&two, b"a"));
        assert!(!is_locked(&two, &other));
        assert!(matches!(
            two.of_all().map(drop),
            Err(StoreErrorKind::Locked)
        ));
        drop(turn);
        assert!(!is_locked(&two, b"a"));
        let all = two.of_all().unwrap();
        assert!(is_locked(&one, b"a") && is_locked(&one, &other));
        drop(all);
        assert!(!is_locked(&one, b"a"));
    }

    #[test]
    fn times_of_a_name_increase_across_processes() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = two_processes(&root);
        let stamps = [Stamps::default(), Stamps::default()];
        let mut last = (0, 0);
        for _ in 0..100 {
            for (locks, stamps) in [&one, &two].into_iter().zip(&stamps) {
                let turn = locks.of(b"a").unwrap();
                let modified = turn.next_times(stamps).unwrap().last_modification;
                let modified = (modified.tv_sec, modified.tv_nsec);
                assert!(modified > last, "{modified:?} {last:?}");
                last = modified;
            }
        }
    }

    /// A change that did not take effect leaves its version to the next one; a change that may have taken effect does not.
    #[test]
    fn version_of_an_uncertain_change_is_not_used_again() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = two_processes(&root);
        let number = |locks: &CommitLocks, result: Result<(), StoreErrorKind>| {
            let turn = locks.of(b"a").unwrap();
            let ((), version) = turn.with_version(Durability::Kernel, || result).ok()?;
            Some(version?.numbers()[0])
        };
        let first = number(&one, Ok(())).unwrap();
        assert_eq!(number(&one, Err(StoreErrorKind::NoSpace)), None);
        assert_eq!(number(&two, Ok(())), Some(first + 1));
        assert_eq!(
            number(&two, Err(StoreErrorKind::Uncertain(Errno::NOTCONN))),
            None
        );
        assert_eq!(number(&one, Ok(())), Some(first + 3));
    }

    /// The servers still exclude each other after another program has removed the file.
    #[test]
    fn file_of_the_locks_that_is_removed_is_made_again() {
        let root = tempfile::tempdir().unwrap();
        let [one, two] = two_processes(&root);
        std::fs::remove_file(root.path().join(".httpserver-lock")).unwrap();
        let turn = one.of(b"a").unwrap();
        assert!(matches!(
            two.of(b"a").map(drop),
            Err(StoreErrorKind::Locked)
        ));
        drop(turn);
        two.of(b"a").map(drop).unwrap();
    }
}
