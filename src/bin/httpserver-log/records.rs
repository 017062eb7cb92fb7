//! The entries of a log, each with the line of the seal that belongs to it.
//!
//! Memory is constant: one entry and one line, and the numbers of torn entries.

use crate::failure::Failure;
use crate::log_reader::{LogItem, LogReader};
use crate::pairing::Pairing;
use crate::record::EntryRecord;
use httpserver::request_log::format::line::LoggedRequest;
use httpserver::seal::chain::Hash;
use sha2::{Digest, Sha256};

/// A log, and its seal if there is one, read from front to back.
pub(crate) struct Records<'s> {
    log: LogReader<'s>,
    pairing: Pairing<'s>,
    /// Where the log ends; `None` as long as it goes on.
    end: Option<u64>,
}

impl<'s> Records<'s> {
    /// Reads a log.
    pub(crate) fn new(log: LogReader<'s>, pairing: Pairing<'s>) -> Self {
        Self {
            log,
            pairing,
            end: None,
        }
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
        loop {
            if let Some(record) = self.pairing.take() {
                return Ok(Some(record));
            }
            if let Some(end) = self.end {
                return self.pairing.next_behind(end);
            }
            self.read()?;
        }
    }

    /// Reads what comes next in the log.
    fn read(&mut self) -> Result<(), Failure> {
        let offset = self.log.position();
        let mut hasher = self.pairing.is_sealed().then(Sha256::new);
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
        let hash = hasher.filter(|_| is_put(&item));
        let hash = hash.map(|hasher| Hash(hasher.finalize().into()));
        let first_line = self.log.first_line();
        self.pairing.add(item, &first_line, offset..end, hash)
    }
}

/// Whether an entry has content.
fn is_put(item: &LogItem) -> bool {
    match item {
        LogItem::Whole(head) => {
            matches!(head.kind, LoggedRequest::Success { method: "PUT", .. })
        }
        LogItem::Torn(..) => false,
    }
}
