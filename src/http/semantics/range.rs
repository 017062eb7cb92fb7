//! The bytes that a Range field selects from a representation (RFC 9110 §14).
//!
//! This module knows only the field's grammar and the length of the representation. The caller decides whether Range
//! applies (GET only, If-Range); [`multipart`](super::multipart) frames several parts.

use std::fmt;

/// The most parts in one response, after merging.
///
/// A media player or a PDF reader requests a handful. Hundreds of parts would cost more than the whole file, so such a
/// request gets the whole file (RFC 9110 §14.2 allows this, §17.15 advises it).
pub const MAX_PARTS: usize = 16;

/// Bytes `first` to `last` of a representation, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    first: u64,
    last: u64,
}

impl ByteRange {
    /// The position of the first byte.
    #[must_use]
    pub fn first(self) -> u64 {
        self.first
    }

    /// The number of bytes, at least one.
    #[must_use]
    pub fn count(self) -> u64 {
        self.last - self.first + 1
    }

    /// The value of Content-Range for these bytes of a representation of `length` bytes (RFC 9110 §14.4).
    #[must_use]
    pub fn content_range(self, length: u64) -> ContentRange {
        ContentRange {
            range: Some(self),
            length,
        }
    }
}

/// The value of a Content-Range field (RFC 9110 §14.4), as [`fmt::Display`] shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentRange {
    range: Option<ByteRange>,
    length: u64,
}

impl ContentRange {
    /// The value for a 416: only the `length` of the representation (RFC 9110 §15.5.17).
    #[must_use]
    pub fn unsatisfied(length: u64) -> Self {
        Self {
            range: None,
            length,
        }
    }
}

impl fmt::Display for ContentRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            Some(ByteRange { first, last }) => {
                write!(formatter, "bytes {first}-{last}/{}", self.length)
            }
            None => write!(formatter, "bytes */{}", self.length),
        }
    }
}

/// The result of a Range field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// The whole representation with 200: the field must be ignored.
    Whole,
    /// These parts with 206: at least one and at most [`MAX_PARTS`], disjoint, and no two adjacent.
    ///
    /// They stand in the order in which the client asked for them (RFC 9110 §15.3.7.2).
    Parts(Vec<ByteRange>),
    /// 416: no range overlaps the representation, which is not empty.
    Unsatisfiable,
}

/// Decides what a Range field selects from a representation of `length` bytes.
///
/// A field that is invalid or counts in another unit than bytes is ignored (RFC 9110 §14.2).
#[must_use]
pub fn select(field: &[u8], length: u64) -> Selection {
    let Some(specs) = parse(field) else {
        return Selection::Whole;
    };
    // For an empty representation, clients that always send Range expect the whole. A suffix range of it is satisfiable
    // (RFC 9110 §14.1.2), but Content-Range cannot express an empty range.
    if length == 0 {
        return Selection::Whole;
    }
    let ranges: Vec<ByteRange> = specs
        .into_iter()
        .filter_map(|spec| spec.within(length))
        .collect();
    if ranges.is_empty() {
        return Selection::Unsatisfiable;
    }
    let parts = merge(&ranges);
    if parts.len() > MAX_PARTS {
        return Selection::Whole;
    }
    Selection::Parts(parts)
}

/// One range-spec (RFC 9110 §14.1.2). Numbers too large for 64 bits become `u64::MAX`.
#[derive(Debug, Clone, Copy)]
enum RangeSpec {
    /// From a first to a last position; an open range lasts to `u64::MAX`.
    Positions(u64, u64),
    /// A suffix of this many bytes.
    Suffix(u64),
}

impl RangeSpec {
    /// The bytes of a representation that this range selects, if any (RFC 9110 §14.1.2).
    fn within(self, length: u64) -> Option<ByteRange> {
        let end = length.checked_sub(1)?;
        match self {
            Self::Positions(first, last) => (first <= end).then_some(ByteRange {
                first,
                last: last.min(end),
            }),
            Self::Suffix(0) => None,
            Self::Suffix(count) => Some(ByteRange {
                first: length.saturating_sub(count),
                last: end,
            }),
        }
    }
}

/// The range-set of a field in bytes; `None` when the field must be ignored.
fn parse(field: &[u8]) -> Option<Vec<RangeSpec>> {
    let equals = field.iter().position(|&byte| byte == b'=')?;
    let (unit, set) = (&field[..equals], &field[equals + 1..]);
    if !unit.trim_ascii_start().eq_ignore_ascii_case(b"bytes") {
        return None;
    }
    // Empty elements are allowed in a list that is received (RFC 9110 §5.6.1.2).
    let specs: Vec<RangeSpec> = set
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .map(parse_spec)
        .collect::<Option<_>>()?;
    (!specs.is_empty()).then_some(specs)
}

