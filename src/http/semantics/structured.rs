//! Dictionaries of structured fields (RFC 9651 §3.2), as far as the digest fields use them.
//!
//! The whole syntax of a dictionary is checked. Inner lists are rejected, since no field here has them. Keys, byte
//! sequences and integers are kept; other values are only recorded as present.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::http::wire::syntax::is_token_byte;

/// A decoder that tolerates harmless errors of senders: missing padding, and stray bits in it (RFC 9651 §4.2.7).
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The most digits that an integer has (RFC 9651 §3.3.1).
const INTEGER_DIGITS: usize = 15;

/// A value, without its parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Bytes(Vec<u8>),
    Integer(i64),
    /// A decimal, string, token or boolean.
    Other,
}

/// The members of a dictionary, in order. A repeated key appears twice; the last one counts.
///
/// `None` if the field is not a dictionary: then the whole field must be ignored or refused (RFC 9651 §4.2).
pub(super) fn parse(field: &[u8]) -> Option<Vec<(&[u8], Value)>> {
    let mut rest = trim_spaces(field);
    let mut members = Vec::new();
    while !rest.is_empty() {
        let (key, after) = key(rest)?;
        let (value, after) = match after.strip_prefix(b"=") {
            Some(text) => bare_item(text)?,
            None => (Value::Other, after),
        };
        members.push((key, value));
        rest = trim_optional(parameters(after)?);
        if !rest.is_empty() {
            rest = trim_optional(rest.strip_prefix(b",")?);
            if rest.is_empty() {
                // A comma at the end.
                return None;
            }
        }
    }
    Some(members)
}

/// A key (RFC 9651 §4.2.3.3), and the text after it.
fn key(text: &[u8]) -> Option<(&[u8], &[u8])> {
    matches!(text.first(), Some(b'a'..=b'z' | b'*')).then_some(())?;
    Some(take_while(
        text,
        |byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'*'),
    ))
}

/// Skips parameters (RFC 9651 §4.2.3.2).
fn parameters(mut rest: &[u8]) -> Option<&[u8]> {
    while let Some(after) = rest.strip_prefix(b";") {
        let (_, after) = key(trim_spaces_before(after))?;
        rest = match after.strip_prefix(b"=") {
            Some(text) => bare_item(text)?.1,
            None => after,
        };
    }
    Some(rest)
}

/// A bare item (RFC 9651 §4.2.3.1), and the text after it.
fn bare_item(text: &[u8]) -> Option<(Value, &[u8])> {
    match text {
        [b':', rest @ ..] => {
            let length = rest.iter().position(|&byte| byte == b':')?;
            Some((
                Value::Bytes(BASE64.decode(&rest[..length]).ok()?),
                &rest[length + 1..],
            ))
        }
        [b'"', rest @ ..] => Some((Value::Other, string_tail(rest)?)),
        [b'?', b'0' | b'1', rest @ ..] => Some((Value::Other, rest)),
        [b'-' | b'0'..=b'9', ..] => number(text),
        [b'a'..=b'z' | b'A'..=b'Z' | b'*', ..] => {
            let (_, rest) = take_while(text, |byte| {
                is_token_byte(byte) || matches!(byte, b':' | b'/')
            });
            Some((Value::Other, rest))
        }
        _ => None,
    }
}

/// An integer or a decimal (RFC 9651 §4.2.4).
fn number(text: &[u8]) -> Option<(Value, &[u8])> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let (whole, rest) = take_while(digits, |byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > INTEGER_DIGITS {
        return None;
    }
    if let Some(after) = rest.strip_prefix(b".") {
        let (fraction, rest) = take_while(after, |byte| byte.is_ascii_digit());
        return (whole.len() <= 12 && (1..=3).contains(&fraction.len()))
            .then_some((Value::Other, rest));
    }
    // At most fifteen digits fit.
    let magnitude = whole
        .iter()
        .fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
    Some((
        Value::Integer(if digits.len() < text.len() {
            -magnitude
        } else {
            magnitude
        }),
        rest,
    ))
}

