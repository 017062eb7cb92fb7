//! Where the pool and the log get their locks, condition variables and atomics: those of the standard library.
//!
//! `tests/interleavings` compiles the files of their protocols a second time, with a module of this name whose locks and
//! atomics loom watches. So what a protocol shares between threads comes from here.
//!
//! The locks outlive a panic: what they guard is whole at every moment, so a panic elsewhere does not matter.

use std::sync::{LockResult, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

pub(crate) use std::sync::{Condvar, Mutex, MutexGuard, atomic};
pub(crate) use std::thread::sleep;

/// Locks a mutex.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives the lock up, sleeps until `condition` is notified, and locks again. It may also wake for no reason.
pub(crate) fn wait<'m, T>(condition: &Condvar, guard: MutexGuard<'m, T>) -> MutexGuard<'m, T> {
    waited(condition.wait(guard))
}

/// Locks for reading.
pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

/// Locks for writing.
pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

/// The result of a wait.
pub(crate) fn waited<T>(result: LockResult<T>) -> T {
    result.unwrap_or_else(PoisonError::into_inner)
}
