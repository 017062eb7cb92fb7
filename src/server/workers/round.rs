//! The turns that a worker gives together: those that are processed, and those whose responses may be sent.
//!
//! What holds: *a response is sent after its commit*. The types say so: only [`Round::commit`] gives back connections.

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

    /// Adds a connection that was processed.
    pub(crate) fn add(&mut self, connection: C) {
        self.processed.push(connection);
    }

    /// Commits what they have pending, and gives them back to be flushed.
    pub(crate) fn commit(&mut self, commit: impl FnOnce()) -> Drain<'_, C> {
        commit();
        self.processed.drain(..)
    }
}
