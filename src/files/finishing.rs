//! The last part of an upload: after it has taken effect, the rows of its entry are written.

use std::io;
use std::sync::Arc;

use super::error::UploadError;
use super::state::Files;
use crate::blocking::Blocking;
use crate::entry_range::EntryReceipt;
use crate::request_log::write::EntryWriter;
use crate::store::{Committed, Metadata, StoreErrorKind};

/// An upload that has taken effect, with rows that are not written yet.
pub struct Finishing {
    pub(super) files: Arc<Files>,
    pub(super) path: Box<[u8]>,
    pub(super) committed: Committed,
    pub(super) entry: Option<EntryWriter>,
    pub(super) receipt: EntryReceipt,
}

/// The progress of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// More rows must be written.
    More,
    /// It can be answered.
    Done,
}

impl Finishing {
    /// The place of its entry.
    #[must_use]
    pub fn receipt(&self) -> EntryReceipt {
        self.receipt.clone()
    }

    /// The metadata of the stored file.
    pub fn metadata(&self) -> Result<Metadata, StoreErrorKind> {
        self.committed.metadata()
    }

    /// Writes another portion of rows; `content` and `text` are buffers.
    pub fn step(
        &mut self,
        content: &mut Vec<u8>,
        text: &mut Vec<u8>,
        _: Blocking<'_>,
    ) -> Result<Remaining, UploadError> {
        if let Some(entry) = self.entry.as_mut().filter(|entry| !entry.is_complete()) {
            content.resize(entry.next_len(), 0);
            let written = match self.committed.read(entry.written(), content) {
                Ok(true) => entry.write(content, text),
                Ok(false) => Err(io::ErrorKind::UnexpectedEof.into()),
                Err(error) => Err(error),
            };
            let complete = entry.is_complete();
            if written.is_err() {
                self.entry = None; // the rest of the entry would be at a wrong place
            }
            self.recorded(written)?;
            if !complete {
                return Ok(Remaining::More);
            }
        }
        let synced = self.files.store.sync_name(&self.committed);
        self.recorded(synced)?;
        Ok(Remaining::Done)
    }

    /// Writes all rows, if they are few enough: the whole content is at hand, and need not be read back.
    pub(super) fn write_at_once(
        &mut self,
        content: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), UploadError> {
        let mut entry = self.entry.as_mut();
        let Some(entry) = entry.take_if(|entry| entry.next_len() == content.len()) else {
            return Ok(());
        };
        let written = entry.write(content, text);
        if written.is_err() {
            self.entry = None;
        }
        self.recorded(written)
    }

    fn recorded(&self, result: io::Result<()>) -> Result<(), UploadError> {
        result.map_err(|source| UploadError::NotRecorded {
            path: self.path.clone(),
            source,
        })
    }
}

impl Drop for Finishing {
    /// An entry with a place is always written, even if the server stops or the session is closed.
    fn drop(&mut self) {
        let (mut content, mut text) = (Vec::new(), Vec::new());
        while self
            .entry
            .as_ref()
            .is_some_and(|entry| !entry.is_complete())
        {
            let blocking = Blocking::outside_turn();
            if let Err(error) = self.step(&mut content, &mut text, blocking) {
                log::error!("PUT: {error}");
                return;
            }
        }
    }
}

/// The place of an entry, if there is one.
pub(super) fn receipt_of(entry: Option<&EntryWriter>) -> EntryReceipt {
    entry.map_or(EntryReceipt::None, |entry| {
        EntryReceipt::Known(entry.range())
    })
}
