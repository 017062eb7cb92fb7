//! A buffer that is filled at its end and consumed from its beginning.

/// A worker's buffer, lent to one stream at a time.
pub(super) struct Window {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Window {
    /// A window with room for this many bytes.
    pub(super) fn new(size: usize) -> Self {
        Self {
            buffer: vec![0; size].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// Takes the bytes that a stream kept, and leaves it none.
    pub(super) fn take(&mut self, kept: &mut Vec<u8>) {
        self.start = 0;
        self.end = 0;
        self.reserve(kept.len());
        self.buffer[..kept.len()].copy_from_slice(kept);
        self.end = kept.len();
        *kept = Vec::new();
    }

    /// The bytes that a stream must keep.
    pub(super) fn give_back(&mut self) -> Vec<u8> {
        let kept = self.bytes().to_vec();
        self.start = 0;
        self.end = 0;
        kept
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    pub(super) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buffer[self.start..self.end]
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.end
    }

    pub(super) fn len(&self) -> usize {
        self.end - self.start
    }

    pub(super) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.is_empty() {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Makes room for `size` bytes behind the present ones.
    pub(super) fn reserve(&mut self, size: usize) {
        if self.buffer.len() - self.end >= size {
            return;
        }
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < size {
            let mut larger = std::mem::take(&mut self.buffer).into_vec();
            larger.resize(self.end + size, 0);
            self.buffer = larger.into_boxed_slice();
        }
    }

    /// The room behind the present bytes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.buffer[self.end..]
    }

    /// Adds this many bytes that were put into the room.
    pub(super) fn add(&mut self, count: usize) {
        self.end += count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_in_at_the_end_and_out_at_the_beginning() {
        let mut window = Window::new(4);
        window.take(&mut b"abc".to_vec());
        window.consume(2);
        assert_eq!(window.bytes(), b"c");
        assert_eq!(window.room().len(), 1);
        window.reserve(3);
        window.room()[..3].copy_from_slice(b"def");
        window.add(3);
        assert_eq!((window.bytes(), window.len()), (&b"cdef"[..], 4));
        window.reserve(2);
        assert!(window.room().len() >= 2);
        assert_eq!(window.give_back(), b"cdef");
        assert!(window.is_empty());
    }
}
