//! The received bytes of the connection that has its turn, and the content decoded in place.

use std::io;
use std::ops::Range;

use crate::http::{Chunk, ContentDecoder, Refusal};
use crate::server::Transport;

/// Bytes of the input buffer. More than the longest head, so that a head always fits.
const INPUT: usize = 128 * 1024;

/// Chunks that are decoded at once: a few hundred microseconds of work for chunks of one byte.
const CHUNKS: usize = 2048;

/// Received bytes of the connection that has its turn.
///
/// Behind them may be copies of bytes that are still in the stream, see [`Input::peek`]. These are not kept between two
/// turns, and nothing is decided by them but how many bytes to receive.
pub(super) struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// The end of the copies, which begin at `end`.
    seen: usize,
}

/// Content that was decoded in place.
pub(super) struct Decoded {
    /// The range of its bytes; see [`Input::content`].
    content: Range<usize>,
    /// Its bytes on the wire.
    pub(super) used: usize,
    pub(super) end: DecodedEnd,
}

/// The reason why decoding stopped.
pub(super) enum DecodedEnd {
    /// More must be received first.
    NeedMore,
    /// The limit was reached; the rest is already received.
    MoreAtHand,
    /// The content is complete.
    Complete,
    /// The following bytes are not valid content.
    Refused(Refusal),
}

/// The result of one receive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// This many bytes; the buffer was not filled.
    Some,
    /// As many bytes as fit into the buffer.
    Full,
    /// Nothing for now.
    Nothing,
    /// The peer's end of stream.
    End,
    /// The connection is broken.
    Broken,
}

impl Input {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; INPUT].into_boxed_slice(),
            start: 0,
            end: 0,
            seen: 0,
        }
    }

    /// Replaces the contents with `bytes`, which must fit into the buffer.
    pub(super) fn set(&mut self, bytes: &[u8]) {
        self.start = 0;
        self.end = bytes.len();
        self.seen = self.end;
        self.buffer[..bytes.len()].copy_from_slice(bytes);
    }

    /// Received bytes that are not consumed yet.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        self.seen = self.end;
        if self.start == self.end {
            self.clear();
        }
    }

    pub(super) fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
        self.seen = 0;
    }

    /// Whether another receive has space before bytes are consumed.
    pub(super) fn has_room(&self) -> bool {
        self.end - self.start < self.buffer.len()
    }

    /// Decodes and consumes the received bytes, up to the end of the content, or at most [`CHUNKS`] of it. The bytes
    /// of small chunks are joined.
    pub(super) fn decode(&mut self, decoder: &mut ContentDecoder) -> Decoded {
        let begin = self.start;
        let mut content = begin..begin;
        let mut chunks = 0;
        let end = loop {
            if chunks == CHUNKS {
                break DecodedEnd::MoreAtHand;
            }
            let (used, chunk) = match decoder.step(&self.buffer[self.start..self.end]) {
                Ok(step) => step,
                Err(refusal) => break DecodedEnd::Refused(refusal),
            };
            match chunk {
                Chunk::Data(range) => {
                    let data = self.start + range.start..self.start + range.end;
                    content = join(&mut self.buffer, content, data);
                    chunks += 1;
                }
                Chunk::NeedMore => {
                    self.start += used;
                    break DecodedEnd::NeedMore;
                }
                Chunk::End => {}
            }
            self.start += used;
            if decoder.is_finished() {
                break DecodedEnd::Complete;
            }
        };
        let used = self.start - begin;
        self.consume(0);
        Decoded { content, used, end }
    }

    /// The decoded bytes, until the next receive.
    pub(super) fn content(&self, decoded: &Decoded) -> &[u8] {
        &self.buffer[decoded.content.clone()]
    }

    /// Receives once, at most `limit` bytes, after the present bytes.
    pub(super) fn receive(&mut self, transport: &impl Transport, limit: usize) -> Received {
        if self.end == self.buffer.len() {
            self.move_to_front();
        }
        let room = limit.min(self.buffer.len() - self.end);
        let result = transport.receive(&mut self.buffer[self.end..self.end + room]);
        let (received, count) = received(result, room);
        self.end += count;
        self.seen = self.end;
        received
    }

    /// Copies up to `limit` bytes of the stream behind the present bytes, and leaves them in the stream; `None` if the
    /// stream cannot keep them.
    pub(super) fn peek(&mut self, transport: &impl Transport, limit: usize) -> Option<Received> {
        if self.buffer.len() - self.end < limit {
            self.move_to_front();
        }
        let room = limit.min(self.buffer.len() - self.end);
        let result = transport.peek(&mut self.buffer[self.end..self.end + room])?;
        let (received, count) = received(result, room);
        self.seen = self.end + count;
        Some(received)
    }

    /// The received bytes, and the copies of bytes behind them that are still in the stream.
    pub(super) fn seen(&self) -> &[u8] {
        &self.buffer[self.start..self.seen]
    }

    fn move_to_front(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        self.seen = self.end;
    }
}

