//! The options that say where to listen, besides the arguments.

use clap::Args;

use httpserver::connection::ProxyProtocol;

use super::address::{AddressRule, Listen, Security};
use super::group::Group;
use super::listener::{ListenError, ListenerConfig, ListenerProtocol, Place, Spec, spec};
use super::proxies::ProxyOptions;
use super::tls::TlsOptions;

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
    /// SPEC is an address with its port, or 'unix:' and the path of a socket. Append ',tls' for HTTPS, ',mode=660' to a
    /// path to set the permission bits of the socket, and ',proxy' if trusted proxies begin each connection with a PROXY
    /// header. It may be given several times.
    #[arg(long, value_name = "SPEC", hide_short_help = true, value_parser = spec)]
    listen: Vec<Spec>,
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
        of_arguments: Option<(Listen, Security)>,
        tls: &TlsOptions,
        proxies: &ProxyOptions,
    ) -> Result<Vec<ListenerConfig>, ListenError> {
        let trusted = proxies.proxies();
        let first = of_arguments.map(|(listen, security)| {
            Ok(ListenerConfig {
                place: Place::Internet(listen),
                protocol: security.into(),
                proxy_protocol: proxies.protocol(),
            })
        });
        let others = self.listen.iter().map(|spec| (spec, spec.security.into()));
        let redirect = tls.redirect_http.iter();
        let redirect = redirect.map(|spec| (spec, ListenerProtocol::Redirect));
        let others = others.chain(redirect).map(|(spec, protocol)| {
            match (spec.security, protocol) {
                (Security::Tls, ListenerProtocol::Redirect) => {
                    return Err(ListenError::RedirectWithTls);
                }
                (Security::Tls, _) if tls.default_security() == Security::Plain => {
                    return Err(ListenError::NoCertificate(spec.typed.clone()));
                }
                _ => {}
            }
            let listener = spec.resolve(protocol, trusted.as_ref())?;
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
