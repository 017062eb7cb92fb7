//! The two ways in which a handshake can be completed.

/// The way in which a handshake was completed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// With a signature of the server.
    Full,
    /// With a ticket of an earlier session.
    Resumed,
}
