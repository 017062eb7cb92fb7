//! A listening address: as typed, and resolved.
//!
//! This module binds nothing. Its only system access is resolving a name.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

use super::address_error::AddressError;
use super::values::is_number;

/// The default ports of URLs (RFC 9110 §4.2.1, §4.2.2).
const HTTP_PORT: u16 = 80;
const HTTPS_PORT: u16 = 443;

/// A listening address as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// The typed text, for messages.
    pub(super) typed: String,
    /// Without brackets.
    host: String,
    pub(super) port: Option<u16>,
    /// The default port; `None` leaves it to the dialect.
    default_port: Option<u16>,
    /// The protocol of its scheme, if it has one.
    security: Option<ListenerSecurity>,
}

/// Whether HTTP is used inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListenerSecurity {
    Plain,
    Tls,
}

/// Whether the arguments must have an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressRule {
    /// They must, unless there is a default.
    Needed,
    /// They need not, since there are other listeners.
    Optional,
}

/// A port: digits only, no sign and no space.
pub(super) fn port(typed: &str) -> Result<u16, AddressError> {
    match typed.parse() {
        Ok(port) if is_number(typed) => Ok(port),
        _ => Err(AddressError::Port(typed.to_owned())),
    }
}

impl Address {
    /// Port `port` of the loopback address.
    pub(super) fn loopback(port: Option<u16>) -> Self {
        Self {
            port,
            ..Self::named(&Ipv4Addr::LOCALHOST.to_string())
        }
    }

    /// A host of this name, or an IP address.
    pub(super) fn named(host: &str) -> Self {
        Self {
            typed: host.to_owned(),
            host: host.to_owned(),
            port: None,
            default_port: None,
            security: None,
        }
    }

    /// Whether TLS is used; `default` if the address does not state it.
    ///
    /// # Errors
    /// If the address needs TLS and `default` shows that there is no certificate.
    pub(super) fn security(
        &self,
        default: ListenerSecurity,
    ) -> Result<ListenerSecurity, AddressError> {
        match (self.security, default) {
            (Some(ListenerSecurity::Tls), ListenerSecurity::Plain) => {
                Err(AddressError::Https(self.typed.clone()))
            }
            (said, default) => Ok(said.unwrap_or(default)),
        }
    }

    /// Whether the address states TLS or plain HTTP.
    pub(super) fn stated_security(&self) -> Option<ListenerSecurity> {
        self.security
    }

    /// The address that was probably meant: `[::1]:8080`, if `::1:8080` was typed, which is an IPv6 address without a
    /// port.
    pub(super) fn with_last_group_as_port(&self) -> Option<String> {
        let (host, port) = self.host.rsplit_once(':')?;
        let is_meant = !self.has_port()
            && self.typed == self.host
            && host.parse::<Ipv6Addr>().is_ok()
            && self::port(port).is_ok();
        is_meant.then(|| format!("[{host}]:{port}"))
    }

    /// The same with a port, as an example.
    pub(super) fn with_some_port(&self) -> String {
        match self.with_last_group_as_port() {
            Some(probably) => probably,
            None if self.host.contains(':') => format!("[{}]:8080", self.host),
            None => format!("{}:8080", self.host),
        }
    }

    /// Whether it has a port.
    pub(super) fn has_port(&self) -> bool {
        self.port.or(self.default_port).is_some()
    }

    /// Whether it is `*`, the wildcard of other servers.
    pub(super) fn is_wildcard(&self) -> bool {
        self.host == "*"
    }

    /// Parses an address by its form: a URL, an IP address, `localhost`, `HOST:PORT` or `:PORT`. `None` for any other
    /// word, such as a plain host name.
    pub(super) fn parse(typed: &str) -> Result<Option<Self>, AddressError> {
        let Some((scheme, rest)) = typed.split_once("://") else {
            return Self::authority(typed, typed);
        };
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(authority_end);
        let (security, default_port) = match scheme.to_ascii_lowercase().as_str() {
            "http" => (ListenerSecurity::Plain, HTTP_PORT),
            "https" => (ListenerSecurity::Tls, HTTPS_PORT),
            _ => return Err(AddressError::Scheme(typed.to_owned())),
        };
        if !matches!(path, "" | "/") {
            return Err(AddressError::Path {
                typed: typed.to_owned(),
                address: format!("{scheme}://{authority}"),
            });
        }
        if authority.is_empty() || authority.contains('@') {
            return Err(AddressError::Malformed(typed.to_owned()));
        }
        let address = Self::authority(authority, typed)?.unwrap_or_else(|| Self::named(authority));
        Ok(Some(Self {
            typed: typed.to_owned(),
            default_port: Some(default_port),
            security: Some(security),
            ..address
        }))
    }

