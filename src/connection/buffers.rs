//! A worker's buffers, lent to the connection that has its turn.

use std::io;
use std::ops::Range;

use super::dialect::Block;
use crate::http::{Chunk, ContentDecoder, Refusal};
use crate::server::Transport;

/// Bytes of the input buffer. More than the longest head, so that a head always fits.
const INPUT: usize = 128 * 1024;

/// Bytes of the buffers that are kept for output and for input between two turns. Most connections that are served
/// together need 1 KiB or two each.
const SPARE: usize = 128 * 1024;

/// Bytes of a new buffer, and of the smallest that is kept: a small file with its head.
const SMALL: usize = 2 * 1024;

/// Bytes of the largest that is kept: more than the longest head, or a file that is sent from memory.
const LARGE: usize = 32 * 1024;

/// What a worker needs for any connection, and no connection needs while it waits.
pub struct Buffers {
    pub(super) input: Input,
    pub(super) block: Block,
    /// For a line of a report.
    pub(super) line: Vec<u8>,
    /// Empty buffers, for output and for input between two turns.
    spare: Vec<Vec<u8>>,
    /// Bytes of these.
    spare_bytes: usize,
}

/// Received bytes of the connection that has its turn.
pub(super) struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

/// Content that was decoded in the input.
pub(super) struct Decoded {
    /// Where its bytes are; see [`Input::content`].
    content: Range<usize>,
    /// Bytes on the wire that it took.
    pub(super) used: usize,
    pub(super) end: DecodedEnd,
}

/// Why no more content was decoded.
pub(super) enum DecodedEnd {
    /// More must be received first.
    NeedMore,
    /// The content is complete.
    Complete,
    /// What follows is not content.
    Refused(Refusal),
}

/// What came of one receive.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Received {
    /// So many bytes; the buffer was not filled.
    Some,
    /// As many as the buffer had room for.
    Full,
    /// Nothing for now.
    Nothing,
    /// The peer's end of stream.
    End,
    /// The connection is broken.
    Broken,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            input: Input {
                buffer: vec![0; INPUT].into_boxed_slice(),
                start: 0,
                end: 0,
            },
            block: Block::default(),
            line: Vec::new(),
            spare: Vec::new(),
            spare_bytes: 0,
        }
    }

    /// What was received and not consumed.
    pub(super) fn unread(&self) -> &[u8] {
        self.input.bytes()
    }

    /// Gives a connection without a buffer for output one, if there is one.
    pub(super) fn lend_output(&mut self, output: &mut Vec<u8>) {
        if output.capacity() == 0 {
            *output = self.spare();
        }
    }

    /// Takes a connection's buffer for output back.
    pub(super) fn take_back(&mut self, output: &mut Vec<u8>) {
        self.keep(std::mem::take(output));
    }

    /// Begins to process a connection: takes the input that it kept.
    pub(super) fn take_input(&mut self, unused: &mut Vec<u8>) {
        self.input.start = 0;
        self.input.end = unused.len();
        self.input.buffer[..unused.len()].copy_from_slice(unused);
        self.keep(std::mem::take(unused));
    }

    /// Ends that: what the connection must keep, for long.
    pub(super) fn keep_input(&mut self) -> Vec<u8> {
        let unused = self.input.bytes().to_vec();
        self.input.clear();
        unused
    }

    /// Ends that: what the connection must keep, in a buffer that comes back soon.
    pub(super) fn lend_input(&mut self) -> Vec<u8> {
        let length = self.input.bytes().len();
        if length == 0 || length > LARGE {
            return self.keep_input();
        }
        let mut unused = self.spare();
        unused.extend_from_slice(self.input.bytes());
        self.input.clear();
        unused
    }

    fn spare(&mut self) -> Vec<u8> {
        let Some(buffer) = self.spare.pop() else {
            return Vec::with_capacity(SMALL);
        };
        self.spare_bytes -= buffer.capacity();
        buffer
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        let bytes = buffer.capacity();
        if (SMALL..=LARGE).contains(&bytes) && self.spare_bytes + bytes <= SPARE {
            buffer.clear();
            self.spare_bytes += bytes;
            self.spare.push(buffer);
        }
    }
}

impl Input {
    /// What was received and not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.clear();
        }
    }

    fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Whether another receive has room without anything being consumed first.
    pub(super) fn has_room(&self) -> bool {
        self.end - self.start < self.buffer.len()
    }

    /// Decodes and consumes all that was received, up to the end of the content. The bytes of small chunks are joined.
    pub(super) fn decode(&mut self, decoder: &mut ContentDecoder) -> Decoded {
        let begin = self.start;
        let mut content = begin..begin;
        let end = loop {
            let (used, chunk) = match decoder.step(&self.buffer[self.start..self.end]) {
                Ok(step) => step,
                Err(refusal) => break DecodedEnd::Refused(refusal),
            };
            match chunk {
                Chunk::Data(range) => {
                    let data = self.start + range.start..self.start + range.end;
                    content = join(&mut self.buffer, content, data);
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

    /// The bytes of what was decoded, until the next receive.
    pub(super) fn content(&self, decoded: &Decoded) -> &[u8] {
        &self.buffer[decoded.content.clone()]
    }

    /// Receives once, `limit` bytes at most, behind what is there.
    pub(super) fn receive(&mut self, transport: &impl Transport, limit: usize) -> Received {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = limit.min(self.buffer.len() - self.end);
        match transport.receive(&mut self.buffer[self.end..self.end + room]) {
            Ok(0) => Received::End,
            Ok(count) => {
                self.end += count;
                if count == room {
                    Received::Full
                } else {
                    Received::Some
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Received::Nothing,
            Err(error) => {
                log::debug!("cannot receive: {error}");
                Received::Broken
            }
        }
    }
}

/// Moves `data` to the end of `content`, which lies before it; returns where both are.
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
        let mut input = Buffers::new().input;
        input.buffer[7..7 + bytes.len()].copy_from_slice(bytes);
        (input.start, input.end) = (7, 7 + bytes.len());
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
    fn few_bytes_of_spare_buffers_are_kept() {
        let mut buffers = Buffers::new();
        for capacity in [1, SMALL, LARGE + 1, LARGE, LARGE, LARGE, LARGE, SMALL] {
            buffers.keep(vec![0; capacity]);
        }
        assert_eq!(buffers.spare_bytes, 3 * LARGE + 2 * SMALL);
        assert_eq!(buffers.spare().capacity(), SMALL);
        for _ in 0..3 {
            assert_eq!(buffers.spare().capacity(), LARGE);
        }
        assert_eq!(buffers.spare_bytes, SMALL);
    }
}
