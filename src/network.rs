//! The addresses at which other machines can reach this one, the likeliest first.
//!
//! It reads the system's interfaces (getifaddrs(3)); ports and protocols are not its concern.

use std::io;
use std::net::IpAddr;

use if_addrs::{IfOperStatus, Interface};

/// The prefixes of interfaces for containers and virtual machines of this machine.
const BRIDGES: [&str; 12] = [
    "br-", "cali", "cni", "docker", "flannel", "lxc", "lxdbr", "podman", "vboxnet", "veth",
    "virbr", "vmnet",
];

/// An address of this machine, and the interface that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reachable {
    pub(crate) address: IpAddr,
    pub(crate) interface: String,
}

/// How likely other machines on the local network can reach an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// RFC 1918.
    Private,
    Public,
    Ipv6,
    /// The other end of a tunnel.
    Tunnel,
    /// Two machines on one cable (RFC 3927).
    LinkLocal,
    /// Containers and virtual machines of this machine.
    Bridge,
}

/// The addresses behind a wildcard address, `0.0.0.0` or `::`.
pub(crate) fn behind(wildcard: IpAddr) -> io::Result<Vec<Reachable>> {
    Ok(sorted(wildcard, if_addrs::get_if_addrs()?))
}

fn sorted(wildcard: IpAddr, interfaces: Vec<Interface>) -> Vec<Reachable> {
    let mut ranked: Vec<_> = interfaces
        .into_iter()
        .filter(|interface| wildcard.is_ipv6() || interface.ip().is_ipv4())
        .filter_map(|interface| Some((rank(&interface)?, interface)))
        .collect();
    // Stable: within a rank in the order of the system.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked
        .into_iter()
        .map(|(_, interface)| Reachable {
            address: interface.ip(),
            interface: interface.name,
        })
        .collect()
}

/// `None` if no other machine can reach it, or if a URL cannot express it, as for an IPv6 address with a zone.
fn rank(interface: &Interface) -> Option<Rank> {
    let is_down = matches!(
        interface.oper_status,
        IfOperStatus::Down | IfOperStatus::LowerLayerDown | IfOperStatus::NotPresent
    );
    let address = interface.ip();
    let needs_zone = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    if is_down || needs_zone || address.is_loopback() || address.is_unspecified() {
        return None;
    }
    let is_bridge = BRIDGES
        .iter()
        .any(|start| interface.name.starts_with(start));
    Some(match address {
        _ if is_bridge => Rank::Bridge,
        _ if interface.is_p2p => Rank::Tunnel,
        IpAddr::V4(address) if address.is_link_local() => Rank::LinkLocal,
        IpAddr::V4(address) if address.is_private() => Rank::Private,
        IpAddr::V4(_) => Rank::Public,
        IpAddr::V6(_) => Rank::Ipv6,
    })
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use if_addrs::{IfAddr, Ifv4Addr, Ifv6Addr};

    use super::*;

    fn interface(name: &str, address: &str) -> Interface {
        let addr = match address.parse().unwrap() {
            IpAddr::V4(ip) => IfAddr::V4(Ifv4Addr {
                ip,
                netmask: Ipv4Addr::BROADCAST,
                prefixlen: 32,
                broadcast: None,
            }),
            IpAddr::V6(ip) => IfAddr::V6(Ifv6Addr {
                ip,
                netmask: Ipv6Addr::UNSPECIFIED,
                prefixlen: 128,
                broadcast: None,
            }),
        };
        Interface {
            name: name.to_owned(),
            addr,
            index: None,
            oper_status: IfOperStatus::Up,
            is_p2p: false,
        }
    }

    fn found(wildcard: &str, interfaces: Vec<Interface>) -> Vec<String> {
        let found = sorted(wildcard.parse().unwrap(), interfaces);
        found
            .iter()
            .map(|found| format!("{} {}", found.interface, found.address))
            .collect()
    }

    #[test]
    fn addresses_that_a_phone_reaches_come_first() {
        let all = || {
            vec![
                interface("lo", "127.0.0.1"),
                interface("docker0", "172.17.0.1"),
                interface("br-5f2c", "172.18.0.1"),
                interface("eth1", "169.254.7.7"),
                Interface {
                    is_p2p: true,
                    ..interface("wg0", "10.8.0.2")
                },
                interface("eth0", "203.0.113.7"),
                interface("br0", "10.0.0.4"),
                interface("wlan0", "192.168.1.20"),
                interface("lo", "::1"),
                interface("wlan0", "fe80::1"),
                interface("wlan0", "2001:db8::20"),
                interface("docker0", "fd00::1"),
            ]
        };
        let ipv4 = [
            "br0 10.0.0.4",
            "wlan0 192.168.1.20",
            "eth0 203.0.113.7",
            "wg0 10.8.0.2",
            "eth1 169.254.7.7",
            "docker0 172.17.0.1",
            "br-5f2c 172.18.0.1",
        ];
        assert_eq!(found("0.0.0.0", all()), ipv4);
        let mut both = ipv4.to_vec();
        both.insert(3, "wlan0 2001:db8::20");
        both.push("docker0 fd00::1");
        assert_eq!(found("::", all()), both);
    }

    #[test]
    fn interfaces_that_are_down_are_left_out() {
        for (oper_status, is_shown) in [
            (IfOperStatus::Up, true),
            (IfOperStatus::Unknown, true),
            (IfOperStatus::Dormant, true),
            (IfOperStatus::Testing, true),
            (IfOperStatus::Down, false),
            (IfOperStatus::LowerLayerDown, false),
            (IfOperStatus::NotPresent, false),
        ] {
            let interface = Interface {
                oper_status,
                ..interface("eth0", "10.0.0.1")
            };
            assert_eq!(
                found("0.0.0.0", vec![interface]).len(),
                usize::from(is_shown)
            );
        }
    }
}
