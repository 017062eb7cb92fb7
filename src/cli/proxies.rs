//! The options of a server behind proxies.

use std::net::IpAddr;

use clap::Args;
use ipnet::IpNet;
use thiserror::Error;

use httpserver::connection::{ForwardedField, ProxyProtocol, TrustedProxies, UnixPeers};

use super::group::{Default, Group, Requirement};

pub(super) const GROUP: Group = Group {
    heading: "Proxies",
    sentence: "the address of a client behind a proxy. The access log and -v show it.",
    example: "httpserver --trust-proxy 10.0.0.0/8,::1 --access-log - 0.0.0.0 8080",
    does: "reads a client's address from X-Forwarded-For if the request comes from one of these networks",
    defaults: &[
        Default {
            option: "trust-proxy",
            holds: "none",
        },
        Default {
            option: "client-address-from",
            holds: "x-forwarded-for",
        },
    ],
    needs: &[
        needs_proxies("client-address-from"),
        needs_proxies("proxy-protocol"),
    ],
};

const fn needs_proxies(option: &'static str) -> Requirement {
    Requirement {
        option,
        needs: "trust-proxy",
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct ProxyOptions {
    /// Trust the client addresses that proxies at CIDR report
    ///
    /// CIDR is an address, a network, or 'unix' for all peers on Unix domain sockets; separate several by commas.
    #[arg(long, value_name = "CIDR", value_delimiter = ',', hide_short_help = true, value_parser = proxy)]
    trust_proxy: Vec<TypedProxy>,

    /// Take the client's address from FIELD
    ///
    /// FIELD is x-forwarded-for, or forwarded (RFC 7239); the other one is ignored.
    #[arg(long, value_name = "FIELD", hide_short_help = true, value_parser = field)]
    client_address_from: Option<ForwardedField>,

    /// Expect a PROXY header, version 1 or 2, on each connection of a trusted proxy
    ///
    /// The same as ',proxy' on every listener.
    #[arg(long, hide_short_help = true)]
    proxy_protocol: bool,
}

/// Trusted proxies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TypedProxy {
    Network(IpNet),
    Unix,
}

/// An invalid value of these options.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
enum ProxyValueError {
    #[error(
        "it must be an address, a network or unix, such as 10.0.0.1, 10.0.0.0/8 or 2001:db8::/32"
    )]
    Network,
    #[error("it must be x-forwarded-for or forwarded")]
    Field,
}

fn proxy(typed: &str) -> Result<TypedProxy, ProxyValueError> {
    if typed == "unix" {
        return Ok(TypedProxy::Unix);
    }
    network(typed).map(TypedProxy::Network)
}

fn network(typed: &str) -> Result<IpNet, ProxyValueError> {
    let network = match typed.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => typed.parse().map_err(|_| ProxyValueError::Network)?,
    };
    Ok(canonical(network))
}

/// A network of IPv4-mapped addresses (RFC 4291 §2.5.5.2) as an IPv4 network.
fn canonical(network: IpNet) -> IpNet {
    const MAPPED: u8 = 96;
    match (network.addr().to_canonical(), network.prefix_len()) {
        (address @ IpAddr::V4(_), length @ MAPPED..) if matches!(network, IpNet::V6(_)) => {
            IpNet::new(address, length - MAPPED).unwrap_or(network)
        }
        _ => network,
    }
}

fn field(typed: &str) -> Result<ForwardedField, ProxyValueError> {
    match typed.to_ascii_lowercase().as_str() {
        "x-forwarded-for" => Ok(ForwardedField::XForwardedFor),
        "forwarded" => Ok(ForwardedField::Forwarded),
        _ => Err(ProxyValueError::Field),
    }
}

impl ProxyOptions {
    /// The proxies that are trusted, if any are.
    pub(super) fn proxies(&self) -> Option<TrustedProxies> {
        let networks = self.trust_proxy.iter().filter_map(|proxy| match proxy {
            TypedProxy::Network(network) => Some(*network),
            TypedProxy::Unix => None,
        });
        (!self.trust_proxy.is_empty()).then(|| TrustedProxies {
            networks: networks.collect(),
            unix: if self.trust_proxy.contains(&TypedProxy::Unix) {
                UnixPeers::Trusted
            } else {
                UnixPeers::NotTrusted
            },
            field: self.client_address_from.unwrap_or_default(),
        })
    }

    pub(super) fn protocol(&self) -> ProxyProtocol {
        if self.proxy_protocol {
            ProxyProtocol::Spoken
        } else {
            ProxyProtocol::NotSpoken
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_addresses_or_cidr() {
        for (typed, expected) in [
            ("10.0.0.1", Some("10.0.0.1/32")),
            ("10.0.0.0/8", Some("10.0.0.0/8")),
            ("::1", Some("::1/128")),
            ("2001:db8::/32", Some("2001:db8::/32")),
            ("0.0.0.0/0", Some("0.0.0.0/0")),
            ("::/0", Some("::/0")),
            ("::ffff:10.0.0.0/104", Some("10.0.0.0/8")),
            ("::ffff:10.0.0.1", Some("10.0.0.1/32")),
            ("::fffe:0:0/95", Some("::fffe:0:0/95")),
            ("10.0.0.0/33", None),
            ("10.0.0/8", None),
            ("10.0.0.0/-1", None),
            ("10.0.0.0/", None),
            ("[::1]", None),
            ("localhost", None),
            ("", None),
        ] {
            let found = network(typed).map(|network| network.to_string());
            assert_eq!(found.ok().as_deref(), expected, "{typed}");
        }
    }

    #[test]
    fn client_address_is_in_one_of_two_fields() {
        for (typed, expected) in [
            ("x-forwarded-for", Ok(ForwardedField::XForwardedFor)),
            ("X-Forwarded-For", Ok(ForwardedField::XForwardedFor)),
            ("forwarded", Ok(ForwardedField::Forwarded)),
            ("x-real-ip", Err(ProxyValueError::Field)),
            ("", Err(ProxyValueError::Field)),
        ] {
            assert_eq!(field(typed), expected, "{typed}");
        }
    }
}
