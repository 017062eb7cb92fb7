//! A listener as typed: `SPEC[,OPTION…]`.
//!
//! SPEC is an address as in the arguments, `unix:` and a path, or `systemd:` and the name of a passed socket.

use std::fmt;
use std::path::PathBuf;

use thiserror::Error;

use httpserver::connection::{ProxyProtocol, TrustedProxies, UnixPeers};

use super::address::{self, Address, Listen, ListenerSecurity};
use super::address_error::AddressError;
use super::values::is_number;

/// A listener as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListenerSpec {
    pub(super) typed: String,
    place: TypedPlace,
    pub(super) security: ListenerSecurity,
    pub(super) proxy_protocol: ProxyProtocol,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TypedPlace {
    Address(Address),
    Unix {
        path: PathBuf,
        mode: Option<u16>,
    },
    /// All passed sockets of this name.
    Passed(String),
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerConfig {
    pub(crate) place: ListenerPlace,
    pub(crate) protocol: ListenerProtocol,
    pub(crate) proxy_protocol: ProxyProtocol,
}

/// The protocol of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListenerProtocol {
    Http,
    Https,
    /// HTTP that only redirects.
    Redirect,
}

impl From<ListenerSecurity> for ListenerProtocol {
    fn from(security: ListenerSecurity) -> Self {
        match security {
            ListenerSecurity::Plain => Self::Http,
            ListenerSecurity::Tls => Self::Https,
        }
    }
}

/// The location of a listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListenerPlace {
    Internet(Listen),
    /// A socket at this path with these permission bits, or those that the umask leaves.
    Unix {
        path: PathBuf,
        mode: Option<u16>,
    },
    /// The passed socket with this index, and its name.
    Passed {
        index: usize,
        name: String,
    },
}

impl ListenerConfig {
    /// The typed host, if there is one.
    pub(super) fn host(&self) -> Option<&str> {
        match &self.place {
            ListenerPlace::Internet(listen) => Some(&listen.host),
            ListenerPlace::Unix { .. } | ListenerPlace::Passed { .. } => None,
        }
    }

    /// Whether it has TLS.
    pub(super) fn has_tls(&self) -> bool {
        self.protocol == ListenerProtocol::Https
    }

    /// Whether it has TLS on a port.
    pub(super) fn has_tls_port(&self) -> bool {
        self.has_tls() && !matches!(self.place, ListenerPlace::Unix { .. })
    }

    /// Whether no other machine can connect.
    pub(super) fn is_for_this_machine(&self) -> bool {
        match &self.place {
            ListenerPlace::Internet(listen) => listen.is_for_this_machine(),
            ListenerPlace::Unix { .. } => true,
            ListenerPlace::Passed { .. } => false,
        }
    }
}

impl fmt::Display for ListenerPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet(listen) => listen.fmt(f),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
            Self::Passed { name, .. } => write!(f, "systemd:{name}"),
        }
    }
}

/// The typed text is not a listener.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ListenerSyntaxError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("it has no port: type one after the address, as in '{0}'")]
    NoPort(String),
    #[error("it has no path: type one, such as unix:/run/httpserver.sock")]
    NoPath,
    #[error("it has no name: type that of a socket, such as systemd:web")]
    NoName,
    #[error("systemd passes no socket '{name}': {}", passed_sockets(passed))]
    NotPassed { name: String, passed: Vec<String> },
    #[error("systemd passes several sockets '{0}': --status takes one")]
    Several(String),
    #[error("'{0}' is not an option of a listener: type tls, proxy or mode=660")]
    Option(String),
    #[error("'{0}' is not a mode: type three digits from 0 to 7, such as 660")]
    Mode(String),
    #[error("a port has no mode: only the socket of unix:/PATH has one")]
    ModeOfPort,
    #[error("'{typed}' does not resolve ({cause}): type an IP address, 'localhost' or a host name")]
    Unresolved { typed: String, cause: String },
    #[error("'http://' and ',tls' contradict each other: type one of them")]
    PlainAndTls,
    #[error(
        "'--listen {0}' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed"
    )]
    NoCertificate(String),
    #[error("--redirect-http has no TLS: type SPEC without ',tls'")]
    RedirectWithTls,
    #[error("'--listen {0}' needs --trust-proxy: type the addresses of the proxies")]
    ProxyOfNobody(String),
    #[error("'--listen {0}' needs '--trust-proxy unix': type both")]
    ProxyOfUnix(String),
}

/// The names of the passed sockets.
fn passed_sockets(passed: &[String]) -> String {
    match passed {
        [] => "LISTEN_FDS and LISTEN_PID pass none to this process".to_owned(),
        names => format!("type one of '{}'", names.join("', '")),
    }
}

