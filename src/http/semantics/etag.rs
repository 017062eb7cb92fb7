//! Entity tags: the server's own, and the lists that clients send (RFC 9110 §8.8.3).

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

/// The metadata that distinguishes one state of a file from every other.
///
/// A replacement file usually has another inode number, but a freed number can be reused. Modification times can be
/// set, and tools for reproducible archives and builds set all to one time. The change time cannot be set.
#[derive(Debug, Clone, Copy)]
pub struct FileState {
    /// The inode number.
    pub inode: u64,
    /// The time of the last modification of the content.
    pub modified: SystemTime,
    /// The time of the last change of the file's content or metadata.
    pub changed: SystemTime,
    /// Bytes of content.
    pub size: u64,
}

/// The strong entity tag of a file in this state, with its quotes.
///
/// A precompressed sibling is another representation: `variant` is its content coding, so its tag differs from the
/// plain file's even on file systems without stable inode numbers or nanoseconds (RFC 9110 §8.8.3.3).
#[must_use]
pub fn strong(state: &FileState, variant: Option<&str>) -> String {
    let FileState { inode, size, .. } = state;
    let (modified, changed) = (Nanoseconds(state.modified), Nanoseconds(state.changed));
    match variant {
        None => format!("\"{inode:x}-{modified}-{changed}-{size:x}\""),
        Some(variant) => format!("\"{inode:x}-{modified}-{changed}-{size:x}-{variant}\""),
    }
}

/// A weak entity tag for one response, made of the `strong` one and a number that no other has.
///
/// It equals no other tag, so no condition with it is true (RFC 9110 §8.8.3.2). It is for a file whose content may
/// still change while its metadata stays the same; a date would not be better.
#[must_use]
pub fn weak_once(strong: &str, number: u64) -> String {
    let opaque = strong.strip_suffix('"').unwrap_or(strong);
    format!("W/{opaque}-{number:x}\"")
}

/// A time in nanoseconds since the epoch, in hexadecimal digits.
struct Nanoseconds(SystemTime);

impl fmt::Display for Nanoseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.duration_since(UNIX_EPOCH) {
            Ok(since) => write!(f, "{:x}", since.as_nanos()),
            Err(before) => write!(f, "n{:x}", before.duration().as_nanos()),
        }
    }
}

/// An entity tag as a client sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntityTag<'a> {
    strength: Strength,
    /// The opaque tag with its quotes.
    opaque: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strength {
    Strong,
    Weak,
}

impl<'a> EntityTag<'a> {
    /// Parses one entity tag at the start of `text`; also returns the rest.
    fn read(text: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (strength, rest) = match text.strip_prefix(b"W/") {
            Some(rest) => (Strength::Weak, rest),
            None => (Strength::Strong, text),
        };
        let inner = rest.strip_prefix(b"\"")?;
        let length = inner.iter().position(|&byte| byte == b'"')?;
        // There are no escapes: a backslash is a normal character (RFC 9110 §8.8.3).
        let valid = inner[..length]
            .iter()
            .all(|byte| matches!(byte, 0x21 | 0x23..=0x7e | 0x80..));
        let (opaque, rest) = rest.split_at(length + 2);
        valid.then_some((Self { strength, opaque }, rest))
    }

    /// Parses a field that is one entity tag.
    #[must_use]
    pub fn parse(field: &'a [u8]) -> Option<Self> {
        match Self::read(field.trim_ascii())? {
            (tag, []) => Some(tag),
            _ => None,
        }
    }

    /// Whether this is the strong tag `current`, by strong comparison (RFC 9110 §8.8.3.2).
    #[must_use]
    pub fn is_strongly(&self, current: &str) -> bool {
        self.strength == Strength::Strong && self.is_weakly(current)
    }

    /// Whether this is the strong tag `current`, by weak comparison (RFC 9110 §8.8.3.2).
    #[must_use]
    pub fn is_weakly(&self, current: &str) -> bool {
        self.opaque == current.as_bytes()
    }
}

/// The value of If-Match or If-None-Match (RFC 9110 §13.1.1, §13.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TagList<'a> {
    /// `*`: any representation.
    Any,
    /// At least one tag.
    Tags(Vec<EntityTag<'a>>),
}

