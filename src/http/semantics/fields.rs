//! The value of a field that may have several lines.

use std::borrow::Cow;

use crate::http::Request;

/// The value of a field; several lines of it are joined with commas (RFC 9110 §5.3).
pub(crate) fn combined<'h>(request: &Request<'h>, name: &str) -> Option<Cow<'h, [u8]>> {
    let mut values = request.fields(name);
    let first = values.next()?;
    let mut whole = Cow::Borrowed(first);
    for value in values {
        let text = whole.to_mut();
        text.extend_from_slice(b", ");
        text.extend_from_slice(value);
    }
    Some(whole)
}
