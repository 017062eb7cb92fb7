//! The options that say where to listen, besides the arguments.
//!
//! A listener is typed as `SPEC[,OPTION…]`. SPEC is an address as among the arguments, or `unix:` and a path.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use thiserror::Error;

use httpserver::connection::{ProxyProtocol, TrustedProxies, UnixPeers};

use super::address::{self, Address, AddressError, Listen};
use super::group::Group;
use super::positionals::AddressRule;
use super::proxies::ProxyOptions;
use super::values::is_number;

pub(super) const GROUP: Group = Group {
    heading: "Listeners",
    sentence: "more places where clients can connect, besides ADDRESS and PORT.",
    example: "httpserver --web --listen 127.0.0.1:8080 --listen unix:/run/httpserver.sock,mode=660",
    does: "listens on a port, and on a Unix domain socket that a group may use",
    defaults: &[],
    needs: &[],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct ListenOptions {
    /// Also listen on SPEC
    ///
    /// SPEC is an address with its port, or 'unix:' and the path of a socket. Append ',mode=660' to a path to set the
    /// permission bits of the socket, and ',proxy' if trusted proxies begin each connection with a PROXY header. It may
    /// be given several times.
    #[arg(long, value_name = "SPEC", hide_short_help = true, value_parser = spec)]
    listen: Vec<Spec>,
}

/// A listener as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Spec {
    typed: String,
    place: TypedPlace,
    proxy_protocol: ProxyProtocol,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum TypedPlace {
    Address(Address),
    Unix { path: PathBuf, mode: Option<u16> },
}

/// A listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListenerConfig {
    pub(crate) place: Place,
    pub(crate) proxy_protocol: ProxyProtocol,
}

/// Where a listener is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Internet(Listen),
    /// A socket at this path with these permission bits, or those that the umask leaves.
    Unix {
        path: PathBuf,
        mode: Option<u16>,
    },
}

impl ListenerConfig {
    /// The host that was typed, if it has one.
    pub(super) fn host(&self) -> Option<&str> {
        match &self.place {
            Place::Internet(listen) => Some(&listen.host),
            Place::Unix { .. } => None,
        }
    }

