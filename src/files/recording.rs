//! Recording what changed no file: requests that were answered with success, or refused.

use super::{Files, reserved_names};
use crate::request_log::write::Refused;

impl Files {
    /// Records a request that was answered with success and changed nothing, in a turn with this worker.
    ///
    /// The entry is in the log when [`Files::commit_pending`] returns, or at once if [`Files::defers_entries`] is false.
    pub fn record_success(&self, method: &str, name: &[u8], worker: usize) {
        self.recorder.success(method, name, worker);
    }

    /// Records a request that was refused with the status `code`: on return the entry is in the log.
    pub fn record_refusal(&self, request: Refused<'_>, code: u16) {
        self.recorder.failure(request, code);
    }

    /// Whether successes are recorded later, so that one call writes many.
    #[must_use]
    pub fn defers_entries(&self) -> bool {
        self.recorder.puts_off()
    }

    /// Writes the entries that are pending from turns with this worker: on return they are in the log.
    pub fn commit_pending(&self, worker: usize) {
        self.recorder.settle(worker);
    }

    /// Whether every entry waits until it is on stable storage.
    #[must_use]
    pub fn waits_for_disk(&self) -> bool {
        self.recorder.waits_for_disk()
    }

    /// Goes on in the file that the log's path names now, or in a new one. Entries in flight end where they began.
    ///
    /// The names that the log may get are reserved before it is opened: what a client stores is never taken for it, and
    /// does not take its place.
    pub fn reopen(&self) {
        match self.recorder.locate() {
            None => {}
            Some(Ok(location)) => {
                self.store.reserve(reserved_names(&location));
                self.recorder.reopen(&location);
                self.conceal_log(&location);
            }
            Some(Err(error)) => log::error!("the request log stays in its old file: {error}"),
        }
    }
}
