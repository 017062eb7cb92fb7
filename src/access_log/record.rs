//! The values of one request for an access log.

use std::time::{Duration, SystemTime};

use crate::entry_range::EntryRange;
use crate::peer::{ClientAddress, Peer};

/// One request and its response. A part of the request that could not be read is `None`.
#[derive(Debug, Clone)]
pub struct Record<'r> {
    /// The time at which the first byte of the request was received.
    pub time: SystemTime,
    /// The number of the connection since the server started, from 1.
    pub connection: u64,
    /// The number of the request in its connection, from 1.
    pub request: u64,
    /// The source of the connection.
    pub peer: Peer,
    /// The proxy that has sent a PROXY header on this connection.
    pub proxy: Option<Peer>,
    /// The client: the peer, or the client that trusted proxies name.
    pub client: ClientAddress,
    /// The user, if one is logged in.
    pub user: Option<&'r str>,
    /// The method, as received.
    pub method: Option<&'r [u8]>,
    /// The request target, as received.
    pub target: Option<&'r [u8]>,
    /// The protocol version, as received.
    pub version: Option<&'r [u8]>,
    /// The status of the response; `None` if the client left before it.
    pub status: Option<u16>,
    /// Bytes of the request, head and content, as they were on the wire.
    pub bytes_in: u64,
    /// Bytes of the request's content, without its framing.
    pub content_bytes_in: u64,
    /// Bytes of the response, head and content, that were sent.
    pub bytes_out: u64,
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
    /// The place of the request's entry in the request log.
    pub entry: Option<EntryRange>,
    /// Why the request was refused.
    pub error: Option<&'r str>,
}

#[cfg(test)]
impl Record<'static> {
    /// A GET that was answered, for tests.
    pub(crate) fn sample() -> Self {
        use std::net::{IpAddr, SocketAddr};
        use std::time::UNIX_EPOCH;

        Self {
            time: UNIX_EPOCH + Duration::from_micros(1_795_780_800_123_456),
            connection: 7,
            request: 2,
            peer: SocketAddr::from(([192, 0, 2, 1], 40_000)).into(),
            proxy: None,
            client: IpAddr::from([192, 0, 2, 1]).into(),
            user: None,
            method: Some(b"GET"),
            target: Some(b"/a.txt"),
            version: Some(b"HTTP/1.1"),
            status: Some(200),
            bytes_in: 80,
            content_bytes_in: 0,
            bytes_out: 126,
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
