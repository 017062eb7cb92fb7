//! The memory that all listings use together: their entries while they are made, and their text until it is sent.

use std::sync::Arc;

use crate::connection::{ResponseContent, TrackedBytes};
use crate::web::memory_budget::{MemoryBudget, MemoryShare};

/// The most bytes of all listings together: dozens of long listings.
const MOST: usize = 64 * 1024 * 1024;

/// The largest share of the process's memory for all listings together.
const PART_OF_MEMORY: u64 = 4;

/// Bytes of a part of a listing's text; sent text is released in portions of this length.
pub(super) const PART: usize = 32 * 1024;

/// See the module's description.
#[derive(Clone)]
pub(crate) struct ListingBudget(MemoryBudget);

/// A part of the text that is not sent yet.
struct UnsentText {
    text: Box<[u8]>,
    _held: MemoryShare,
}

impl ListingBudget {
    /// The budget of a process with this many bytes of memory.
    pub(crate) fn within(memory: u64) -> Self {
        Self(MemoryBudget::of_memory(memory, PART_OF_MEMORY, MOST))
    }

    /// An empty reservation.
    pub(super) fn hold(&self) -> MemoryShare {
        self.0.hold()
    }

    /// A part of a text as content; `None` if listings use too much memory already.
    pub(super) fn part(&self, text: Vec<u8>) -> Option<ResponseContent> {
        let mut held = self.hold();
        let text = text.into_boxed_slice();
        held.grow(text.len())
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
