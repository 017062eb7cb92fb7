//! What one turn of a connection may cost, so that no other connection waits long because of it.
//!
//! A turn ends when it has read enough requests, moved enough bytes on the wire in either direction, or taken enough
//! time, whichever comes first. What it has begun it finishes, so each piece of work between two looks at the budget
//! must be small: one request, one buffer of content, one portion of a listing or of a log entry.

use std::time::{Duration, Instant};

/// Requests of a pipelining client: enough to pay for a turn.
const REQUESTS: u32 = 32;

/// Bytes on the wire: some hundred microseconds of copying.
const BYTES: u64 = 1024 * 1024;

/// Time, from the first look at the budget. A connection may hold others up for ten times as long; this leaves room for
/// the piece of work that is begun last, and for an unlucky thread switch.
const TIME: Duration = Duration::from_millis(1);

/// What is left for one turn.
#[derive(Debug)]
pub(super) struct Budget {
    requests: u32,
    bytes: u64,
    /// Whether a first piece of work is done.
    is_begun: bool,
    ends: Option<Instant>,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self {
            requests: REQUESTS,
            bytes: BYTES,
            is_begun: false,
            ends: None,
        }
    }

    /// Pays for one request.
    pub(super) fn spend_request(&mut self) {
        self.is_begun = true;
        self.requests = self.requests.saturating_sub(1);
    }

    /// Pays for bytes on the wire.
    pub(super) fn spend_bytes(&mut self, count: u64) {
        self.is_begun = true;
        self.bytes = self.bytes.saturating_sub(count);
    }

    /// Takes note of a portion of work that moves nothing.
    pub(super) fn spend_portion(&mut self) {
        self.is_begun = true;
    }

    /// Bytes that may still be moved.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the turn is to end. To be asked before each piece of work but the first.
    pub(super) fn is_spent(&mut self) -> bool {
        if self.requests == 0 || self.bytes == 0 {
            return true;
        }
        // Most turns have one piece of work, and never look at the clock.
        if !self.is_begun {
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
    fn budget_is_spent_by_requests_bytes_or_time() {
        let mut budget = Budget::new();
        for _ in 1..REQUESTS {
            budget.spend_request();
        }
        assert!(budget.bytes() > 0 && budget.requests == 1);
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
    }
}
