//! Names in a directory, and what is listed under each. All names are in one buffer: a directory may have thousands.

use std::ffi::CStr;
use std::time::SystemTime;

use super::metadata::{Timestamp, system_time};

/// Entries in the order in which they were added.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct DirectoryEntries {
    /// Each ends with NUL, as the system takes it.
    names: Vec<u8>,
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
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
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes of memory, those for entries to come included.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<Entry>()
    }

    /// The entry at this index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<DirectoryEntry<'_>> {
        let name = self.terminated_name(index)?;
        Some(DirectoryEntry {
            name: name.strip_suffix(b"\0").unwrap_or_default(),
            listed: self.entries[index].listed,
        })
    }

    /// All entries.
    pub fn iter(&self) -> impl Iterator<Item = DirectoryEntry<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Adds an entry.
    pub fn push(&mut self, entry: DirectoryEntry<'_>) {
        let start = self.names.len();
        self.names.extend_from_slice(entry.name);
        self.names.push(0);
        let listed = entry.listed;
        self.entries.push(Entry { start, listed });
    }

    /// Removes all entries, and keeps the memory.
    pub fn clear(&mut self) {
        self.names.clear();
        self.entries.clear();
    }

    /// Returns memory that no entry uses.
    pub fn shrink_to_fit(&mut self) {
        self.names.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// The name at this index, for a system call.
    pub(super) fn name(&self, index: usize) -> Option<&CStr> {
        CStr::from_bytes_with_nul(self.terminated_name(index)?).ok()
    }

    fn terminated_name(&self, index: usize) -> Option<&[u8]> {
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
            assert!(entries.memory() >= entries.names.len());
            entries.clear();
        }
    }
}