    /// Whether no other machine can connect.
    pub(super) fn is_for_this_machine(&self) -> bool {
        match &self.place {
            Place::Internet(listen) => listen.is_for_this_machine(),
            Place::Unix { .. } => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Internet(listen) => listen.fmt(f),
            Self::Unix { path, .. } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// What was typed is no listener.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum ListenError {
    #[error(transparent)]
    Address(#[from] AddressError),
    #[error("it has no port: type one behind the address, such as '{0}:8080'")]
    NoPort(String),
    #[error("it has no path: type one, such as unix:/run/httpserver.sock")]
    NoPath,
    #[error("there is no option '{0}' of a listener: type proxy or mode=660")]
    Option(String),
    #[error("'{0}' is no mode: type three digits from 0 to 7, such as 660")]
    Mode(String),
    #[error("a port has no mode: only the socket of unix:/PATH has one")]
    ModeOfPort,
    #[error("'{typed}' does not resolve ({cause}): type an IP address, 'localhost' or a host name")]
    Unresolved { typed: String, cause: String },
    #[error("'--listen {0}' needs --trust-proxy: type which proxies are believed")]
    ProxyOfNobody(String),
    #[error("'--listen {0}' needs '--trust-proxy unix': type both")]
    ProxyOfUnix(String),
}

/// Reads a listener.
fn spec(typed: &str) -> Result<Spec, ListenError> {
    let mut parts = typed.split(',');
    let place = parts.next().unwrap_or_default();
    let mut proxy_protocol = ProxyProtocol::NotSpoken;
    let mut mode = None;
    for option in parts {
        match option.split_once('=') {
            None if option == "proxy" => proxy_protocol = ProxyProtocol::Spoken,
            Some(("mode", digits)) => mode = Some(bits(digits)?),
            _ => return Err(ListenError::Option(option.to_owned())),
        }
    }
    let place = match place.strip_prefix("unix:") {
        Some("") => return Err(ListenError::NoPath),
        Some(path) => TypedPlace::Unix {
            path: PathBuf::from(path),
            mode,
        },
        None if mode.is_some() => return Err(ListenError::ModeOfPort),
        None => TypedPlace::Address(address(place)?),
    };
    Ok(Spec {
        typed: typed.to_owned(),
        place,
        proxy_protocol,
    })
}

fn address(typed: &str) -> Result<Address, ListenError> {
    if is_number(typed) {
        return Ok(Address::loopback(Some(address::port(typed)?)));
    }
    let address = Address::parse(typed)?.unwrap_or_else(|| Address::named(typed));
    if address.has_port() {
        Ok(address)
    } else {
        Err(ListenError::NoPort(typed.to_owned()))
    }
}

/// Permission bits, as chmod(1) takes them.
fn bits(digits: &str) -> Result<u16, ListenError> {
    let wrong = || ListenError::Mode(digits.to_owned());
    if digits.len() < 3 || digits.len() > 4 {
        return Err(wrong());
    }
    match u16::from_str_radix(digits, 8) {
        Ok(bits @ ..=0o777) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Ok(bits),
        _ => Err(wrong()),
    }
}

impl ListenOptions {
    /// Whether the arguments must say where to listen.
    pub(super) fn address_rule(&self) -> AddressRule {
        if self.listen.is_empty() {
            AddressRule::Needed
        } else {
            AddressRule::Optional
        }
    }

    /// All listeners; first the one of the arguments, if there is one.
    pub(super) fn listeners(
        &self,
        of_arguments: Option<Listen>,
        proxies: &ProxyOptions,
    ) -> Result<Vec<ListenerConfig>, ListenError> {
        let trusted = proxies.proxies();
        let first = of_arguments.map(|listen| {
            Ok(ListenerConfig {
                place: Place::Internet(listen),
                proxy_protocol: proxies.protocol(),
            })
        });
        let others = self.listen.iter().map(|spec| {
            let listener = spec.resolve(trusted.as_ref())?;
            Ok(match proxies.protocol() {
                protocol @ ProxyProtocol::Spoken => ListenerConfig {
                    proxy_protocol: protocol,
                    ..listener
                },
                ProxyProtocol::NotSpoken => listener,
            })
        });
        first.into_iter().chain(others).collect()
    }
}

impl Spec {
    fn resolve(&self, proxies: Option<&TrustedProxies>) -> Result<ListenerConfig, ListenError> {
        if self.proxy_protocol == ProxyProtocol::Spoken {
            match &self.place {
                TypedPlace::Address(_) if proxies.is_none_or(|all| all.networks.is_empty()) => {
                    return Err(ListenError::ProxyOfNobody(self.typed.clone()));
                }
                TypedPlace::Unix { .. }
                    if proxies.is_none_or(|all| all.unix == UnixPeers::NotTrusted) =>
                {
                    return Err(ListenError::ProxyOfUnix(self.typed.clone()));
                }
                _ => {}
            }
        }
        Ok(ListenerConfig {
            place: match &self.place {
                TypedPlace::Address(address) => {
                    let resolved = address.resolve(0).map_err(|cause| ListenError::Unresolved {
                        typed: self.typed.clone(),
                        cause,
                    });
                    Place::Internet(resolved?)
                }
                TypedPlace::Unix { path, mode } => Place::Unix {
                    path: path.clone(),
                    mode: *mode,
                },
            },
            proxy_protocol: self.proxy_protocol,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(typed: &str) -> Result<String, String> {
        let spec = spec(typed).map_err(|error| error.to_string())?;
        match spec.resolve(None).map_err(|error| error.to_string())?.place {
            Place::Internet(listen) => Ok(listen.addresses[0].to_string()),
            Place::Unix { path, mode } => {
                let mode = mode.map_or_else(String::new, |bits| format!(" {bits:o}"));
                Ok(format!("{}{mode}", path.display()))
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
            ("unix:/run/a.sock", "/run/a.sock"),
            ("unix:a.sock,mode=0660", "a.sock 660"),
            ("unix:/run/a:b=c,mode=600", "/run/a:b=c 600"),
        ] {
            assert_eq!(address_of(typed), Ok(expected.to_owned()), "{typed}");
        }
    }

    #[test]
    fn what_is_no_listener_is_an_error() {
        for (typed, message) in [
            (
                "127.0.0.1",
                "it has no port: type one behind the address, such as '127.0.0.1:8080'",
            ),
            (
                "somewhere",
                "it has no port: type one behind the address, such as 'somewhere:8080'",
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
                "unix:/a,prxy",
                "there is no option 'prxy' of a listener: type proxy or mode=660",
            ),
            (
                "unix:/a,",
                "there is no option '' of a listener: type proxy or mode=660",
            ),
            (
                "unix:/a,mode=9",
                "'9' is no mode: type three digits from 0 to 7, such as 660",
            ),
            (
                "unix:/a,mode=+66",
                "'+66' is no mode: type three digits from 0 to 7, such as 660",
            ),
            (
                "unix:/a,mode=4755",
                "'4755' is no mode: type three digits from 0 to 7, such as 660",
            ),
            (
                ":80,mode=660",
                "a port has no mode: only the socket of unix:/PATH has one",
            ),
            (
                ":80,proxy",
                "'--listen :80,proxy' needs --trust-proxy: type which proxies are believed",
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
