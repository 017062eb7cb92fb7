//! The turns that a worker gives together: processed connections, and connections whose responses may be sent.
//!
//! The invariant: *a response is sent after its commit*. The types enforce it: only [`Round::commit`] returns
//! connections.

use std::vec::Drain;

/// Connections of one round, in the order of their turns.
pub(crate) struct Round<C> {
    processed: Vec<C>,
}

impl<C> Round<C> {
    pub(crate) fn new() -> Self {
        Self {
            processed: Vec::new(),
        }
    }

    /// Adds a processed connection.
    pub(crate) fn add(&mut self, connection: C) {
        self.processed.push(connection);
    }

    /// Commits their pending entries, and returns the connections for the flush.
    pub(crate) fn commit(&mut self, commit: impl FnOnce()) -> Drain<'_, C> {
        commit();
        self.processed.drain(..)
    }
}
