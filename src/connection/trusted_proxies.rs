//! The client of a request behind trusted proxies.
//!
//! Each proxy appends the address that it serves to a field. Read from the end, the first address that is not a trusted
//! proxy is the client; earlier addresses may be forged. Only one field is read, since a proxy that sets one forwards
//! the other unchanged.

use ipnet::IpNet;

use crate::http::Request;
use crate::http::semantics::forwarded::{self, Hop, Malformed};
use crate::peer::ClientAddress;

/// The trusted proxies, and the field with their clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedProxies {
    /// Their addresses.
    pub networks: Vec<IpNet>,
    /// Whether they may be programs of this machine that connect through a Unix domain socket.
    pub unix: UnixPeers,
    /// The field to which they append.
    pub field: ForwardedField,
}

/// Whether peers on Unix domain sockets are proxies that are trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnixPeers {
    /// They are trusted proxies.
    Trusted,
    /// They are normal clients.
    #[default]
    NotTrusted,
}

/// A field that names the hops of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ForwardedField {
    /// `X-Forwarded-For`, a list of addresses.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl TrustedProxies {
    /// Whether a proxy there is trusted.
    #[must_use]
    pub fn trust(&self, address: ClientAddress) -> bool {
        match address {
            ClientAddress::Ip(address) => {
                let address = address.to_canonical();
                let mut networks = self.networks.iter();
                networks.any(|network| network.contains(&address))
            }
            ClientAddress::Unix => self.unix == UnixPeers::Trusted,
        }
    }

    /// The client of a request that `nearest` sent.
    ///
    /// `unknown` and obfuscated names end the way back at the hop before. A malformed field is ignored.
    #[must_use]
    pub fn client(&self, nearest: ClientAddress, request: &Request<'_>) -> ClientAddress {
        if !self.trust(nearest) {
            return nearest;
        }
        let name = self.field.name();
        let mut lines: Vec<_> = request.fields(name).collect();
        lines.reverse();
        let client = match self.field {
            ForwardedField::XForwardedFor => self.walk(
                nearest,
                lines.into_iter().flat_map(forwarded::x_forwarded_for),
            ),
            ForwardedField::Forwarded => {
                self.walk(nearest, lines.into_iter().flat_map(forwarded::forwarded))
            }
        };
        client.unwrap_or_else(|Malformed| {
            log::debug!("{nearest}: the field {name} is malformed, and counts as none");
            nearest
        })
    }

    fn walk(
        &self,
        nearest: ClientAddress,
        hops: impl Iterator<Item = Result<Hop, Malformed>>,
    ) -> Result<ClientAddress, Malformed> {
        let mut last = nearest;
        for hop in hops {
            match hop? {
                Hop::Address(address) => last = address.into(),
                Hop::Unnamed => break,
            }
            if !self.trust(last) {
                break;
            }
        }
        Ok(last)
    }
}

impl ForwardedField {
    fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "X-Forwarded-For",
            Self::Forwarded => "Forwarded",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn client(field: ForwardedField, nearest: &str, fields: &str) -> String {
        let nearest = nearest.parse::<IpAddr>();
        client_of(
            field,
            nearest.unwrap().into(),
            UnixPeers::NotTrusted,
            fields,
        )
    }