    /// Parses an address by its form, and takes any other word for a host name.
    pub(super) fn parse_or_name(typed: &str) -> Result<Self, AddressError> {
        match (Self::parse(typed)?, typed.rsplit_once(':')) {
            (Some(address), _) => Ok(address),
            (None, Some((host, port))) if !host.contains(':') => {
                Err(AddressError::in_address(port, typed))
            }
            (None, _) => Ok(Self::named(typed)),
        }
    }

    /// Parses an address by its form; `typed` is the whole argument.
    fn authority(text: &str, typed: &str) -> Result<Option<Self>, AddressError> {
        if let Some(rest) = text.strip_prefix('[') {
            return Self::bracketed(rest, typed).map(Some);
        }
        if text.parse::<IpAddr>().is_ok() || text.eq_ignore_ascii_case("localhost") {
            return Ok(Some(Self::named(text)));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Ok(None);
        };
        // Colons on the left are those of an IPv6 address with a zone, such as fe80::1%eth0, or of none.
        if host.contains(':') || host.contains('/') || !is_number(port) {
            return Ok(None);
        }
        let host = if host.is_empty() {
            Ipv4Addr::LOCALHOST.to_string()
        } else {
            host.to_owned()
        };
        Self::with_port(&host, port, typed).map(Some)
    }

    /// Parses the text after the `[` of an IPv6 address.
    fn bracketed(rest: &str, typed: &str) -> Result<Self, AddressError> {
        match rest.split_once(']') {
            Some(("", _)) | None => Err(AddressError::Malformed(typed.to_owned())),
            Some((host, "")) => Ok(Self {
                typed: typed.to_owned(),
                ..Self::named(host)
            }),
            Some((host, port)) => match port.strip_prefix(':') {
                Some(port) => Self::with_port(host, port, typed),
                None => Err(AddressError::Malformed(typed.to_owned())),
            },
        }
    }

    fn with_port(host: &str, digits: &str, typed: &str) -> Result<Self, AddressError> {
        let port = port(digits).map_err(|_| AddressError::in_address(digits, typed))?;
        Ok(Self {
            typed: typed.to_owned(),
            port: Some(port),
            ..Self::named(host)
        })
    }

    /// Resolves the host: `localhost` is 127.0.0.1, and getaddrinfo(3) resolves other names.
    ///
    /// # Errors
    /// In the words of getaddrinfo(3).
    pub(super) fn resolve(&self, default_port: u16) -> Result<Listen, String> {
        let port = self.port.or(self.default_port).unwrap_or(default_port);
        let found = self.look_up(port).map_err(|error| cause(&error))?;
        if found.is_empty() {
            return Err("it has no address".to_owned());
        }
        let name = match found.first() {
            Some(address) if self.host.contains(':') => address.to_string(),
            _ => format!("{}:{port}", self.host),
        };
        Ok(Listen {
            name,
            host: self.host.clone(),
            addresses: found,
            probably: self.with_last_group_as_port(),
        })
    }

    fn look_up(&self, port: u16) -> io::Result<Vec<SocketAddr>> {
        if self.host.eq_ignore_ascii_case("localhost") {
            return Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port))]);
        }
        Ok((self.host.as_str(), port).to_socket_addrs()?.collect())
    }
}

/// A resolved listening address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listen {
    /// Host and port as typed, for messages.
    name: String,
    /// The host as typed, without brackets: a name, or an address.
    pub(crate) host: String,
    /// The first that can be bound is taken.
    pub(crate) addresses: Vec<SocketAddr>,
    /// What was probably meant, if these addresses cannot be listened on.
    pub(crate) probably: Option<String>,
}

