//! The request line: method, target and version (RFC 9112 §3).
//!
//! It checks that the line is well formed, not that the method or the target is supported. `refused_head` handles lines
//! that are not.

use memchr::memchr;

use super::syntax::{after_leading_line, is_target, is_token};
use crate::http::refusal::Refusal;
use crate::http::status_code::StatusCode;

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
    /// Parses `HTTP/1.x`. A higher major version is 505, anything else is 400.
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
                        StatusCode::HttpVersionNotSupported,
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
    pub(super) raw: &'h [u8],
    pub(super) method: &'h str,
    pub(super) target: &'h [u8],
    pub(super) version: Version,
    pub(super) raw_version: &'h [u8],
}

impl<'h> RequestLine<'h> {
    /// Parses a line without its line end: three parts, separated by exactly one space.
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
            let reason = "the target is empty or has a character that a URI cannot have";
            return Err(Refusal::bad_request(reason));
        }
        Ok(Self {
            raw: line,
            method,
            target,
            version: Version::parse(raw_version)?,
            raw_version,
        })
    }
}

/// The bytes before the first space of a head: the method, if this is a request.
#[must_use]
pub fn method_of(head: &[u8]) -> &[u8] {
    split_at_space(after_leading_line(head)).map_or(&[], |(method, _)| method)
}

pub(super) fn split_at_space(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let space = memchr(b' ', bytes)?;
    Some((&bytes[..space], &bytes[space + 1..]))
}
