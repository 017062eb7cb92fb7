//! The removal of a file or a directory from the store, and its entry in the log, for any dialect.
//!
//! As with an upload, space for the entry is reserved first, and the entry gets its place at the instant of the
//! removal. So a replay of the log yields the files of the store. The name of a directory is recorded with a slash at
//! its end.

use std::io;

use super::error::UploadError;
use super::finishing::receipt_of;
use super::judging::Judge;
use super::state::Files;

use crate::blocking::Blocking;
use crate::entry_range::EntryReceipt;
use crate::request_log::write::{EntryReservation, EntryWriter};
use crate::requester::{Answered, Requester};
use crate::store::{CommitCondition, Removed};
use crate::users::Right;

impl Files {
    /// Removes the file at `path`, and records it at the same instant as a DELETE with the response `answered`. `text`
    /// is a buffer for the entry.
    ///
    /// # Errors
    /// After any error but `NotRecorded` and `Uncertain` of the store, the file still exists.
    pub fn remove(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        answered: &Answered<'_>,
        text: &mut Vec<u8>,
        blocking: Blocking<'_>,
    ) -> Result<EntryReceipt, UploadError> {
        let reservation = self.reserve_removal(path, path, answered.requester, blocking)?;
        let removed = self.store.remove(path, condition, |version| {
            reservation.map(|reservation| reservation.commit(answered, None, version))
        })?;
        record(path, removed, text)
    }

    /// Removes the directory at `path` if it is empty, as [`Files::remove`] removes a file.
    ///
    /// # Errors
    /// After any error but `NotRecorded` and `Uncertain` of the store, the directory still exists.
    pub fn remove_directory(
        &self,
        path: &[u8],
        condition: &CommitCondition<'_>,
        answered: &Answered<'_>,
        text: &mut Vec<u8>,
        blocking: Blocking<'_>,
    ) -> Result<EntryReceipt, UploadError> {
        let name = [path, b"/"].concat();
        let reservation = self.reserve_removal(path, &name, answered.requester, blocking)?;
        let removed = self.store.remove_directory(path, condition, |version| {
            reservation.map(|reservation| reservation.commit(answered, None, version))
        })?;
        record(path, removed, text)
    }

    /// Reserves space for the entry of the removal of `name`.
    fn reserve_removal(
        &self,
        path: &[u8],
        name: &[u8],
        requester: &Requester,
        blocking: Blocking<'_>,
    ) -> Result<Option<EntryReservation>, UploadError> {
        Judge::of(requester, path).require(Right::Delete)?;
        let full = |source: io::Error| UploadError::LogFull {
            path: path.into(),
            source,
        };
        self.recorder
            .reserve("DELETE", name, 0, requester, blocking.worker())
            .map_err(full)
    }
}

/// Writes the entry of the removal at `path`.
fn record(
    path: &[u8],
    removed: Removed<Option<EntryWriter>>,
    text: &mut Vec<u8>,
) -> Result<EntryReceipt, UploadError> {
    let receipt = receipt_of(removed.published.as_ref());
    removed
        .published
        .map_or(Ok(()), |mut entry| entry.write(&[], text))
        .and(removed.synced)
        .map(|()| receipt)
        .map_err(|source| UploadError::NotRecorded {
            path: path.into(),
            source,
        })
}
