//! Listings that clients have asked for and not taken yet: how much memory they hold together.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::connection::Content;

/// Bytes that they may hold together: thirty of the longest, or thousands of usual ones.
const MOST: usize = 64 * 1024 * 1024;

/// A part of a listing; what is sent of it is given back in portions of this length.
const PART: usize = 32 * 1024;

/// See the module's description.
#[derive(Default)]
pub(super) struct Untaken {
    /// All parts that may still be there; held to add some and to forget those that are sent.
    parts: Mutex<Vec<Weak<[u8]>>>,
}

impl Untaken {
    /// The text as content, part by part; `None` if too much is waiting to be taken already.
    pub(super) fn content(&self, text: &[u8]) -> Option<Content> {
        let mut parts = self.parts.lock().unwrap_or_else(PoisonError::into_inner);
        parts.retain(|part| part.strong_count() > 0);
        let held: usize = parts
            .iter()
            .filter_map(Weak::upgrade)
            .map(|part| part.len())
            .sum();
        if held + text.len() > MOST {
            return None;
        }
        let content: VecDeque<_> = text
            .chunks(PART)
            .map(|part| {
                let part = Arc::from(part);
                parts.push(Arc::downgrade(&part));
                Content::Memory(part)
            })
            .collect();
        Some(Content::Sequence(content))
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
        assert!(untaken.content(b"x").is_none());
        second.pop_front();
        assert!(untaken.content(&text[..PART]).is_some());
        drop((first, second));
        assert!(untaken.content(&text).is_some());
    }

    #[test]
    fn nothing_is_content_too() {
        assert_eq!(Untaken::default().content(b"").unwrap().length(), Some(0));
    }
}
