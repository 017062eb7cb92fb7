//! The removal of a file from the store, and its entry in the log, for any dialect.
//!
//! As with an upload, space for the entry is secured first, and its place in the log is taken in the instant in which
//! the file is gone: whoever replays the log has what the store has.

use super::error::UploadError;
use super::state::Files;
use super::upload::receipt_of;
use crate::blocking::Blocking;
use crate::entry_range::EntryReceipt;
use crate::request_log::write::EntryReservation;
use crate::store::CommitCondition;

impl Files {
    /// Removes the file at `path`, and records it in the same instant as a DELETE. `text` is room for the entry.
    ///
    /// # Errors
    /// With any but `NotRecorded` the file is still there.
    pub fn remove(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        text: &mut Vec<u8>,
        blocking: Blocking<'_>,
    ) -> Result<EntryReceipt, UploadError> {
        let reservation = self
            .recorder
            .reserve("DELETE", path, 0, blocking.worker())
            .map_err(|source| UploadError::LogFull {
                path: path.into(),
                source,
            })?;
        let removed = self.store.remove(path, condition, || {
            reservation.map(EntryReservation::commit)
        })?;
        let receipt = receipt_of(removed.published.as_ref());
        removed
            .published
            .map_or(Ok(()), |mut entry| entry.write(&[], text))
            .and(removed.settled)
            .map(|()| receipt)
            .map_err(|source| UploadError::NotRecorded {
                path: path.into(),
                source,
            })
    }
}
