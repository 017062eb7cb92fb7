//! The bytes that were sent to a peer, read back strictly as responses of the classic dialect.

use httpserver::http::StatusCode;

/// The other field that a response may have: after a PUT without a stated length.
const CLOSE: &[u8] = b"Connection: close\r\n";

/// One final response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// The value of `Content-Length`.
    pub(crate) length: usize,
    /// The received content; complete, unless the connection broke.
    pub(crate) content: Vec<u8>,
}

/// Reads all final responses; `whole` says that the last one must not be cut short.
pub(crate) fn read(sent: &[u8], whole: bool) -> Vec<Response> {
    let mut rest = sent;
    let mut responses = Vec::new();
    let mut asked = 0;
    while !rest.is_empty() {
        let Some((status, length, head)) = head(rest) else {
            let shown = rest[..rest.len().min(200)].escape_ascii();
            assert!(!whole, "not a response: {shown}");
            assert!(is_begun(rest), "not the beginning of a response: {shown}");
            return responses;
        };
        let is_last = rest[..head].ends_with(b"close\r\n\r\n");
        rest = &rest[head..];
        assert!(
            !is_last || rest.is_empty(),
            "more follows the last response"
        );
        if status == StatusCode::Continue.code() {
            asked += 1;
            assert!(asked == 1, "asked for one content twice");
            continue;
        }
        asked = 0;
        let (content, after) = rest.split_at(length.min(rest.len()));
        assert!(!whole || content.len() == length, "content is cut short");
        rest = after;
        responses.push(Response {
            status,
            length,
            content: content.to_vec(),
        });
    }
    assert!(!whole || asked == 0, "asked for content, and no answer");
    responses
}

/// The status, the `Content-Length`, and the length of the head that `sent` begins with.
fn head(sent: &[u8]) -> Option<(u16, usize, usize)> {
    let status = *StatusCode::ALL
        .iter()
        .find(|status| sent.starts_with(status.line().as_bytes()))?;
    let fields = &sent[status.line().len()..];
    if status == StatusCode::Continue {
        fields.strip_prefix(b"\r\n")?;
        return Some((status.code(), 0, status.line().len() + 2));
    }
    let value = fields.strip_prefix(b"Content-Length: ")?;
    let digits = value
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let end = value[digits..].strip_prefix(b"\r\n")?;
    let end = end.strip_prefix(CLOSE).unwrap_or(end);
    let rest = end.strip_prefix(b"\r\n")?.len();
    let length = std::str::from_utf8(&value[..digits]).ok()?.parse().ok()?;
    Some((status.code(), length, sent.len() - rest))
}

/// Whether `sent` could be a head that was cut off.
fn is_begun(sent: &[u8]) -> bool {
    StatusCode::ALL.iter().any(|status| {
        let line = status.line().as_bytes();
        match sent.strip_prefix(line) {
            None => line.starts_with(sent),
            Some(rest) => {
                let field = b"Content-Length: ";
                field.starts_with(rest) || rest.starts_with(field) || b"\r\n".starts_with(rest)
            }
        }
    })
}
