//! Records requests that changed no file: successes and refusals.

use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::state::{Files, reserved_names};
use crate::blocking::PendingCommit;
use crate::entry_range::{EntryReceipt, Receipts};
use crate::request_log::write::{Refused, Reopened};
use crate::requester::Answered;

/// The interval between checks whether both the log and its seal are renamed.
const LOOKS: Duration = Duration::from_millis(50);

/// The time after which a warning reports that only one of them is renamed.
const WARNING: Duration = Duration::from_secs(5);

impl Files {
    /// Records a successful request that changed nothing, in a turn with this worker.
    ///
    /// The entry is pending until [`Files::commit_pending`] returns.
    #[must_use]
    pub fn record_success(
        &self,
        method: &str,
        name: &[u8],
        answered: &Answered<'_>,
        worker: usize,
    ) -> EntryReceipt {
        self.recorder.success(method, name, answered, worker)
    }

    /// Records a refused request, as [`Files::record_success`] does; without a worker the entry is in the log on
    /// return.
    #[must_use]
    pub fn record_refusal(
        &self,
        request: Refused<'_>,
        answered: &Answered<'_>,
        worker: Option<usize>,
    ) -> EntryReceipt {
        self.recorder.failure(request, answered, worker)
    }

    /// Turns on or off receipts for the places of entries. It must be called before the files are shared.
    pub fn make_receipts(&mut self, receipts: Receipts) {
        if let Some(recorder) = Arc::get_mut(&mut self.recorder) {
            recorder.make_receipts(receipts);
        }
    }

    /// The work of [`Files::commit_pending`] for this worker.
    #[must_use]
    pub fn pending(&self, worker: usize) -> PendingCommit {
        if !self.recorder.has_pending(worker) {
            PendingCommit::Nothing
        } else if self.recorder.waits_for_disk() {
            PendingCommit::MayBlock
        } else {
            PendingCommit::Quick
        }
    }

    /// Writes the entries that are pending from turns with this worker: on return they are in the log.
    pub fn commit_pending(&self, worker: usize) {
        self.recorder.commit(worker);
    }

    /// Switches to the files that the paths of the logs name now, or creates them. Entries in flight are finished in
    /// the old files.
    ///
    /// The names of the logs are reserved before the logs are opened, so no client's file can take their place.
    ///
    /// A sealed log continues in a new file only when its seal was renamed, too. The server waits for that, with a warning.
    pub fn reopen(self: &Arc<Self>) {
        let access_location = self.locate_access_log();
        self.store
            .reserve(access_location.iter().flat_map(reserved_names).collect());
        if let Some(access_log) = &self.access_log {
            access_log.reopen();
        }
        if let Reopened::Half(moved) = self.reopen_request_log() {
            let files = Arc::downgrade(self);
            let waiting = thread::Builder::new()
                .name("rotation".to_owned())
                .spawn(move || wait_for_other_name(&files, moved));
            if let Err(error) = waiting {
                log::error!(
                    "only {moved} was renamed, and no thread can be started to wait for the other: {error}"
                );
            }
        }
    }

    fn reopen_request_log(&self) -> Reopened {
        let access_location = self.locate_access_log();
        let located = self.recorder.locate();
        let mut reopened = Reopened::Done;
        if let Some(Ok(location)) = &located {
            self.store.reserve(reserved_names(location));
            reopened = self.recorder.reopen(location);
        }
        match located {
            None => self.conceal_logs(None, access_location.as_ref()),
            Some(Ok(location)) => self.conceal_logs(Some(&location), access_location.as_ref()),
            // Concealed files stay concealed.
            Some(Err(error)) => log::error!("the request log stays in its old file: {error}"),
        }
        reopened
    }
}

/// Reopens the logs when both the log and its seal are renamed. Until then only one of them, `moved`, is.
fn wait_for_other_name(files: &Weak<Files>, moved: &str) {
    let begun = Instant::now();
    let mut is_warned = false;
    loop {
        thread::sleep(LOOKS);
        let Some(files) = files.upgrade() else {
            return; // the server has ended
        };
        if files.reopen_request_log() == Reopened::Done {
            return;
        }
        if !is_warned && begun.elapsed() >= WARNING {
            is_warned = true;
            log::warn!(
                "only {moved} was renamed: the server keeps writing to the old files until the other one is renamed, too"
            );
        }
    }
}
