//! The main thread: connections, deadlines, limits and signals.

pub(crate) mod accept_loop;
mod admission;
mod batching;
mod eviction;
pub(crate) mod limits;
pub(crate) mod listener;
pub(crate) mod signals;
mod terminal;
