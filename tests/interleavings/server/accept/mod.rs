//! The shipped part of the main thread that closes idle connections.

#[path = "../../../../src/server/accept/eviction.rs"]
pub(crate) mod eviction;

/// The count of a client's connections, which imposes no order between threads.
pub(crate) mod client_limit {
    pub(crate) struct Counted;
}
