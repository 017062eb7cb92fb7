//! Integration tests: the real `httpserver` on a port of the system's choice, spoken to in raw bytes and, where a
//! person would, with curl.
//!
//! `home` is the directory a server works on, `server` the running program, `client` the other end of a connection;
//! the other modules are the tests, by what they show. Nothing here sleeps for order: a test waits until what it
//! waits for is so, and [`GUARD`] only keeps it from waiting for ever.

#![allow(
    clippy::unwrap_used,
    reason = "a test that meets the unexpected shall panic"
)]

mod bytes;
mod client;
mod command_line;
mod contract;
mod curl;
mod deadlines;
mod echo;
mod entries;
mod home;
mod journal;
mod log;
mod persistence;
mod pool;
mod put;
mod server;
mod together;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a test waits for what should come at once, on however slow a machine.
const GUARD: Duration = Duration::from_secs(60);

/// Waits until `condition` holds; panics, naming `what`, if that takes longer than [`GUARD`].
#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < GUARD, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Tells other threads of a test that it is over, also if it is over by a panic.
struct SetOnDrop<'f>(&'f AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
