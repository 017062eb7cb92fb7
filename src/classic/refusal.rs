//! How a request is refused: recorded, then answered without content.

use super::name::name;
use crate::connection::Response;
use crate::files::Files;
use crate::http::{self, Refusal, Request};
use crate::refusing::ReceivedLine;
use crate::requester::Requester;

/// The parts of a request for its entry.
pub(super) fn received<'r>(request: &Request<'r>, requester: &'r Requester) -> ReceivedLine<'r> {
    ReceivedLine::of(request, requester).named(name(request))
}

/// Records a refusal and responds with it; see [`Files::record_refusal`].
pub(super) fn refuse(
    files: &Files,
    received: &ReceivedLine<'_>,
    refusal: Refusal,
    worker: Option<usize>,
) -> Response {
    let entry = received.record(files, refusal.status, worker);
    let fields = refusal.fields.clone();
    Response {
        fields,
        ..Response::refused(refusal).recorded(entry)
    }
}

/// The response to a PUT that states no length, with the only other field of this dialect.
///
/// In this dialect the content of such a PUT is everything that follows; by RFC 9112 §6.3 it has no content. A proxy
/// must not reuse the connection, or the next client's request would be read as content.
pub(super) fn closing(mut response: Response) -> Response {
    http::write_field(&mut response.fields, "Connection", b"close");
    response
}
