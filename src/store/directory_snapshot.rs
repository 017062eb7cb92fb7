//! What was found in a directory, and whether a later reading finds the same.
//!
//! A reading looks at every name again, so two readings differ whenever the directory does, for whatever reason. Only
//! the names may be taken from the earlier reading: if the directory has the same change time, it has the same names.

use std::sync::Arc;
use std::time::SystemTime;

use super::metadata::Metadata;

/// A name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// The name, any bytes but `/` and NUL.
    pub name: Arc<[u8]>,
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
    /// When the content was modified last.
    pub modified: SystemTime,
}

/// The kind of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DirectoryEntryKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// What was found in a directory.
#[derive(Debug)]
pub struct DirectorySnapshot {
    /// The state of the directory, if it has the same names as long as it has this state.
    state: Option<Metadata>,
    entries: Vec<DirectoryEntry>,
    extent: SnapshotExtent,
}

/// The part of a directory that a snapshot has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SnapshotExtent {
    /// All entries with wanted names.
    Complete,
    /// The first of them.
    Partial,
}

/// The evidence that a directory was found as a snapshot has it. Only a complete reading makes it.
#[derive(Debug)]
pub struct UnchangedDirectory(Arc<DirectorySnapshot>);

/// The progress of a reading.
#[derive(Debug)]
pub enum ReadingProgress {
    /// More entries may follow.
    More,
    /// No more entries follow.
    End,
    /// No more entries follow. All were as before, and none was returned.
    Unchanged(UnchangedDirectory),
}

/// The comparison of a reading with an earlier one.
#[derive(Debug)]
pub(super) enum Comparison {
    /// There is none, or it is over: entries are returned as they are found.
    Over,
    /// So many entries were found, as before. They are not returned yet.
    Equal(Arc<DirectorySnapshot>, usize),
    /// Something differs: the entries up to then are returned first.
    Different(ReturnedLate),
}

/// Entries that are returned after a difference was found.
#[derive(Debug)]
pub(super) struct ReturnedLate {
    before: Arc<DirectorySnapshot>,
    /// The index of the next entry in the snapshot.
    next: usize,
    /// The number of entries that were as before.
    equal: usize,
    /// The entry after these.
    then: Option<DirectoryEntry>,
}

impl DirectorySnapshot {
    pub(super) fn new(
        state: Option<Metadata>,
        entries: Vec<DirectoryEntry>,
        extent: SnapshotExtent,
    ) -> Self {
        Self {
            state: state.filter(|_| extent == SnapshotExtent::Complete),
            entries,
            extent,
        }
    }

    /// Whether the directory has exactly the names of this snapshot, if this is its state now.
    pub(super) fn has_names_of(&self, directory: &Metadata) -> bool {
        self.state.as_ref() == Some(directory)
    }

    pub(super) fn name(&self, index: usize) -> Option<&[u8]> {
        self.entries.get(index).map(|entry| &*entry.name)
    }
}

impl UnchangedDirectory {
    /// Whether this is about `snapshot`.
    #[must_use]
    pub fn is_about(&self, snapshot: &Arc<DirectorySnapshot>) -> bool {
        Arc::ptr_eq(&self.0, snapshot)
    }
}

impl Comparison {
    pub(super) fn with(before: Option<Arc<DirectorySnapshot>>) -> Self {
        before.map_or(Self::Over, |before| Self::Equal(before, 0))
    }

    /// Takes up to `count` entries that were found before, and are to be returned before any other.
    pub(super) fn take_late(&mut self, count: usize) -> Vec<DirectoryEntry> {
        let Self::Different(late) = self else {
            return Vec::new();
        };
        let end = late.equal.min(late.next + count);
        let mut entries = late.before.entries[late.next..end].to_vec();
        late.next = end;
        if late.next == late.equal && entries.len() < count {
            entries.extend(late.then.take());
            *self = Self::Over;
        }
        entries
    }

    /// Whether entries are to be returned before more are read.
    pub(super) fn is_behind(&self) -> bool {
        matches!(self, Self::Different(_))
    }

    /// Takes the next entry that was found; adds it to `entries` unless it is to be returned later.
    pub(super) fn add(
        &mut self,
        name: &[u8],
        listed: Option<ListedFile>,
        entries: &mut Vec<DirectoryEntry>,
    ) {
        if let Self::Equal(before, count) = self
            && before
                .entries
                .get(*count)
                .is_some_and(|entry| entry.listed == listed && *entry.name == *name)
        {
            *count += 1;
            return;
        }
        let entry = DirectoryEntry {
            name: name.into(),
            listed,
        };
        if let Some(then) = self.differ(Some(entry)) {
            entries.push(then);
        }
    }

