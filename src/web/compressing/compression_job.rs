//! A text that is being compressed in portions. The job depends neither on the path of the file nor on the request.

use std::io::{self, Write};

use flate2::write::GzEncoder;

use super::compressed_text::{CompressedText, LEVEL};
use crate::store::FileContent;
use crate::web::memory_budget::{COMPRESSOR, MemoryShare};

/// Bytes that are compressed in one portion: less than a millisecond of work.
const PORTION: usize = 32 * 1024;

/// See the module's description.
pub(super) struct CompressionJob {
    encoder: GzEncoder<Vec<u8>>,
    /// Bytes of the file that are compressed so far.
    position: u64,
    share: MemoryShare,
}

/// The result of one portion of work.
pub(super) enum JobProgress {
    /// More portions remain.
    More(Box<CompressionJob>),
    /// The text is complete.
    Done(CompressedText),
    /// The result would not be short enough to be worth it.
    NotShorter,
    /// The file cannot be read.
    Failed(io::Error),
}

impl CompressionJob {
    /// Bytes of memory of a job for a file of this length, including the result.
    pub(super) fn size(length: u64) -> usize {
        let longest = usize::try_from(longest_result(length)).unwrap_or(usize::MAX);
        longest.saturating_add(COMPRESSOR)
    }

    /// A job with this share of [`CompressionJob::size`] bytes.
    pub(super) fn new(share: MemoryShare) -> Box<Self> {
        Box::new(Self {
            encoder: GzEncoder::new(Vec::new(), LEVEL),
            position: 0,
            share,
        })
    }

    /// Compresses one portion of a file with this content and length.
    pub(super) fn advance(mut self: Box<Self>, content: &FileContent, length: u64) -> JobProgress {
        let left = length.saturating_sub(self.position);
        let mut portion = vec![0; usize::try_from(left).map_or(PORTION, |left| left.min(PORTION))];
        // The portion is always filled, so the same file always has the same compressed bytes.
        if let Err(error) = read_exactly(content, self.position, &mut portion) {
            return JobProgress::Failed(error);
        }
        if let Err(error) = self.encoder.write_all(&portion) {
            return JobProgress::Failed(error);
        }
        self.position += portion.len() as u64;
        let is_longer = |bytes: &Vec<u8>| bytes.len() as u64 > longest_result(length);
        if is_longer(self.encoder.get_ref()) {
            return JobProgress::NotShorter;
        }
        if self.position < length {
            return JobProgress::More(self);
        }
        match self.encoder.finish() {
            Ok(bytes) if is_longer(&bytes) => JobProgress::NotShorter,
            Ok(bytes) => JobProgress::Done(CompressedText::new(bytes, self.share)),
            Err(error) => JobProgress::Failed(error),
        }
    }
}

/// The most bytes of a result that is worth it for a file of this length: seven eighths.
fn longest_result(length: u64) -> u64 {
    length - length / 8
}

fn read_exactly(content: &FileContent, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read_at(offset + filled as u64, &mut buffer[filled..])? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::sync::Arc;

    use flate2::read::GzDecoder;

    use super::*;
    use crate::connection::ResponseContent;
    use crate::web::memory_budget::MemoryBudget;

    /// Compresses this content; returns the number of portions and the result.
    fn compressed(bytes: &[u8], length: u64) -> (usize, JobProgress) {
        let budget = MemoryBudget::of_memory(u64::MAX, 1, usize::MAX);
        let mut share = budget.hold();
        assert!(share.grow(CompressionJob::size(length)));
        let mut job = CompressionJob::new(share);
        let content = FileContent::Memory(bytes.into());
        for portions in 1.. {
            match job.advance(&content, length) {
                JobProgress::More(more) => job = more,
                other => return (portions, other),
            }
        }
        unreachable!("the job ends");
    }

    fn text(length: usize) -> Vec<u8> {
        let line = b"the same line again and again, with little that is new\n";
        line.iter().copied().cycle().take(length).collect()
    }

    #[test]
    fn text_comes_back_in_the_fewest_portions() {
        for (length, expected) in [
            (1, 1),
            (1024, 1),
            (PORTION, 1),
            (PORTION + 1, 2),
            (200_000, 7),
        ] {
            let bytes = text(length);
            let (portions, progress) = compressed(&bytes, length as u64);
            assert_eq!(portions, expected, "{length}");
            let text = match progress {
                JobProgress::Done(text) => Arc::new(text),
                JobProgress::NotShorter if length == 1 => continue,
                _ => panic!("{length}: not compressed"),
            };
            assert!(text.length() < length as u64 / 2);
            let ResponseContent::Sequence(parts) = text.part(0, text.length()) else {
                panic!("no sequence");
            };
            let coded = parts.iter().flat_map(|part| match part {
                ResponseContent::TrackedBytes(part) => part.bytes().to_vec(),
                _ => panic!("other content"),
            });
            let coded: Vec<u8> = coded.collect();
            let mut decoded = Vec::new();
            let mut gunzip = GzDecoder::new(coded.as_slice());
            gunzip.read_to_end(&mut decoded).unwrap();
            assert!(decoded == bytes, "{length}");
        }
    }

    #[test]
    fn compression_of_noise_ends_early() {
        let mut number = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            number = number
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            number.to_be_bytes()[0]
        })
        .take(40 * PORTION)
        .collect();
        let (portions, progress) = compressed(&noise, noise.len() as u64);
        assert!(matches!(progress, JobProgress::NotShorter));
        assert!(portions < 40, "{portions}");
    }

    #[test]
    fn file_that_became_shorter_fails() {
        let (_, progress) = compressed(&text(PORTION + 10), 2 * PORTION as u64);
        assert!(matches!(progress, JobProgress::Failed(_)));
    }
}
