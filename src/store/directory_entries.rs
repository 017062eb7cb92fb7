//! Names in a directory, and what is listed under each.
//!
//! A directory may have thousands, so they are in blocks: an allocation for each name would take longer than the name
//! does, and a large buffer is new memory each time, which the system must clear first.

use std::ffi::CStr;
use std::time::SystemTime;

use super::metadata::{Timestamp, system_time};

/// Entries of one block.
const BLOCK: usize = 512;

/// Entries in the order in which they were added.
#[derive(Debug, Default, Clone)]
pub struct DirectoryEntries {
    /// All but the last are full.
    blocks: Vec<EntryBlock>,
    /// Bytes of memory of the full ones.
    full: usize,
}

#[derive(Debug, Default, Clone)]
struct EntryBlock {
    /// Each ends with NUL, as the system takes it.
    names: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    /// The index of its name's first byte.
    start: usize,
    listed: Option<ListedFile>,
}

/// A name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DirectoryEntry<'e> {
    /// The name, any bytes but `/` and NUL.
    pub name: &'e [u8],
    /// What is listed under the name. `None` for a symlink out of the root, for the server's own files, and for other
    /// kinds than files and directories.
    pub listed: Option<ListedFile>,
}

/// A regular file or a directory, or the target of a symlink to one inside the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListedFile {
    /// Its kind.
    pub kind: DirectoryEntryKind,
    /// Bytes of content.
    pub length: u64,
    pub(super) modified: Timestamp,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryEntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

impl ListedFile {
    /// When the content was modified last.
    #[must_use]
    pub fn modified(&self) -> SystemTime {
        system_time(self.modified)
    }
}

impl DirectoryEntries {
    /// The number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        let last = self.blocks.last().map_or(0, |block| block.entries.len());
        self.blocks.len().saturating_sub(1) * BLOCK + last
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory, those for entries to come included.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.full + self.blocks.last().map_or(0, EntryBlock::memory)
    }

    /// The entry at this index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<DirectoryEntry<'_>> {
        let block = self.blocks.get(index / BLOCK)?;
        let name = block.name(index % BLOCK)?;
        Some(DirectoryEntry {
            name: name.strip_suffix(b"\0").unwrap_or_default(),
            listed: block.entries[index % BLOCK].listed,
        })
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = DirectoryEntry<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: DirectoryEntry<'_>) {
        match self.blocks.last_mut() {
            Some(block) if block.entries.len() < BLOCK => block.push(entry),
            full => {
                if let Some(full) = full {
                    full.names.shrink_to_fit();
                    self.full += full.memory();
                }
                let mut block = EntryBlock::default();
                block.push(entry);
                self.blocks.push(block);
            }
        }
    }

    /// Removes all entries, and keeps the memory of a few.
    pub fn clear(&mut self) {
        self.blocks.truncate(1);
        self.full = 0;
        if let Some(block) = self.blocks.first_mut() {
            block.names.clear();
            block.entries.clear();
        }
    }

    /// The name at this index, for a system call.
    pub(super) fn name(&self, index: usize) -> Option<&CStr> {
        let block = self.blocks.get(index / BLOCK)?;
        CStr::from_bytes_with_nul(block.name(index % BLOCK)?).ok()
    }
}

impl EntryBlock {
    fn memory(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    fn push(&mut self, entry: DirectoryEntry<'_>) {
        let start = self.names.len();
        self.names.extend_from_slice(entry.name);
        self.names.push(0);
        let listed = entry.listed;
        self.entries.push(Entry { start, listed });
    }

    /// The name, with the NUL that ends it.
    fn name(&self, index: usize) -> Option<&[u8]> {
        let start = self.entries.get(index)?.start;
        let next = self.entries.get(index + 1).map(|next| next.start);
        Some(&self.names[start..next.unwrap_or(self.names.len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_returned_as_they_were_added() {
        let file = ListedFile {
            kind: DirectoryEntryKind::File,
            length: 7,
            modified: (1, 2),
        };
        let added: [(&[u8], _); 4] = [
            (b"a", None),
            (b"", Some(file)),
            (b"long name", Some(file)),
            (b"\xff", None),
        ];
        let added = added.map(|(name, listed)| DirectoryEntry { name, listed });
        let mut entries = DirectoryEntries::default();
        for _ in 0..2 {
            assert!(entries.is_empty() && entries.get(0).is_none() && entries.name(0).is_none());
            for (index, entry) in added.into_iter().enumerate() {
                entries.push(entry);
                assert_eq!(entries.get(index), Some(entry));
            }
            assert_eq!(entries.iter().collect::<Vec<_>>(), added);
            let names = (0..5).map(|index| entries.name(index));
            let expected = [
                Some(c"a"),
                Some(c""),
                Some(c"long name"),
                Some(c"\xff"),
                None,
            ];
            assert_eq!(names.collect::<Vec<_>>(), expected);
            entries.clear();
        }
    }

    #[test]
    fn thousands_of_entries_are_returned_as_they_were_added() {
        let mut entries = DirectoryEntries::default();
        for count in [BLOCK - 1, BLOCK, BLOCK + 1, 5 * BLOCK + 3] {
            let names: Vec<_> = (0..count).map(|number| number.to_string()).collect();
            let mut bytes = 0;
            for (index, name) in names.iter().enumerate() {
                let (name, listed) = (name.as_bytes(), None);
                assert_eq!(entries.len(), index);
                entries.push(DirectoryEntry { name, listed });
                bytes += name.len() + 1 + size_of::<Entry>();
                assert!(
                    (bytes..3 * bytes + 100 * BLOCK).contains(&entries.memory()),
                    "{index}"
                );
            }
            let found = entries.iter().map(|entry| entry.name);
            assert!(found.eq(names.iter().map(String::as_bytes)), "{count}");
            assert!(entries.name(count - 1).is_some() && entries.name(count).is_none());
            entries.clear();
        }
    }
}
