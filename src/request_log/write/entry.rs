//! Writing the entry of an upload: header, hex rows and separator, in blocks, so that a worker can do other work
//! in between and memory stays constant.

use std::io;

use super::reservation::Extent;
use crate::durable::Durability;
use crate::entry_range::EntryRange;
use crate::request_log::format::hex;
use crate::request_log::format::layout::{ROW, SEPARATOR};

/// Content bytes that are shown in one write: a whole number of rows.
pub const BLOCK: usize = ROW * 3_200;

/// An entry that has its place in the log and is being written.
#[must_use = "what is reserved and not written is a hole in the log"]
pub struct EntryWriter {
    extent: Extent,
    range: EntryRange,
    /// What stands before the rows; empty once it is written.
    header: Vec<u8>,
    /// Content bytes shown so far.
    written: u64,
    length: u64,
    durability: Durability,
}

impl EntryWriter {
    pub(super) fn new(
        extent: Extent,
        header: Vec<u8>,
        length: u64,
        durability: Durability,
    ) -> Self {
        let range = EntryRange {
            offset: extent.start(),
            length: extent.left(),
        };
        Self {
            extent,
            range,
            header,
            written: 0,
            length,
            durability,
        }
    }

    /// Where the entry is in the log.
    #[must_use]
    pub fn range(&self) -> EntryRange {
        self.range
    }

    /// Content bytes that were written so far: where the next block begins.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// How many content bytes the next [`EntryWriter::write`] takes.
    #[must_use]
    pub fn next_len(&self) -> usize {
        usize::try_from(self.length - self.written).map_or(BLOCK, |left| left.min(BLOCK))
    }

    /// Whether the whole entry is in the file.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.extent.left() == 0
    }

    /// Writes the rows of the next [`EntryWriter::next_len`] bytes of content, and what stands before or after them.
    ///
    /// `text` is room for the rows; its contents are lost.
    ///
    /// # Errors
    /// From pwrite(2), or fdatasync(2) after the last block. `InvalidInput` if `content` is not what was wanted.
    pub fn write(&mut self, content: &[u8], text: &mut Vec<u8>) -> io::Result<()> {
        if content.len() != self.next_len() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // `text` is overwritten, not cleared: it keeps its length from block to block and from entry to entry.
        let header = std::mem::take(&mut self.header);
        overwrite(text, 0, &header);
        let mut end = hex::overwrite_rows(text, header.len(), self.written, content);
        self.written += content.len() as u64;
        if self.written == self.length {
            end = overwrite(text, end, SEPARATOR);
        }
        self.extent.write(&text[..end])?;
        if self.is_complete() && self.durability == Durability::Storage {
            self.extent.sync()?;
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
