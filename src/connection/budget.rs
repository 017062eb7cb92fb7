//! The budget of one turn of a connection, so that other connections do not wait long.
//!
//! A step of a turn ends when it has read enough requests, moved enough bytes on the wire in either direction, made
//! enough file operations, or taken enough time, whichever comes first. It finishes the work that it has begun, so each
//! piece of work between two checks of the budget must be small: one request, one buffer of content, one portion of a
//! listing, of the space or the rows of a log entry, or of the directories of an upload.

use std::time::{Duration, Instant};

use super::spent::Spent;
use crate::operations;

/// Requests of a pipelining client: enough to amortise a turn.
const REQUESTS: u32 = 32;

/// Bytes on the wire: a few hundred microseconds of copying.
const BYTES: u64 = 1024 * 1024;

/// File operations: each takes a few microseconds unless it waits for a disk.
const OPERATIONS: u64 = 256;

/// Time, from the beginning of a blocking turn, else from the first check of the budget: about as long as a short request
/// takes with its way to the client and back. A connection may delay others for longer: if the host gives a virtual
/// machine new memory, the last piece of work takes ten times as long as usual. Ending a turn costs its connection a few
/// hundredths of this.
const TIME: Duration = Duration::from_micros(50);

/// The cost of one step of a turn so far.
#[derive(Debug)]
pub(super) struct Budget {
    spent: Spent,
    /// File operations of this thread before.
    operations_before: u64,
    ends: Option<Instant>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            spent: Spent::default(),
            operations_before: operations::count(),
            ends: None,
        }
    }

    /// The same, but the time begins now, since a blocking turn has long pieces of work.
    pub(super) fn of_blocking_turn() -> Self {
        Self {
            ends: Some(Instant::now() + TIME),
            ..Self::new()
        }
    }

    /// Counts one request.
    pub(super) fn spend_request(&mut self) {
        self.spent.requests += 1;
    }

    /// Counts bytes on the wire.
    pub(super) fn spend_bytes(&mut self, count: u64) {
        self.spent.bytes += count;
    }

    /// Counts a portion of work that moves no bytes.
    pub(super) fn spend_portion(&mut self) {
        self.spent.portions += 1;
    }

    /// Bytes that may still be moved.
    pub(super) fn bytes(&self) -> u64 {
        BYTES.saturating_sub(self.spent.bytes)
    }

    /// The cost so far.
    pub(super) fn spent(&self) -> Spent {
        Spent {
            operations: operations::count().wrapping_sub(self.operations_before),
            ..self.spent
        }
    }

    /// Whether the turn must end. It is called before each piece of work but the first.
    pub(super) fn is_spent(&mut self) -> bool {
        let spent = self.spent();
        if spent.requests >= REQUESTS || spent.bytes >= BYTES || spent.operations >= OPERATIONS {
            return true;
        }
        // Most turns have one piece of work, and never read the clock.
        if spent == Spent::default() {
            return false;
        }
        let now = Instant::now();
        now >= *self.ends.get_or_insert(now + TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_is_spent_by_requests_bytes_operations_or_time() {
        let mut budget = Budget::new();
        for _ in 1..REQUESTS {
            budget.spend_request();
        }
        assert!(budget.bytes() > 0 && budget.spent().requests == REQUESTS - 1);
        budget.spend_request();
        assert!(budget.is_spent());

        let mut budget = Budget::new();
        assert!(!budget.is_spent(), "a first piece of work is always done");
        budget.spend_bytes(BYTES - 1);
        assert_eq!(budget.bytes(), 1);
        budget.spend_bytes(2);
        assert!(budget.is_spent());

        let mut budget = Budget::new();
        budget.spend_bytes(1);
        while !budget.is_spent() {}
        assert!(budget.bytes() > 0);

        let mut budget = Budget::new();
        for _ in 0..OPERATIONS {
            operations::add();
        }
        assert_eq!(budget.spent().operations, OPERATIONS);
        assert!(budget.is_spent());
    }
}
