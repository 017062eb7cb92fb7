//! The requester: where a request comes from, which user made it, and how it was answered.
//!
//! The connection knows it, the dialects pass it on, and the request log seals it. None of them knows the others.

use std::io::Write;
use std::net::IpAddr;
use std::sync::Arc;

use crate::peer::{ClientAddress, Peer};
use crate::users::Permissions;

/// The client that made a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requester {
    /// Where it comes from.
    pub source: RequestSource,
    /// The user who logged in.
    pub user: Option<Arc<str>>,
    /// What the requester may do.
    pub permissions: Permissions,
}

impl Requester {
    /// A requester without a user name, whose permissions are not restricted.
    #[must_use]
    pub fn anonymous(source: RequestSource) -> Self {
        Self {
            source,
            user: None,
            permissions: Permissions::Unrestricted,
        }
    }
}

/// How a request is answered, and who made it: what the seal says besides its entry.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The requester.
    pub requester: &'a Requester,
    /// The status of the response.
    pub status: u16,
}

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestSource {
    /// The peer of the connection, or the source that a PROXY header names.
    Peer(Peer),
    /// The client that a trusted proxy names.
    Client(ClientAddress),
}

impl RequestSource {
    /// Appends it as one word: an address, and `:` and the port if it has one; `unix` for a Unix domain socket.
    pub fn push(&self, out: &mut Vec<u8>) {
        // Most are of IPv4, and these need no formatter.
        let address = self.address();
        let is_ipv6 = matches!(address, ClientAddress::Ip(IpAddr::V6(_)));
        if let ClientAddress::Ip(IpAddr::V4(address)) = address {
            for (index, octet) in address.octets().into_iter().enumerate() {
                if index > 0 {
                    out.push(b'.');
                }
                push_number(out, u16::from(octet));
            }
        } else if is_ipv6 && self.port().is_some() {
            // A vector takes everything.
            let _ = write!(out, "[{address}]");
        } else {
            let _ = write!(out, "{address}");
        }
        if let Some(port) = self.port() {
            out.push(b':');
            push_number(out, port);
        }
    }

    /// The client, without a port.
    #[must_use]
    pub fn address(self) -> ClientAddress {
        match self {
            Self::Peer(peer) => peer.address(),
            Self::Client(address) => address,
        }
    }

    fn port(self) -> Option<u16> {
        match self {
            Self::Peer(peer) => peer.port(),
            Self::Client(_) => None,
        }
    }
}

fn push_number(out: &mut Vec<u8>, number: u16) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;

    #[test]
    fn sources_are_one_word() {
        let peer = |text: &str| RequestSource::Peer(text.parse::<SocketAddr>().unwrap().into());
        let client = |text: &str| RequestSource::Client(text.parse::<IpAddr>().unwrap().into());
        for (source, expected) in [
            (peer("192.0.2.7:40000"), "192.0.2.7:40000"),
            (peer("[2001:db8::1]:80"), "[2001:db8::1]:80"),
            (peer("[::ffff:192.0.2.7]:80"), "192.0.2.7:80"),
            (RequestSource::Peer(Peer::Unix), "unix"),
            (client("192.0.2.7"), "192.0.2.7"),
            (client("2001:db8::1"), "2001:db8::1"),
            (RequestSource::Client(ClientAddress::Unix), "unix"),
        ] {
            let mut out = Vec::new();
            source.push(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
