//! A compressed text, and parts of it as content. Its memory counts until the last response with it has ended.

use std::collections::VecDeque;
use std::io::Write;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use flate2::write::GzEncoder;
use flate2::{Compression, Crc};

use crate::connection::{ResponseContent, TrackedBytes};
use crate::web::memory_budget::MemoryShare;

/// Bytes of one part of the content.
const PART: usize = 32 * 1024;

/// The default level of gzip: a better result is worth the time, since it is kept.
pub(super) const LEVEL: Compression = Compression::new(6);

/// See the module's description.
pub(in crate::web) struct CompressedText {
    bytes: Box<[u8]>,
    _share: MemoryShare,
}

/// A part of a text.
struct TextPart {
    text: Arc<CompressedText>,
    range: Range<usize>,
}

impl CompressedText {
    /// A text of these bytes. `share` has at least as many, and the rest is returned.
    pub(super) fn new(bytes: Vec<u8>, mut share: MemoryShare) -> Self {
        share.shrink_to(bytes.len());
        Self {
            bytes: bytes.into_boxed_slice(),
            _share: share,
        }
    }

    /// The number of its bytes.
    pub(in crate::web) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// `length` bytes from `offset` on, up to the end of the text.
    pub(in crate::web) fn part(self: &Arc<Self>, offset: u64, length: u64) -> ResponseContent {
        let within =
            |at: u64| usize::try_from(at).map_or(self.bytes.len(), |at| at.min(self.bytes.len()));
        let (start, end) = (within(offset), within(offset.saturating_add(length)));
        let parts = (start..end).step_by(PART).map(|at| {
            let part = TextPart {
                text: Arc::clone(self),
                range: at..end.min(at + PART),
            };
            ResponseContent::TrackedBytes(Arc::new(part))
        });
        ResponseContent::Sequence(parts.collect::<VecDeque<_>>())
    }
}

impl TrackedBytes for TextPart {
    fn bytes(&self) -> &[u8] {
        &self.text.bytes[self.range.clone()]
    }
}

/// A checksum of a compressed sample, which identifies the compressor. A server with another version of the compressor may
/// compress the same file to other bytes, so its entity tags must differ.
pub(super) fn fingerprint() -> u32 {
    static FINGERPRINT: OnceLock<u32> = OnceLock::new();
    *FINGERPRINT.get_or_init(|| {
        let mut encoder = GzEncoder::new(Vec::new(), LEVEL);
        let mut number = 1_u32;
        for line in 0..500 {
            // Pseudo-random numbers between repeated words, so that the compressor finds matches of all kinds.
            number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let word = ["alpha", "beta", "gamma", "delta"][(number >> 30) as usize];
            // Writing into a vector cannot fail.
            let _ = writeln!(encoder, "{line} <{word} n=\"{}\">", number >> (line % 29));
        }
        let mut crc = Crc::new();
        crc.update(&encoder.finish().unwrap_or_default());
        crc.sum()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::memory_budget::MemoryBudget;

    #[test]
    fn parts_joined_are_the_text() {
        let bytes: Vec<u8> = (0..100_000_u32).map(|at| at.to_le_bytes()[0]).collect();
        let budget = MemoryBudget::of_memory(u64::MAX, 1, 200_000);
        let mut share = budget.hold();
        assert!(share.grow(200_000));
        let text = Arc::new(CompressedText::new(bytes.clone(), share));
        for (offset, length) in [
            (0, 100_000),
            (0, 1),
            (5, 40_000),
            (99_999, 1),
            (99_999, 10),
            (100_000, 1),
            (u64::MAX, u64::MAX),
            (7, 0),
        ] {
            let ResponseContent::Sequence(parts) = text.part(offset, length) else {
                panic!("no sequence");
            };
            let mut found = Vec::new();
            for part in parts {
                let ResponseContent::TrackedBytes(part) = part else {
                    panic!("other content");
                };
                assert!((1..=PART).contains(&part.bytes().len()));
                found.extend_from_slice(part.bytes());
            }
            let start = usize::try_from(offset).unwrap().min(bytes.len());
            let end = start + usize::try_from(length).unwrap().min(bytes.len() - start);
            assert_eq!(found, bytes[start..end], "{offset} {length}");
        }
        // Its memory counts until its last part is dropped.
        let part = text.part(0, 1);
        drop(text);
        assert!(!budget.hold().grow(100_001) && budget.hold().grow(100_000));
        drop(part);
        assert!(budget.hold().grow(200_000));
    }

    #[test]
    fn fingerprint_is_always_the_same() {
        assert_eq!(fingerprint(), fingerprint());
        assert_ne!(fingerprint(), 0);
    }
}
