//! The order of a listing: directories first, then names in natural order.
//!
//! Case is ignored, and numbers are compared by value: `photo-2` comes before `photo-10`. Names that are equal in this
//! order are compared by bytes, so the order never depends on the file system.
//!
//! Entries are sorted in runs while they are found, and the runs are merged while the text is written. So no step takes
//! longer for a long listing than for a short one.

use std::cmp::Ordering;
use std::ops::Range;

use super::item::ItemKind;
use crate::store::DirectoryEntries;
use crate::web::path::name_as_text;

/// The most items of a run: they are sorted in one step.
const RUN: usize = 256;

/// Entries of a directory that are to be put in order.
#[derive(Default)]
pub(super) struct UnorderedItems {
    /// All but the last are full, and in order.
    runs: Vec<Run>,
    /// Bytes of memory of the full ones.
    full: usize,
}

/// The entries of a directory in order, taken one by one.
pub(super) struct OrderedItems {
    /// What is left of the runs, as a heap: the first item of a run comes before those of the two that follow it there.
    runs: Vec<Run>,
}

#[derive(Default)]
struct Run {
    /// The sort keys.
    keys: Vec<u8>,
    items: Vec<SortItem>,
    /// The index of the next item to be taken.
    next: usize,
}

struct SortItem {
    /// Where its key is.
    key: Range<usize>,
    /// The index of the entry.
    entry: usize,
}

impl UnorderedItems {
    pub(super) fn len(&self) -> usize {
        let last = self.runs.last().map_or(0, |run| run.items.len());
        self.runs.len().saturating_sub(1) * RUN + last
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.full + self.runs.last().map_or(0, Run::memory)
    }

    /// Adds the entry with this index and name; `entries` are those of the directory, here and in all other calls.
    pub(super) fn push(
        &mut self,
        entry: usize,
        kind: ItemKind,
        name: &[u8],
        entries: &DirectoryEntries,
    ) {
        match self.runs.last_mut() {
            Some(run) if run.items.len() < RUN => run.push(entry, kind, name),
            full => {
                if let Some(full) = full {
                    full.sort(entries);
                    self.full += full.memory();
                }
                let mut run = Run::default();
                run.push(entry, kind, name);
                self.runs.push(run);
            }
        }
    }

    /// All items in order.
    pub(super) fn into_ordered(mut self, entries: &DirectoryEntries) -> OrderedItems {
        if let Some(last) = self.runs.last_mut() {
            last.sort(entries);
        }
        let mut ordered = OrderedItems { runs: self.runs };
        for index in (0..ordered.runs.len()).rev() {
            ordered.sift_down(index, entries);
        }
        ordered
    }
}

impl Run {
    fn memory(&self) -> usize {
        self.keys.capacity() + self.items.capacity() * size_of::<SortItem>()
    }

    fn push(&mut self, entry: usize, kind: ItemKind, name: &[u8]) {
        let start = self.keys.len();
        self.keys.push(match kind {
            ItemKind::Directory => b'0',
            ItemKind::File => b'1',
        });
        push_key(&mut self.keys, name);
        let key = start..self.keys.len();
        self.items.push(SortItem { key, entry });
    }

    fn sort(&mut self, entries: &DirectoryEntries) {
        let keys = &self.keys;
        self.items
            .sort_unstable_by(|one, other| compare((keys, one), (keys, other), entries));
    }

    /// The next item, with the keys.
    fn first(&self) -> (&[u8], &SortItem) {
        (&self.keys, &self.items[self.next])
    }
}

impl OrderedItems {
    /// The index of the next entry.
    pub(super) fn next(&mut self, entries: &DirectoryEntries) -> Option<usize> {
        let run = self.runs.first_mut()?;
        let entry = run.items[run.next].entry;
        run.next += 1;
        if run.next == run.items.len() {
            self.runs.swap_remove(0);
        }
        self.sift_down(0, entries);
        Some(entry)
    }

    /// Moves a run down to its place in the heap.
    fn sift_down(&mut self, mut index: usize, entries: &DirectoryEntries) {
        loop {
            let children = 2 * index + 1..self.runs.len().min(2 * index + 3);
            let Some(first) = children.reduce(|one, other| self.earlier(one, other, entries))
            else {
                return;
            };
            if self.earlier(index, first, entries) == index {
                return;
            }
            self.runs.swap(index, first);
            index = first;
        }
    }

    /// The run whose first item comes first.
    fn earlier(&self, one: usize, other: usize, entries: &DirectoryEntries) -> usize {
        match compare(self.runs[one].first(), self.runs[other].first(), entries) {
            Ordering::Less | Ordering::Equal => one,
            Ordering::Greater => other,
        }
    }
}

/// Compares two items; each is given with the keys of its run.
fn compare(
    (keys, one): (&[u8], &SortItem),
    (other_keys, other): (&[u8], &SortItem),
    entries: &DirectoryEntries,
) -> Ordering {
    let name = |item: &SortItem| entries.get(item.entry).map(|entry| entry.name);
    let by_key = keys[one.key.clone()].cmp(&other_keys[other.key.clone()]);
    by_key.then_with(|| name(one).cmp(&name(other)))
}