/// The text after a string; the opening quote is already consumed (RFC 9651 §4.2.5).
fn string_tail(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        rest = match rest {
            [b'"', after @ ..] => return Some(after),
            [b'\\', b'"' | b'\\', after @ ..] => after,
            [b'\\', ..] => return None,
            [0x20..=0x7e, after @ ..] => after,
            _ => return None,
        };
    }
}

fn take_while(text: &[u8], belongs: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(
        text.iter()
            .position(|&byte| !belongs(byte))
            .unwrap_or(text.len()),
    )
}

/// Without spaces on both sides; tabs are not discarded there (RFC 9651 §4.2).
fn trim_spaces(text: &[u8]) -> &[u8] {
    let text = trim_spaces_before(text);
    let end = text
        .iter()
        .rposition(|&byte| byte != b' ')
        .map_or(0, |last| last + 1);
    &text[..end]
}

fn trim_spaces_before(text: &[u8]) -> &[u8] {
    take_while(text, |byte| byte == b' ').1
}

/// Without the white space that may stand around a comma (RFC 9110 §5.6.3).
fn trim_optional(text: &[u8]) -> &[u8] {
    take_while(text, |byte| matches!(byte, b' ' | b'\t')).1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn dictionaries_are_parsed() {
        let bytes = |text: &str| Value::Bytes(text.as_bytes().to_vec());
        let table: &[(&str, &[(&str, Value)])] = &[
            ("", &[]),
            ("  ", &[]),
            ("a=1", &[("a", Value::Integer(1))]),
            (
                " a=-12 ,\t*b=999999999999999",
                &[
                    ("a", Value::Integer(-12)),
                    ("*b", Value::Integer(999_999_999_999_999)),
                ],
            ),
            ("a=:aGVsbG8=:", &[("a", bytes("hello"))]),
            ("a=:aGVsbG8:", &[("a", bytes("hello"))]),
            ("a=:aGVsbG9=:", &[("a", bytes("hello"))]),
            ("a=::", &[("a", bytes(""))]),
            (
                "a=:aGVsbG8=:;p;q=1; r=\"x\\\";,\", b",
                &[("a", bytes("hello")), ("b", Value::Other)],
            ),
            (
                "a=1.5, b=tok/en:, c=?0, d=\"s\"",
                &[
                    ("a", Value::Other),
                    ("b", Value::Other),
                    ("c", Value::Other),
                    ("d", Value::Other),
                ],
            ),
            (
                "a=1, a=2",
                &[("a", Value::Integer(1)), ("a", Value::Integer(2))],
            ),
        ];
        for (field, expected) in table {
            let expected: Vec<_> = expected
                .iter()
                .map(|(key, value)| (key.as_bytes(), value.clone()))
                .collect();
            assert_eq!(parse(field.as_bytes()), Some(expected), "{field}");
        }
    }

    #[test]
    fn malformed_dictionaries_are_refused() {
        for field in [
            "A=1",
            "1=1",
            "=1",
            "a=",
            "a=1,",
            "a=1,,b",
            ",a",
            "a=1 b=2",
            "a=1000000000000000",
            "a=-",
            "a=1.",
            "a=1.1234",
            "a=1234567890123.1",
            "a=:aGVsbG8=",
            "a=:aGV*bG8=:",
            "a=:aGVsb G8=:",
            "a=\"x",
            "a=\"\\x\"",
            "a=?2",
            "a;=1",
            "a;B",
            "a=(1 2)",
            "a=\u{e9}",
            "a=\"\u{e9}\"",
            "\ta=1",
            "a\t=1",
            "a =1",
        ] {
            assert_eq!(parse(field.as_bytes()), None, "{field}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(field in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&field);
            let _ = parse(&[b"a=", &field[..]].concat());
        }
    }
}
