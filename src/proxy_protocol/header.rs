//! What a PROXY header says, in either version, and why bytes are none.

use std::net::SocketAddr;

use thiserror::Error;

/// Bytes of the longest line of version 1, its CRLF among them.
pub(super) const MAX_LINE: usize = 107;

/// A complete header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its length in bytes.
    pub length: usize,
    /// Where the connection comes from.
    pub source: ConnectionSource,
}

/// Where a connection comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionSource {
    /// From this address.
    Address(SocketAddr),
    /// From the proxy itself, as when it checks whether the server is there, or from something without an IP address:
    /// the connection's own peer counts.
    Peer,
}

/// Why bytes are not a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// They are neither of the two versions.
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
