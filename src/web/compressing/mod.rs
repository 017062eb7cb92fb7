//! Compression on request: text without a precompressed sibling is sent through gzip, and the result is kept.
//!
//! - A text is compressed in portions, each in a blocking turn of the request (`compression_job`). Between two portions
//!   other connections have their turns, and the file is looked up again.
//! - The result is kept with the metadata of the file, and is valid only as long as these do not change (`kept_texts`).
//!   Its entity tag is derived from the metadata and the compressor.
//! - A request for a text that another request compresses at this moment gets the plain file, and does not wait.
//!
//! A file that changed less than a second ago is not compressed, since it may change again. No file is compressed for a request with
//! credentials inside TLS: the length of a compressed response can reveal a secret in it to an attacker whose text is in the
//! same response (BREACH).

mod compressed_text;
mod compression_job;
pub(super) mod kept_texts;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(super) use self::compressed_text::CompressedText;

use self::compressed_text::fingerprint;
use self::compression_job::JobProgress;
use self::kept_texts::{JobOutcome, TextFinding};
use super::fields::{gzip_or_plain, variant_tag_of};
use super::site::Site;
use crate::blocking::WouldBlock;
use crate::http::semantics::media_type::is_compressible;
use crate::http::semantics::negotiation::encoding::{Choice, Coding};
use crate::http::{Request, Scheme};
use crate::server::Turn;
use crate::store::{Certainty, Metadata, ReadableFile};

/// Bytes of the shortest text that is compressed. A shorter one fits into one packet uncompressed.
const SHORTEST: u64 = 1024;

/// Bytes of the longest text that is compressed: a tenth of a second of work.
const LONGEST: u64 = 4 * 1024 * 1024;

/// The time for which a file must not have changed before it is compressed.
const UNCHANGED: Duration = Duration::from_secs(1);

/// The entity tag of the compressed form of a file with these metadata.
pub(super) fn compressed_tag(metadata: &Metadata) -> String {
    variant_tag_of(metadata, &format!("gzip-{:08x}", fingerprint()))
}

impl Site {
    /// Whether the file `found` of this media type may be compressed for this request.
    pub(super) fn compresses(
        &self,
        request: &Request<'_>,
        media_type: &str,
        found: &ReadableFile,
    ) -> bool {
        let is_old_enough = || {
            let age = SystemTime::now().duration_since(found.metadata.changed());
            age.is_ok_and(|age| age > UNCHANGED)
        };
        self.texts.is_some()
            && (SHORTEST..=LONGEST).contains(&found.metadata.length())
            && is_compressible(media_type)
            && gzip_or_plain(request) == Choice::Coded(Coding::Gzip)
            && !has_secrets(request)
            && found.certainty == Certainty::Certain
            && is_old_enough()
    }

    /// The compressed form of the file `found` at `path`; `None` if the plain file is to be sent.
    ///
    /// # Errors
    /// If it needs a blocking turn, or another one.
    pub(super) fn compressed(
        &self,
        path: &[u8],
        found: &ReadableFile,
        turn: &Turn<'_>,
    ) -> Result<Option<Arc<CompressedText>>, WouldBlock> {
        let Some(texts) = &self.texts else {
            return Ok(None);
        };
        match texts.find(path, &found.metadata) {
            TextFinding::Compressed(text) => return Ok(Some(text)),
            TextFinding::SentAsItIs => return Ok(None),
            TextFinding::ToBeMade => {}
        }
        let blocking = turn.permission().require()?;
        let length = found.metadata.length();
        let Some(job) = texts.claim(path, &found.metadata) else {
            return Ok(None);
        };
        let outcome = match job.advance(&found.content, length) {
            JobProgress::More(job) => {
                texts.finish(path, &found.metadata, JobOutcome::Portion(job));
                return Err(blocking.in_another_turn());
            }
            // The file changed while it was read, so the text belongs to none of its states.
            JobProgress::Done(_) if !found.is_unchanged(blocking) => JobOutcome::Failed,
            JobProgress::Done(text) => JobOutcome::Compressed(Arc::new(text)),
            JobProgress::NotShorter => JobOutcome::NotShorter,
            JobProgress::Failed(error) => {
                log::debug!("GET: cannot compress: {error}");
                JobOutcome::Failed
            }
        };
        let text = match &outcome {
            JobOutcome::Compressed(text) => Some(Arc::clone(text)),
            JobOutcome::Portion(_) | JobOutcome::NotShorter | JobOutcome::Failed => None,
        };
        texts.finish(path, &found.metadata, outcome);
        Ok(text)
    }
}

/// Whether the response may contain secrets that TLS protects.
fn has_secrets(request: &Request<'_>) -> bool {
    let mut fields = ["Authorization", "Cookie"].into_iter();
    request.scheme == Scheme::Https && fields.any(|name| request.field(name).is_some())
}
