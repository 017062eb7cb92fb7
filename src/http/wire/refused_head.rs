//! The readable parts of a refused head, however broken or incomplete it is.
//!
//! It decides nothing about the request: its values are for the log, for error messages and for the fields of the
//! response.

use std::fmt;

use memchr::{memchr, memrchr};

use super::request_line::split_at_space;
use super::scan::{MAX_FIELDS_LEN, MAX_REQUEST_LINE};
use super::syntax::{after_leading_line, list, without_cr};

/// The readable parts of a refused head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedHead<'h> {
    /// The parts of its request line.
    pub line: LineParts<'h>,
    /// Whether a `Content-Length`, or a `Transfer-Encoding` with `chunked`, was read in it, valid or not.
    pub states_length: bool,
}

impl<'h> RefusedHead<'h> {
    /// Examines the received bytes: a head, possibly with more bytes after it, or the beginning of one.
    ///
    /// Bytes beyond the limits of a head are ignored, so the result does not depend on how the bytes were split.
    #[must_use]
    pub fn read(buffer: &'h [u8]) -> Self {
        Self {
            line: line_parts(buffer),
            states_length: field_lines(buffer).any(states_length),
        }
    }
}

/// The complete field lines within the limits of a head, without their line ends.
fn field_lines(buffer: &[u8]) -> impl Iterator<Item = &[u8]> {
    let buffer = after_leading_line(buffer);
    let section = memchr(b'\n', buffer)
        .filter(|&end| without_cr(&buffer[..end]).len() <= MAX_REQUEST_LINE)
        .map_or(&[][..], |end| &buffer[end + 1..]);
    let section = &section[..section.len().min(MAX_FIELDS_LEN)];
    let end = memrchr(b'\n', section).unwrap_or(0);
    section[..end]
        .split(|&byte| byte == b'\n')
        .map(without_cr)
        .take_while(|line| !line.is_empty())
}

/// Whether some intermediary may interpret a field line as one that states the length of content.
fn states_length(line: &[u8]) -> bool {
    let (name, value) = line.split_at(memchr(b':', line).unwrap_or(line.len()));
    let name = name.trim_ascii();
    name.eq_ignore_ascii_case(b"content-length")
        || (name.eq_ignore_ascii_case(b"transfer-encoding")
            && list(value.strip_prefix(b":").unwrap_or(value))
                .any(|coding| coding.eq_ignore_ascii_case(b"chunked")))
}

/// The parts of a request line as received, for the log of a request that was refused.
///
/// `None` is a part that is missing or incomplete.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineParts<'h> {
    /// The bytes before the first space.
    pub method: Option<&'h [u8]>,
    /// The bytes between the other two parts, spaces included.
    pub target: Option<&'h [u8]>,
    /// The bytes after the last space, if there are two.
    pub version: Option<&'h [u8]>,
}

impl fmt::Display for LineParts<'_> {
    /// The parts as text, `GET /abcd HTTP/1.1`; a missing part is `-`, and invisible bytes are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: Option<&[u8]>| part.unwrap_or(b"-").escape_ascii().to_string();
        let (method, target, version) = (part(self.method), part(self.target), part(self.version));
        write!(f, "{method} {target} {version}")
    }
}

/// Splits the first line of a head as far as possible, however broken or incomplete the head is.
///
/// One empty line before it is skipped. If the end of the line has not arrived, its last part counts as missing, since
/// it may be incomplete.
#[must_use]
pub fn line_parts(buffer: &[u8]) -> LineParts<'_> {
    let buffer = after_leading_line(buffer);
    let line = match memchr(b'\n', buffer) {
        Some(end) => without_cr(&buffer[..end]),
        None => &buffer[..memrchr(b' ', buffer).unwrap_or(0)],
    };
    let line = line.trim_ascii_end();
    let (method, rest) = split_at_space(line).unwrap_or((line, &[]));
    let (target, version) = match memrchr(b' ', rest) {
        Some(space) => (&rest[..space], &rest[space + 1..]),
        None => (rest, &[][..]),
    };
    LineParts {
        method: not_empty(method),
        target: not_empty(target.trim_ascii()),
        version: not_empty(version),
    }
}

fn not_empty(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty()).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_stated_by_either_field_however_broken() {
        for (fields, expected) in [
            ("", false),
            ("Host: a\r\n\r\n", false),
            ("Content-Length: 5\r\n\r\n", true),
            ("content-length:x\r\n\r\n", true),
            ("Content-Length : 5\n\n", true),
            (" Content-Length: 5\r\n\r\n", true),
            ("Host: a\r\nTransfer-Encoding: Chunked\r\n\r\n", true),
            ("Transfer-Encoding: chunked, gzip\r\n\r\n", true),
            ("Transfer-Encoding: gzip\r\n\r\n", false),
            ("Transfer-Encoding: xchunked\r\n\r\n", false),
            ("X-Content-Length: 5\r\n\r\n", false),
            // Its end has not come: it may be another field.
            ("Content-Length: 5", false),
            // This is not a field.
            ("Host: a\r\n\r\nContent-Length: 5\r\n\r\n", false),
        ] {
            for before in ["", "\r\n"] {
                let head = format!("{before}PUT /a HTTP/1.1\r\n{fields}");
                let found = RefusedHead::read(head.as_bytes());
                assert_eq!(found.states_length, expected, "{head:?}");
                assert_eq!(found.line.method, Some(&b"PUT"[..]));
            }
        }
    }

    #[test]
    fn bytes_behind_the_limits_are_not_read() {
        let length = "Content-Length: 5\r\n\r\n";
        let line = |length: usize| format!("PUT /{}\r\n", "a".repeat(length - "PUT /".len()));
        let field = |length: usize| format!("A:{}\r\n", "b".repeat(length - "A:\r\n".len()));
        let room = MAX_FIELDS_LEN - (length.len() - 2);
        for (head, expected) in [
            (line(MAX_REQUEST_LINE) + length, true),
            (line(MAX_REQUEST_LINE + 1) + length, false),
            (line(10) + &field(room) + length, true),
            (line(10) + &field(room + 1) + length, false),
        ] {
            let found = RefusedHead::read(head.as_bytes());
            assert_eq!(found.states_length, expected, "{} bytes", head.len());
        }
    }
}
