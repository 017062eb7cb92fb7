//! The origin of connections and requests: a network address, or a program on this machine without an address.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// The other end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A TCP socket with this address.
    Internet(SocketAddr),
    /// A Unix domain socket of this machine. It has no address.
    Unix,
}

/// The client of a request, possibly behind proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClientAddress {
    /// A machine with this address.
    Ip(IpAddr),
    /// This machine, through a Unix domain socket.
    Unix,
}

/// The text for a peer without an address.
const UNIX: &str = "unix";

impl Peer {
    /// Its address without a port. An IPv4-mapped IPv6 address becomes an IPv4 address.
    #[must_use]
    pub fn address(self) -> ClientAddress {
        match self {
            Self::Internet(address) => ClientAddress::Ip(address.ip().to_canonical()),
            Self::Unix => ClientAddress::Unix,
        }
    }

    /// Its port, if it has one.
    #[must_use]
    pub fn port(self) -> Option<u16> {
        match self {
            Self::Internet(address) => Some(address.port()),
            Self::Unix => None,
        }
    }
}

impl ClientAddress {
    /// One client for limits: an IPv4 address, or the first address of an IPv6 network of 64 bits, since one household
    /// or machine has such a network (RFC 6177).
    #[must_use]
    pub fn subscriber(self) -> Self {
        const NETWORK: u128 = !0 << 64;
        match self {
            Self::Ip(IpAddr::V6(address)) => {
                Self::Ip(Ipv6Addr::from_bits(address.to_bits() & NETWORK).into())
            }
            Self::Ip(IpAddr::V4(_)) | Self::Unix => self,
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Self::Internet(address)
    }
}

impl From<IpAddr> for ClientAddress {
    fn from(address: IpAddr) -> Self {
        Self::Ip(address.to_canonical())
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet(address) => address.fmt(f),
            Self::Unix => f.write_str(UNIX),
        }
    }
}

impl fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Unix => f.write_str(UNIX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriber_is_an_address_or_a_network_of_ipv6() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("2001:db8::1", "2001:db8::ffff:0:0:1", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let subscriber =
                |text: &str| ClientAddress::from(text.parse::<IpAddr>().unwrap()).subscriber();
            let found = subscriber(one) == subscriber(other);
            assert_eq!(found, is_same, "{one} {other}");
        }
        assert_eq!(ClientAddress::Unix.subscriber(), ClientAddress::Unix);
    }

    #[test]
    fn peers_are_written_with_their_ports_and_addresses_without() {
        for (peer, written, address, port) in [
            (
                "192.0.2.1:40000",
                "192.0.2.1:40000",
                "192.0.2.1",
                Some(40_000),
            ),
            ("[2001:db8::1]:1", "[2001:db8::1]:1", "2001:db8::1", Some(1)),
            (
                "[::ffff:192.0.2.1]:1",
                "[::ffff:192.0.2.1]:1",
                "192.0.2.1",
                Some(1),
            ),
            ("unix", "unix", "unix", None),
        ] {
            let peer = peer.parse().map_or(Peer::Unix, Peer::Internet);
            assert_eq!(peer.to_string(), written);
            assert_eq!(peer.address().to_string(), address);
            assert_eq!(peer.port(), port);
        }
    }
}
