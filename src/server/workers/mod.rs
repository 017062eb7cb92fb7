//! The worker threads and what they share.

pub(crate) mod pool;
pub(crate) mod queue;
pub(crate) mod spares;
pub(crate) mod worker;
