//! The digests of one upload: those that came with it, and what its content has (RFC 9530).

use crate::http::semantics::digest::{self, Hasher, Sha256Digest};
use crate::http::semantics::fields::combined;
use crate::http::{Refusal, Request};

/// Digests of an upload (RFC 9530): those that were sent with it, and its own.
pub(super) struct UploadDigests {
    sent: Vec<Sha256Digest>,
    is_wanted: bool,
    /// `None` if no digest was sent or is wanted.
    hasher: Option<Hasher>,
}

impl UploadDigests {
    /// Those that come with a request.
    ///
    /// # Errors
    /// 400: one of them cannot be read.
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        let mut sent = Vec::new();
        // A file is stored as it comes, so both mean the same bytes.
        for name in ["Content-Digest", "Repr-Digest"] {
            if let Some(field) = combined(request, name) {
                let digest = Sha256Digest::parse(&field)
                    .map_err(|error| Refusal::bad_request(format!("{name}: {error}")))?;
                sent.extend(digest);
            }
        }
        let is_wanted =
            combined(request, "Want-Repr-Digest").is_some_and(|field| digest::is_wanted(&field));
        let hasher = (is_wanted || !sent.is_empty()).then(Hasher::new);
        Ok(Self {
            sent,
            is_wanted,
            hasher,
        })
    }

    /// Takes the next piece of the content.
    pub(super) fn update(&mut self, content: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(content);
        }
    }

    /// The digest of the content if it is wanted.
    ///
    /// # Errors
    /// 400: another digest was sent with it.
    pub(super) fn finish(&mut self) -> Result<Option<Sha256Digest>, Refusal> {
        let Some(hasher) = self.hasher.take() else {
            return Ok(None);
        };
        let own = hasher.finish();
        if let Some(sent) = self.sent.iter().find(|sent| **sent != own) {
            let reason = format!("the content has the digest {own}, not {sent}");
            return Err(Refusal::bad_request(reason));
        }
        Ok(self.is_wanted.then_some(own))
    }
}
