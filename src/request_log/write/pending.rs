//! Small entries that are not written yet, and the receipts for their places.

use std::sync::{Arc, OnceLock};

use super::reservation::{EntryLengths, SmallEntries};
use super::seal_lines::push_known;
use crate::entry_range::{EntryRange, EntryReceipt, Receipts};
use crate::request_log::format::layout;
use crate::requester::Answered;

/// Bytes of capacity that are kept for the next pending entries: more than a full batch of requests needs.
const KEPT: usize = 64 * 1024;

/// Complete entries, one after the other.
#[derive(Default)]
pub(super) struct PendingBuffer {
    pub(super) text: Vec<u8>,
    /// The known parts of their lines in the seal; empty without a seal.
    known: Vec<u8>,
    lengths: Vec<EntryLengths>,
    /// In the order of the entries; none if no receipts are made.
    receipts: Vec<Arc<OnceLock<EntryRange>>>,
}

impl PendingBuffer {
    /// Appends an entry. `push_line` appends its first line; `sealed` has the values of its line in the seal, if there
    /// is one.
    pub(super) fn push(
        &mut self,
        receipts: Receipts,
        sealed: Option<&Answered<'_>>,
        push_line: impl FnOnce(&mut Vec<u8>),
    ) -> EntryReceipt {
        let (start, known_start) = (self.text.len(), self.known.len());
        push_line(&mut self.text);
        if let Some(answered) = sealed {
            let first_line = &self.text[start..self.text.len() - 1];
            push_known(&mut self.known, answered, None, None, first_line);
        }
        self.text.extend_from_slice(layout::SEPARATOR);
        self.lengths.push(EntryLengths {
            text: self.text.len() - start,
            known: self.known.len() - known_start,
        });
        match receipts {
            Receipts::Omitted => EntryReceipt::None,
            Receipts::Made => {
                let range = Arc::new(OnceLock::new());
                self.receipts.push(Arc::clone(&range));
                EntryReceipt::Pending(range)
            }
        }
    }

    /// The entries, ready to get their places.
    pub(super) fn entries(&self) -> SmallEntries<'_> {
        SmallEntries {
            text: &self.text,
            known: &self.known,
            lengths: &self.lengths,
        }
    }

    /// Records in the receipts that the text was written at `offset` of the log.
    pub(super) fn set_receipts(&self, offset: u64) {
        let mut offset = offset;
        for (receipt, lengths) in self.receipts.iter().zip(&self.lengths) {
            let length = lengths.text as u64;
            // It is set once, here.
            let _ = receipt.set(EntryRange { offset, length });
            offset += length;
        }
    }

    /// The entries one by one.
    pub(super) fn split(&self) -> impl Iterator<Item = Self> {
        let mut receipts = self.receipts.iter();
        self.entries().split().map(move |entry| Self {
            text: entry.text.to_vec(),
            known: entry.known.to_vec(),
            lengths: entry.lengths.to_vec(),
            receipts: receipts.next().cloned().into_iter().collect(),
        })
    }

    pub(super) fn clear(&mut self) {
        self.receipts.clear();
        self.lengths.clear();
        self.lengths.shrink_to(KEPT / size_of::<EntryLengths>());
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.known.clear();
        self.known.shrink_to(KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(pending: &mut PendingBuffer, name: &[u8]) -> EntryReceipt {
        pending.push(Receipts::Made, None, |text| {
            layout::push_header(text, "GET", name, 0);
        })
    }

    fn range(receipt: &EntryReceipt) -> Option<(u64, u64)> {
        receipt.range().map(|range| (range.offset, range.length))
    }

    #[test]
    fn receipts_say_where_entries_are() {
        let mut pending = PendingBuffer::default();
        let first = entry(&mut pending, b"a");
        let second = entry(&mut pending, b"longer");
        assert_eq!((range(&first), range(&second)), (None, None));
        pending.set_receipts(1_000);
        assert_eq!(range(&first), Some((1_000, 24)));
        assert_eq!(range(&second), Some((1_024, 29)));
        pending.clear();
        let third = entry(&mut pending, b"a");
        pending.set_receipts(7);
        assert_eq!(range(&third), Some((7, 24)));
    }

    #[test]
    fn entries_keep_their_receipts_when_they_are_split() {
        let mut pending = PendingBuffer::default();
        let receipts = [entry(&mut pending, b"a"), entry(&mut pending, b"longer")];
        for (at, single) in pending.split().enumerate() {
            if at == 1 {
                single.set_receipts(5);
            }
        }
        assert_eq!(receipts.each_ref().map(range), [None, Some((5, 29))]);
    }

    #[test]
    fn no_receipts_are_made_unless_they_are_wanted() {
        let mut pending = PendingBuffer::default();
        let receipt = pending.push(Receipts::Omitted, None, |text| {
            layout::push_header(text, "GET", b"a", 0);
        });
        assert!(matches!(receipt, EntryReceipt::None));
        pending.set_receipts(0);
        assert_eq!(pending.split().count(), 1);
    }
}
