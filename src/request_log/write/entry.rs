//! Writing the entry of an upload: header, hex rows and separator, in blocks, so that a worker can do other work
//! in between and memory stays constant.

use std::io;

use super::space::Reservation;
use crate::durable::Durability;
use crate::request_log::format::hex;
use crate::request_log::format::layout::{ROW, SEPARATOR};

/// Content bytes that are shown in one write: a whole number of rows.
pub const BLOCK: usize = ROW * 3_200;

/// An entry that has its place in the log and is being written.
#[must_use = "what is reserved and not written is a hole in the log"]
pub struct Dump {
    reservation: Reservation,
    /// What stands before the rows; empty once it is written.
    header: Vec<u8>,
    /// Content bytes shown so far.
    shown: u64,
    length: u64,
    durability: Durability,
}

impl Dump {
    pub(super) fn new(
        reservation: Reservation,
        header: Vec<u8>,
        length: u64,
        durability: Durability,
    ) -> Self {
        Self {
            reservation,
            header,
            shown: 0,
            length,
            durability,
        }
    }

    /// Content bytes that were written so far: where the next block begins.
    #[must_use]
    pub fn shown(&self) -> u64 {
        self.shown
    }

    /// How many content bytes the next [`Dump::write`] wants.
    #[must_use]
    pub fn wants(&self) -> usize {
        usize::try_from(self.length - self.shown).map_or(BLOCK, |left| left.min(BLOCK))
    }

    /// Whether the whole entry is in the file.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.reservation.left() == 0
    }

    /// Writes the rows of the next [`Dump::wants`] bytes of content, and what stands before or after them.
    ///
    /// `text` is room for the rows; its contents are lost.
    ///
    /// # Errors
    /// From pwrite(2), or fdatasync(2) after the last block. `InvalidInput` if `content` is not what was wanted.
    pub fn write(&mut self, content: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
        if content.len() != self.wants() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // `text` is overwritten, not cleared: it keeps its length from block to block and from entry to entry.
        let header = std::mem::take(&mut self.header);
        overwrite(text, 0, &header);
        let mut end = hex::overwrite_rows(text, header.len(), self.shown, content);
        self.shown += content.len() as u64;
        if self.shown == self.length {
            end = overwrite(text, end, SEPARATOR);
        }
        self.reservation.write(&text[..end])?;
        if self.is_complete() && self.durability == Durability::Storage {
            self.reservation.sync()?;
        }
        Ok(())
    }
}

/// Puts `bytes` in place of what `text` holds from `at` on; returns where they end.
fn overwrite(text: &mut Vec<u8>, at: usize, bytes: &[u8]) -> usize {
    let end = at + bytes.len();
    if text.len() < end {
        text.resize(end, 0);
    }
    text[at..end].copy_from_slice(bytes);
    end
}
