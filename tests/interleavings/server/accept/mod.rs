//! The part of the main thread that closes idle connections, as it ships.

#[path = "../../../../src/server/accept/eviction.rs"]
pub(crate) mod eviction;

/// The count of a client's connections, which orders nothing between threads.
pub(crate) mod client_limit {
    pub(crate) struct Counted;
}
