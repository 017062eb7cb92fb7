//! The certificate of a server: loaded from the files of the command line, or generated.

use std::collections::BTreeSet;
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use crate::cli::{
    Certificate, Config, ListenerPlace, ListenerProtocol, Verbosity, names_of_machine,
};
use crate::network;
use httpserver::files::Files;
use httpserver::tls::{CertificateFiles, TlsServer, prepare_self_signed, self_signed_key};

/// Loads the certificate, if requested. Its key must not be below the root.
pub(crate) fn load(
    config: &Config,
    files: &mut Files,
) -> Result<Option<Arc<TlsServer>>, Box<dyn Error>> {
    let server = match &config.certificate {
        None => return Ok(None),
        Some(Certificate::Files(pair)) => {
            // First, so that an absent file is called absent.
            let server = TlsServer::load(pair.clone())?;
            files.conceal_secret(&pair.key)?;
            server
        }
        Some(Certificate::SelfSigned(directory)) => {
            // Before it is generated, to check its location, and after, to conceal it.
            files.conceal_secret(&self_signed_key(directory))?;
            let names = names(config);
            let pair = prepare_self_signed(directory, &names)?;
            files.conceal_secret(&pair.key)?;
            let server = TlsServer::load(pair.clone())?;
            if config.verbosity != Verbosity::Quiet {
                say_fingerprint(&pair, &server);
            }
            server.renewing(directory, names)
        }
    };
    Ok(Some(Arc::new(server)))
}

/// Users compare it with the fingerprint in their clients.
fn say_fingerprint(pair: &CertificateFiles, server: &TlsServer) {
    let (path, fingerprint) = (pair.certificate.display(), server.fingerprint());
    eprintln!("the certificate {path} has the SHA-256 fingerprint\n{fingerprint}");
}

/// Adds the names that clients use for this address.
fn push_names_of(ip: IpAddr, names: &mut Vec<String>) {
    names.push(ip.to_canonical().to_string());
    if ip.is_unspecified() {
        let all = network::behind(ip).unwrap_or_default();
        names.extend(all.iter().map(|found| found.address.to_string()));
        names.extend(names_of_machine());
    }
    if ip.is_unspecified() || ip.to_canonical().is_loopback() {
        names.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned));
    }
}

/// The host names and addresses that clients use.
fn names(config: &Config) -> Vec<String> {
    let mut names = Vec::new();
    for listener in &config.listeners {
        let listen = match (listener.protocol, &listener.place) {
            (ListenerProtocol::Https, ListenerPlace::Internet(listen)) => listen,
            (ListenerProtocol::Https, ListenerPlace::Passed { .. }) => {
                push_names_of(IpAddr::V4(Ipv4Addr::UNSPECIFIED), &mut names);
                push_names_of(IpAddr::V6(Ipv6Addr::UNSPECIFIED), &mut names);
                continue;
            }
            (ListenerProtocol::Https, ListenerPlace::Unix { .. }) => {
                names.push("localhost".to_owned());
                continue;
            }
            (ListenerProtocol::Http | ListenerProtocol::Redirect, _) => continue,
        };
        names.push(listen.host.clone());
        for ip in listen.addresses.iter().map(SocketAddr::ip) {
            push_names_of(ip, &mut names);
        }
    }
    // No client connects to these.
    names.retain(|name| !matches!(&**name, "0.0.0.0" | "::"));
    let mut seen = BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}
