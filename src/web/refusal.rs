//! The response to a refused request: its status, its entry, and the page with the reason.

use std::sync::Arc;

use super::pages::document;
use super::pages::error::{self, WayBack};
use crate::blocking::WouldBlock;
use crate::connection::{Preparation, Response, ResponseContent};
use crate::files::UploadError;
use crate::http::semantics::whole::NotWhole;
use crate::http::{Refusal, StatusCode};
use crate::refusing::{Operation, cannot_change, status_of};
use crate::store::StoreErrorKind;

/// The response to a refused request, with a page without links.
pub(super) fn respond(refusal: Refusal) -> Response {
    respond_with(refusal, WayBack::Nowhere)
}

/// The response to a refused request, with a page.
///
/// The page has the reason, except for 404, where the reason could reveal a hidden file.
pub(super) fn respond_with(refusal: Refusal, way_back: WayBack) -> Response {
    let status = refusal.status;
    let mut fields = refusal.fields.clone();
    document::write_fields(&mut fields, error::content_security_policy());
    let reason = match status {
        StatusCode::NotFound => "there is nothing at this address",
        _ => &*refusal.reason,
    };
    let page = error::render(status, reason, way_back);
    let content = ResponseContent::Memory(Arc::from(page.into_bytes()));
    Response {
        refusal: Some(refusal),
        ..Response::new(status, fields, content)
    }
}

/// The response to partial or encoded content.
pub(super) fn not_whole(what: NotWhole) -> Refusal {
    match what {
        NotWhole::Part(_) => Refusal::bad_request(what.to_string()),
        // RFC 9110 §15.5.16
        NotWhole::Coded => Refusal::new(StatusCode::UnsupportedMediaType, what.to_string())
            .with("Accept-Encoding", b"identity"),
    }
}

/// The response to HEAD: that to GET, without its content (RFC 9110 §9.3.2).
pub(super) fn without_content(mut response: Response) -> Response {
    if let Some(length) = response.content.length() {
        response.content = ResponseContent::Omitted(length);
    }
    response
}

/// Why there is no successful response yet.
pub(super) enum Stop {
    /// The request is refused.
    Refused(Refusal),
    /// It needs a blocking turn.
    WouldBlock(WouldBlock),
    /// The response takes more than one turn.
    Prepare(Box<dyn Preparation>),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<WouldBlock> for Stop {
    fn from(would_block: WouldBlock) -> Self {
        Self::WouldBlock(would_block)
    }
}

/// The response to a request for a concealed name.
pub(super) fn concealed() -> Refusal {
    Refusal::new(StatusCode::NotFound, "the name is hidden or reserved")
}

/// The response to a failed upload.
pub(super) fn cannot_store(error: &UploadError) -> Refusal {
    match error {
        UploadError::Store(error) if error.kind == StoreErrorKind::NotFound => {
            let reason = "a component of the path is not a directory";
            Refusal::new(status_of(error.kind, Operation::WebPut), reason)
        }
        _ => cannot_change(error, Operation::WebPut),
    }
}
