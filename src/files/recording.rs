//! Recording what changed no file: requests that were granted, or refused.

use super::state::{Files, reserved_names};
use crate::blocking::Pending;
use crate::entry_range::{EntryReceipt, Receipts};
use crate::request_log::write::Refused;

impl Files {
    /// Records a request that was granted and changed nothing, in a turn with this worker.
    ///
    /// The entry is pending until [`Files::commit_pending`] returns.
    pub fn record_success(&self, method: &str, name: &[u8], worker: usize) -> EntryReceipt {
        self.recorder.success(method, name, worker)
    }

    /// Records a request that was refused with the status `code`, as [`Files::record_success`] does; without a worker
    /// the entry is in the log on return.
    pub fn record_refusal(
        &self,
        request: Refused<'_>,
        code: u16,
        worker: Option<usize>,
    ) -> EntryReceipt {
        self.recorder.failure(request, code, worker)
    }

    /// Says from now on where entries are in the log, or does not.
    pub fn make_receipts(&mut self, receipts: Receipts) {
        self.recorder.make_receipts(receipts);
    }

    /// What [`Files::commit_pending`] has to do for this worker.
    #[must_use]
    pub fn pending(&self, worker: usize) -> Pending {
        if !self.recorder.has_pending(worker) {
            Pending::Nothing
        } else if self.recorder.waits_for_disk() {
            Pending::MayBlock
        } else {
            Pending::Quick
        }
    }

    /// Writes the entries that are pending from turns with this worker: on return they are in the log.
    pub fn commit_pending(&self, worker: usize) {
        self.recorder.commit(worker);
    }

    /// Goes on in the files that the paths of the logs name now, or in new ones. Entries in flight end where they began.
    ///
    /// The names that the logs may get are reserved before they are opened: what a client stores is never taken for one
    /// of them, and does not take its place.
    pub fn reopen(&self) {
        let access_location = self.locate_access_log();
        self.store
            .reserve(access_location.iter().flat_map(reserved_names).collect());
        let located = self.recorder.locate();
        if let Some(Ok(location)) = &located {
            self.store.reserve(reserved_names(location));
            self.recorder.reopen(location);
        }
        if let Some(access_log) = &self.access_log {
            access_log.reopen();
        }
        match located {
            None => self.conceal_logs(None, access_location.as_ref()),
            Some(Ok(location)) => self.conceal_logs(Some(&location), access_location.as_ref()),
            // What is concealed stays so.
            Some(Err(error)) => log::error!("the request log stays in its old file: {error}"),
        }
    }
}
