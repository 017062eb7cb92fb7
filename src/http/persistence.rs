//! Whether a connection persists after a message. The request head asks for it, and a refusal may end it.

/// Whether the client asks for the connection to persist (RFC 9112 §9.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Persistence {
    /// Another request may follow this one.
    Persistent,
    /// This is the last request.
    Close,
}
