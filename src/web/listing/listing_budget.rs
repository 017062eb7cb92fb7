//! The memory that all listings use together: their entries while they are made, their text until it is sent, and kept
//! texts. These are forgotten when their memory is needed.

use std::collections::VecDeque;
use std::sync::Arc;

use super::kept_listings::{KeptListing, KeptListings, ListingKey};
use crate::connection::{ResponseContent, TrackedBytes};
use crate::store::DirectorySnapshot;
use crate::web::memory_budget::{MemoryBudget, MemoryShare};

/// The most bytes of all listings together: dozens of long listings.
const MOST: usize = 64 * 1024 * 1024;

/// The largest share of the process's memory for all listings together.
const PART_OF_MEMORY: u64 = 4;

/// Bytes of a part of a listing's text; sent text is released in portions of this length.
pub(super) const PART: usize = 32 * 1024;

/// See the module's description.
#[derive(Clone)]
pub(crate) struct ListingBudget {
    bytes: MemoryBudget,
    kept: Arc<KeptListings>,
}

/// A part of the text that is not sent yet.
struct UnsentText {
    text: Box<[u8]>,
    _held: MemoryShare,
}

impl ListingBudget {
    /// The budget of a process with this many bytes of memory.
    pub(crate) fn within(memory: u64) -> Self {
        Self {
            bytes: MemoryBudget::of_memory(memory, PART_OF_MEMORY, MOST),
            kept: Arc::default(),
        }
    }

    /// An empty reservation.
    pub(super) fn hold(&self) -> MemoryShare {
        self.bytes.hold()
    }

    /// Adds to a reservation, and forgets kept texts if there is no room. If that is not enough, it returns false.
    pub(super) fn grow(&self, held: &mut MemoryShare, count: usize) -> bool {
        loop {
            if held.grow(count) {
                return true;
            }
            if !self.kept.forget_one() {
                return false;
            }
        }
    }

    /// The kept text of this key.
    pub(super) fn find(&self, key: &ListingKey) -> Option<Arc<KeptListing>> {
        self.kept.find(key)
    }

    /// Keeps a text, if there is room for the snapshot of its directory, which takes `size` bytes.
    pub(super) fn keep(
        &self,
        key: &ListingKey,
        snapshot: Arc<DirectorySnapshot>,
        size: usize,
        text: VecDeque<ResponseContent>,
    ) {
        let mut held = self.hold();
        if self.grow(&mut held, size) {
            let listing = KeptListing::new(snapshot, text, held);
            self.kept.keep(key.clone(), listing);
        }
    }

    /// A part of a text as content; `None` if listings use too much memory already.
    pub(super) fn part(&self, text: Vec<u8>) -> Option<ResponseContent> {
        let mut held = self.hold();
        let text = text.into_boxed_slice();
        self.grow(&mut held, text.len())
            .then(|| ResponseContent::TrackedBytes(Arc::new(UnsentText { text, _held: held })))
    }
}

impl TrackedBytes for UnsentText {
    fn bytes(&self) -> &[u8] {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropped_listing_frees_its_budget() {
        let budget = ListingBudget::within(u64::MAX);
        let mut first = budget.hold();
        assert!(first.grow(MOST - PART));
        assert!(!first.grow(PART + 1));
        let part = budget.part(vec![b'x'; PART]).unwrap();
        assert_eq!(part.length(), Some(PART as u64));
        assert!(budget.part(vec![b'x']).is_none());
        drop(part);
        assert!(budget.part(vec![b'x']).is_some());
        drop(first);
        assert!(budget.hold().grow(MOST));
    }

    #[test]
    fn listings_hold_a_quarter_of_the_memory_at_most() {
        for (memory, most) in [(0, 0), (400, 100), (256 << 20, MOST), (1 << 40, MOST)] {
            let budget = ListingBudget::within(memory);
            assert!(budget.hold().grow(most), "{memory}");
            assert!(!budget.hold().grow(most + 1), "{memory}");
        }
    }
}
