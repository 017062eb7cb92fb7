//! Listings that clients have asked for and not taken yet: how much memory they hold together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::connection::{Content, Held};

/// Bytes that they may hold together: dozens of the longest usual ones.
const MOST: usize = 64 * 1024 * 1024;

/// A part of a listing: what is sent of it is given back in portions of this length.
const PART: usize = 32 * 1024;

/// See the module's description.
#[derive(Default)]
pub(crate) struct Untaken {
    bytes: Arc<AtomicUsize>,
}

/// A part that is not sent yet.
struct Part {
    text: Box<[u8]>,
    /// Those of all parts.
    bytes: Arc<AtomicUsize>,
}

impl Untaken {
    /// The text as content, part by part; `None` if too much is waiting to be taken already.
    ///
    /// One part alone is always taken: a connection may keep as much for any answer.
    pub(crate) fn content(&self, text: &[u8]) -> Option<Content> {
        if text.len() <= PART {
            return Some(Content::Memory(Arc::from(text)));
        }
        self.bytes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |held| {
                Some(held + text.len()).filter(|&held| held <= MOST)
            })
            .ok()?;
        let parts: VecDeque<_> = text
            .chunks(PART)
            .map(|text| {
                Content::Held(Arc::new(Part {
                    text: text.into(),
                    bytes: Arc::clone(&self.bytes),
                }))
            })
            .collect();
        Some(Content::Sequence(parts))
    }
}

impl Held for Part {
    fn bytes(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.text.len(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_makes_room() {
        let untaken = Untaken::default();
        let text = vec![b'x'; MOST / 2];
        let first = untaken.content(&text).unwrap();
        assert_eq!(first.length(), Some(text.len() as u64));
        let Some(Content::Sequence(mut second)) = untaken.content(&text) else {
            panic!("no room for the second");
        };
        assert!(untaken.content(&text[..=PART]).is_none());
        second.truncate(second.len() - 2);
        assert!(untaken.content(&text[..=PART]).is_some());
        drop((first, second));
        assert_eq!(untaken.bytes.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_fits_one_part_is_always_taken() {
        let untaken = Untaken::default();
        let _all = untaken.content(&vec![b'x'; MOST]).unwrap();
        for length in [0, 1, PART] {
            let content = untaken.content(&vec![b'y'; length]).unwrap();
            assert_eq!(content.length(), Some(length as u64));
        }
    }
}