    /// Whether the reading ends here because the earlier one did, and its entries were found as before.
    pub(super) fn end_of_part(&self) -> Option<UnchangedDirectory> {
        match self {
            Self::Equal(before, count)
                if before.extent == SnapshotExtent::Partial && *count == before.entries.len() =>
            {
                Some(UnchangedDirectory(Arc::clone(before)))
            }
            Self::Equal(..) | Self::Different(_) | Self::Over => None,
        }
    }

    /// The directory has no more entries.
    pub(super) fn end(&mut self) -> ReadingProgress {
        match self {
            Self::Over => return ReadingProgress::End,
            Self::Equal(before, count) if *count == before.entries.len() => {
                return ReadingProgress::Unchanged(UnchangedDirectory(Arc::clone(before)));
            }
            Self::Equal(..) | Self::Different(_) => {}
        }
        self.differ(None);
        ReadingProgress::More
    }

    /// Ends the comparison with the next entry, or with the end; returns the entry if none is to be returned before it.
    fn differ(&mut self, then: Option<DirectoryEntry>) -> Option<DirectoryEntry> {
        let Self::Equal(before, equal) = self else {
            return then;
        };
        *self = Self::Different(ReturnedLate {
            before: Arc::clone(before),
            next: 0,
            equal: *equal,
            then,
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entry((name, length): (u8, u64)) -> DirectoryEntry {
        DirectoryEntry {
            name: Arc::from([name]),
            listed: (length > 0).then_some(ListedFile {
                kind: DirectoryEntryKind::File,
                length,
                modified: SystemTime::UNIX_EPOCH,
            }),
        }
    }

    /// The result of a reading that finds `now`, `count` entries at a time; `None` if all are as before.
    fn read(
        before: &Arc<DirectorySnapshot>,
        now: &[DirectoryEntry],
        count: usize,
    ) -> Option<Vec<DirectoryEntry>> {
        let mut comparison = Comparison::with(Some(Arc::clone(before)));
        let mut names = now.iter();
        let mut returned = Vec::new();
        loop {
            let mut entries = comparison.take_late(count);
            for _ in entries.len()..count {
                if comparison.is_behind() {
                    break;
                }
                if let Some(unchanged) = comparison.end_of_part() {
                    assert!(unchanged.is_about(before) && returned.is_empty());
                    return None;
                }
                let Some(found) = names.next() else {
                    match comparison.end() {
                        ReadingProgress::More => break,
                        ReadingProgress::End => {
                            returned.append(&mut entries);
                            return Some(returned);
                        }
                        ReadingProgress::Unchanged(unchanged) => {
                            assert!(unchanged.is_about(before) && returned.is_empty());
                            return None;
                        }
                    }
                };
                comparison.add(&found.name, found.listed, &mut entries);
            }
            assert!(entries.len() <= count);
            returned.append(&mut entries);
        }
    }

    proptest! {
        #[test]
        fn reading_returns_what_it_finds_unless_all_is_as_before(
            before in prop::collection::vec((0..3_u8, 0..2_u64), 0..9),
            more in prop::collection::vec((0..3_u8, 0..2_u64), 0..5),
            changed in prop::option::of((any::<prop::sample::Index>(), (0..3_u8, 0..2_u64))),
            kept in any::<prop::sample::Index>(),
            count in 1..5_usize,
        ) {
            let before: Vec<_> = before.into_iter().map(entry).collect();
            let mut now = before.clone();
            if let Some((index, changed)) = changed && !now.is_empty() {
                let index = index.index(now.len());
                now[index] = entry(changed);
            }
            now.truncate(kept.index(now.len() + 1));
            now.extend(more.into_iter().map(entry));
            for (extent, is_equal) in [
                (SnapshotExtent::Complete, now == before),
                (SnapshotExtent::Partial, now.starts_with(&before)),
            ] {
                let snapshot = Arc::new(DirectorySnapshot::new(None, before.clone(), extent));
                let expected = (!is_equal).then(|| now.clone());
                prop_assert_eq!(read(&snapshot, &now, count), expected, "{:?}", extent);
            }
        }
    }
}
