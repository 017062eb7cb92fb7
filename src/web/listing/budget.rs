//! Listings that clients have asked for and not taken yet: how much memory they hold together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::connection::{ResponseContent, TrackedBytes};

/// Bytes that they may hold together: dozens of the longest usual ones.
const MOST: usize = 64 * 1024 * 1024;

/// A part of a listing: what is sent of it is given back in portions of this length.
const PART: usize = 32 * 1024;

/// See the module's description.
#[derive(Default)]
pub(crate) struct ListingBudget {
    bytes: Arc<AtomicUsize>,
}

/// A part that is not sent yet.
struct Part {
    text: Box<[u8]>,
    /// Those of all parts.
    bytes: Arc<AtomicUsize>,
}

impl ListingBudget {
    /// The text as content, part by part; `None` if too much is waiting to be taken already.
    ///
    /// One part alone is always taken: a connection may keep as much for any answer.
    pub(crate) fn content(&self, text: &[u8]) -> Option<ResponseContent> {
        if text.len() <= PART {
            return Some(ResponseContent::Memory(Arc::from(text)));
        }
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tracked| {
                Some(tracked + text.len()).filter(|&tracked| tracked <= MOST)
            })
            .ok()?;
        let parts: VecDeque<_> = text
            .chunks(PART)
            .map(|text| {
                ResponseContent::TrackedBytes(Arc::new(Part {
                    text: text.into(),
                    bytes: Arc::clone(&self.bytes),
                }))
            })
            .collect();
        Some(ResponseContent::Sequence(parts))
    }
}

impl TrackedBytes for Part {
    fn bytes(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_makes_room() {
        let listing_budget = ListingBudget::default();
        let text = vec![b'x'; MOST / 2];
        let first = listing_budget.content(&text).unwrap();
        assert_eq!(first.length(), Some(text.len() as u64));
        let Some(ResponseContent::Sequence(mut second)) = listing_budget.content(&text) else {
            panic!("no room for the second");
        };
        assert!(listing_budget.content(&text[..=PART]).is_none());
        second.truncate(second.len() - 2);
        assert!(listing_budget.content(&text[..=PART]).is_some());
        drop((first, second));
        assert_eq!(listing_budget.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_fits_one_part_is_always_taken() {
        let listing_budget = ListingBudget::default();
        let _all = listing_budget.content(&vec![b'x'; MOST]).unwrap();
        for length in [0, 1, PART] {
            let content = listing_budget.content(&vec![b'y'; length]).unwrap();
            assert_eq!(content.length(), Some(length as u64));
        }
    }
}
