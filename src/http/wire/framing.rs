//! The framing of a request's content: one decision, made before any content is read.
//!
//! It depends only on `Content-Length` and `Transfer-Encoding`. An attacker can make two recipients that frame one
//! message differently see different requests (RFC 9112 §11.2), so every ambiguous message is refused.

use httparse::Header;

use super::request_line::Version;
use super::syntax::{is_token, list, trim_ows};
use crate::http::refusal::Refusal;
use crate::http::status_code::StatusCode;

/// The framing of the content of a request (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Neither `Content-Length` nor `Transfer-Encoding`. By RFC 9112 §6.3 the request has no content; a dialect may
    /// decide otherwise.
    Absent,
    /// `Content-Length`: this many bytes, 0 included.
    Length(u64),
    /// `Transfer-Encoding: chunked`.
    Chunked,
}

/// Decides the framing of a request.
//
// RFC 9112 §6.3, the rules that apply to requests:
//
// 1, 2. (Responses to HEAD and to CONNECT.)
// 3. Transfer-Encoding and Content-Length together: "ought to be handled as an error". 400, and
//    so is Transfer-Encoding in HTTP/1.0, where it is not defined (§6.1, "MUST treat the message
//    as if the framing is faulty").
// 4. Transfer-Encoding, and chunked is the final coding: chunked. Chunked is not final: 400 ("MUST
//    respond with the 400 status code and then close"), also where the only coding is an unknown
//    one, since that MUST outweighs the 501 that §6.1 says a server SHOULD answer. An unknown
//    coding before the final chunked: 501. Chunked is applied once and takes no parameters (§6.1,
//    §7): otherwise 400.
// 5. An invalid Content-Length: 400, unless it is a list of valid and equal values.
// 6. A valid Content-Length: that number of bytes.
// 7. Neither: a request has no content.
// 8. (Responses.)
pub(super) fn decide(version: Version, fields: &[Header<'_>]) -> Result<Framing, Refusal> {
    let mut length: Option<ContentLength<'_>> = None;
    let mut codings: Option<Codings> = None;
    for field in fields {
        if field.name.eq_ignore_ascii_case("content-length") {
            for element in list(field.value) {
                length = Some(ContentLength::agree(length, element)?);
            }
        } else if field.name.eq_ignore_ascii_case("transfer-encoding") {
            for element in list(field.value) {
                codings = Some(Codings::apply(codings, element)?);
            }
        }
    }
    match (codings, length) {
        (Some(_), Some(_)) => Err(Refusal::bad_request(
            "the request has both Content-Length and Transfer-Encoding",
        )),
        (Some(Codings::NotChunked), None) => Err(Refusal::bad_request(
            "the last transfer coding is not chunked",
        )),
        (Some(_), None) if version == Version::Http10 => {
            Err(Refusal::bad_request("HTTP/1.0 has no Transfer-Encoding"))
        }
        (Some(Codings::Chunked), None) => Ok(Framing::Chunked),
        (Some(Codings::UnknownThenChunked), None) => Err(Refusal::new(
            StatusCode::NotImplemented,
            "the server understands no transfer coding other than chunked",
        )),
        (None, Some(length)) => Ok(Framing::Length(length.value)),
        (None, None) => Ok(Framing::Absent),
    }
}

/// A valid `Content-Length` (RFC 9110 §8.6).
#[derive(Clone, Copy)]
struct ContentLength<'h> {
    digits: &'h [u8],
    value: u64,
}

impl<'h> ContentLength<'h> {
    /// Reads one more value, which must be identical to those before it: `5, 05` is also refused.
    fn agree(before: Option<Self>, digits: &'h [u8]) -> Result<Self, Refusal> {
        match before {
            Some(length) if length.digits == digits => Ok(length),
            Some(_) => Err(Refusal::bad_request(
                "two values of Content-Length are not the same",
            )),
            None => {
                let value = decimal(digits).ok_or_else(|| {
                    Refusal::bad_request("Content-Length is not a number of 64 bits")
                })?;
                Ok(Self { digits, value })
            }
        }
    }
}

/// `1*DIGIT`, parsed here, since the standard library's parser accepts a sign.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

/// The transfer codings, in the order in which they were applied.
#[derive(Clone, Copy)]
enum Codings {
    /// Only chunked.
    Chunked,
    /// Others, then chunked.
    UnknownThenChunked,
    /// Others only.
    NotChunked,
}

impl Codings {
    /// Adds one more coding.
    fn apply(before: Option<Self>, element: &[u8]) -> Result<Self, Refusal> {
        let name = element
            .split(|&byte| byte == b';')
            .next()
            .map_or(element, trim_ows);
        if !is_token(name) {
            let reason = "Transfer-Encoding is not a list of codings";
            return Err(Refusal::bad_request(reason));
        }
        let chunked = name.eq_ignore_ascii_case(b"chunked");
        if chunked && name.len() != element.len() {
            let reason = "the transfer coding chunked has a parameter";
            return Err(Refusal::bad_request(reason));
        }
        match (before, chunked) {
            (None, true) => Ok(Self::Chunked),
            (Some(Self::NotChunked), true) => Ok(Self::UnknownThenChunked),
            (None | Some(Self::NotChunked), false) => Ok(Self::NotChunked),
            (Some(Self::Chunked | Self::UnknownThenChunked), _) => {
                Err(Refusal::bad_request("a transfer coding follows chunked"))
            }
        }
    }
}
