//! How many bytes of memory things of one kind may take together. Each holds a share, and gives it back when it is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// See the module's description.
#[derive(Clone)]
pub(super) struct MemoryBudget {
    bytes: Arc<AtomicUsize>,
    most: usize,
}

/// Memory that one of them holds, until this is dropped.
pub(super) struct MemoryShare {
    count: usize,
    budget: MemoryBudget,
}

impl MemoryBudget {
    /// One part in `parts` of this memory, but `most` bytes at most.
    pub(super) fn of_memory(memory: u64, parts: u64, most: usize) -> Self {
        let part = usize::try_from(memory / parts);
        Self {
            bytes: Arc::default(),
            most: part.map_or(most, |part| part.min(most)),
        }
    }

    /// Room for nothing so far.
    pub(super) fn hold(&self) -> MemoryShare {
        MemoryShare {
            count: 0,
            budget: self.clone(),
        }
    }
}

impl MemoryShare {
    /// Holds so many bytes more. False if too much is held already, and then nothing has changed.
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

    /// Gives back all but so many bytes.
    pub(super) fn shrink_to(&mut self, count: usize) {
        let given = self.count.saturating_sub(count);
        self.count -= given;
        self.budget.bytes.fetch_sub(given, Ordering::Relaxed);
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
    fn what_is_given_back_makes_room() {
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
