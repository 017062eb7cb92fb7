//! One decoder for the content of a request, however it is delimited.
//!
//! It neither chooses the framing nor stores the content.

use super::chunked::{Chunk, ChunkedDecoder};
use crate::http::refusal::Refusal;

/// Finds the bytes of the content after a head.
#[derive(Clone, Debug)]
pub enum ContentDecoder {
    /// A stated length.
    Length {
        /// Bytes still to come.
        left: u64,
    },
    /// The chunked transfer coding.
    Chunked(ChunkedDecoder),
    /// Everything until the client's end of stream, which only the connection can see.
    UntilClose,
}

impl ContentDecoder {
    /// Consumes bytes from the front of `input`; returns their number and the result.
    ///
    /// The next step must get the bytes after these. After the end it consumes nothing: the following bytes belong to
    /// the next request.
    ///
    /// # Errors
    ///
    /// Those of [`ChunkedDecoder::step`].
    pub fn step(&mut self, input: &[u8]) -> Result<(usize, Chunk), Refusal> {
        let found = match self {
            Self::Chunked(decoder) => return decoder.step(input),
            Self::Length { left: 0 } => return Ok((0, Chunk::End)),
            Self::Length { left } => {
                // A number that does not fit a usize is larger than the input.
                let len = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= len as u64;
                len
            }
            Self::UntilClose => input.len(),
        };
        if found == 0 {
            Ok((0, Chunk::NeedMore))
        } else {
            Ok((found, Chunk::Data(0..found)))
        }
    }

    /// Whether the content is complete. Content that is delimited by the end of the stream is never complete here.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        match self {
            Self::Length { left } => *left == 0,
            Self::Chunked(decoder) => decoder.is_finished(),
            Self::UntilClose => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_stops_at_the_next_request() {
        let mut decoder = ContentDecoder::Length { left: 5 };
        assert_eq!(decoder.step(b""), Ok((0, Chunk::NeedMore)));
        assert_eq!(decoder.step(b"abc"), Ok((3, Chunk::Data(0..3))));
        assert!(!decoder.is_finished());
        assert_eq!(decoder.step(b"deGET"), Ok((2, Chunk::Data(0..2))));
        assert!(decoder.is_finished());
        assert_eq!(decoder.step(b"GET"), Ok((0, Chunk::End)));
    }

    #[test]
    fn body_of_length_0_is_finished_at_once() {
        let mut decoder = ContentDecoder::Length { left: 0 };
        assert!(decoder.is_finished());
        assert_eq!(decoder.step(b""), Ok((0, Chunk::End)));
        assert_eq!(decoder.step(b"GET"), Ok((0, Chunk::End)));
    }

    #[test]
    fn the_largest_length_does_not_overflow() {
        let mut decoder = ContentDecoder::Length { left: u64::MAX };
        assert_eq!(decoder.step(b"abc"), Ok((3, Chunk::Data(0..3))));
        assert!(matches!(decoder, ContentDecoder::Length { left } if left == u64::MAX - 3));
    }

    #[test]
    fn body_until_close_takes_everything_and_never_ends() {
        let mut decoder = ContentDecoder::UntilClose;
        assert_eq!(
            decoder.step(b"GET / HTTP/1.1"),
            Ok((14, Chunk::Data(0..14)))
        );
        assert_eq!(decoder.step(b""), Ok((0, Chunk::NeedMore)));
        assert!(!decoder.is_finished());
    }

    #[test]
    fn chunked_is_finished_after_its_end() {
        let mut decoder = ContentDecoder::Chunked(ChunkedDecoder::default());
        assert_eq!(
            decoder.step(b"1\r\na\r\n0\r\n\r\nGET"),
            Ok((4, Chunk::Data(3..4)))
        );
        assert!(!decoder.is_finished());
        assert_eq!(decoder.step(b"\r\n0\r\n\r\nGET"), Ok((7, Chunk::End)));
        assert!(decoder.is_finished());
        assert_eq!(decoder.step(b"GET"), Ok((0, Chunk::End)));
    }
}
