//! Version 1: a line such as `PROXY TCP4 192.0.2.1 192.0.2.9 40000 443` and CRLF.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use memchr::memmem;

use super::header::{ConnectionSource, Header, HeaderError, MAX_LINE};

pub(super) const SIGNATURE: &[u8] = b"PROXY ";

/// Parses a line with a correct beginning.
pub(super) fn parse(input: &[u8]) -> Result<Option<Header>, HeaderError> {
    let line = &input[..input.len().min(MAX_LINE)];
    let Some(end) = memmem::find(line, b"\r\n") else {
        return if input.len() < MAX_LINE {
            Ok(None)
        } else {
            Err(HeaderError::TooLong)
        };
    };
    let rest = std::str::from_utf8(&line[SIGNATURE.len()..end]).map_err(|_| HeaderError::Line)?;
    Ok(Some(Header {
        length: end + 2,
        source: source(rest).ok_or(HeaderError::Line)?,
    }))
}

fn source(rest: &str) -> Option<ConnectionSource> {
    match rest.split_once(' ') {
        Some(("TCP4", rest)) => addresses::<Ipv4Addr>(rest),
        Some(("TCP6", rest)) => addresses::<Ipv6Addr>(rest),
        // The rest must be ignored.
        Some(("UNKNOWN", _)) => Some(ConnectionSource::Peer),
        None if rest == "UNKNOWN" => Some(ConnectionSource::Peer),
        Some(_) | None => None,
    }
}

/// Reads two addresses and two ports, each after one space.
fn addresses<A: FromStr + Into<IpAddr>>(text: &str) -> Option<ConnectionSource> {
    let mut words = text.split(' ');
    let mut next = || words.next();
    let source: IpAddr = next()?.parse::<A>().ok()?.into();
    next()?.parse::<A>().ok()?;
    let port = port(next()?)?;
    self::port(next()?)?;
    match words.next() {
        None => {
            let source = SocketAddr::new(source.to_canonical(), port);
            Some(ConnectionSource::Address(source))
        }
        Some(_) => None,
    }
}

/// A number without sign and leading zeros.
fn port(text: &str) -> Option<u16> {
    let port = text.parse().ok()?;
    let is_plain = text == "0" || text.starts_with(|digit| matches!(digit, '1'..='9'));
    is_plain.then_some(port)
}