impl<'a> TagList<'a> {
    /// Parses the list; `None` if it is invalid. The caller joins several field lines with commas.
    #[must_use]
    pub fn parse(field: &'a [u8]) -> Option<Self> {
        if field.trim_ascii() == b"*" {
            return Some(Self::Any);
        }
        let mut tags = Vec::new();
        let mut rest = field.trim_ascii_start();
        loop {
            // Empty elements are allowed in a list that is received (RFC 9110 §5.6.1.2).
            while let Some(after) = rest.strip_prefix(b",") {
                rest = after.trim_ascii_start();
            }
            if rest.is_empty() {
                break;
            }
            let (tag, after) = EntityTag::read(rest)?;
            tags.push(tag);
            rest = after.trim_ascii_start();
            if !matches!(rest.first(), None | Some(b',')) {
                return None;
            }
        }
        (!tags.is_empty()).then_some(Self::Tags(tags))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn tag_of_a_file_changes_with_the_file() {
        let after = |seconds, nanoseconds| UNIX_EPOCH + Duration::new(seconds, nanoseconds);
        let tag = |inode, modified, changed, size, variant| {
            let state = FileState {
                inode,
                modified,
                changed,
                size,
            };
            strong(&state, variant)
        };
        let table = [
            (
                tag(0xabc, after(1, 1), after(1, 2), 255, None),
                "\"abc-3b9aca01-3b9aca02-ff\"",
            ),
            (
                tag(0xabc, after(1, 1), after(1, 2), 255, Some("gzip")),
                "\"abc-3b9aca01-3b9aca02-ff-gzip\"",
            ),
            (tag(0, UNIX_EPOCH, UNIX_EPOCH, 0, None), "\"0-0-0-0\""),
            (
                tag(
                    1,
                    UNIX_EPOCH - Duration::from_nanos(16),
                    after(0, 9),
                    2,
                    None,
                ),
                "\"1-n10-9-2\"",
            ),
        ];
        for (tag, expected) in table {
            assert_eq!(tag, expected);
            assert!(
                EntityTag::parse(tag.as_bytes()).is_some_and(|parsed| parsed.is_strongly(&tag))
            );
        }
    }

    #[test]
    fn a_tag_for_one_response_equals_no_other() {
        let tags = [1, 2].map(|number| weak_once("\"1-2-3-4\"", number));
        assert_eq!(tags, ["W/\"1-2-3-4-1\"", "W/\"1-2-3-4-2\""]);
        let sent = EntityTag::parse(tags[0].as_bytes()).unwrap();
        for current in ["\"1-2-3-4\"", &tags[0], &tags[1]] {
            assert!(!sent.is_strongly(current), "{current}");
        }
        assert!(!sent.is_weakly("\"1-2-3-4\""));
    }

    #[test]
    fn strong_and_weak_comparison_differ() {
        // RFC 9110 §8.8.3.2, table 3, with the server's own tags, which are strong.
        #[derive(Debug, PartialEq)]
        enum Match {
            Neither,
            Weakly,
            Both,
        }
        use Match::{Both, Neither, Weakly};
        let table = [
            ("W/\"1\"", "\"1\"", Weakly),
            ("\"1\"", "\"1\"", Both),
            ("W/\"2\"", "\"1\"", Neither),
            ("\"2\"", "\"1\"", Neither),
            ("\"A\"", "\"a\"", Neither),
        ];
        for (sent, current, expected) in table {
            let tag = EntityTag::parse(sent.as_bytes()).unwrap();
            let found = match (tag.is_strongly(current), tag.is_weakly(current)) {
                (true, true) => Both,
                (false, true) => Weakly,
                (false, false) => Neither,
                (true, false) => panic!("{sent}: strongly, but not weakly"),
            };
            assert_eq!(found, expected, "{sent}");
        }
    }

    #[test]
    fn lists_of_tags_are_parsed() {
        let table: &[(&str, Option<&[&str]>)] = &[
            ("\"xyzzy\"", Some(&["\"xyzzy\""])),
            ("\"a\", \"b\",\"c\"", Some(&["\"a\"", "\"b\"", "\"c\""])),
            ("W/\"a\", \"b\"", Some(&["W/\"a\"", "\"b\""])),
            (" ,\t, \"a\" ,, ", Some(&["\"a\""])),
            ("\"\"", Some(&["\"\""])),
            // Commas and backslashes are characters of a tag.
            ("\"a,b\", \"c\\\"", Some(&["\"a,b\"", "\"c\\\""])),
            ("\"\u{e9}\"", Some(&["\"\u{e9}\""])),
            ("", None),
            (",", None),
            ("a", None),
            ("\"a", None),
            ("\"a\" \"b\"", None),
            ("\"a\"b", None),
            ("w/\"a\"", None),
            ("W/ \"a\"", None),
            ("\"a b\"", None),
            ("\"a\", *", None),
            ("*, \"a\"", None),
        ];
        for (field, expected) in table {
            let expected = expected.map(|tags| {
                TagList::Tags(
                    tags.iter()
                        .map(|tag| EntityTag::parse(tag.as_bytes()).unwrap())
                        .collect(),
                )
            });
            assert_eq!(TagList::parse(field.as_bytes()), expected, "{field}");
        }
        assert_eq!(TagList::parse(b" * "), Some(TagList::Any));
        assert_eq!(
            TagList::parse(b"\"*\""),
            Some(TagList::Tags(vec![EntityTag::parse(b"\"*\"").unwrap()]))
        );
    }
}
