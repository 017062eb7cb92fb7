//! Pauses in accepting while the server is running.

use std::time::Instant;

/// Whether new connections wait in the backlog, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// They do not wait.
    None,
    /// Until a connection closes or becomes idle.
    UntilCapacity,
    /// Until that, or until this moment.
    UntilCapacityOr(Instant),
}