/// Reads a listener.
pub(super) fn spec(typed: &str) -> Result<ListenerSpec, ListenerSyntaxError> {
    let mut parts = typed.split(',');
    let place = parts.next().unwrap_or_default();
    let mut proxy_protocol = ProxyProtocol::NotSpoken;
    let mut security = ListenerSecurity::Plain;
    let mut mode = None;
    for option in parts {
        match option.split_once('=') {
            None if option == "tls" => security = ListenerSecurity::Tls,
            None if option == "proxy" => proxy_protocol = ProxyProtocol::Spoken,
            Some(("mode", digits)) => mode = Some(bits(digits)?),
            _ => return Err(ListenerSyntaxError::Option(option.to_owned())),
        }
    }
    let place = match (place.strip_prefix("unix:"), place.strip_prefix("systemd:")) {
        (Some(""), _) => return Err(ListenerSyntaxError::NoPath),
        (Some(path), _) => TypedPlace::Unix {
            path: PathBuf::from(path),
            mode,
        },
        (None, _) if mode.is_some() => return Err(ListenerSyntaxError::ModeOfPort),
        (None, Some("")) => return Err(ListenerSyntaxError::NoName),
        (None, Some(name)) => TypedPlace::Passed(name.to_owned()),
        (None, None) => {
            let address = address(place)?;
            security = match (address.stated_security(), security) {
                (Some(ListenerSecurity::Plain), ListenerSecurity::Tls) => {
                    return Err(ListenerSyntaxError::PlainAndTls);
                }
                (stated, typed) => stated.unwrap_or(typed),
            };
            TypedPlace::Address(address)
        }
    };
    Ok(ListenerSpec {
        typed: typed.to_owned(),
        place,
        security,
        proxy_protocol,
    })
}

fn address(typed: &str) -> Result<Address, ListenerSyntaxError> {
    if is_number(typed) {
        return Ok(Address::loopback(Some(address::port(typed)?)));
    }
    let address = Address::parse_or_name(typed)?;
    if address.has_port() {
        return Ok(address);
    }
    Err(ListenerSyntaxError::NoPort(address.with_some_port()))
}

/// Permission bits, as chmod(1) takes them.
fn bits(digits: &str) -> Result<u16, ListenerSyntaxError> {
    let wrong = || ListenerSyntaxError::Mode(digits.to_owned());
    if digits.len() < 3 || digits.len() > 4 {
        return Err(wrong());
    }
    match u16::from_str_radix(digits, 8) {
        Ok(bits @ ..=0o777) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(bits),
        _ => Err(wrong()),
    }
}

impl ListenerSpec {
    /// The name of its passed sockets, if it refers to passed sockets.
    pub(super) fn socket_name(&self) -> Option<&str> {
        match &self.place {
            TypedPlace::Passed(name) => Some(name),
            TypedPlace::Address(_) | TypedPlace::Unix { .. } => None,
        }
    }

    /// Checks that a proxy is trusted if connections begin with a PROXY header.
    fn check_proxies(&self, proxies: Option<&TrustedProxies>) -> Result<(), ListenerSyntaxError> {
        let is_trusted = match &self.place {
            _ if self.proxy_protocol == ProxyProtocol::NotSpoken => return Ok(()),
            TypedPlace::Address(_) => proxies.is_some_and(|all| !all.networks.is_empty()),
            TypedPlace::Unix { .. } => proxies.is_some_and(|all| all.unix != UnixPeers::NotTrusted),
            TypedPlace::Passed(_) => proxies.is_some(),
        };
        match (&self.place, is_trusted) {
            (_, true) => Ok(()),
            (TypedPlace::Unix { .. }, _) => {
                Err(ListenerSyntaxError::ProxyOfUnix(self.typed.clone()))
            }
            _ => Err(ListenerSyntaxError::ProxyOfNobody(self.typed.clone())),
        }
    }

