//! A host with its port, as in `Host`, in `Origin` and in an absolute target.
//!
//! This module resolves nothing. A *name* is a host that browsers look up in DNS; they never do so for the other forms.

use std::net::Ipv6Addr;

/// `uri-host [ ":" port ]` (RFC 9110 §7.2), parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HostPort<'h> {
    /// With the brackets of an IPv6 address. It may be empty.
    pub(crate) host: &'h str,
    /// `None` if there is none, or an empty one.
    pub(crate) port: Option<u16>,
}

/// The kind of a host, by its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HostKind {
    /// There is no host.
    Empty,
    /// An IP address, or text that browsers treat as one.
    Address,
    /// `localhost`, or a name below it (RFC 6761 §6.3).
    Localhost,
    /// Any other name.
    Name,
}

impl<'h> HostPort<'h> {
    /// Parses text of valid syntax; `None` if the port is above 65535.
    pub(crate) fn split(authority: &'h str) -> Option<Self> {
        let after_literal = authority.rfind(']').map_or(0, |at| at + 1);
        let (host, port) = match authority[after_literal..].find(':') {
            Some(colon) => {
                let (host, port) = authority.split_at(after_literal + colon);
                (host, &port[1..])
            }
            None => (authority, ""),
        };
        let port = match port {
            "" => None,
            digits => Some(digits.parse().ok()?),
        };
        Some(Self { host, port })
    }

    /// Whether both name the same host. IPv6 addresses have several forms.
    pub(crate) fn is_same_host(&self, other: &Self) -> bool {
        match (literal(self.host), literal(other.host)) {
            (Some(address), Some(others)) => address == others,
            _ => self.host.eq_ignore_ascii_case(other.host),
        }
    }
}

impl HostKind {
    pub(crate) fn of(host: &str) -> Self {
        let name = without_dot(host);
        if host.is_empty() {
            Self::Empty
        } else if host.starts_with('[') || ends_in_a_number(name) {
            Self::Address
        } else if is_localhost(name) {
            Self::Localhost
        } else {
            Self::Name
        }
    }
}

/// A name for comparison: in lower case, without the final dot.
pub(crate) fn comparable(name: &str) -> String {
    without_dot(name).to_ascii_lowercase()
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

fn is_localhost(name: &str) -> bool {
    let last = name.rsplit('.').next();
    last.is_some_and(|last| last.eq_ignore_ascii_case("localhost"))
}

/// Whether browsers treat this as an IPv4 address, valid or not, and never as a name (WHATWG URL, "ends in a number
/// checker").
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    if !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit()) {
        return true;
    }
    let hexadecimal = last.strip_prefix("0x").or(last.strip_prefix("0X"));
    hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// The IPv6 address between brackets.
fn literal(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_and_port_are_taken_apart() {
        for (authority, expected) in [
            ("a", Some(("a", None))),
            ("a:", Some(("a", None))),
            ("a:80", Some(("a", Some(80)))),
            ("a:080", Some(("a", Some(80)))),
            ("a:65536", None),
            ("[::1]", Some(("[::1]", None))),
            ("[::1]:8000", Some(("[::1]", Some(8000)))),
            ("", Some(("", None))),
            (":80", Some(("", Some(80)))),
        ] {
            let found = HostPort::split(authority).map(|found| (found.host, found.port));
            assert_eq!(found, expected, "{authority}");
        }
    }

    #[test]
    fn kind_of_a_host_follows_from_its_form() {
        use HostKind::{Address, Empty, Localhost, Name};
        for (host, expected) in [
            ("", Empty),
            ("127.0.0.1", Address),
            ("127.0.0.1.", Address),
            ("127.1", Address),
            ("0x7f.1", Address),
            ("2130706433", Address),
            ("0X7f000001", Address),
            ("0x", Address),
            ("[::1]", Address),
            ("[fe80::1%25eth0]", Address),
            ("localhost", Localhost),
            ("LocalHost.", Localhost),
            ("app.localhost", Localhost),
            ("localhost.evil.example", Name),
            ("notlocalhost", Name),
            ("127.0.0.1.evil.example", Name),
            ("1.0xg", Name),
            ("a", Name),
            (".", Name),
        ] {
            assert_eq!(HostKind::of(host), expected, "{host}");
        }
    }

    #[test]
    fn hosts_are_compared_without_case_and_addresses_by_value() {
        for (one, other, expected) in [
            ("a.example", "A.Example", true),
            ("a.example", "b.example", false),
            ("[::1]", "[0:0:0:0:0:0:0:1]", true),
            ("[::1]", "[::2]", false),
            ("[::1]", "::1", false),
            ("127.0.0.1", "127.0.0.1", true),
        ] {
            let of = |host| HostPort { host, port: None };
            assert_eq!(of(one).is_same_host(&of(other)), expected, "{one} {other}");
        }
    }
}
