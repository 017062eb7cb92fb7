//! The frame around several parts of one file: `multipart/byteranges` (RFC 9110 §14.6).
//!
//! The frame is rendered in advance, so the length of the whole content is known before the first byte is sent. This
//! module does not read the file: [`Multipart::segments`] lists the pieces, and the connection sends them from the
//! file.

use super::range::ByteRange;

/// The content of a 206 response with several parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    boundary: String,
    /// Each part with the bytes before it.
    parts: Vec<(String, ByteRange)>,
    closing: String,
}

/// A piece of the content, in the order of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Segment<'a> {
    /// A delimiter with its header section, or the closing delimiter.
    Frame(&'a [u8]),
    /// Bytes of the file.
    File(ByteRange),
}

impl Multipart {
    /// Frames `ranges` of a representation of `length` bytes and the given media type.
    ///
    /// The boundary is derived from `seed`. It should be random, so that no client can store a file that contains the
    /// boundary (RFC 2046 §5.1.1).
    #[must_use]
    pub fn new(ranges: &[ByteRange], length: u64, media_type: &str, seed: u128) -> Self {
        let boundary = format!("{seed:032x}");
        let parts = ranges
            .iter()
            .enumerate()
            .map(|(index, range)| {
                // The line end before a delimiter is part of it; the first delimiter has none.
                let line_end = if index == 0 { "" } else { "\r\n" };
                let head = format!(
                    "{line_end}--{boundary}\r\nContent-Type: {media_type}\r\nContent-Range: {}\r\n\r\n",
                    range.content_range(length)
                );
                (head, *range)
            })
            .collect();
        let closing = format!("\r\n--{boundary}--\r\n");
        Self {
            boundary,
            parts,
            closing,
        }
    }

    /// The value of Content-Type for the response.
    #[must_use]
    pub fn content_type(&self) -> String {
        format!("multipart/byteranges; boundary={}", self.boundary)
    }

    /// The content, piece by piece.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        self.parts
            .iter()
            .flat_map(|(head, range)| [Segment::Frame(head.as_bytes()), Segment::File(*range)])
            .chain([Segment::Frame(self.closing.as_bytes())])
    }
}

#[cfg(test)]
mod tests {
    use super::super::range::{Selection, select};
    use super::*;

    #[test]
    fn body_of_two_ranges_is_this_very_text() {
        let file = b"0123456789";
        let Selection::Parts(ranges) = select(b"bytes=7-8,0-2", 10) else {
            panic!("two satisfiable ranges");
        };
        let multipart = Multipart::new(&ranges, 10, "text/plain; charset=utf-8", 0xfeed);
        let mut content = Vec::new();
        for segment in multipart.segments() {
            match segment {
                Segment::Frame(text) => content.extend_from_slice(text),
                Segment::File(range) => {
                    let first = usize::try_from(range.first()).unwrap();
                    let count = usize::try_from(range.count()).unwrap();
                    content.extend_from_slice(&file[first..first + count]);
                }
            }
        }
        let expected = "--0000000000000000000000000000feed\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Range: bytes 7-8/10\r\n\
            \r\n\
            78\r\n\
            --0000000000000000000000000000feed\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Range: bytes 0-2/10\r\n\
            \r\n\
            012\r\n\
            --0000000000000000000000000000feed--\r\n";
        assert_eq!(String::from_utf8(content).unwrap(), expected);
        assert_eq!(
            multipart.content_type(),
            "multipart/byteranges; boundary=0000000000000000000000000000feed"
        );
    }
}