/// Appends the sort key of a name: the order of these keys is the natural order of the names.
///
/// The key is the name in lower case, as UTF-8. Before each number it has a digit `0`, which keeps the place of numbers
/// among other characters, and a character for the count of digits. Leading zeros are removed.
fn push_key(key: &mut Vec<u8>, name: &[u8]) {
    let mut rest = name;
    while let Some(start) = rest.iter().position(u8::is_ascii_digit) {
        let (before, number) = rest.split_at(start);
        let end = number.iter().position(|byte| !byte.is_ascii_digit());
        let (digits, after) = number.split_at(end.unwrap_or(number.len()));
        let zeros = digits.iter().take_while(|&&digit| digit == b'0').count();
        let digits = &digits[zeros..];
        push_lower_case(key, before);
        key.push(b'0');
        key.extend_from_slice(length(digits).encode_utf8(&mut [0; 4]).as_bytes());
        key.extend_from_slice(digits);
        rest = after;
    }
    push_lower_case(key, rest);
}

fn push_lower_case(key: &mut Vec<u8>, part: &[u8]) {
    if part.is_ascii() {
        let start = key.len();
        key.extend_from_slice(part);
        key[start..].make_ascii_lowercase();
    } else {
        key.extend_from_slice(name_as_text(part).to_lowercase().as_bytes());
    }
}

/// A character that grows with the count of digits. Numbers of more than 55,295 digits are all equal; no file system
/// has such names.
fn length(digits: &[u8]) -> char {
    const LAST_BEFORE_SURROGATES: u32 = 0xd7ff;
    let length = u32::try_from(digits.len()).unwrap_or(LAST_BEFORE_SURROGATES);
    char::from_u32(length.min(LAST_BEFORE_SURROGATES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::store::DirectoryEntry;

    /// The names in order, those of directories first, which end with a slash here.
    fn sorted(names: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut entries = DirectoryEntries::default();
        let mut items = UnorderedItems::default();
        for &name in names {
            let kind = match name.last() {
                Some(b'/') => ItemKind::Directory,
                _ => ItemKind::File,
            };
            let index = entries.len();
            entries.push(DirectoryEntry { name, listed: None });
            items.push(index, kind, name, &entries);
        }
        assert_eq!(items.len(), names.len());
        let mut ordered = items.into_ordered(&entries);
        let next = || ordered.next(&entries);
        let name = |index| entries.get(index).unwrap().name.to_vec();
        std::iter::from_fn(next).map(name).collect()
    }

    #[test]
    fn names_stand_in_natural_order() {
        let orders: &[&[&[u8]]] = &[
            &[b"photo-2.jpg", b"photo-10.jpg", b"photo-100.jpg"],
            &[b"A.txt", b"a.txt", b"B.txt", b"b.txt"],
            &[b"v1.2.9", b"v1.2.10", b"v1.10.1"],
            &[b"a01b", b"a1b", b"a1c", b"a02a", b"a10a"],
            &[b"x", b"x0", b"x00x", b"x0x", b"x1", b"xx"],
            &[b"-", b".", b"0", b"1", b":", b"a", b"~"],
            &[b"2026-9-1", b"2026-10-1"],
            &[b"b/", b"z/", b"a"],
            &[
                b"18446744073709551615",
                b"18446744073709551616",
                b"99999999999999999999999",
            ],
            &[
                "\u{c4}rger 1".as_bytes(),
                "\u{e4}rger 2".as_bytes(),
                "\u{c4}rger 10".as_bytes(),
            ],
            &[b"\xff1", b"\xfe2"],
        ];
        for order in orders {
            let shuffled: Vec<&[u8]> = order.iter().rev().copied().collect();
            assert_eq!(sorted(&shuffled), *order);
        }
    }

    #[test]
    fn long_listing_is_in_order_like_a_short_one() {
        for count in [RUN - 1, RUN, RUN + 1, 5 * RUN, 7 * RUN + 3] {
            // The second half of the names has the numbers of the first, so equal keys are in different runs.
            let half = count.div_ceil(2);
            let parts = |place: usize| {
                let letter = if place < half { 'n' } else { 'N' };
                (place % half * 7_919 % 10_007, letter)
            };
            let name = |(number, letter)| format!("{letter}{number}").into_bytes();
            let mut expected: Vec<_> = (0..count).map(parts).collect();
            let names: Vec<_> = expected.iter().copied().map(name).collect();
            let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
            expected.sort_unstable();
            let expected = expected.into_iter().map(name);
            assert!(expected.eq(sorted(&names)), "{count}");
        }
    }

    proptest! {
        /// By value, with any number of digits and leading zeros.
        #[test]
        fn numbers_stand_by_value(mut numbers in prop::collection::vec((any::<u64>(), 0..4_usize), 2..9)) {
            let names: Vec<String> = numbers
                .iter()
                .map(|(number, zeros)| format!("n{}{number}.x", "0".repeat(*zeros)))
                .collect();
            let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            numbers.sort_unstable();
            let found = sorted(&names).into_iter().map(|name| {
                let digits = name[1..name.len() - 2].to_vec();
                String::from_utf8(digits).unwrap().parse::<u64>().unwrap()
            });
            prop_assert_eq!(found.collect::<Vec<_>>(), numbers.iter().map(|(number, _)| *number).collect::<Vec<_>>());
        }
    }
}