fn parse_spec(element: &[u8]) -> Option<RangeSpec> {
    let dash = element.iter().position(|&byte| byte == b'-')?;
    let (first, last) = (&element[..dash], &element[dash + 1..]);
    match (first.is_empty(), last.is_empty()) {
        (true, true) => None,
        (true, false) => Some(RangeSpec::Suffix(number(last)?)),
        (false, true) => Some(RangeSpec::Positions(number(first)?, u64::MAX)),
        (false, false) => {
            let (first, last) = (number(first)?, number(last)?);
            // A range that ends before it begins makes the whole field invalid (RFC 9110 §14.1.1).
            (first <= last).then_some(RangeSpec::Positions(first, last))
        }
    }
}

/// A decimal number, digits only; one too large for 64 bits is `u64::MAX`, beyond any file.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |value, &digit| {
        digit.is_ascii_digit().then(|| {
            value
                .saturating_mul(10)
                .saturating_add(u64::from(digit - b'0'))
        })
    })
}

/// Merges ranges that overlap or are adjacent. A merged range takes the position of its first part.
fn merge(ranges: &[ByteRange]) -> Vec<ByteRange> {
    let mut sorted: Vec<(usize, ByteRange)> = ranges.iter().copied().enumerate().collect();
    sorted.sort_by_key(|(_, range)| range.first);
    let mut merged: Vec<(usize, ByteRange)> = Vec::new();
    for (place, range) in sorted {
        match merged.last_mut() {
            // `last` is a position in a file, so adding one does not overflow.
            Some((kept_place, kept)) if range.first <= kept.last + 1 => {
                kept.last = kept.last.max(range.last);
                *kept_place = place.min(*kept_place);
            }
            _ => merged.push((place, range)),
        }
    }
    merged.sort_by_key(|(place, _)| *place);
    merged.into_iter().map(|(_, range)| range).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(ranges: &[(u64, u64)]) -> Selection {
        Selection::Parts(
            ranges
                .iter()
                .map(|&(first, last)| ByteRange { first, last })
                .collect(),
        )
    }

    #[test]
    fn ranges_of_ten_bytes_are_resolved() {
        let table: &[(&str, &str, Selection)] = &[
            // RFC 9110 §14.1.2
            ("first and last", "bytes=0-3", parts(&[(0, 3)])),
            ("one byte", "bytes=9-9", parts(&[(9, 9)])),
            ("open", "bytes=4-", parts(&[(4, 9)])),
            ("open from the start", "bytes=0-", parts(&[(0, 9)])),
            ("suffix", "bytes=-3", parts(&[(7, 9)])),
            ("suffix as long as the file", "bytes=-10", parts(&[(0, 9)])),
            ("suffix longer than the file", "bytes=-11", parts(&[(0, 9)])),
            ("last past the end", "bytes=8-10", parts(&[(8, 9)])),
            ("first at the end", "bytes=10-", Selection::Unsatisfiable),
            (
                "first past the end",
                "bytes=10-12",
                Selection::Unsatisfiable,
            ),
            ("empty suffix", "bytes=-0", Selection::Unsatisfiable),
            (
                "one of two is satisfiable",
                "bytes=20-30,2-3",
                parts(&[(2, 3)]),
            ),
            ("none of two", "bytes=20-30,-0", Selection::Unsatisfiable),
            // Numbers beyond 64 bits: 2^64 and far more.
            (
                "last overflows",
                "bytes=5-18446744073709551616",
                parts(&[(5, 9)]),
            ),
            (
                "suffix overflows",
                "bytes=-99999999999999999999999",
                parts(&[(0, 9)]),
            ),
            (
                "first overflows",
                "bytes=18446744073709551616-",
                Selection::Unsatisfiable,
            ),
            // §15.3.7.2: merged, in the requested order
            ("overlapping", "bytes=0-4,3-6", parts(&[(0, 6)])),
            ("adjacent", "bytes=0-4,5-6", parts(&[(0, 6)])),
            (
                "one byte between",
                "bytes=0-4,6-7",
                parts(&[(0, 4), (6, 7)]),
            ),
            ("contained", "bytes=0-8,2-3", parts(&[(0, 8)])),
            ("the same twice", "bytes=1-2,1-2", parts(&[(1, 2)])),
            (
                "order kept",
                "bytes=8-9,0-1,4-5",
                parts(&[(8, 9), (0, 1), (4, 5)]),
            ),
            (
                "merged into the first",
                "bytes=4-5,0-1,6-6",
                parts(&[(4, 6), (0, 1)]),
            ),
            (
                "joined by a later one",
                "bytes=6-7,0-1,2-5",
                parts(&[(0, 7)]),
            ),
            // §14.1: units are case-insensitive; §5.6.1.2: white space and empty elements in lists
            ("capitals", "BYTES=0-1", parts(&[(0, 1)])),
            (
                "list with gaps",
                "bytes= ,0-1 ,, 4-5\t,",
                parts(&[(0, 1), (4, 5)]),
            ),
            // §14.2: must be ignored
            ("another unit", "lines=0-3", Selection::Whole),
            ("last before first", "bytes=3-2", Selection::Whole),
            ("one of two invalid", "bytes=0-1,3-2", Selection::Whole),
            ("no set", "bytes=", Selection::Whole),
            ("only commas", "bytes=,,", Selection::Whole),
            ("no equals", "bytes 0-1", Selection::Whole),
            ("space before equals", "bytes =0-1", Selection::Whole),
            ("dash only", "bytes=-", Selection::Whole),
            ("sign", "bytes=+1-2", Selection::Whole),
            ("two dashes", "bytes=1--2", Selection::Whole),
            ("space inside", "bytes=1 -2", Selection::Whole),
            ("hexadecimal", "bytes=0x1-2", Selection::Whole),
            ("number without dash", "bytes=5", Selection::Whole),
            (
                "two field lines joined",
                "bytes=0-1, bytes=2-3",
                Selection::Whole,
            ),
            ("empty", "", Selection::Whole),
        ];
        for (name, field, expected) in table {
            assert_eq!(select(field.as_bytes(), 10), *expected, "{name}");
        }
    }

    #[test]
    fn no_range_of_an_empty_file_is_satisfiable() {
        for field in [
            "bytes=0-",
            "bytes=0-0",
            "bytes=-0",
            "bytes=-1",
            "bytes=5-9,-1",
        ] {
            assert_eq!(select(field.as_bytes(), 0), Selection::Whole, "{field}");
        }
    }

    #[test]
    fn range_beyond_the_limit_of_parts_is_ignored() {
        let field = |count: usize| {
            let specs: Vec<_> = (0..count).map(|n| format!("{0}-{0}", n * 2)).collect();
            format!("bytes={}", specs.join(","))
        };
        let Selection::Parts(parts) = select(field(MAX_PARTS).as_bytes(), 1000) else {
            panic!("the limit itself is allowed");
        };
        assert_eq!(parts.len(), MAX_PARTS);
        assert_eq!(
            select(field(MAX_PARTS + 1).as_bytes(), 1000),
            Selection::Whole
        );
        // The limit applies after merging.
        let many = format!("bytes=0-999,{}", &field(500)["bytes=".len()..]);
        assert_eq!(select(many.as_bytes(), 1000), self::parts(&[(0, 999)]));
    }

    #[test]
    fn content_range_is_written() {
        let range = ByteRange {
            first: 42,
            last: 1233,
        };
        assert_eq!(range.content_range(1234).to_string(), "bytes 42-1233/1234");
        assert_eq!(range.count(), 1192);
        assert_eq!(ContentRange::unsatisfied(0).to_string(), "bytes */0");
    }

    proptest! {
        /// The parts have exactly the requested bytes, each once.
        #[test]
        fn parts_cover_what_was_asked_for(
            asked in prop::collection::vec((0_u64..40, 0_u64..12), 1..12),
            length in 1_u64..40,
        ) {
            let specs: Vec<_> = asked.iter().map(|(at, more)| format!("{at}-{}", at + more)).collect();
            let selection = select(format!("bytes={}", specs.join(",")).as_bytes(), length);
            let wanted = |byte| asked.iter().any(|(at, more)| (*at..=at + more).contains(&byte));
            let parts = match selection {
                Selection::Parts(parts) => parts,
                Selection::Unsatisfiable => Vec::new(),
                Selection::Whole => return Err(TestCaseError::fail("twelve ranges are few")),
            };
            for byte in 0..length {
                let times = parts.iter().filter(|part| (part.first..=part.last).contains(&byte)).count();
                prop_assert_eq!(times, usize::from(wanted(byte)), "byte {}", byte);
            }
            prop_assert!(parts.iter().all(|part| part.last < length));
        }

        #[test]
        fn no_bytes_panic(field in prop::collection::vec(any::<u8>(), 0..40), length: u64) {
            let _ = select(&field, length);
            let _ = select(&[b"bytes=", &field[..]].concat(), length);
        }
    }
}
