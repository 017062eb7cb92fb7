//! Whether the content of an upload is the whole, unencoded file.
//!
//! The server stores content as a file without change. A request may declare its content as a part of the file, or as
//! encoded. If that content were stored as the file, the file would be lost. This module finds such declarations; a
//! dialect selects the status of the refusal.

use std::fmt;

use crate::http::Request;

/// The reason why the content of an upload must not be stored as a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWhole {
    /// It is one or several parts of the file (RFC 9110 §14.5). The value is the name of the field.
    Part(&'static str),
    /// It is encoded (RFC 9110 §8.4).
    Coded,
}

impl fmt::Display for NotWhole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(field) => {
                write!(
                    f,
                    "the content is only a part of the file, by its {field}: send the whole file"
                )
            }
            Self::Coded => {
                f.write_str("the content has a Content-Encoding: send the file without a coding")
            }
        }
    }
}

impl NotWhole {
    /// The first such declaration in a request, if there is one.
    pub(crate) fn of(request: &Request<'_>) -> Option<Self> {
        request
            .field_lines()
            .find_map(|(name, value)| Self::of_field(name, value))
    }

    fn of_field(name: &[u8], value: &[u8]) -> Option<Self> {
        let is = |field: &str| name.eq_ignore_ascii_case(field.as_bytes());
        if !matches!(name.first(), Some(b'C' | b'c' | b'U' | b'u')) {
            return None;
        }
        let part = |is_part: bool, field| is_part.then_some(Self::Part(field));
        if is("Content-Range") {
            Some(Self::Part("Content-Range"))
        } else if is("Content-Type") {
            part(has_byte_ranges(value), "Content-Type")
        } else if is("Content-Encoding") {
            is_coded(value).then_some(Self::Coded)
        // Resumable uploads (draft-ietf-httpbis-resumable-upload): content that will be continued, or that continues an
        // upload.
        } else if is("Upload-Complete") {
            part(value.starts_with(b"?0"), "Upload-Complete")
        } else if is("Upload-Incomplete") {
            part(value.starts_with(b"?1"), "Upload-Incomplete")
        } else if is("Upload-Offset") {
            part(value != b"0", "Upload-Offset")
        } else {
            None
        }
    }
}

/// Whether a media type is that of several parts of a file (RFC 9110 §14.6), or its old name.
fn has_byte_ranges(media_type: &[u8]) -> bool {
    let essence = media_type.split(|&byte| byte == b';').next();
    let essence = essence.unwrap_or(media_type).trim_ascii();
    ["multipart/byteranges", "multipart/x-byteranges"]
        .iter()
        .any(|ranges| essence.eq_ignore_ascii_case(ranges.as_bytes()))
}

/// Whether a list of content codings has one other than `identity`.
fn is_coded(codings: &[u8]) -> bool {
    codings
        .split(|&byte| byte == b',')
        .map(<[u8]>::trim_ascii)
        .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_partial_or_coded_content_are_found() {
        use NotWhole::{Coded, Part};
        for (fields, expected) in [
            ("", None),
            ("Content-Range: bytes 3-5/6", Some(Part("Content-Range"))),
            ("content-range: bytes 3-5/*", Some(Part("Content-Range"))),
            ("Content-Range:", Some(Part("Content-Range"))),
            ("Content-Range: lines 1-2", Some(Part("Content-Range"))),
            ("Content-Encoding: gzip", Some(Coded)),
            ("CONTENT-ENCODING:br", Some(Coded)),
            ("Content-Encoding: identity, gzip", Some(Coded)),
            (
                "Content-Encoding: identity\r\nContent-Encoding: x",
                Some(Coded),
            ),
            ("Content-Encoding: \"", Some(Coded)),
            ("Content-Encoding: identity", None),
            ("Content-Encoding: Identity , identity", None),
            ("Content-Encoding:", None),
            ("Content-Encoding: ,", None),
            (
                "Content-Type: multipart/byteranges; boundary=x",
                Some(Part("Content-Type")),
            ),
            (
                "Content-Type: Multipart/X-ByteRanges",
                Some(Part("Content-Type")),
            ),
            ("Content-Type: multipart/form-data; boundary=x", None),
            ("Content-Type: text/plain; x=multipart/byteranges", None),
            ("Upload-Complete: ?0", Some(Part("Upload-Complete"))),
            ("Upload-Complete: ?0;a=b", Some(Part("Upload-Complete"))),
            ("Upload-Complete: ?1", None),
            ("Upload-Incomplete: ?1", Some(Part("Upload-Incomplete"))),
            ("Upload-Incomplete: ?0", None),
            ("Upload-Offset: 5", Some(Part("Upload-Offset"))),
            ("Upload-Offset: 0", None),
            // A range of a PUT means nothing (RFC 9110 §14.2).
            ("Range: bytes=3-", None),
            ("Accept-Encoding: gzip", None),
            ("Content-Location: /x\r\nContent-Language: en", None),
            (
                "X: y\r\nContent-Encoding: gzip\r\nContent-Range: x",
                Some(Coded),
            ),
        ] {
            let fields = if fields.is_empty() {
                String::new()
            } else {
                format!("{fields}\r\n")
            };
            let head = format!("PUT / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(NotWhole::of(&request), expected, "{fields}");
        }
    }
}
