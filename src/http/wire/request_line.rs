//! The request line: method, target and version (RFC 9112 §3).
//!
//! It says whether the line is well formed, not whether anybody serves such a method or target.
//! [`line_parts`] looks at lines that are not.

use std::fmt;

use memchr::{memchr, memrchr};

use super::syntax::{after_leading_line, is_target, is_token, without_cr};
use crate::http::refusal::Refusal;
use crate::http::status::Status;

/// The HTTP version of a request (RFC 9112 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1, and any later HTTP/1.x: a minor version changes nothing that must be understood
    /// (RFC 9110 §2.5).
    Http11,
}

impl Version {
    /// Reads `HTTP/1.x`. A higher major version is 505, anything else is 400.
    fn parse(bytes: &[u8]) -> Result<Self, Refusal> {
        match bytes {
            b"HTTP/1.1" => Ok(Self::Http11),
            b"HTTP/1.0" => Ok(Self::Http10),
            [
                b'H',
                b'T',
                b'T',
                b'P',
                b'/',
                major @ b'1'..=b'9',
                b'.',
                b'0'..=b'9',
            ] => {
                if *major == b'1' {
                    Ok(Self::Http11)
                } else {
                    Err(Refusal::new(
                        Status::HttpVersionNotSupported,
                        "only HTTP/1.x is served",
                    ))
                }
            }
            _ => Err(Refusal::bad_request(
                "the version is not of the form HTTP/1.1",
            )),
        }
    }
}

/// A well-formed request line, its parts as received.
pub(super) struct RequestLine<'h> {
    pub(super) method: &'h str,
    pub(super) target: &'h [u8],
    pub(super) version: Version,
    pub(super) raw_version: &'h [u8],
}

impl<'h> RequestLine<'h> {
    /// Reads a line without its line end: three parts, exactly one space between them.
    pub(super) fn parse(line: &'h [u8]) -> Result<Self, Refusal> {
        let (method, rest) = split_at_space(line)
            .ok_or_else(|| Refusal::bad_request("the request line has no target"))?;
        let (target, raw_version) = split_at_space(rest)
            .ok_or_else(|| Refusal::bad_request("the request line has no version"))?;
        let method = str::from_utf8(method)
            .ok()
            .filter(|text| is_token(text.as_bytes()))
            .ok_or_else(|| Refusal::bad_request("the method is not a token"))?;
        if !is_target(target) {
            let reason = "the target is empty or has a character that no URI has";
            return Err(Refusal::bad_request(reason));
        }
        Ok(Self {
            method,
            target,
            version: Version::parse(raw_version)?,
            raw_version,
        })
    }
}

fn split_at_space(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr(b' ', bytes)?;
    Some((&bytes[..space], &bytes[space + 1..]))
}

/// The parts of a request line as received, for the log of a request that was refused.
///
/// `None` is a part that could not be read: it is not there, or it was still arriving.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineParts<'h> {
    /// What stands before the first space; any bytes.
    pub method: Option<&'h [u8]>,
    /// What stands between the other two; any bytes, spaces included.
    pub target: Option<&'h [u8]>,
    /// What stands after the last space, if there are two; any bytes.
    pub version: Option<&'h [u8]>,
}

impl fmt::Display for LineParts<'_> {
    /// The parts, `GET /abcd HTTP/1.1`; `-` is one that could not be read, and bytes that are not visible are escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |part: Option<&[u8]>| part.unwrap_or(b"-").escape_ascii().to_string();
        let (method, target, version) = (part(self.method), part(self.target), part(self.version));
        write!(f, "{method} {target} {version}")
    }
}

/// Splits the first line of a head as well as it goes, however broken or incomplete the head is.
///
/// One empty line before it is skipped. Of a line whose end has not arrived the last part counts as
/// not read, since it may be half of what the client meant.
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
