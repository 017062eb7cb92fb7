//! Bytes that a connection keeps between two turns: unconsumed input, and unsent output.
//!
//! Only small ones are on the heap. From [`PAGES`] bytes on they have pages of their own, which are returned to the
//! kernel when they are dropped. The heap would keep the memory of thousands of connections: one allocation in use
//! retains all memory below it.

use memmap2::MmapMut;
use rustix::param::page_size;

/// The least number of bytes for which pages are worth their system calls.
const PAGES: usize = 2 * 1024;

/// See the module's description.
pub(super) enum Kept {
    Heap(Vec<u8>),
    Pages(MmapMut),
}

impl Default for Kept {
    fn default() -> Self {
        Self::Heap(Vec::new())
    }
}

impl Kept {
    /// Keeps these bytes, for long.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        if bytes.len() >= PAGES
            && let Ok(mut pages) = MmapMut::map_anon(bytes.len())
        {
            pages.copy_from_slice(bytes);
            return Self::Pages(pages);
        }
        Self::Heap(bytes.to_vec())
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Heap(bytes) => bytes,
            Self::Pages(pages) => pages,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// The size of their memory in bytes.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Heap(bytes) => bytes.capacity(),
            Self::Pages(pages) => pages.len().next_multiple_of(page_size()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_kept_in_no_more_memory_than_they_need() {
        let content: Vec<u8> = (0..=255).cycle().take(10_000).collect();
        for (length, memory) in [(0, 0), (1, 1), (PAGES - 1, PAGES - 1), (PAGES, page_size())] {
            let kept = Kept::copy_of(&content[..length]);
            assert_eq!(kept.bytes(), &content[..length]);
            assert_eq!(kept.is_empty(), length == 0);
            assert_eq!(kept.memory(), memory, "{length}");
        }
        let kept = Kept::copy_of(&content);
        assert!(matches!(kept, Kept::Pages(_)));
        assert_eq!(kept.bytes(), content);
        assert_eq!(kept.memory() % page_size(), 0);
    }
}
