//! What an access log says of one request.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// An IP address and a port.
    Tcp(SocketAddr),
    /// A socket in the file system, whose clients have no address.
    Unix,
}

/// One request and its response. What could not be read of the request is `None`.
#[derive(Debug, Clone)]
pub struct Record<'r> {
    /// When the first byte of the request was received.
    pub time: SystemTime,
    /// The name of this server, if it has one.
    pub server: Option<&'r str>,
    /// The number of the connection since the server started, from 1.
    pub connection: u64,
    /// The number of the request in its connection, from 1.
    pub request: u64,
    /// Where the connection comes from.
    pub peer: Peer,
    /// The client, where trusted proxies say that it is not the peer.
    pub client: Option<IpAddr>,
    /// The user, if one is logged in.
    pub user: Option<&'r str>,
    /// The method, as received.
    pub method: Option<&'r [u8]>,
    /// The request target, as received.
    pub target: Option<&'r [u8]>,
    /// The protocol version, as received.
    pub version: Option<&'r [u8]>,
    /// The status of the response; `None` if the client was gone before there was one.
    pub status: Option<u16>,
    /// Bytes of the request, head and content, as they were on the wire.
    pub bytes_in: u64,
    /// Bytes of the response's head that were sent.
    pub head_bytes_out: u64,
    /// Bytes of the response's content that were sent.
    pub content_bytes_out: u64,
    /// From the first byte of the request to the last byte of the response.
    pub duration: Duration,
    /// The version of TLS, such as `TLSv1.3`.
    pub tls: Option<&'r str>,
    /// The field `Referer`.
    pub referer: Option<&'r [u8]>,
    /// The field `User-Agent`.
    pub agent: Option<&'r [u8]>,
    /// Where the request's entry is in the request log.
    pub entry: Option<EntryRange>,
    /// Why the request was refused.
    pub error: Option<&'r str>,
}

/// A range of the request log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRange {
    /// Where the entry begins, in bytes from the start of the log.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

impl Record<'_> {
    /// The client's address: the one that trusted proxies name, else the peer's; `None` for a Unix socket.
    pub(super) fn client_address(&self) -> Option<IpAddr> {
        self.client.or(match self.peer {
            Peer::Tcp(address) => Some(address.ip()),
            Peer::Unix => None,
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix => formatter.write_str("unix"),
        }
    }
}

#[cfg(test)]
impl Record<'static> {
    /// A GET that was answered, for tests.
    pub(super) fn sample() -> Self {
        use std::time::UNIX_EPOCH;
        Self {
            time: UNIX_EPOCH + Duration::from_micros(1_795_780_800_123_456),
            server: None,
            connection: 7,
            request: 2,
            peer: Peer::Tcp(SocketAddr::from(([192, 0, 2, 1], 40_000))),
            client: None,
            user: None,
            method: Some(b"GET"),
            target: Some(b"/a.txt"),
            version: Some(b"HTTP/1.1"),
            status: Some(200),
            bytes_in: 80,
            head_bytes_out: 120,
            content_bytes_out: 6,
            duration: Duration::from_micros(345),
            tls: None,
            referer: None,
            agent: None,
            entry: None,
            error: None,
        }
    }
}