impl Listen {
    /// Whether all of the addresses are loopback addresses, so that no other machine can connect.
    pub(super) fn is_for_this_machine(&self) -> bool {
        let ips = self.addresses.iter().map(SocketAddr::ip);
        ips.map(|ip| ip.to_canonical()).all(|ip| ip.is_loopback())
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// The cause without the standard library's common prefix for getaddrinfo(3).
fn cause(error: &io::Error) -> String {
    let text = error.to_string();
    let common = "failed to lookup address information: ";
    text.strip_prefix(common).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_recognised_by_their_form() {
        for (typed, expected) in [
            ("127.0.0.1", Some("127.0.0.1:9")),
            ("0.0.0.0", Some("0.0.0.0:9")),
            ("::1", Some("[::1]:9")),
            ("::", Some("[::]:9")),
            ("[::1]", Some("[::1]:9")),
            ("localhost", Some("127.0.0.1:9")),
            ("LocalHost", Some("127.0.0.1:9")),
            ("127.0.0.1:8080", Some("127.0.0.1:8080")),
            ("localhost:0", Some("127.0.0.1:0")),
            ("[::1]:8080", Some("[::1]:8080")),
            ("[127.0.0.1]:8080", Some("127.0.0.1:8080")),
            (":8080", Some("127.0.0.1:8080")),
            // All of it is an IPv6 address.
            ("::1:8080", Some("[::1:8080]:9")),
            ("http://localhost:8080", Some("127.0.0.1:8080")),
            ("http://localhost:8080/", Some("127.0.0.1:8080")),
            ("HTTP://127.0.0.1", Some("127.0.0.1:80")),
            ("http://[::1]", Some("[::1]:80")),
            ("https://[::1]", Some("[::1]:443")),
            ("HTTPS://localhost:8443/", Some("127.0.0.1:8443")),
            ("http://:8080", Some("127.0.0.1:8080")),
            ("8080", None),
            ("example.org", None),
            ("fe80::1%lo", None),
            ("public", None),
            ("./public", None),
            ("a/b:80", None),
            ("localhost:http", None),
            ("localhost:", None),
            (":", None),
            ("", None),
        ] {
            let found = Address::parse(typed).unwrap();
            let found = found.map(|address| address.resolve(9).unwrap().addresses);
            let expected = expected.map(|address| vec![address.parse().unwrap()]);
            assert_eq!(found, expected, "{typed:?}");
        }
    }

    #[test]
    fn last_group_of_ipv6_may_be_meant_as_the_port() {
        for (typed, expected) in [
            ("::1:8080", Some("[::1]:8080")),
            ("2001:db8::7:443", Some("[2001:db8::7]:443")),
            ("::1", None),
            ("::8080", None),
            ("::1:80a", None),
            ("fe80::1:ffff", None),
            ("[::1:8080]", None),
            ("http://::1:8080", None),
            ("127.0.0.1", None),
        ] {
            let address = Address::parse(typed).unwrap().unwrap();
            let found = address.with_last_group_as_port();
            assert_eq!(found.as_deref(), expected, "{typed}");
        }
    }

    #[test]
    fn malformed_address_is_an_error() {
        for (typed, message) in [
            (
                "[::1]:",
                "'[::1]:' has no port after its colon: type one, as in '[::1]:8080'",
            ),
            (
                "127.0.0.1:65536",
                "'65536' in '127.0.0.1:65536' is not a port: type a number from 0 to 65535",
            ),
            (
                "[::1]:http",
                "'http' in '[::1]:http' is not a port: type a number from 0 to 65535",
            ),
            (
                "http://localhost:8080/x?y",
                "'http://localhost:8080/x?y' has more than an address: type 'http://localhost:8080'",
            ),
            (
                "ftp://localhost",
                "'ftp://localhost' is not an address: only http:// and https:// are served",
            ),
            (
                "http://",
                "'http://' is not an address: type one such as '127.0.0.1:8080' or '[::1]:8080'",
            ),
            (
                "http://me@localhost",
                "'http://me@localhost' is not an address: type one such as '127.0.0.1:8080' or '[::1]:8080'",
            ),
            (
                "[::1",
                "'[::1' is not an address: type one such as '127.0.0.1:8080' or '[::1]:8080'",
            ),
            (
                "[]:80",
                "'[]:80' is not an address: type one such as '127.0.0.1:8080' or '[::1]:8080'",
            ),
            (
                "[::1]8080",
                "'[::1]8080' is not an address: type one such as '127.0.0.1:8080' or '[::1]:8080'",
            ),
        ] {
            let error = Address::parse(typed).unwrap_err();
            assert_eq!(error.to_string(), message, "{typed:?}");
        }
    }

    #[test]
    fn https_needs_a_certificate() {
        use ListenerSecurity::{Plain, Tls};
        for (typed, default, expected) in [
            ("127.0.0.1", Plain, Ok(Plain)),
            ("127.0.0.1", Tls, Ok(Tls)),
            ("http://127.0.0.1", Tls, Ok(Plain)),
            ("https://127.0.0.1", Tls, Ok(Tls)),
            (
                "https://127.0.0.1",
                Plain,
                Err(
                    "'https://127.0.0.1' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed",
                ),
            ),
        ] {
            let address = Address::parse(typed).unwrap().unwrap();
            let found = address.security(default).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{typed}");
        }
    }

    #[test]
    fn a_listen_address_is_named_as_it_is_typed() {
        for (typed, name) in [
            ("127.0.0.1", "127.0.0.1:80"),
            ("localhost:8080", "localhost:8080"),
            ("[::1]:8080", "[::1]:8080"),
            ("::", "[::]:80"),
            (":8080", "127.0.0.1:8080"),
            ("http://localhost", "localhost:80"),
        ] {
            let address = Address::parse(typed).unwrap().unwrap();
            assert_eq!(address.resolve(80).unwrap().to_string(), name, "{typed:?}");
        }
    }

    #[test]
    fn ports_are_digits() {
        for (typed, expected) in [
            ("0", Some(0)),
            ("00", Some(0)),
            ("65535", Some(65_535)),
            ("65536", None),
            ("+80", None),
            ("-1", None),
            (" 80", None),
            ("80x", None),
            ("http", None),
            ("", None),
        ] {
            assert_eq!(port(typed).ok(), expected, "{typed:?}");
        }
    }
}
