//! Version 2: a signature, two bytes for command and family, a length, addresses, and extensions, which are skipped.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::header::{ConnectionSource, Header, HeaderError};

pub(super) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// Bytes up to the addresses.
const FIXED: usize = SIGNATURE.len() + 4;

/// Parses a header with a correct beginning.
pub(super) fn parse(input: &[u8]) -> Result<Option<Header>, HeaderError> {
    let Some([command, family, high, low]) = input.get(SIGNATURE.len()..FIXED) else {
        return Ok(None);
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    let kind = AddressFamily::of(*command, *family)?;
    if length < kind.needed() {
        return Err(HeaderError::Short(length));
    }
    let Some(addresses) = input.get(FIXED..FIXED + length) else {
        return Ok(None);
    };
    Ok(Some(Header {
        length: FIXED + length,
        source: kind.source(addresses).unwrap_or(ConnectionSource::Peer),
    }))
}

/// The kind of the addresses.
enum AddressFamily {
    Tcp4,
    Tcp6,
    /// Addresses of another kind, of this many bytes.
    Other(usize),
}

impl AddressFamily {
    /// Version and command, then family and protocol: four bits each.
    fn of(command: u8, family: u8) -> Result<Self, HeaderError> {
        match (command, family) {
            // LOCAL, the proxy's own connection; and no address.
            (0x20, _) | (0x21, 0x00..=0x02) => Ok(Self::Other(0)),
            (0x21, 0x11) => Ok(Self::Tcp4),
            (0x21, 0x21) => Ok(Self::Tcp6),
            (0x21, 0x10 | 0x12) => Ok(Self::Other(12)),
            (0x21, 0x20 | 0x22) => Ok(Self::Other(36)),
            // Two paths of Unix sockets.
            (0x21, 0x30..=0x32) => Ok(Self::Other(216)),
            _ => Err(HeaderError::Unspecified(command, family)),
        }
    }

    fn needed(&self) -> usize {
        match *self {
            Self::Tcp4 => 12,
            Self::Tcp6 => 36,
            Self::Other(needed) => needed,
        }
    }

    /// The source, and behind the destination its port.
    fn source(&self, addresses: &[u8]) -> Option<ConnectionSource> {
        let (source, port): (IpAddr, _) = match self {
            Self::Tcp4 => {
                let (source, rest) = addresses.split_first_chunk::<4>()?;
                (Ipv4Addr::from(*source).into(), rest.get(4..6)?)
            }
            Self::Tcp6 => {
                let (source, rest) = addresses.split_first_chunk::<16>()?;
                (Ipv6Addr::from(*source).into(), rest.get(16..18)?)
            }
            Self::Other(_) => return None,
        };
        let port = u16::from_be_bytes(port.try_into().ok()?);
        Some(ConnectionSource::Address(SocketAddr::new(
            source.to_canonical(),
            port,
        )))
    }
}
