//! A limit on the memory of all objects of one kind. Each object holds a share, which is returned when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes of memory of a gzip compressor: its window, and tables for the codes.
pub(super) const COMPRESSOR: usize = 320 * 1024;

/// See the module's description.
#[derive(Clone)]
pub(super) struct MemoryBudget {
    bytes: Arc<AtomicUsize>,
    most: usize,
}

/// The memory of one object, until this is dropped.
pub(super) struct MemoryShare {
    count: usize,
    budget: MemoryBudget,
}

impl MemoryBudget {
    /// A limit of one part in `parts` of this memory, and at most `most` bytes.
    pub(super) fn of_memory(memory: u64, parts: u64, most: usize) -> Self {
        let part = usize::try_from(memory / parts);
        Self {
            bytes: Arc::default(),
            most: part.map_or(most, |part| part.min(most)),
        }
    }

    /// An empty share.
    pub(super) fn hold(&self) -> MemoryShare {
        MemoryShare {
            count: 0,
            budget: self.clone(),
        }
    }
}

impl MemoryShare {
    /// Adds `count` bytes to the share. If that exceeds the limit, it returns false and changes nothing.
    pub(super) fn grow(&mut self, count: usize) -> bool {
        let grown = self
            .budget
            .bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                Some(held + count).filter(|&held| held <= self.budget.most)
            });
        if grown.is_ok() {
            self.count += count;
        }
        grown.is_ok()
    }

    /// Returns all but `count` bytes.
    pub(super) fn shrink_to(&mut self, count: usize) {
        let returned = self.count.saturating_sub(count);
        self.count -= returned;
        self.budget.bytes.fetch_sub(returned, Ordering::Relaxed);
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.shrink_to(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn returned_memory_can_be_used_again() {
        let budget = MemoryBudget::of_memory(u64::MAX, 2, 100);
        let mut first = budget.hold();
        assert!(first.grow(90) && !first.grow(11) && first.grow(10));
        assert!(!budget.hold().grow(1));
        first.shrink_to(60);
        first.shrink_to(70);
        assert!(!budget.hold().grow(41) && budget.hold().grow(40));
        drop(first);
        assert!(budget.hold().grow(100));
        assert_eq!(budget.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn budget_is_a_part_of_the_memory() {
        for (memory, most) in [(0, 0), (400, 100), (4_000, 1_000), (u64::MAX, 1_000)] {
            let budget = MemoryBudget::of_memory(memory, 4, 1_000);
            assert!(budget.hold().grow(most), "{memory}");
            assert!(!budget.hold().grow(most + 1), "{memory}");
        }
    }
}
