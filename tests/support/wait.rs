//! Waiting until a condition holds, never for a fixed time.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How long a test waits for an event that is immediate on an idle machine.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

/// Waits until `condition` holds; panics, naming `what`, if that takes longer than [`GUARD`].
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < GUARD, "it never came true that {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Reports to other threads of a test that it is over, also if it is over by a panic.
pub(crate) struct SetOnDrop<'f>(pub(crate) &'f AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
