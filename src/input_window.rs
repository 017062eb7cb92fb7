//! A fixed-size window that moves over an input: the buffer for reading a request log or a seal.
//!
//! Unlike [`std::io::BufRead`] it can return *a given number* of bytes at once, or read more, and it tracks its
//! position. It does not interpret the bytes.

use std::io::{self, Read};

/// The unread bytes of an input, in constant memory.
#[derive(Debug)]
pub(crate) struct InputWindow<R> {
    input: R,
    buffer: Vec<u8>,
    /// The unread bytes are `buffer[start..end]`.
    start: usize,
    end: usize,
    /// The position of `buffer[start]` in the input.
    position: u64,
}

impl<R: Read> InputWindow<R> {
    /// A window of `capacity` bytes over `input`, which begins at `position`.
    pub(crate) fn new(input: R, capacity: usize, position: u64) -> Self {
        Self {
            input,
            buffer: vec![0; capacity],
            start: 0,
            end: 0,
            position,
        }
    }

    /// The position of the first unread byte.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// The fetched bytes that are not consumed yet.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Fetches until `wanted` bytes are unread, and returns the unread bytes but no more than `wanted`: fewer
    /// only at the end of the input. `wanted` is at most the capacity.
    pub(crate) fn fill(&mut self, wanted: usize) -> io::Result<&[u8]> {
        while self.unread().len() < wanted && self.fetch()? {}
        let unread = self.unread();
        Ok(&unread[..unread.len().min(wanted)])
    }

    /// Fetches some more bytes with one read; `false` at the end of the input or if the window is full.
    pub(crate) fn fetch(&mut self) -> io::Result<bool> {
        if self.start > 0 && self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        loop {
            match self.input.read(&mut self.buffer[self.end..]) {
                Ok(count) => {
                    self.end += count;
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Fetches until `find` succeeds in the first `limit` unread bytes, and returns the index; `None` if it fails in
    /// all of them or the input ends. No byte is searched twice.
    pub(crate) fn find(
        &mut self,
        limit: usize,
        find: impl Fn(&[u8]) -> Option<usize>,
    ) -> io::Result<Option<usize>> {
        let mut seen = 0;
        loop {
            let unread = self.unread();
            let unread = &unread[..unread.len().min(limit)];
            if let Some(at) = find(&unread[seen..]) {
                return Ok(Some(seen + at));
            }
            seen = unread.len();
            if seen == limit || !self.fetch()? {
                return Ok(None);
            }
        }
    }

    /// Moves on by `count` bytes, at most as many as are unread, and returns them.
    pub(crate) fn take(&mut self, count: usize) -> &[u8] {
        let start = self.start;
        let count = count.min(self.unread().len());
        self.consume(count);
        &self.buffer[start..start + count]
    }

    /// Moves on by `count` bytes, at most as many as are unread.
    pub(crate) fn consume(&mut self, count: usize) {
        let count = count.min(self.unread().len());
        self.start += count;
        self.position += count as u64;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }
}

/// A length that fits memory; a larger one is cut.
pub(crate) fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns one byte at a time, and is interrupted before each.
    struct Drip<'a>(&'a [u8], bool);

    impl Read for Drip<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let count = out.len().min(1);
            self.0.read(&mut out[..count])
        }
    }

    #[test]
    fn gives_what_is_wanted_and_knows_where_it_is() {
        let mut window = InputWindow::new(Drip(b"abcdefghij", false), 4, 100);
        assert_eq!(window.fill(3).unwrap(), b"abc");
        window.consume(2);
        assert_eq!(window.position(), 102);
        assert_eq!(window.fill(4).unwrap(), b"cdef");
        assert_eq!(window.fill(2).unwrap(), b"cd");
        assert!(!window.fetch().unwrap(), "the window is full");
        window.consume(4);
        assert_eq!(window.fill(4).unwrap(), b"ghij");
        window.consume(3);
        assert_eq!(window.fill(4).unwrap(), b"j");
        window.consume(9);
        assert_eq!(window.position(), 110);
        assert_eq!(window.fill(4).unwrap(), b"");
    }

    #[test]
    fn finds_what_is_within_the_limit() {
        let find = |bytes: &[u8]| bytes.iter().position(|&byte| byte == b'\n');
        let mut window = InputWindow::new(Drip(b"ab\ncdef\ngh", false), 6, 0);
        assert_eq!(window.find(4, find).unwrap(), Some(2));
        assert_eq!(window.take(3), b"ab\n");
        assert_eq!(window.find(4, find).unwrap(), None, "one byte too far");
        assert_eq!(window.unread(), b"cdef");
        assert_eq!(window.find(5, find).unwrap(), Some(4));
        assert_eq!(window.take(5), b"cdef\n");
        assert_eq!(window.find(5, find).unwrap(), None, "the input ends");
        assert_eq!(window.take(9), b"gh");
        assert_eq!(window.position(), 10);
    }
}
