//! What was found in a directory, and whether a later reading finds the same.
//!
//! A reading looks at every name again, so two readings differ whenever the directory does, for whatever reason. Only
//! the names may be taken from the earlier reading: if the directory has the same change time, and was read after that
//! tick of the clock, it has the same names.

use std::ffi::{CStr, CString};
use std::sync::Arc;

use super::directory_entries::{DirectoryEntries, DirectoryEntry, ListedFile};
use super::metadata::Metadata;

/// What was found in a directory.
#[derive(Debug)]
pub struct DirectorySnapshot {
    /// The state of the directory, if it has the same names as long as it has this state.
    state: Option<Metadata>,
    entries: Arc<DirectoryEntries>,
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
    then: Option<(CString, Option<ListedFile>)>,
}

impl DirectorySnapshot {
    pub(super) fn new(
        state: Option<Metadata>,
        entries: Arc<DirectoryEntries>,
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

    pub(super) fn name(&self, index: usize) -> Option<&CStr> {
        self.entries.name(index)
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

    /// Moves up to `count` entries to `entries` that were found before, and are to be returned before any other.
    pub(super) fn take_late(&mut self, count: usize, entries: &mut DirectoryEntries) {
        let Self::Different(late) = self else {
            return;
        };
        let end = late.equal.min(late.next + count);
        for entry in (late.next..end).filter_map(|index| late.before.entries.get(index)) {
            entries.push(entry);
        }
        let has_room = end - late.next < count;
        late.next = end;
        if late.next == late.equal && has_room {
            if let Some((name, listed)) = late.then.take() {
                let name = name.as_bytes();
                entries.push(DirectoryEntry { name, listed });
            }
            *self = Self::Over;
        }
    }

    /// Whether entries are to be returned before more are read.
    pub(super) fn is_behind(&self) -> bool {
        matches!(self, Self::Different(_))
    }

    /// Takes the next entry that was found; adds it to `entries` unless it is to be returned later.
    pub(super) fn add(
        &mut self,
        name: &CStr,
        listed: Option<ListedFile>,
        entries: &mut DirectoryEntries,
    ) {
        let entry = DirectoryEntry {
            name: name.to_bytes(),
            listed,
        };
        match self {
            Self::Equal(before, count) if before.entries.get(*count) == Some(entry) => *count += 1,
            Self::Equal(..) => self.differ(Some((name.to_owned(), listed))),
            Self::Over | Self::Different(_) => entries.push(entry),
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

    /// Ends the comparison with the entry that differs, or with the end.
    fn differ(&mut self, then: Option<(CString, Option<ListedFile>)>) {
        if let Self::Equal(before, equal) = self {
            *self = Self::Different(ReturnedLate {
                before: Arc::clone(before),
                next: 0,
                equal: *equal,
                then,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::directory_entries::DirectoryEntryKind;
    use super::*;

    type Found = (CString, Option<ListedFile>);

    fn entry((name, length): (u8, u64)) -> Found {
        let listed = (length > 0).then_some(ListedFile {
            kind: DirectoryEntryKind::File,
            length,
            modified: (0, 0),
        });
        (CString::new([b'a' + name]).unwrap(), listed)
    }

    fn entries(found: &[Found]) -> DirectoryEntries {
        let mut entries = DirectoryEntries::default();
        for (name, listed) in found {
            let name = name.as_bytes();
            let listed = *listed;
            entries.push(DirectoryEntry { name, listed });
        }
        entries
    }

    fn found(entries: &DirectoryEntries) -> Vec<Found> {
        let owned = |entry: DirectoryEntry<'_>| (CString::new(entry.name).unwrap(), entry.listed);
        entries.iter().map(owned).collect()
    }

    /// The result of a reading that finds `now`, `count` entries at a time; `None` if all are as before.
    fn read(before: &Arc<DirectorySnapshot>, now: &[Found], count: usize) -> Option<Vec<Found>> {
        let mut comparison = Comparison::with(Some(Arc::clone(before)));
        let mut names = now.iter();
        let mut returned = DirectoryEntries::default();
        loop {
            let old = returned.len();
            comparison.take_late(count, &mut returned);
            for _ in returned.len() - old..count {
                if comparison.is_behind() {
                    break;
                }
                if let Some(unchanged) = comparison.end_of_part() {
                    assert!(unchanged.is_about(before) && returned.is_empty());
                    return None;
                }
                let Some((name, listed)) = names.next() else {
                    match comparison.end() {
                        ReadingProgress::More => break,
                        ReadingProgress::End => return Some(found(&returned)),
                        ReadingProgress::Unchanged(unchanged) => {
                            assert!(unchanged.is_about(before) && returned.is_empty());
                            return None;
                        }
                    }
                };
                comparison.add(name, *listed, &mut returned);
            }
            assert!(returned.len() - old <= count);
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
                let entries = Arc::new(entries(&before));
                let snapshot = Arc::new(DirectorySnapshot::new(None, entries, extent));
                let expected = (!is_equal).then(|| now.clone());
                prop_assert_eq!(read(&snapshot, &now, count), expected, "{:?}", extent);
            }
        }
    }
}
