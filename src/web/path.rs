//! A request path as the path of a file under the root.
//!
//! This module decodes the path component of a target once and refuses everything that cannot be a file name. It does
//! not access the file system: the kernel decides about symbolic links when the file is opened. The caller removes the
//! query.
//!
//! Empty components (`//`) and `.` are removed, since people and tools send them when they join a base and a path. `..`
//! is refused, encoded or not: clients resolve it before they send a path (RFC 3986 §5.2.4). Hidden names and log
//! entries depend on the remaining components; a rule of a proxy must normalise paths in the same way.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, percent_encode};

/// Everything but the unreserved characters (RFC 3986 §2.3).
///
/// The other characters need no escape in an HTML attribute, in a field value and in the log.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Why a request path cannot name a file (400).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path does not begin with `/` (RFC 9112 §3.2.1).
    #[error("the path does not begin with a slash")]
    NotAbsolute,
    /// A `%` is not followed by two hexadecimal digits (RFC 3986 §2.1).
    #[error("a % in the path is not followed by two hexadecimal digits")]
    InvalidEscape,
    /// A component contains `%00`, which ends a file name.
    #[error("a component of the path contains a NUL")]
    Nul,
    /// A component contains `%2F`; no file name contains a slash.
    #[error("a component of the path contains an encoded slash")]
    EncodedSlash,
    /// A component is `..`, after decoding.
    #[error("a component of the path is ..")]
    DotDot,
}

/// Whether a path ends with a slash, as the path of a directory does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrailingSlash {
    /// No slash at the end: a file, or a directory named without its slash.
    Bare,
    /// A slash at the end; the root always has one.
    Slash,
}

/// The decoded path of a file under the root. It may contain any bytes but NUL, and has no `.`, `..` or empty
/// components.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// The components joined by `/`, without a slash at either end; empty for the root.
    combined: Vec<u8>,
    ending: TrailingSlash,
}

impl Path {
    /// Decodes the path of a target, exactly once: `%2541` is the name `%41`.
    pub fn parse(path: &[u8]) -> Result<Self, PathError> {
        let Some(rest) = path.strip_prefix(b"/") else {
            return Err(PathError::NotAbsolute);
        };
        let mut combined = Vec::with_capacity(rest.len());
        let mut ending = TrailingSlash::Slash;
        for component in rest.split(|&byte| byte == b'/') {
            let before = combined.len();
            if before > 0 {
                combined.push(b'/');
            }
            let start = combined.len();
            decode_into(component, &mut combined)?;
            ending = match &combined[start..] {
                b".." => return Err(PathError::DotDot),
                b"" | b"." => {
                    combined.truncate(before);
                    TrailingSlash::Slash
                }
                _ => TrailingSlash::Bare,
            };
        }
        Ok(Self { combined, ending })
    }

    /// The path relative to the root, as openat2(2) takes it: no slash at either end, `.` for the root.
    #[must_use]
    pub fn relative(&self) -> &[u8] {
        if self.combined.is_empty() {
            b"."
        } else {
            &self.combined
        }
    }

    /// Whether the path ended with a slash.
    #[must_use]
    pub fn ending(&self) -> TrailingSlash {
        self.ending
    }

    /// The decoded components, from the root down; none for the root itself.
    #[must_use]
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.combined
            .split(|&byte| byte == b'/')
            .filter(|component| !component.is_empty())
    }

    /// The last component; `None` for the root.
    #[must_use]
    pub fn file_name(&self) -> Option<&[u8]> {
        self.components().next_back()
    }

    /// Whether a component begins with a dot.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.components()
            .any(|component| component.starts_with(b"."))
    }

    /// The path of `name` in this directory.
    ///
    /// `name` is not checked, since it comes from the file system or the program itself.
    #[must_use]
    pub fn child(&self, name: &[u8]) -> Self {
        let mut combined = Vec::with_capacity(self.combined.len() + 1 + name.len());
        combined.extend_from_slice(&self.combined);
        if !combined.is_empty() {
            combined.push(b'/');
        }
        combined.extend_from_slice(name);
        Self {
            combined,
            ending: TrailingSlash::Bare,
        }
    }

    /// The canonical percent-encoded form, without the leading slash; empty for the root.
    ///
    /// [`Path::parse`] of `/` and this form gives the path again. Everything but unreserved characters is
    /// escaped, `%` as `%25`, so the form is safe in a Location field, in HTML and in the log as it stands.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut encoded = String::with_capacity(self.combined.len() + 1);
        for component in self.components() {
            if !encoded.is_empty() {
                encoded.push('/');
            }
            encoded.extend(percent_encode(component, ESCAPED));
        }
        if self.ending == TrailingSlash::Slash && !encoded.is_empty() {
            encoded.push('/');
        }
        encoded
    }
}

