//! The worker threads and what they share.

mod batch;
pub(crate) mod capacity;
pub(crate) mod gauges;
mod held;
mod monitor;
pub(crate) mod pool;
pub(crate) mod queue;
mod round;
pub(crate) mod spares;
mod thread_stat;
mod thread_state;
pub(crate) mod worker;
mod worker_activity;