/// The meaning of the result of a call with space for `room` bytes, and their number.
fn received(result: io::Result<usize>, room: usize) -> (Received, usize) {
    match result {
        Ok(0) => (Received::End, 0),
        Ok(count) if count == room => (Received::Full, count),
        Ok(count) => (Received::Some, count),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Received::Nothing, 0),
        Err(error) => {
            log::debug!("cannot receive: {error}");
            (Received::Broken, 0)
        }
    }
}

/// Moves `data` to the end of `content`, which is before it; returns the range of both.
fn join(buffer: &mut [u8], content: Range<usize>, data: Range<usize>) -> Range<usize> {
    if content.is_empty() {
        return data;
    }
    let end = content.end + data.len();
    if content.end < data.start {
        buffer.copy_within(data, content.end);
    }
    content.start..end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ChunkedDecoder;

    fn input(bytes: &[u8]) -> Input {
        let mut input = Input::new();
        input.buffer[7..7 + bytes.len()].copy_from_slice(bytes);
        (input.start, input.end) = (7, 7 + bytes.len());
        input.seen = input.end;
        input
    }

    #[test]
    fn chunks_of_one_buffer_are_joined() {
        let mut decoder = ContentDecoder::Chunked(ChunkedDecoder::default());
        let mut first = input(b"1\r\na\r\n3\r\nbcd\r\n1;x=y\r\ne\r\n4\r\nfg");
        let found = first.decode(&mut decoder);
        assert!(matches!(found.end, DecodedEnd::NeedMore));
        assert_eq!(first.content(&found), b"abcdefg");
        assert_eq!(found.used, 29);
        assert!(first.bytes().is_empty());
        let mut second = input(b"hi\r\n0\r\n\r\nGET");
        let found = second.decode(&mut decoder);
        assert!(matches!(found.end, DecodedEnd::Complete));
        assert_eq!(second.content(&found), b"hi");
        assert_eq!(second.bytes(), b"GET");
    }

    #[test]
    fn content_before_a_fault_is_not_lost() {
        let mut decoder = ContentDecoder::Chunked(ChunkedDecoder::default());
        let mut input = input(b"1\r\na\r\n1\r\nb\r\nx");
        let found = input.decode(&mut decoder);
        assert!(matches!(found.end, DecodedEnd::Refused(_)));
        assert_eq!(input.content(&found), b"ab");
    }

    #[test]
    fn stated_length_ends_content_before_the_next_request() {
        let mut decoder = ContentDecoder::Length { left: 3 };
        let mut input = input(b"abcGET");
        let found = input.decode(&mut decoder);
        assert!(matches!(found.end, DecodedEnd::Complete));
        assert_eq!(input.content(&found), b"abc");
        assert_eq!(input.bytes(), b"GET");
    }

    #[test]
    fn no_more_than_some_chunks_are_decoded_at_once() {
        let mut decoder = ContentDecoder::Chunked(ChunkedDecoder::default());
        let stream = [&b"1\r\na\r\n".repeat(CHUNKS + 1)[..], b"0\r\n\r\n"].concat();
        let mut input = input(&stream);
        let found = input.decode(&mut decoder);
        assert!(matches!(found.end, DecodedEnd::MoreAtHand));
        assert_eq!(input.content(&found).len(), CHUNKS);
        let found = input.decode(&mut decoder);
        assert!(matches!(found.end, DecodedEnd::Complete));
        assert_eq!(input.content(&found), b"a");
    }
}
