//! A complete request head as values that borrow from it.
//!
//! `httparse` splits the field lines. The fields that affect the connection are interpreted here, once; a dialect looks
//! up the others by name.

use httparse::{EMPTY_HEADER, Header};
use memchr::memchr;

use super::framing::{self, Framing};
use super::refused_head::LineParts;
use super::request_line::{RequestLine, Version};
use super::syntax::{after_leading_line, host_and_port, list, trim_ows, without_cr};
use super::target::{Scheme, Target};
use crate::http::persistence::Persistence;
use crate::http::refusal::Refusal;
use crate::http::status_code::StatusCode;

/// Field lines in the longest field section; more are 431.
pub const MAX_FIELDS: usize = 100;

/// Field lines in the initial array. Clearing an array of [`MAX_FIELDS`] would cost more than parsing an ordinary
/// request.
const USUAL_FIELDS: usize = 16;

/// The client's expectation before it sends content (RFC 9110 §10.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing; always so in HTTP/1.0.
    None,
    /// `100-continue`: the client waits for a 100 or a final status.
    Continue,
}

/// The `Host` field (RFC 9112 §3.2). An invalid one and a second one are refused with 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host<'h> {
    /// No Host. In HTTP/1.1 that is an error, which a dialect may ignore.
    Missing,
    /// `uri-host [ ":" port ]`, valid. It may be empty.
    One(&'h str),
}

/// A request head, well formed, with its framing decided.
#[derive(Clone, Debug)]
pub struct Request<'h> {
    /// Any token, as received; methods are case-sensitive (RFC 9110 §9.1).
    pub method: &'h str,
    /// The request target, by its form.
    pub target: Target<'h>,
    /// HTTP/1.0 or HTTP/1.1.
    pub version: Version,
    /// The framing of the content.
    pub framing: Framing,
    /// The client's choice: HTTP/1.1 persists unless `Connection: close`, HTTP/1.0 only with `Connection: keep-alive`.
    pub persistence: Persistence,
    /// Whether the client waits for a 100 before it sends the content.
    pub expect: Expect,
    /// The `Host` field.
    pub host: Host<'h>,
    /// The scheme of the target's URI, unless the target has one itself: `https` if the request was received inside TLS
    /// (RFC 9112 §3.3). It is not in the head; the connection sets it.
    pub scheme: Scheme,
    raw_line: &'h [u8],
    raw_target: &'h [u8],
    raw_version: &'h [u8],
    /// The field lines, checked, with the empty line that ends them.
    section: &'h [u8],
}

impl<'h> Request<'h> {
    /// Parses a complete head, as delimited by [`HeadScan::find_end`](crate::http::HeadScan::find_end), which has
    /// already checked the lengths.
    ///
    /// # Errors
    ///
    /// The connection is closed after the response: 400 if the head is not HTTP/1.x syntax or has ambiguous framing,
    /// 417 for an expectation other than `100-continue`, 431 for more than [`MAX_FIELDS`] field lines, 501 for an
    /// unknown transfer coding, 505 for HTTP/2.0 and up.
    pub fn parse(head: &'h [u8]) -> Result<Self, Refusal> {
        let head = after_leading_line(head);
        let end = memchr(b'\n', head)
            .ok_or_else(|| Refusal::bad_request("the request line does not end"))?;
        let (line, section) = (&head[..end], &head[end + 1..]);
        let line = &RequestLine::parse(without_cr(line))?;
        let mut room = [EMPTY_HEADER; USUAL_FIELDS];
        match httparse::parse_headers(section, &mut room) {
            Err(httparse::Error::TooManyHeaders) => Self::with_many_fields(line, section),
            split => Self::with_fields(line, section, split),
        }
    }

    /// Keeps the large array off the stack of the usual case.
    #[cold]
    #[inline(never)]
    fn with_many_fields(line: &RequestLine<'h>, section: &'h [u8]) -> Result<Self, Refusal> {
        let mut room = [EMPTY_HEADER; MAX_FIELDS];
        let split = httparse::parse_headers(section, &mut room);
        Self::with_fields(line, section, split)
    }

    fn with_fields(
        line: &RequestLine<'h>,
        section: &'h [u8],
        split: httparse::Result<(usize, &[Header<'h>])>,
    ) -> Result<Self, Refusal> {
        let fields = match split {
            Ok(httparse::Status::Complete((len, fields))) if len == section.len() => fields,
            Ok(_) => return Err(Refusal::bad_request(NOT_FIELD_LINES)),
            Err(error) => return Err(not_field_lines(error)),
        };
        let mut host = Host::Missing;
        let mut connection = ConnectionOptions::default();
        let mut expect = Expect::None;
        for field in fields {
            if field.name.eq_ignore_ascii_case("host") {
                host = only_host(host, field.value)?;
            } else if field.name.eq_ignore_ascii_case("connection") {
                connection.read(field.value);
            } else if line.version == Version::Http11 && field.name.eq_ignore_ascii_case("expect") {
                expect = further_expectation(expect, field.value)?;
            }
        }
        Ok(Self {
            method: line.method,
            target: Target::classify(line.method, line.target),
            version: line.version,
            framing: framing::decide(line.version, fields)?,
            persistence: connection.persistence(line.version),
            expect,
            host,
            scheme: Scheme::Http,
            raw_line: line.raw,
            raw_target: line.target,
            raw_version: line.raw_version,
            section,
        })
    }

    /// The authority of the request: that of an absolute target, or else that of `Host` (RFC 9112 §3.3).
    #[must_use]
    pub fn authority(&self) -> Host<'h> {
        match self.target {
            Target::Absolute { authority, .. } => Host::One(authority),
            _ => self.host,
        }
    }

    /// The value of the first field line with this name, without the white space around it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'h [u8]> {
        self.fields(name).next()
    }

