//! The lines of a start: where the server listens, at which addresses other machines reach it, and that anyone may
//! write there.
//!
//! The `listening on` line is for scripts and goes to stdout; the rest is for people and goes to stderr.

use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};
use std::net::{IpAddr, SocketAddr};

use terminal_size::{Width, terminal_size_of};
use thiserror::Error;

use crate::cli::{Config, QrCode, Verbosity};
use crate::network::{self, Reachable};
use crate::reports::RunningReports;
use httpserver::qr::{Drawing, Ground};
use httpserver::server::LocalAddress;
use httpserver::web::Access;

/// The server would start unheard.
#[derive(Debug, Error)]
#[error("cannot print on stdout where the server listens: {0}; type -q to start without")]
struct StdoutError(io::Error);

/// A listener, as it is announced.
pub(crate) struct Announced {
    pub(crate) role: Role,
    pub(crate) place: LocalAddress,
}

/// The purpose of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It serves. Its URLs have this scheme.
    Serves(&'static str),
    /// It sends clients to another one.
    Redirects,
    /// It has the status.
    Status,
}

/// Says it all, in so far as it is wanted.
pub(crate) fn announce(
    listeners: &[Announced],
    config: &Config,
    reports: &RunningReports,
) -> Result<(), Box<dyn Error>> {
    let ports: Vec<_> = listeners.iter().filter_map(Announced::port).collect();
    for (scheme, listen) in &ports {
        if is_for_others(listen.ip()) {
            warn(scheme, *listen, config);
        }
    }
    if config.verbosity == Verbosity::Quiet {
        return Ok(());
    }
    say_for_scripts(listeners).map_err(StdoutError)?;
    if config.web.is_some() {
        reports.print(&for_people(&ports, config.qr_code));
    }
    Ok(())
}

/// Warns of what other machines can do at this address.
fn warn(scheme: &str, listen: SocketAddr, config: &Config) {
    if config.users.is_none() {
        if is_writable(config) {
            log::warn!("every client that reaches {listen} can store and remove files");
        }
    } else if scheme == "http" {
        log::warn!(
            "passwords are sent to {listen} in clear text, which others on the network path can read"
        );
    }
}

impl Announced {
    /// The scheme and the address, if it serves on a port.
    fn port(&self) -> Option<(&'static str, SocketAddr)> {
        match (self.role, &self.place) {
            (Role::Serves(scheme), LocalAddress::Internet(address)) => Some((scheme, *address)),
            _ => None,
        }
    }
}

impl fmt::Display for Announced {
    /// `http://127.0.0.1:8080` or `unix:/run/httpserver.sock`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            LocalAddress::Internet(address) => {
                let scheme = match self.role {
                    Role::Serves(scheme) => scheme,
                    Role::Redirects | Role::Status => "http",
                };
                f.write_str(&url(scheme, *address))
            }
            socket @ LocalAddress::Unix(_) => socket.fmt(f),
        }
    }
}

/// A line for each listener.
fn say_for_scripts(listeners: &[Announced]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    for listener in listeners {
        let what = match listener.role {
            Role::Serves(_) | Role::Redirects => "listening",
            Role::Status => "status",
        };
        writeln!(stdout, "{what} on {listener}")?;
    }
    stdout.flush()
}

fn is_writable(config: &Config) -> bool {
    let web = config.web.as_ref();
    web.is_some_and(|options| options.access == Access::Writable)
}

/// Whether an address is not for this machine alone.
fn is_for_others(address: IpAddr) -> bool {
    !address.to_canonical().is_loopback()
}

fn url(scheme: &str, address: SocketAddr) -> String {
    format!("{scheme}://{address}")
}

/// The lines for people: the URLs of other machines, and the first of them as a QR code.
fn for_people(ports: &[(&str, SocketAddr)], qr_code: QrCode) -> String {
    let mut text = String::new();
    let mut urls = Vec::new();
    for &(scheme, listen) in ports {
        if listen.ip().is_unspecified() {
            match network::behind(listen.ip()) {
                Ok(all) => {
                    push_addresses(&mut text, scheme, listen.port(), &all);
                    let first = all.first().map(|found| at(found, listen.port()));
                    urls.extend(first.map(|address| url(scheme, address)));
                }
                Err(error) => {
                    let _ = writeln!(text, "cannot list the addresses of this machine: {error}");
                }
            }
        } else if is_for_others(listen.ip()) {
            urls.push(url(scheme, listen));
        }
    }
    if let (QrCode::Drawn, Some(url)) = (qr_code, urls.first()) {
        push_qr_code(&mut text, url);
    }
    text
}

fn at(found: &Reachable, port: u16) -> SocketAddr {
    SocketAddr::new(found.address, port)
}

fn push_addresses(text: &mut String, scheme: &str, port: u16, all: &[Reachable]) {
    for found in all {
        let url = url(scheme, at(found, port));
        let interface = found.interface.escape_debug();
        let _ = writeln!(text, "reachable at {url} ({interface})");
    }
    if all.is_empty() {
        text.push_str("no other machine can reach it: this machine has no address in a network\n");
    }
}

fn push_qr_code(text: &mut String, url: &str) {
    // No URL of ours is too long.
    let Ok(drawing) = Drawing::of(url) else {
        return;
    };
    let columns = terminal_size_of(io::stderr()).map(|(Width(columns), _)| usize::from(columns));
    let needed = drawing.columns();
    if columns.is_some_and(|columns| columns < needed) {
        let _ = writeln!(text, "the QR code needs a terminal of {needed} columns");
    } else if io::stderr().is_terminal() {
        text.push_str(&drawing.render(Ground::Terminal));
    } else {
        text.push_str(&drawing.render(Ground::Plain));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_a_line() {
        let found = |address: &str, interface: &str| Reachable {
            address: address.parse().unwrap(),
            interface: interface.to_owned(),
        };
        let mut text = String::new();
        let all = [found("192.0.2.7", "eth0"), found("2001:db8::7", "a\x1b")];
        push_addresses(&mut text, "http", 8000, &all);
        let expected = "reachable at http://192.0.2.7:8000 (eth0)\n\
                        reachable at http://[2001:db8::7]:8000 (a\\u{1b})\n";
        assert_eq!(text, expected);
        text.clear();
        push_addresses(&mut text, "http", 8000, &[]);
        let expected = "no other machine can reach it: this machine has no address in a network\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn loopback_is_not_for_others() {
        for (address, expected) in [
            ("127.0.0.1", false),
            ("127.9.9.9", false),
            ("::1", false),
            ("::ffff:127.0.0.1", false),
            ("0.0.0.0", true),
            ("::", true),
            ("192.168.1.20", true),
        ] {
            assert_eq!(
                is_for_others(address.parse().unwrap()),
                expected,
                "{address}"
            );
        }
    }

    #[test]
    fn one_address_is_drawn_without_a_line() {
        let listen = "192.0.2.7:8000".parse().unwrap();
        assert_eq!(for_people(&[("http", listen)], QrCode::Omitted), "");
        let drawing = Drawing::of("http://192.0.2.7:8000").unwrap();
        let lines = drawing.render(Ground::Plain).lines().count();
        let ports = [("http", "127.0.0.1:1".parse().unwrap()), ("http", listen)];
        let drawn = for_people(&ports, QrCode::Drawn);
        assert_eq!(drawn.lines().count(), lines);
    }
}
