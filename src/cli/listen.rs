//! The options that say where to listen, besides the arguments.

use clap::Args;

use httpserver::connection::ProxyProtocol;

use super::address::{AddressRule, Listen, ListenerSecurity};
use super::group::Group;
use super::listener::{
    ListenerConfig, ListenerPlace, ListenerProtocol, ListenerSpec, ListenerSyntaxError, spec,
};
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
    listen: Vec<ListenerSpec>,
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

    /// The listeners as they were typed.
    pub(super) fn typed(&self) -> impl Iterator<Item = &str> {
        self.listen.iter().map(|spec| spec.typed.as_str())
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.listen.clear();
    }

    /// All listeners; first the one of the arguments, if there is one.
    pub(super) fn listeners(
        &self,
        of_arguments: Option<(Listen, ListenerSecurity)>,
        tls: &TlsOptions,
        proxies: &ProxyOptions,
    ) -> Result<Vec<ListenerConfig>, ListenerSyntaxError> {
        let trusted = proxies.proxies();
        let first = of_arguments.map(|(listen, security)| {
            Ok(ListenerConfig {
                place: ListenerPlace::Internet(listen),
                protocol: security.into(),
                proxy_protocol: proxies.protocol(),
            })
        });
        let others = self.listen.iter().map(|spec| (spec, spec.security.into()));
        let redirect = tls.redirect_http.iter();
        let redirect = redirect.map(|spec| (spec, ListenerProtocol::Redirect));
        let others = others.chain(redirect).map(|(spec, protocol)| {
            match (spec.security, protocol) {
                (ListenerSecurity::Tls, ListenerProtocol::Redirect) => {
                    return Err(ListenerSyntaxError::RedirectWithTls);
                }
                (ListenerSecurity::Tls, _) if tls.default_security() == ListenerSecurity::Plain => {
                    return Err(ListenerSyntaxError::NoCertificate(spec.typed.clone()));
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
