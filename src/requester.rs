//! The requester: where a request comes from, which user made it, and how it was answered.
//!
//! The connection knows it, the dialects pass it on, and the request log seals it. None of them knows the others.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr};
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
    /// The permissions of the requester.
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
        // Most are of IPv4, and these need no formatter. A vector takes everything.
        let _ = match (self.address(), self.port()) {
            (ClientAddress::Ip(IpAddr::V4(address)), port) => {
                push_ipv4(out, address, port);
                Ok(())
            }
            (ClientAddress::Ip(IpAddr::V6(address)), Some(port)) => {
                write!(out, "[{address}]:{port}")
            }
            (address, _) => write!(out, "{address}"),
        };
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

/// Appends an address, and `:` and a port if there is one.
fn push_ipv4(out: &mut Vec<u8>, address: Ipv4Addr, port: Option<u16>) {
    let mut text = [b'.'; "255.255.255.255.".len()];
    let mut end = 0;
    for octet in address.octets() {
        let (digits, length) = DECIMAL[usize::from(octet)];
        text[end..end + digits.len()].copy_from_slice(&digits);
        end += length + 1;
    }
    out.extend_from_slice(&text[..end - 1]);
    if let Some(port) = port {
        out.push(b':');
        out.extend_from_slice(itoa::Buffer::new().format(port).as_bytes());
    }
}

/// An octet in decimal, with dots behind it, and how many digits it has.
static DECIMAL: [([u8; 3], usize); 256] = {
    let mut all = [([b'.'; 3], 0); 256];
    let mut octet = 0;
    while octet < all.len() {
        let digits = [octet / 100, octet / 10 % 10, octet % 10];
        let leading_zeros = (octet < 100) as usize + (octet < 10) as usize;
        let mut at = leading_zeros;
        while at < digits.len() {
            all[octet].0[at - leading_zeros] = b"0123456789"[digits[at]];
            at += 1;
        }
        all[octet].1 = digits.len() - leading_zeros;
        octet += 1;
    }
    all
};

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
            (peer("0.10.100.255:0"), "0.10.100.255:0"),
            (peer("255.255.255.255:65535"), "255.255.255.255:65535"),
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
