//! When the main thread accepts no connections although it serves.

use std::time::Instant;

/// Whether new connections wait in the backlog, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// They do not.
    None,
    /// Until a connection closes or becomes idle.
    UntilCapacity,
    /// Until that, or until this moment.
    UntilCapacityOr(Instant),
}
