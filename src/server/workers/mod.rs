//! The worker threads and what they share.

mod activity;
pub(crate) mod capacity;
mod monitor;
pub(crate) mod pool;
pub(crate) mod queue;
mod round;
pub(crate) mod spares;
pub(crate) mod worker;
