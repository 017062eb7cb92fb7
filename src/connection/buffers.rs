//! A worker's buffers, lent to the connection that has its turn.

use std::io;

use super::dialect::Block;
use crate::server::Transport;

/// Bytes received at a time. More than the longest head, so that a head always fits.
const INPUT: usize = 128 * 1024;

/// Buffers for output that are kept for the next turns: as many as connections are served together.
const SPARE: usize = 16;

/// Bytes of the largest buffer that is kept so.
const LARGE: usize = 8 * 1024;

/// What a worker needs for any connection, and no connection needs while it waits.
pub struct Buffers {
    pub(super) input: Input,
    /// Bytes to send before anything else is.
    pub(super) output: Vec<u8>,
    /// Empty buffers, for output.
    spare: Vec<Vec<u8>>,
    pub(super) block: Block,
}

/// Received bytes of the connection that has its turn.
pub(super) struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
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
            output: Vec::new(),
            spare: Vec::new(),
            block: Block::default(),
        }
    }

    /// Starts a turn with the output that a connection kept.
    pub(super) fn take_output(&mut self, unsent: &mut Vec<u8>) {
        self.output.clear();
        if !unsent.is_empty() {
            let free = std::mem::replace(&mut self.output, std::mem::take(unsent));
            if self.spare.len() < SPARE && (1..=LARGE).contains(&free.capacity()) {
                self.spare.push(free);
            }
        }
    }

    /// Ends a turn: the output, in its buffer, for a connection that goes on soon.
    pub(super) fn hand_over_output(&mut self) -> Vec<u8> {
        let free = self.spare.pop().unwrap_or_default();
        std::mem::replace(&mut self.output, free)
    }
}

impl Input {
    /// Starts a turn with what a connection kept.
    pub(super) fn take_over(&mut self, unused: &mut Vec<u8>) {
        self.start = 0;
        self.end = unused.len();
        self.buffer[..self.end].copy_from_slice(unused);
        *unused = Vec::new();
    }

    /// Ends a turn: what a connection must keep.
    pub(super) fn hand_back(&mut self) -> Vec<u8> {
        let unused = self.bytes().to_vec();
        self.start = 0;
        self.end = 0;
        unused
    }

    /// What was received and not consumed.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Whether another receive has room without anything being consumed first.
    pub(super) fn has_room(&self) -> bool {
        self.end - self.start < self.buffer.len()
    }

    /// Receives once, behind what is there.
    pub(super) fn receive(&mut self, transport: &impl Transport) -> Received {
        if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let room = self.buffer.len() - self.end;
        match transport.receive(&mut self.buffer[self.end..]) {
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