    fn client_of(
        field: ForwardedField,
        nearest: ClientAddress,
        unix: UnixPeers,
        fields: &str,
    ) -> String {
        let networks = ["10.0.0.0/8", "2001:db8:1::/48"];
        let proxies = TrustedProxies {
            networks: networks.iter().map(|net| net.parse().unwrap()).collect(),
            unix,
            field,
        };
        let head = format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes()).unwrap();
        proxies.client(nearest, &request).to_string()
    }

    #[test]
    fn the_client_is_the_rightmost_hop_that_is_not_a_trusted_proxy() {
        for (nearest, fields, expected) in [
            ("192.0.2.1", "X-Forwarded-For: 192.0.2.9\r\n", "192.0.2.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "X-Forwarded-For:\r\n", "10.0.0.1"),
            ("10.0.0.1", "X-Forwarded-For: 192.0.2.9\r\n", "192.0.2.9"),
            (
                "::ffff:10.0.0.1",
                "X-Forwarded-For: 192.0.2.9\r\n",
                "192.0.2.9",
            ),
            (
                "2001:db8:1::7",
                "x-forwarded-for: 2001:db8::9\r\n",
                "2001:db8::9",
            ),
            // Forged addresses are before the client's own.
            (
                "10.0.0.1",
                "X-Forwarded-For: 192.0.2.7, 192.0.2.9\r\n",
                "192.0.2.9",
            ),
            (
                "10.0.0.1",
                "X-Forwarded-For: 10.0.0.9, 192.0.2.9\r\n",
                "192.0.2.9",
            ),
            (
                "10.0.0.1",
                "X-Forwarded-For: \"'<x>\", 192.0.2.9\r\n",
                "192.0.2.9",
            ),
            // Several proxies, on one line or more.
            (
                "10.0.0.1",
                "X-Forwarded-For: 192.0.2.9, 10.0.0.2, 10.0.0.3\r\n",
                "192.0.2.9",
            ),
            (
                "10.0.0.1",
                "X-Forwarded-For: 192.0.2.9\r\nX-Forwarded-For: 10.0.0.2\r\n",
                "192.0.2.9",
            ),
            // All of them are trusted: the client is the first one.
            (
                "10.0.0.1",
                "X-Forwarded-For: 10.0.0.3, 10.0.0.2\r\n",
                "10.0.0.3",
            ),
            // Without a name.
            (
                "10.0.0.1",
                "X-Forwarded-For: 192.0.2.9, unknown, 10.0.0.2\r\n",
                "10.0.0.2",
            ),
            (
                "10.0.0.1",
                "X-Forwarded-For: 192.0.2.9, _hidden\r\n",
                "10.0.0.1",
            ),
            // Malformed, where it matters.
            (
                "10.0.0.1",
                "X-Forwarded-For: 192.0.2.9, x, 10.0.0.2\r\n",
                "10.0.0.1",
            ),
            ("10.0.0.1", "X-Forwarded-For: 192.0.2.9;\r\n", "10.0.0.1"),
            // The other field is not read.
            ("10.0.0.1", "Forwarded: for=192.0.2.9\r\n", "10.0.0.1"),
        ] {
            let found = client(ForwardedField::XForwardedFor, nearest, fields);
            assert_eq!(found, expected, "{nearest}: {fields}");
        }
    }

    #[test]
    fn peer_of_a_unix_socket_is_a_proxy_if_it_is_trusted() {
        let fields = "X-Forwarded-For: 192.0.2.9\r\n";
        for (unix, expected) in [
            (UnixPeers::Trusted, "192.0.2.9"),
            (UnixPeers::NotTrusted, "unix"),
        ] {
            let field = ForwardedField::XForwardedFor;
            let found = client_of(field, ClientAddress::Unix, unix, fields);
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn only_the_chosen_field_is_read() {
        for (fields, expected) in [
            ("Forwarded: for=192.0.2.9;proto=https\r\n", "192.0.2.9"),
            (
                "Forwarded: for=192.0.2.9, for=\"[2001:db8:1::2]:40000\"\r\n",
                "192.0.2.9",
            ),
            ("Forwarded: for=192.0.2.9, proto=https\r\n", "10.0.0.1"),
            (
                "Forwarded: for=\"192.0.2.7\r\nForwarded: for=192.0.2.9\r\n",
                "192.0.2.9",
            ),
            ("Forwarded: 192.0.2.9\r\n", "10.0.0.1"),
            ("X-Forwarded-For: 192.0.2.9\r\n", "10.0.0.1"),
        ] {
            let found = client(ForwardedField::Forwarded, "10.0.0.1", fields);
            assert_eq!(found, expected, "{fields}");
        }
    }
}
