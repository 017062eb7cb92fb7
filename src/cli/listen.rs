//! The options for listeners besides the arguments.

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
    /// SPEC is an address with its port, 'unix:' and the path of a socket, or 'systemd:' and the name of a socket that
    /// systemd passes. The server also listens on passed sockets that no option names. Append ',tls' for HTTPS,
    /// ',mode=660' to a path to set the permission bits of the socket, and ',proxy' if trusted proxies begin each
    /// connection with a PROXY header. It may be given several times.
    #[arg(long, value_name = "SPEC", hide_short_help = true, value_parser = spec)]
    listen: Vec<ListenerSpec>,
}

/// The sockets that a service manager passes.
pub(super) struct Sockets<'s> {
    pub(super) names: &'s [String],
    /// The places of those that no option names.
    pub(super) unnamed: Vec<usize>,
}

impl ListenOptions {
    /// Whether the arguments must have an address, given this many passed sockets that no option names.
    pub(super) fn address_rule(&self, unnamed: &[usize]) -> AddressRule {
        if self.listen.is_empty() && unnamed.is_empty() {
            AddressRule::Needed
        } else {
            AddressRule::Optional
        }
    }

    /// The listeners.
    pub(super) fn specs(&self) -> impl Iterator<Item = &ListenerSpec> {
        self.listen.iter()
    }

    /// The listeners as typed.
    pub(super) fn typed(&self) -> impl Iterator<Item = &str> {
        self.listen.iter().map(|spec| spec.typed.as_str())
    }

    /// Removes all listeners.
    pub(super) fn clear(&mut self) {
        self.listen.clear();
    }

    /// All listeners: first the listener of the arguments, if there is one, then the passed sockets that no option
    /// names.
    pub(super) fn listeners(
        &self,
        of_arguments: Option<(Listen, ListenerSecurity)>,
        sockets: &Sockets<'_>,
        tls: &TlsOptions,
        proxies: &ProxyOptions,
    ) -> Result<Vec<ListenerConfig>, ListenerSyntaxError> {
        let trusted = proxies.proxies();
        let listener = |place, security: ListenerSecurity| ListenerConfig {
            place,
            protocol: security.into(),
            proxy_protocol: proxies.protocol(),
        };
        let first = of_arguments
            .map(|(listen, security)| listener(ListenerPlace::Internet(listen), security));
        let unnamed = sockets.unnamed.iter().map(|&index| {
            let name = sockets.names[index].clone();
            listener(
                ListenerPlace::Passed { index, name },
                tls.default_security(),
            )
        });
        let mut all: Vec<_> = first.into_iter().chain(unnamed).collect();
        let others = self.listen.iter().map(|spec| (spec, spec.security.into()));
        let redirect = tls.redirect_http.iter();
        let redirect = redirect.map(|spec| (spec, ListenerProtocol::Redirect));
        for (spec, protocol) in others.chain(redirect) {
            match (spec.security, protocol) {
                (ListenerSecurity::Tls, ListenerProtocol::Redirect) => {
                    return Err(ListenerSyntaxError::RedirectWithTls);
                }
                (ListenerSecurity::Tls, _) if tls.default_security() == ListenerSecurity::Plain => {
                    return Err(ListenerSyntaxError::NoCertificate(spec.typed.clone()));
                }
                _ => {}
            }
            let listeners = spec.resolve(protocol, trusted.as_ref(), sockets.names)?;
            all.extend(
                listeners
                    .into_iter()
                    .map(|listener| match proxies.protocol() {
                        protocol @ ProxyProtocol::Spoken => ListenerConfig {
                            proxy_protocol: protocol,
                            ..listener
                        },
                        ProxyProtocol::NotSpoken => listener,
                    }),
            );
        }
        Ok(all)
    }
}
