//! The main thread: connections, deadlines, limits and signals.

pub(crate) mod accept_loop;
pub(crate) mod admission;
mod batching;
pub(crate) mod client_limit;
mod eviction;
pub(crate) mod limits;
pub(crate) mod listener;
mod pause;
pub(crate) mod scheduled_stop;
pub(crate) mod signals;
mod socket_file;
pub(crate) mod supervision;
mod terminal;