    /// The values of all field lines with this name, in their order. Names are case-insensitive.
    pub fn fields<'n>(&self, name: &'n str) -> impl Iterator<Item = &'h [u8]> + use<'h, 'n> {
        let mut rest = self.section;
        std::iter::from_fn(move || {
            while let Some(end) = memchr(b'\n', rest) {
                let line = without_cr(&rest[..end]);
                rest = &rest[end + 1..];
                if let Some((start, [b':', value @ ..])) = line.split_at_checked(name.len())
                    && start.eq_ignore_ascii_case(name.as_bytes())
                {
                    return Some(trim_ows(value));
                }
            }
            None
        })
    }

    /// The name and the value of every field line, in their order.
    pub(crate) fn field_lines(&self) -> impl Iterator<Item = (&'h [u8], &'h [u8])> + use<'h> {
        let mut rest = self.section;
        std::iter::from_fn(move || {
            let end = memchr(b'\n', rest)?;
            let line = without_cr(&rest[..end]);
            rest = &rest[end + 1..];
            let colon = memchr(b':', line)?; // the empty line has none, and is the last
            Some((&line[..colon], trim_ows(&line[colon + 1..])))
        })
    }

    /// The persistence that this request would ask for in the given version.
    pub(crate) fn persistence_in(&self, version: Version) -> Persistence {
        let mut connection = ConnectionOptions::default();
        for value in self.fields("Connection") {
            connection.read(value);
        }
        connection.persistence(version)
    }

    /// The parts of the request line as received.
    #[must_use]
    pub fn line_parts(&self) -> LineParts<'h> {
        LineParts {
            method: Some(self.method.as_bytes()),
            target: Some(self.raw_target),
            version: Some(self.raw_version),
        }
    }

    /// The request line as received, without its line end.
    #[must_use]
    pub fn raw_line(&self) -> &'h [u8] {
        self.raw_line
    }

    /// The request target as received.
    #[must_use]
    pub fn raw_target(&self) -> &'h [u8] {
        self.raw_target
    }

    /// The version as received, `HTTP/1.1`.
    #[must_use]
    pub fn raw_version(&self) -> &'h [u8] {
        self.raw_version
    }
}

const NOT_FIELD_LINES: &str = "the field lines are not HTTP syntax";

/// The reason why a field section cannot be split into field lines (RFC 9112 §5).
fn not_field_lines(error: httparse::Error) -> Refusal {
    use httparse::Error;
    match error {
        Error::TooManyHeaders => Refusal::new(
            StatusCode::RequestHeaderFieldsTooLarge,
            format!("there are more than {MAX_FIELDS} field lines"),
        ),
        Error::HeaderName => {
            Refusal::bad_request("a field line does not begin with a name and a colon")
        }
        Error::HeaderValue => Refusal::bad_request("a field value has a control character"),
        Error::NewLine => Refusal::bad_request("a field line does not end with CRLF"),
        Error::Status | Error::Token | Error::Version => Refusal::bad_request(NOT_FIELD_LINES),
    }
}

/// The options that `Connection` names, of the two that count (RFC 9110 §7.6.1).
#[derive(Default)]
struct ConnectionOptions {
    close: bool,
    keep_alive: bool,
}

impl ConnectionOptions {
    fn read(&mut self, value: &[u8]) {
        for option in list(value) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    /// The steps of RFC 9112 §9.3 in their order: close first.
    fn persistence(&self, version: Version) -> Persistence {
        if self.close {
            Persistence::Close
        } else if version == Version::Http11 || self.keep_alive {
            Persistence::Persistent
        } else {
            Persistence::Close
        }
    }
}

/// Reads the `Host` field, unless there was one before (RFC 9112 §3.2).
fn only_host<'h>(before: Host<'_>, value: &'h [u8]) -> Result<Host<'h>, Refusal> {
    match before {
        Host::Missing => host_and_port(value)
            .map(Host::One)
            .ok_or_else(|| Refusal::bad_request("Host is not a host and a port")),
        Host::One(_) => Err(Refusal::bad_request("there are two Host fields")),
    }
}

/// Reads one more `Expect` field (RFC 9110 §10.1.1).
fn further_expectation(before: Expect, value: &[u8]) -> Result<Expect, Refusal> {
    list(value)
        .filter(|element| !element.is_empty())
        .try_fold(before, |_, element| {
            let known = element.eq_ignore_ascii_case(b"100-continue");
            if known {
                Ok(Expect::Continue)
            } else {
                Err(Refusal::new(
                    StatusCode::ExpectationFailed,
                    "the server meets no expectation other than 100-continue",
                ))
            }
        })
}