/// The numbers of `../` from the address `raw`, a target's path as it was sent, to the directories of it: the root
/// first, then each below it. The last is the directory of the address itself.
///
/// A client resolves a link against the path as it sent it (RFC 3986 §5.2): an empty component counts as a level, `.`
/// does not.
#[must_use]
pub fn levels_up(raw: &[u8]) -> Vec<usize> {
    let mut components: Vec<&[u8]> = raw
        .strip_prefix(b"/")
        .unwrap_or(raw)
        .split(|&byte| byte == b'/')
        .collect();
    components.pop(); // the part behind the last slash is not a directory
    components.retain(|component| !is_dot(component));
    let mut left = components.len();
    let mut levels = vec![left];
    for component in components {
        left -= 1;
        if !component.is_empty() {
            levels.push(left);
        }
    }
    levels
}

/// Whether a component is `.`, encoded or not.
fn is_dot(component: &[u8]) -> bool {
    component == b"." || component.eq_ignore_ascii_case(b"%2e")
}

/// One file name in the canonical percent-encoded form of [`Path::encode`], as text or as pieces of it.
#[must_use]
pub fn encode_name(name: &[u8]) -> PercentEncode<'_> {
    percent_encode(name, ESCAPED)
}

/// One file name as text: bytes that are not UTF-8 appear as U+FFFD.
#[must_use]
pub fn name_as_text(name: &[u8]) -> Cow<'_, str> {
    // Nearly all names are UTF-8, and this is the faster way to know it.
    match std::str::from_utf8(name) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(name),
    }
}

/// Appends the decoded component (RFC 3986 §2.1).
fn decode_into(component: &[u8], decoded: &mut Vec<u8>) -> Result<(), PathError> {
    let mut rest = component;
    while let Some((&byte, tail)) = rest.split_first() {
        let (byte, tail) = if byte == b'%' {
            unescape(tail).ok_or(PathError::InvalidEscape)?
        } else {
            (byte, tail)
        };
        match byte {
            0 => return Err(PathError::Nul),
            // An unencoded slash has ended the component.
            b'/' => return Err(PathError::EncodedSlash),
            _ => decoded.push(byte),
        }
        rest = tail;
    }
    Ok(())
}

