//! A worker's buffers, lent to the connection that has its turn.

use super::dialect::Block;
use super::input::Input;
use super::kept::Kept;
use crate::tls::TlsBuffers;

/// Bytes of the buffers that are kept for output and for input between two turns. Most connections that are served
/// together need 1 KiB or two each.
const SPARE: usize = 128 * 1024;

/// Bytes of a new buffer, and of the smallest that is kept: a small file with its head.
const SMALL: usize = 2 * 1024;

/// Bytes of the largest that is kept: more than the longest head, or a file that is sent from memory.
const LARGE: usize = 32 * 1024;

/// The buffers of a worker, which no connection needs while it waits.
pub struct Buffers {
    pub(super) input: Input,
    pub(super) block: Block,
    /// For records of TLS.
    pub(super) tls: TlsBuffers,
    /// For a line of a report.
    pub(super) line: Vec<u8>,
    /// Empty buffers, for output and for input between two turns.
    spare: Vec<Vec<u8>>,
    /// Bytes of these.
    spare_bytes: usize,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            input: Input::new(),
            block: Block::default(),
            tls: TlsBuffers::default(),
            line: Vec::new(),
            spare: Vec::new(),
            spare_bytes: 0,
        }
    }

    /// Received bytes that are not consumed yet.
    pub(super) fn unread(&self) -> &[u8] {
        self.input.bytes()
    }

    /// Lends a buffer for output to a connection without one.
    pub(super) fn lend_output(&mut self, output: &mut Vec<u8>) {
        if output.capacity() == 0 {
            *output = self.spare();
        }
    }

    /// Takes a connection's buffer for output back.
    pub(super) fn take_back(&mut self, output: &mut Vec<u8>) {
        self.keep(std::mem::take(output));
    }

    /// Begins processing a connection: loads the input that it kept.
    pub(super) fn take_input(&mut self, unused: &mut Kept) {
        self.input.set(unused.bytes());
        if let Kept::Heap(buffer) = std::mem::take(unused) {
            self.keep(buffer);
        }
    }

    /// Ends processing: the bytes that the connection must keep for long.
    pub(super) fn keep_input(&mut self) -> Kept {
        let unused = Kept::copy_of(self.input.bytes());
        self.input.clear();
        unused
    }

    /// Ends processing: the bytes that the connection must keep, in a buffer that is returned soon.
    pub(super) fn lend_input(&mut self) -> Kept {
        let length = self.input.bytes().len();
        if length == 0 || length > LARGE {
            return self.keep_input();
        }
        let mut unused = self.spare();
        unused.extend_from_slice(self.input.bytes());
        self.input.clear();
        Kept::Heap(unused)
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

#[cfg(test)]
mod tests {
    use super::*;

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
