//! Writing the entry of an upload: header, hex rows and separator, in blocks, so that a worker can do other work
//! in between and memory stays constant.

use std::io;

use super::reservation::Extent;
use crate::durable::Durability;
use crate::entry_range::EntryRange;
use crate::request_log::format::hex;
use crate::request_log::format::layout::{ROW, SEPARATOR};

/// Content bytes in one write: a whole number of rows. If the kernel must get new memory for them from the host of a
/// virtual machine, the write takes half a millisecond.
pub const BLOCK: usize = ROW * 800;

/// An entry that has its place in the log and is being written.
#[must_use = "what is reserved and not written is a hole in the log"]
pub struct EntryWriter {
    extent: Extent,
    range: EntryRange,
    /// The bytes before the rows; empty once they are written.
    header: Vec<u8>,
    /// Content bytes written so far.
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

    /// The entry's range in the log.
    #[must_use]
    pub fn range(&self) -> EntryRange {
        self.range
    }

    /// Content bytes written so far: the offset of the next block.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// The number of content bytes for the next [`EntryWriter::write`].
    #[must_use]
    pub fn next_len(&self) -> usize {
        usize::try_from(self.length - self.written).map_or(BLOCK, |left| left.min(BLOCK))
    }

    /// Whether the whole entry is in the file.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.extent.left() == 0
    }

    /// Writes the rows of the next [`EntryWriter::next_len`] bytes of content, with the header before the first and the
    /// separator after the last.
    ///
    /// `text` is a buffer for the rows; its contents are overwritten.
    ///
    /// # Errors
    /// From pwrite(2), or fdatasync(2) after the last block. `InvalidInput` if `content` has another length.
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

/// Overwrites `text` with `bytes` from `at` on; returns their end.
fn overwrite(text: &mut Vec<u8>, at: usize, bytes: &[u8]) -> usize {
    let end = at + bytes.len();
    if text.len() < end {
        text.resize(end, 0);
    }
    text[at..end].copy_from_slice(bytes);
    end
}
