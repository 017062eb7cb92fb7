//! The digests of one upload: those in its fields, and that of its content (RFC 9530).

use crate::http::semantics::digest::{self, Hasher, Sha256Digest};
use crate::http::semantics::fields::combined;
use crate::http::{Refusal, Request};

/// Digests of an upload (RFC 9530): those in its fields, and that of its content.
pub(super) struct UploadDigests {
    sent: Vec<Sha256Digest>,
    is_wanted: bool,
    /// `None` if no digest was sent or requested.
    hasher: Option<Hasher>,
}

impl UploadDigests {
    /// The digests of a request.
    ///
    /// # Errors
    /// 400 if one of them is invalid.
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        let mut sent = Vec::new();
        // A file is stored unchanged, so both fields cover the same bytes.
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

    /// Adds the next piece of the content.
    pub(super) fn update(&mut self, content: &[u8]) {
        if let Some(hasher) = &mut self.hasher {
            hasher.update(content);
        }
    }

    /// The digest of the content if it is requested.
    ///
    /// # Errors
    /// 400 if another digest was sent.
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
