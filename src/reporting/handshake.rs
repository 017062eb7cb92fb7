//! The results of TLS handshakes, for the counts.

/// The result of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HandshakeResult {
    /// It was completed, with a signature of the server.
    Full,
    /// It was completed with a ticket of an earlier session.
    Resumed,
    /// It was not completed: one side refused, or the client left or was too slow.
    Failed,
}

impl HandshakeResult {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Resumed => "resumed",
            Self::Failed => "failed",
        }
    }
}
