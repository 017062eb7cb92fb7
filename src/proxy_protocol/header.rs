//! A parsed PROXY header of either version, and the errors of invalid ones.

use std::net::SocketAddr;

use thiserror::Error;

/// Bytes of the longest line of version 1, including CRLF.
pub(super) const MAX_LINE: usize = 107;

/// A complete header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its length in bytes.
    pub length: usize,
    /// The source of the connection.
    pub source: ConnectionSource,
}

/// The source of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionSource {
    /// From this address.
    Address(SocketAddr),
    /// The proxy itself, as in a health check, or a source without an IP address: the peer of the connection counts as
    /// the source.
    Peer,
}

/// Why bytes are not a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// They belong to neither version.
    #[error("it does not begin with a PROXY header")]
    Missing,
    /// There is no CRLF within the length that version 1 allows.
    #[error("the line of its PROXY header is longer than {MAX_LINE} bytes")]
    TooLong,
    /// The line of version 1 has another form.
    #[error("the line of its PROXY header has no protocol, two addresses and two ports")]
    Line,
    /// Version 2 has a version, command, family or protocol that is not specified.
    #[error("its PROXY header has the unspecified bytes {0:02x} {1:02x}")]
    Unspecified(u8, u8),
    /// Version 2 is too short for its addresses.
    #[error("its PROXY header has {0} bytes of addresses, fewer than its family needs")]
    Short(usize),
}
