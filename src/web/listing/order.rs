//! The order of a listing: directories first, then names in natural order.
//!
//! Case is ignored, and numbers are compared by value: `photo-2` comes before `photo-10`. Names that are equal in this
//! order are compared by bytes, so the order never depends on the file system.

use std::sync::Arc;

use super::item::{ItemKind, ListingItem};

/// The sort key of an item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SortKey {
    kind: ItemKind,
    key: String,
    name: Arc<[u8]>,
}

impl SortKey {
    pub(super) fn of(item: &ListingItem) -> Self {
        Self {
            kind: item.kind,
            key: key(&item.name),
            name: Arc::clone(&item.name),
        }
    }
}

/// The sort key of a name: the order of these texts is the natural order of the names.
///
/// The text is the name in lower case. Before each number it has a digit `0`, which keeps the place of numbers among
/// other characters, and a character for the count of digits. Leading zeros are removed.
fn key(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut key = String::with_capacity(text.len() + 8);
    let mut rest = &*text;
    while let Some(start) = rest.bytes().position(|byte| byte.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        let end = number.bytes().position(|byte| !byte.is_ascii_digit());
        let (digits, after) = number.split_at(end.unwrap_or(number.len()));
        let digits = digits.trim_start_matches('0');
        push_lower_case(&mut key, before);
        key.push('0');
        key.push(length(digits));
        key.push_str(digits);
        rest = after;
    }
    push_lower_case(&mut key, rest);
    key
}

fn push_lower_case(key: &mut String, text: &str) {
    let start = key.len();
    if text.is_ascii() {
        key.push_str(text);
        key[start..].make_ascii_lowercase();
    } else {
        key.push_str(&text.to_lowercase());
    }
}

/// A character that grows with the length of the text. Numbers of more than 55,295 digits are all equal; no file system
/// has such names.
fn length(digits: &str) -> char {
    const LAST_BEFORE_SURROGATES: u32 = 0xd7ff;
    let length = u32::try_from(digits.len()).unwrap_or(LAST_BEFORE_SURROGATES);
    char::from_u32(length.min(LAST_BEFORE_SURROGATES)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;

    fn sorted(names: &[&[u8]]) -> Vec<Vec<u8>> {
        let item = |name: &&[u8]| ListingItem {
            name: Arc::from(*name),
            kind: ItemKind::File,
            size: 0,
            modified: UNIX_EPOCH,
        };
        let mut items: Vec<ListingItem> = names.iter().map(item).collect();
        items.sort_by_key(SortKey::of);
        items.into_iter().map(|item| item.name.to_vec()).collect()
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
