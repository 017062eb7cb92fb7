//! The protocols between the threads of the pool, and between those that write the log, in every interleaving up to a
//! bound.
//!
//! Their shipped files are compiled here a second time, with a `crate::sync` whose locks and atomics loom
//! watches. The models of their surroundings (the kernel, the queue, the state of a thread) are in `server`. Each
//! file of tests has *models*: a few threads that use a protocol, and its invariants. A model limits how often a
//! thread stops for another although it could continue (`Model::bounded`), or sets no limit (`Model::every`); up
//! to the limit, each order of steps is tried, with each value that a load may see. A thread that sleeps forever fails
//! the model, so a lost wake-up is found.
//!
//! Then each fence is left out, and each access weakened, one by one: a model must fail (`explore_and_weaken`).
//!
//! The tests beside the code run here, too, with the standard library's locks.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "a model uses a part of what the files that it explores offer"
)]

mod explore;
mod request_log;
mod seal;
mod server;
mod sync;

#[path = "../../src/durable.rs"]
mod durable;
#[path = "../../src/operations.rs"]
mod operations;

mod blocking;
mod capacity;
mod committing;
mod parking;
mod polling;
mod spares;
