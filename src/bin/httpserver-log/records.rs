//! The entries of a log, each with the line of the seal that belongs to it.
//!
//! Memory is constant: one entry and one line, and the numbers of torn entries.

use crate::failure::Failure;
use crate::log_reader::LogReader;
use crate::pairing::{Pairing, hash_of};
use crate::record::EntryRecord;
use sha2::{Digest, Sha256};

/// The contents that are hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hashing {
    /// Those of sealed logs, for comparison.
    Sealed,
    /// All.
    All,
}

/// A log, and its seal if there is one, read from front to back.
pub(crate) struct Records<'s> {
    log: LogReader<'s>,
    pairing: Pairing<'s>,
    hashing: Hashing,
    /// The end of the log; `None` while it is not reached.
    end: Option<u64>,
    /// Whether the rest is left out.
    is_ended: bool,
}

impl<'s> Records<'s> {
    /// Reads a log.
    pub(crate) fn new(log: LogReader<'s>, pairing: Pairing<'s>, hashing: Hashing) -> Self {
        Self {
            log,
            pairing,
            hashing,
            end: None,
            is_ended: false,
        }
    }

    /// Leaves out the rest.
    pub(crate) fn end(&mut self) {
        self.is_ended = true;
    }

    /// How far the log was read, in bytes.
    pub(crate) fn position(&self) -> u64 {
        self.log.position()
    }

    /// The comparison with the seal.
    pub(crate) fn pairing(&mut self) -> &mut Pairing<'s> {
        &mut self.pairing
    }

    /// The next entry; `None` at the end of the log. A corrupt entry is an error.
    pub(crate) fn next(&mut self) -> Result<Option<EntryRecord>, Failure> {
        while !self.is_ended {
            if let Some(record) = self.pairing.take() {
                return Ok(Some(record));
            }
            if let Some(end) = self.end {
                return self.pairing.next_behind(end);
            }
            self.read()?;
        }
        Ok(None)
    }

    /// Reads the next part of the log.
    fn read(&mut self) -> Result<(), Failure> {
        let offset = self.log.position();
        let is_hashed = self.hashing == Hashing::All || self.pairing.is_sealed();
        let mut hasher = is_hashed.then(Sha256::new);
        let item = self.log.next_item_with(|piece| {
            if let Some(hasher) = &mut hasher {
                hasher.update(piece);
            }
        })?;
        let end = self.log.position();
        let Some(item) = item else {
            self.end = Some(end);
            return Ok(());
        };
        let hash = hash_of(&item, hasher);
        let first_line = self.log.first_line();
        self.pairing.add(item, &first_line, offset..end, hash)
    }
}
