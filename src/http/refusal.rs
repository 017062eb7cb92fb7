//! Why a request is not granted: the status that answers it, and the reason in words.
//!
//! A refusal is made where the fault is found and travels with its response to the connection, which shows it once.
//! Nothing here knows a dialect: whether the peer sees the reason, or only the status, is for that to say.

use std::borrow::Cow;
use std::fmt;

use super::persistence::Persistence;
use super::status_code::StatusCode;
use super::wire::response::write_field;

/// Why a request is not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status to answer with.
    pub status: StatusCode,
    /// The reason, as a clause without capital and full stop: `the request line has no version`.
    ///
    /// It holds nothing of what the client sent but numbers and digests.
    pub reason: Cow<'static, str>,
    /// Whose fault it is.
    pub blame: Blame,
    /// Whether another request may follow on the connection. Not where it is uncertain what this one means: a proxy
    /// before this server may have taken it for another.
    pub persistence: Persistence,
    /// Field lines that go with the status, each ended by CRLF: `Allow` with 405, `Content-Range` with 416.
    pub fields: Vec<u8>,
}

/// Whose fault a refusal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The client asked for what it cannot have, or cannot have now.
    Client,
    /// The server or its disk failed: an operator wants to know.
    Server,
}

impl Refusal {
    /// A refusal for what the client asked.
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

    /// A refusal for what became of a file: with 500 the server is to blame.
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
