//! Request fields of this dialect, and the conditions in them.

use std::borrow::Cow;
use std::time::SystemTime;

use crate::http::Request;
use crate::http::semantics::conditional::{self, Outcome, PreconditionFields, Validators};
use crate::http::semantics::etag::FileState;
use crate::http::semantics::fields::combined;
use crate::http::semantics::negotiation::encoding::{Choice, Coding, choose};
use crate::http::semantics::{date, etag};
use crate::store::Metadata;

/// The conditional fields of a request.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_field_names, reason = "the fields' own names")]
pub(super) struct Preconditions<'h> {
    if_match: Option<Cow<'h, [u8]>>,
    if_none_match: Option<Cow<'h, [u8]>>,
    if_modified_since: Option<Cow<'h, [u8]>>,
    if_unmodified_since: Option<Cow<'h, [u8]>>,
}

impl<'h> Preconditions<'h> {
    pub(super) fn of(request: &Request<'h>) -> Self {
        Self {
            if_match: combined(request, "If-Match"),
            if_none_match: combined(request, "If-None-Match"),
            if_modified_since: combined(request, "If-Modified-Since"),
            if_unmodified_since: combined(request, "If-Unmodified-Since"),
        }
    }

    /// The same, for as long as an upload takes.
    pub(super) fn into_owned(self) -> Preconditions<'static> {
        let owned =
            |value: Option<Cow<'_, [u8]>>| value.map(|value| Cow::Owned(value.into_owned()));
        Preconditions {
            if_match: owned(self.if_match),
            if_none_match: owned(self.if_none_match),
            if_modified_since: owned(self.if_modified_since),
            if_unmodified_since: owned(self.if_unmodified_since),
        }
    }

    /// Whether the only condition is that the file does not exist.
    pub(super) fn only_creates(&self) -> bool {
        self.if_match.is_none()
            && self.if_unmodified_since.is_none()
            && matches!(self.if_none_match.as_deref(), Some(b"*"))
    }

    pub(super) fn evaluate(
        &self,
        method: conditional::ConditionalMethod,
        current: Option<&Validators<'_>>,
    ) -> Outcome {
        let conditions = PreconditionFields {
            if_match: self.if_match.as_deref(),
            if_none_match: self.if_none_match.as_deref(),
            if_modified_since: self.if_modified_since.as_deref(),
            if_unmodified_since: self.if_unmodified_since.as_deref(),
        };
        conditional::evaluate(method, &conditions, current)
    }

    /// Whether a change of the current file, if there is one, is permitted. A directory has no validators, so
    /// conditions can only require that it exists.
    pub(super) fn permits(
        &self,
        method: conditional::ConditionalMethod,
        current: Option<&Metadata>,
    ) -> bool {
        if current.is_some_and(Metadata::is_directory) {
            return self.evaluate(method, Some(&Validators::default())) == Outcome::Proceed;
        }
        let tagged = current.map(|metadata| (etag_of(metadata), last_modified(metadata)));
        let validators = tagged.as_ref().map(|(etag, modified)| Validators {
            etag: Some(etag),
            modified: *modified,
        });
        self.evaluate(method, validators.as_ref()) == Outcome::Proceed
    }
}

/// The client's choice between gzip and the plain form (RFC 9110 §12.5.3).
pub(super) fn gzip_or_plain(request: &Request<'_>) -> Choice {
    let accepted = combined(request, "Accept-Encoding");
    choose(accepted.as_deref(), &[Coding::Gzip])
}

/// The modification time of a file; `None` for the epoch and earlier, since tools set the epoch if they know no time.
pub(super) fn last_modified(metadata: &Metadata) -> Option<SystemTime> {
    let modified = metadata.modified();
    (date::seconds(modified) > 0).then_some(modified)
}

/// The entity tag of a file that is sent without a coding.
pub(super) fn etag_of(metadata: &Metadata) -> String {
    tag_of(metadata, None)
}

/// The entity tag of a precompressed sibling in this content coding.
pub(super) fn sibling_tag_of(metadata: &Metadata, coding: Coding) -> String {
    tag_of(metadata, Some(coding.token()))
}

/// The entity tag of a form of a file that the server makes; `variant` identifies how.
pub(super) fn variant_tag_of(metadata: &Metadata, variant: &str) -> String {
    tag_of(metadata, Some(variant))
}

fn tag_of(metadata: &Metadata, variant: Option<&str>) -> String {
    let state = FileState {
        inode: metadata.inode(),
        modified: metadata.modified(),
        changed: metadata.changed(),
        size: metadata.length(),
    };
    etag::strong(&state, variant)
}
