//! The state of a worker's thread: in a model it sleeps whenever the monitor looks, so a section lasts at the second look.

use std::fs::File;
use std::sync::Arc;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ThreadState {
    #[default]
    Sleeps,
    Runnable,
}

#[derive(Debug, Default)]
pub(crate) struct WorkerThread {
    state: ThreadState,
}

impl WorkerThread {
    #[expect(clippy::unused_self, reason = "as the real one")]
    pub(crate) fn bind(&self, _: Arc<File>) {}

    pub(crate) fn state(&self) -> ThreadState {
        self.state
    }
}