/// The byte of two hexadecimal digits, and the rest of the text.
fn unescape(digits: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, tail @ ..] = digits else {
        return None;
    };
    let value = hex(*high)? << 4 | hex(*low)?;
    Some((value, tail))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn valid_targets_name_a_file() {
        /// A target, the path that it names, how it ends, and its canonical form.
        struct Row {
            input: &'static [u8],
            relative: &'static [u8],
            ending: TrailingSlash,
            encoded: &'static str,
        }
        let bare = |input, relative, encoded| Row {
            input,
            relative,
            ending: TrailingSlash::Bare,
            encoded,
        };
        let slash = |input, relative, encoded| Row {
            ending: TrailingSlash::Slash,
            ..bare(input, relative, encoded)
        };
        let table = [
            slash(b"/", b".", ""),
            bare(b"/a", b"a", "a"),
            slash(b"/a/", b"a", "a/"),
            bare(b"/a/b.txt", b"a/b.txt", "a/b.txt"),
            bare(b"/a%20b", b"a b", "a%20b"),
            // Digits of either case; the canonical form has capitals (RFC 3986 §6.2.2.1).
            bare(b"/%c3%A9", "\u{e9}".as_bytes(), "%C3%A9"),
            // Bytes that are not UTF-8, encoded or raw.
            bare(b"/%ff", b"\xff", "%FF"),
            slash(b"/\xff/", b"\xff", "%FF/"),
            // Decoded once only.
            bare(b"/%2541", b"%41", "%2541"),
            bare(b"/%252e%252e", b"%2e%2e", "%252e%252e"),
            bare(b"/...", b"...", "..."),
            bare(b"/a..", b"a..", "a.."),
            bare(b"/.%61", b".a", ".a"),
            bare(b"/~tilde-_.", b"~tilde-_.", "~tilde-_."),
            bare(b"/a+b", b"a+b", "a%2Bb"),
            bare(
                b"/%22%3Cscript%3E'&",
                b"\"<script>'&",
                "%22%3Cscript%3E%27%26",
            ),
            bare(b"/a%0Ab", b"a\nb", "a%0Ab"),
            bare(b"/c:%5Cd", b"c:\\d", "c%3A%5Cd"),
        ];
        for row in table {
            let name = String::from_utf8_lossy(row.input);
            let path = Path::parse(row.input).unwrap();
            assert_eq!(path.relative(), row.relative, "{name}");
            assert_eq!(path.ending(), row.ending, "{name}");
            assert_eq!(path.encode(), row.encoded, "{name}");
        }
    }

    #[test]
    fn invalid_targets_are_refused() {
        let table: &[(&[u8], PathError)] = &[
            (b"", PathError::NotAbsolute),
            (b"a", PathError::NotAbsolute),
            (b"*", PathError::NotAbsolute),
            (b"/..", PathError::DotDot),
            (b"/../", PathError::DotDot),
            (b"/a/../b", PathError::DotDot),
            (b"/%2e%2E/b", PathError::DotDot),
            (b"/.%2e", PathError::DotDot),
            (b"/a%2Fb", PathError::EncodedSlash),
            (b"/..%2f..%2fetc", PathError::EncodedSlash),
            (b"/a%00b", PathError::Nul),
            (b"/a\0b", PathError::Nul),
            (b"/%", PathError::InvalidEscape),
            (b"/%4", PathError::InvalidEscape),
            (b"/%4/1", PathError::InvalidEscape),
            (b"/%zz", PathError::InvalidEscape),
            (b"/%+1", PathError::InvalidEscape),
        ];
        for (input, error) in table {
            let name = String::from_utf8_lossy(input);
            assert_eq!(Path::parse(input), Err(*error), "{name}");
        }
    }

    #[test]
    fn a_path_with_a_name_that_begins_with_a_dot_is_hidden() {
        let table: &[(&[u8], bool)] = &[
            (b"/", false),
            (b"/a.b/c.d", false),
            (b"/.git/config", true),
            (b"/a/%2Egit", true),
            (b"/a/.b/", true),
            (b"/a/b.", false),
        ];
        for (input, hidden) in table {
            let path = Path::parse(input).unwrap();
            let name = String::from_utf8_lossy(input);
            assert_eq!(path.is_hidden(), *hidden, "{name}");
        }
    }

    #[test]
    fn neighbours_of_a_path_are_in_its_directory() {
        let root = Path::parse(b"/").unwrap();
        assert_eq!(root.file_name(), None);
        assert_eq!(root.components().count(), 0);
        assert_eq!(root.child(b"a b"), Path::parse(b"/a%20b").unwrap());

        let directory = Path::parse(b"/x/y").unwrap();
        assert_eq!(directory.file_name(), Some(&b"y"[..]));
        assert_eq!(directory.child(b"index.html").relative(), b"x/y/index.html");
        assert_eq!(encode_name(b"50%.txt").to_string(), "50%25.txt");
    }

    #[test]
    fn levels_up_are_counted_in_the_address_as_it_was_sent() {
        for (raw, expected) in [
            ("/", &[0][..]),
            ("/a", &[0]),
            ("/a/", &[1, 0]),
            ("/a/b", &[1, 0]),
            ("/a/b/", &[2, 1, 0]),
            ("//", &[1]),
            ("//a/", &[2, 0]),
            ("/a//", &[2, 1]),
            ("/a//b/", &[3, 2, 0]),
            ("/a/./b/", &[2, 1, 0]),
            ("/a/%2E/b/", &[2, 1, 0]),
            ("/a/.", &[1, 0]),
            ("/./", &[0]),
            ("/.//a///b/./c/.", &[6, 4, 1, 0]),
        ] {
            assert_eq!(levels_up(raw.as_bytes()), expected, "{raw}");
        }
    }

    proptest! {
        /// The links of a page for a directory lead to it and to each above it.
        #[test]
        fn levels_up_are_those_that_a_client_resolves(tail in "(/|\\./|%2e/|a|b/){0,12}/") {
            let raw = format!("/{tail}");
            if let Ok(path) = Path::parse(raw.as_bytes()) {
                let levels = levels_up(raw.as_bytes());
                let names: Vec<&[u8]> = path.components().collect();
                prop_assert_eq!(levels.len(), names.len() + 1);
                for (depth, up) in levels.into_iter().enumerate() {
                    // RFC 3986 §5.2.4, of a path that ends with a slash
                    let mut base: Vec<&str> = raw[1..raw.len() - 1].split('/').collect();
                    if raw == "/" {
                        base.clear();
                    }
                    base.retain(|component| !matches!(*component, "." | "%2e"));
                    base.truncate(base.len() - up);
                    let resolved = format!("/{}/", base.join("/"));
                    let found = Path::parse(resolved.as_bytes()).unwrap();
                    let expected: Vec<&[u8]> = names[..depth].to_vec();
                    prop_assert_eq!(found.components().collect::<Vec<_>>(), expected);
                }
            }
        }

        /// No accepted path can climb, and its canonical form is the same path.
        #[test]
        fn a_path_stays_below_the_root_and_round_trips(tail in "(/|\\.|%2[eEfF]|%00|%|[a-c]|\\PC){0,24}") {
            if let Ok(path) = Path::parse(format!("/{tail}").as_bytes()) {
                prop_assert!(!path.relative().starts_with(b"/"));
                prop_assert!(!path.relative().contains(&0));
                prop_assert!(path.components().all(|component| !matches!(component, b"." | b".." | b"")));
                let again = Path::parse(format!("/{}", path.encode()).as_bytes());
                prop_assert_eq!(again, Ok(path));
            }
        }

        #[test]
        fn any_name_without_slash_and_nul_can_be_asked_for(name in prop::collection::vec(1u8.., 1..40)) {
            let name: Vec<u8> = name.into_iter().filter(|&byte| byte != b'/').collect();
            prop_assume!(!matches!(&name[..], b"" | b"." | b".."));
            let path = Path::parse(format!("/{}", encode_name(&name)).as_bytes()).unwrap();
            prop_assert_eq!(path.relative(), &name[..]);
        }
    }
}
