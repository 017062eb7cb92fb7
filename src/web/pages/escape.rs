//! Escapes text for HTML, so that no file name becomes markup or looks like another name.

use std::borrow::Cow;
use std::fmt::{self, Write};

use crate::web::path::name_as_text;

/// Text that is displayed escaped, for element content and for quoted attribute values.
///
/// Control characters appear as their pictures (U+2400 and following), and characters that reverse the direction of
/// what follows as U+FFFD: with them `fdp.exe` could be displayed as `exe.pdf`.
pub(crate) struct Escaped<'a>(Cow<'a, str>);

impl<'a> Escaped<'a> {
    /// From a file name: bytes that are not UTF-8 appear as U+FFFD.
    pub(crate) fn from_bytes(bytes: &'a [u8]) -> Self {
        Self(name_as_text(bytes))
    }

    /// Appends it to a text, without a formatter.
    pub(crate) fn push_to(&self, text: &mut String) {
        // Writing to a string cannot fail.
        let _ = self.write_to(text);
    }

    fn write_to(&self, out: &mut impl Write) -> fmt::Result {
        let mut rest = &*self.0;
        // Most names have nothing to escape, and are written in one piece.
        while let Some(plain) = first_escaped(rest) {
            out.write_str(&rest[..plain])?;
            let mut characters = rest[plain..].chars();
            let Some(character) = characters.next() else {
                break;
            };
            rest = characters.as_str();
            match character {
                '&' => out.write_str("&amp;")?,
                '<' => out.write_str("&lt;")?,
                '>' => out.write_str("&gt;")?,
                '"' => out.write_str("&quot;")?,
                '\'' => out.write_str("&#39;")?,
                '\0'..='\x1f' => out.write_char(picture(character))?,
                '\x7f' => out.write_char('\u{2421}')?,
                _ => out.write_char(char::REPLACEMENT_CHARACTER)?,
            }
        }
        out.write_str(rest)
    }
}

impl<'a> From<&'a str> for Escaped<'a> {
    fn from(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_to(formatter)
    }
}

/// The ASCII characters that need no escape.
static PLAIN: [bool; 256] = plain();

const fn plain() -> [bool; 256] {
    let mut plain = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        plain[byte as usize] = !is_escaped(byte as char);
        byte += 1_u8;
    }
    plain
}

/// The index of the first character that must be escaped.
fn first_escaped(text: &str) -> Option<usize> {
    let first = text.bytes().position(|byte| !PLAIN[usize::from(byte)])?;
    Some(first + text[first..].find(is_escaped)?)
}

/// Whether a character must be escaped.
const fn is_escaped(character: char) -> bool {
    matches!(
        character,
        '&' | '<'
            | '>'
            | '"'
            | '\''
            | '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
    )
}

/// The visible picture of a control character below U+0020.
fn picture(control: char) -> char {
    char::from_u32(0x2400 + u32::from(control)).unwrap_or(char::REPLACEMENT_CHARACTER)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_escaped_for_html() {
        let table: &[(&[u8], &str)] = &[
            (b"plain.txt", "plain.txt"),
            (
                b"<script>alert(1)</script>",
                "&lt;script&gt;alert(1)&lt;/script&gt;",
            ),
            (b"\" onload='x'", "&quot; onload=&#39;x&#39;"),
            (b"a&amp;b", "a&amp;amp;b"),
            (b"a\nb\x7f\x1b", "a\u{240a}b\u{2421}\u{241b}"),
            (b"\xff\xc3\xa9", "\u{fffd}\u{e9}"),
            ("exe.\u{202e}fdp".as_bytes(), "exe.\u{fffd}fdp"),
            ("\u{85}\u{2066}".as_bytes(), "\u{fffd}\u{fffd}"),
        ];
        for (name, expected) in table {
            assert_eq!(Escaped::from_bytes(name).to_string(), *expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_left_that_html_takes_for_its_own(name in prop::collection::vec(any::<u8>(), 0..40)) {
            let escaped = Escaped::from_bytes(&name).to_string();
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            prop_assert!(!escaped.chars().any(char::is_control));
        }
    }
}
