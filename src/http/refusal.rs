//! The refusal of a request: the status that answers it, and the reason in words.
//!
//! A refusal is made where the fault is found. Its response carries it to the connection, which logs it once. The
//! dialect decides whether the client sees the reason or only the status.

use std::borrow::Cow;
use std::fmt;

use super::persistence::Persistence;
use super::status_code::StatusCode;
use super::wire::response::write_field;

/// The refusal of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the response.
    pub status: StatusCode,
    /// The reason, as a clause without capital and full stop: `the request line has no version`.
    ///
    /// It contains no bytes from the client other than numbers and digests.
    pub reason: Cow<'static, str>,
    /// The side at fault.
    pub blame: Blame,
    /// Whether another request may follow on the connection. It may not if the meaning of this request is uncertain: a
    /// proxy in front of this server may have framed it differently.
    pub persistence: Persistence,
    /// Field lines that go with the status, each ended by CRLF: `Allow` with 405, `Content-Range` with 416.
    pub fields: Vec<u8>,
}

/// The side that causes a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client requested something that it cannot have, or cannot have now.
    Client,
    /// The server or its disk failed. The log line has the level error, so that an operator notices.
    Server,
}

impl Refusal {
    /// A refusal that the client causes.
    #[must_use]
    pub fn new(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            status,
            reason: reason.into(),
            blame: Blame::Client,
            persistence: Persistence::Persistent,
            fields: Vec::new(),
        }
    }

    /// 400 (RFC 9110 §15.5.1).
    #[must_use]
    pub fn bad_request(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BadRequest, reason)
    }

    /// A refusal after a file operation: with 500 the server is at fault.
    #[must_use]
    pub fn of_file(status: StatusCode, reason: impl Into<Cow<'static, str>>) -> Self {
        let blame = match status {
            StatusCode::InternalServerError => Blame::Server,
            _ => Blame::Client,
        };
        Self {
            blame,
            ..Self::new(status, reason)
        }
    }

    /// The same, and the connection is closed.
    #[must_use]
    pub fn closing(self) -> Self {
        Self {
            persistence: Persistence::Close,
            ..self
        }
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(mut self, name: &str, value: &[u8]) -> Self {
        write_field(&mut self.fields, name, value);
        self
    }
}

impl fmt::Display for Refusal {
    /// Status and reason, `400 Bad Request: the request line has no version`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status, self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_is_shown_with_status_and_reason() {
        let refusal = Refusal::bad_request("the request line has no version");
        assert_eq!(
            refusal.to_string(),
            "400 Bad Request: the request line has no version"
        );
        assert_eq!(refusal.blame, Blame::Client);
        let allowed = Refusal::new(StatusCode::MethodNotAllowed, "x").with("Allow", b"GET");
        assert_eq!(allowed.fields, b"Allow: GET\r\n");
    }
}
