//! The empty file of a classic upload without a stated length. The file is put in place and the upload answered before
//! any content arrives; the empty file is recorded only if no content follows.

use std::sync::Arc;

use super::state::Files;
use crate::blocking::Blocking;
use crate::entry_range::EntryReceipt;
use crate::request_log::write::EntryReservation;
use crate::requester::{Answered, Requester};
use crate::seal::chain::Hash;
use crate::store::{Committed, WriteTarget};

/// An empty file that was stored and answered before the content of its upload.
pub struct Empty {
    pub(super) files: Arc<Files>,
    pub(super) target: WriteTarget,
    pub(super) requester: Requester,
    pub(super) committed: Committed,
    /// Space for its entry, in case the file stays.
    pub(super) reservation: Option<EntryReservation>,
}

impl Empty {
    /// Records the empty file if it is still in place; `None` if another file has replaced it. `status` is the status
    /// of the response.
    #[must_use]
    pub fn record(self, status: u16, text: &mut Vec<u8>, _: Blocking<'_>) -> Option<EntryReceipt> {
        let reservation = self.reservation?;
        let store = &self.files.store;
        let answered = Answered {
            requester: &self.requester,
            status,
        };
        let hash = Hash::of(b"");
        let mut entry = store.if_still(&self.committed, &self.target, |version| {
            reservation.commit(&answered, Some(&hash), version)
        })?;
        let receipt = EntryReceipt::Known(entry.range());
        entry.write(&[], text).is_ok().then_some(receipt)
    }
}
