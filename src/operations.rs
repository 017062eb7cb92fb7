//! Counts the file operations of each thread, so that a turn of a connection can be bounded by them.
//!
//! An operation is a system call on a file or a directory, such as open, statx, read, write, rename or unlink. `store`
//! and `request_log` count theirs here, and `connection` reads the count. The cost of an operation depends on the disk,
//! and a request can cause many of them with few bytes.

use std::cell::Cell;

use rustix::io::{Errno, retry_on_intr};

thread_local! {
    /// File operations of this thread so far.
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

/// File operations that the calling thread has begun so far.
#[must_use]
pub fn count() -> u64 {
    COUNT.get()
}

/// Counts one.
pub(crate) fn add() {
    COUNT.set(COUNT.get().wrapping_add(1));
}

/// Counts and performs one; retries if a signal interrupts it.
pub(crate) fn operate<T>(operation: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    add();
    retry_on_intr(operation)
}

/// Counts and performs one that must not be repeated.
pub(crate) fn operate_once<T>(operation: impl FnOnce() -> Result<T, Errno>) -> Result<T, Errno> {
    add();
    operation()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_of_this_thread_are_counted_once() {
        let before = count();
        std::thread::spawn(add).join().unwrap();
        let mut interrupted = [Err(Errno::INTR), Ok(())].into_iter();
        assert_eq!(operate(|| interrupted.next().unwrap()), Ok(()));
        assert_eq!(operate(|| Err::<(), _>(Errno::NOENT)), Err(Errno::NOENT));
        assert_eq!(operate_once(|| Err::<(), _>(Errno::INTR)), Err(Errno::INTR));
        assert_eq!(count(), before + 3);
    }
}
