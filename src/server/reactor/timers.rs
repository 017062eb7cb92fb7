//! The deadlines of parked connections: the earliest, and the expired ones.
//!
//! It is a heap. A connection has at most one live entry here, and moving a deadline *later* costs nothing: the entry
//! stays, and the slot is checked again when it is due (see `Slots`). The idle deadline of a busy persistent connection
//! moves with every request, but its entry is checked once a minute. The invariant: *the main thread never sleeps past
//! a deadline that was added*; it is woken if a new deadline is earlier than its next wake-up.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::RawFd;
use std::time::Instant;

use crate::sync::{Mutex, lock};

/// The entries of all connections, by time.
#[derive(Default)]
pub(crate) struct Timers {
    /// Guards the heap, and the moment until which the main thread sleeps.
    inner: Mutex<TimerHeap>,
}

#[derive(Default)]
struct TimerHeap {
    heap: BinaryHeap<Reverse<(Instant, RawFd)>>,
    /// The time at which the main thread wakes by itself; `None` is never.
    wakes_at: Option<Instant>,
}

/// Whether the main thread would sleep past a deadline that was just added.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Sleeper {
    WakesInTime,
    MustBeWoken,
}

impl Timers {
    /// Adds an entry for the connection on descriptor `fd`.
    pub(crate) fn add(&self, at: Instant, fd: RawFd) -> Sleeper {
        let mut inner = lock(&self.inner);
        inner.heap.push(Reverse((at, fd)));
        if inner.wakes_at.is_some_and(|wakes| wakes <= at) {
            return Sleeper::WakesInTime;
        }
        inner.wakes_at = Some(at);
        Sleeper::MustBeWoken
    }

    /// Takes one entry that is due at `now`.
    pub(crate) fn pop_due(&self, now: Instant) -> Option<(Instant, RawFd)> {
        let mut inner = lock(&self.inner);
        match inner.heap.peek() {
            Some(Reverse((at, _))) if *at <= now => inner.heap.pop().map(|Reverse(entry)| entry),
            _ => None,
        }
    }

    /// The earliest entry; the caller promises to sleep no longer than until then.
    pub(crate) fn sleep_until(&self) -> Option<Instant> {
        let mut inner = lock(&self.inner);
        inner.wakes_at = inner.heap.peek().map(|Reverse((at, _))| *at);
        inner.wakes_at
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn entries_come_due_in_order_and_only_when_due() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let timers = Timers::default();
        for (seconds, fd) in [(30, 3), (10, 1), (20, 2)] {
            timers.add(at(seconds), fd);
        }
        assert_eq!(timers.pop_due(at(9)), None);
        assert_eq!(timers.pop_due(at(20)), Some((at(10), 1)));
        assert_eq!(timers.pop_due(at(20)), Some((at(20), 2)));
        assert_eq!(timers.pop_due(at(20)), None);
        assert_eq!(timers.sleep_until(), Some(at(30)));
    }

    #[test]
    fn only_an_earlier_deadline_wakes_the_sleeper() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let timers = Timers::default();
        assert_eq!(timers.sleep_until(), None);
        assert_eq!(timers.add(at(20), 1), Sleeper::MustBeWoken);
        assert_eq!(timers.add(at(30), 2), Sleeper::WakesInTime);
        assert_eq!(timers.add(at(10), 3), Sleeper::MustBeWoken);
        assert_eq!(timers.add(at(15), 4), Sleeper::WakesInTime);
    }
}