    /// Its listeners; `sockets` are the names of the passed sockets.
    pub(super) fn resolve(
        &self,
        protocol: ListenerProtocol,
        proxies: Option<&TrustedProxies>,
        sockets: &[String],
    ) -> Result<Vec<ListenerConfig>, ListenerSyntaxError> {
        self.check_proxies(proxies)?;
        let listener = |place| ListenerConfig {
            place,
            protocol,
            proxy_protocol: self.proxy_protocol,
        };
        Ok(match &self.place {
            TypedPlace::Address(address) => {
                let resolved =
                    address
                        .resolve(0)
                        .map_err(|cause| ListenerSyntaxError::Unresolved {
                            typed: self.typed.clone(),
                            cause,
                        });
                vec![listener(ListenerPlace::Internet(resolved?))]
            }
            TypedPlace::Unix { path, mode } => vec![listener(ListenerPlace::Unix {
                path: path.clone(),
                mode: *mode,
            })],
            TypedPlace::Passed(name) => {
                let passed = sockets.iter().enumerate();
                let passed = passed.filter(|(_, passed)| *passed == name);
                let places = passed.map(|(index, _)| ListenerPlace::Passed {
                    index,
                    name: name.clone(),
                });
                if !sockets.contains(name) {
                    return Err(ListenerSyntaxError::NotPassed {
                        name: name.clone(),
                        passed: sockets.to_vec(),
                    });
                }
                places.map(listener).collect()
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(typed: &str) -> Result<String, String> {
        let spec = spec(typed).map_err(|error| error.to_string())?;
        let protocol = spec.security.into();
        let security = match protocol {
            ListenerProtocol::Https => " tls",
            _ => "",
        };
        let sockets = ["web", "admin", "web"].map(str::to_owned);
        let all = spec
            .resolve(protocol, None, &sockets)
            .map_err(|error| error.to_string())?;
        match &all[0].place {
            ListenerPlace::Internet(listen) => Ok(format!("{}{security}", listen.addresses[0])),
            ListenerPlace::Unix { path, mode } => {
                let mode = mode.map_or_else(String::new, |bits| format!(" {bits:o}"));
                Ok(format!("{}{mode}{security}", path.display()))
            }
            ListenerPlace::Passed { .. } => {
                let indices = all.iter().map(|one| match &one.place {
                    ListenerPlace::Passed { index, .. } => index.to_string(),
                    place => panic!("{place}"),
                });
                let indices: Vec<_> = indices.collect();
                Ok(format!("passed {}{security}", indices.join(" ")))
            }
        }
    }

    #[test]
    fn listeners_are_addresses_or_paths() {
        for (typed, expected) in [
            ("127.0.0.1:8080", "127.0.0.1:8080"),
            ("[::1]:0", "[::1]:0"),
            (":8080", "127.0.0.1:8080"),
            ("8080", "127.0.0.1:8080"),
            ("localhost:1", "127.0.0.1:1"),
            ("http://127.0.0.1", "127.0.0.1:80"),
            ("https://127.0.0.1", "127.0.0.1:443 tls"),
            (":8443,tls", "127.0.0.1:8443 tls"),
            ("unix:a,mode=600,tls", "a 600 tls"),
            ("unix:/run/a.sock", "/run/a.sock"),
            ("systemd:admin", "passed 1"),
            ("systemd:web,tls", "passed 0 2 tls"),
            ("unix:a.sock,mode=0660", "a.sock 660"),
            ("unix:/run/a:b=c,mode=600", "/run/a:b=c 600"),
        ] {
            assert_eq!(address_of(typed), Ok(expected.to_owned()), "{typed}");
        }
    }

    #[test]
    fn malformed_listener_is_an_error() {
        for (typed, message) in [
            (
                "127.0.0.1",
                "it has no port: type one after the address, as in '127.0.0.1:8080'",
            ),
            (
                "somewhere",
                "it has no port: type one after the address, as in 'somewhere:8080'",
            ),
            (
                "::1",
                "it has no port: type one after the address, as in '[::1]:8080'",
            ),
            (
                "[::1]",
                "it has no port: type one after the address, as in '[::1]:8080'",
            ),
            (
                "::1:9000",
                "it has no port: type one after the address, as in '[::1]:9000'",
            ),
            (
                "x:y",
                "'y' in 'x:y' is not a port: type a number from 0 to 65535",
            ),
            (
                "localhost:",
                "'localhost:' has no port after its colon: type one, as in 'localhost:8080'",
            ),
            (
                "127.0.0.1:65536",
                "'65536' in '127.0.0.1:65536' is not a port: type a number from 0 to 65535",
            ),
            (
                "unix:",
                "it has no path: type one, such as unix:/run/httpserver.sock",
            ),
            (
                "systemd:",
                "it has no name: type that of a socket, such as systemd:web",
            ),
            (
                "systemd:other",
                "systemd passes no socket 'other': type one of 'web', 'admin', 'web'",
            ),
            (
                "systemd:web,mode=660",
                "a port has no mode: only the socket of unix:/PATH has one",
            ),
            (
                "systemd:web,proxy",
                "'--listen systemd:web,proxy' needs --trust-proxy: type the addresses of the proxies",
            ),
            (
                "unix:/a,prxy",
                "'prxy' is not an option of a listener: type tls, proxy or mode=660",
            ),
            (
                "unix:/a,",
                "'' is not an option of a listener: type tls, proxy or mode=660",
            ),
            (
                "unix:/a,mode=9",
                "'9' is not a mode: type three digits from 0 to 7, such as 660",
            ),
            (
                "unix:/a,mode=+66",
                "'+66' is not a mode: type three digits from 0 to 7, such as 660",
            ),
            (
                "unix:/a,mode=4755",
                "'4755' is not a mode: type three digits from 0 to 7, such as 660",
            ),
            (
                "http://:80,tls",
                "'http://' and ',tls' contradict each other: type one of them",
            ),
            (
                ":80,mode=660",
                "a port has no mode: only the socket of unix:/PATH has one",
            ),
            (
                ":80,proxy",
                "'--listen :80,proxy' needs --trust-proxy: type the addresses of the proxies",
            ),
            (
                "unix:/a,proxy",
                "'--listen unix:/a,proxy' needs '--trust-proxy unix': type both",
            ),
        ] {
            assert_eq!(address_of(typed), Err(message.to_owned()), "{typed}");
        }
    }
}
