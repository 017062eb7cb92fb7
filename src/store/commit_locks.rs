//! The order in which files of one name take effect.

use crate::sync::lock;
use std::hash::BuildHasher;
use std::sync::{Mutex, MutexGuard};

use rustc_hash::FxBuildHasher;

/// Names share this many locks; two names seldom share one.
const STRIPES: usize = 64;

/// Locks for names. Each guards the order in which files of its names take effect and are published; it is held for
/// a rename, never while content is written.
pub(super) struct CommitLocks {
    stripes: [Mutex<()>; STRIPES],
}

impl CommitLocks {
    pub(super) fn new() -> Self {
        Self {
            stripes: [const { Mutex::new(()) }; STRIPES],
        }
    }

    /// Waits for its turn, and holds it until the guard is dropped.
    pub(super) fn of(&self, path: &[u8]) -> MutexGuard<'_, ()> {
        lock(self.stripe(path))
    }

    /// The same for every name at once. The order of the locks is always the same, and no commit holds two.
    pub(super) fn of_all(&self) -> Vec<MutexGuard<'_, ()>> {
        self.stripes.iter().map(lock).collect()
    }

    /// Returns when every commit has ended that had its turn at the time of the call.
    pub(super) fn wait_for_commits(&self) {
        for stripe in &self.stripes {
            drop(lock(stripe));
        }
    }

    /// Whether somebody has the turn.
    #[cfg(test)]
    pub(super) fn is_locked(&self, path: &[u8]) -> bool {
        self.stripe(path).try_lock().is_err()
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "any bits of the hash will do"
    )]
    fn stripe(&self, path: &[u8]) -> &Mutex<()> {
        &self.stripes[FxBuildHasher.hash_one(path) as usize % STRIPES]
    }
}
