//! The shipped workers. Only the queue and the state of threads are models.

pub(crate) mod queue;
pub(crate) mod thread_state;

#[path = "../../../../src/server/workers/batch.rs"]
pub(crate) mod batch;
#[path = "../../../../src/server/workers/capacity.rs"]
pub(crate) mod capacity;
#[path = "../../../../src/server/workers/gauges.rs"]
pub(crate) mod gauges;
#[path = "../../../../src/server/workers/held.rs"]
pub(crate) mod held;
#[path = "../../../../src/server/workers/monitor.rs"]
pub(crate) mod monitor;
#[path = "../../../../src/server/workers/pool.rs"]
pub(crate) mod pool;
#[path = "../../../../src/server/workers/round.rs"]
pub(crate) mod round;
#[path = "../../../../src/server/workers/spares.rs"]
pub(crate) mod spares;
#[path = "../../../../src/server/workers/worker_activity.rs"]
pub(crate) mod worker_activity;
