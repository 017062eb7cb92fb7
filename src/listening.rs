//! The listeners of a server: bound as the command line says, each with what is spoken there.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::announcement::{Announced, Role};
use crate::cli::{ListenerConfig, ListenerPlace, ListenerProtocol};
use httpserver::connection::{Entrance, EntranceProtocol};
use httpserver::server::{Listener, LocalAddress};
use httpserver::tls::TlsServer;

/// Why a listener could not be bound, in terms of what was typed.
#[derive(Debug, Error)]
pub(crate) enum BindError {
    #[error("cannot listen on {listen}: {source}{}", after_listen(source))]
    Internet { listen: String, source: io::Error },
    #[error("cannot listen on unix:{}: {source}{}", path.display(), after_listen_unix(source))]
    Unix { path: PathBuf, source: io::Error },
}

/// What to do about an address that cannot be listened on.
fn after_listen(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; type another port, or 0 for one that is free",
        io::ErrorKind::AddrNotAvailable => "; type an address of this machine, or 0.0.0.0 for all",
        io::ErrorKind::PermissionDenied => "; type a port above 1023, such as 8080",
        _ => "",
    }
}

/// What to do about a path that cannot be listened on.
fn after_listen_unix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; a server listens there: stop it, or type another path",
        io::ErrorKind::AlreadyExists => "; type another path",
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::InvalidFilename => "; type a path of fewer than 108 bytes",
        _ => "",
    }
}

/// Listeners that are bound.
pub(crate) struct Listening {
    pub(crate) listeners: Vec<Listener>,
    /// How connections begin, by listener.
    pub(crate) entrances: Vec<Entrance>,
    pub(crate) announced: Vec<Announced>,
}

impl Listening {
    /// Binds all listeners, those with TLS for this certificate.
    pub(crate) fn bind(
        configs: &[ListenerConfig],
        certificate: Option<&Arc<TlsServer>>,
    ) -> Result<Self, BindError> {
        let listeners = configs.iter().map(bind).collect::<Result<Vec<_>, _>>()?;
        // The real ones are known by now.
        let ports = configs.iter().zip(&listeners).filter_map(tls_port);
        let redirect_to = ports.into_iter().next().unwrap_or_default();
        let entrances = configs.iter().map(|config| Entrance {
            proxy_protocol: config.proxy_protocol,
            protocol: match (config.protocol, certificate) {
                (ListenerProtocol::Https, Some(server)) => {
                    EntranceProtocol::Https(Arc::clone(server))
                }
                (ListenerProtocol::Redirect, _) => EntranceProtocol::RedirectToHttps(redirect_to),
                // The command line has no TLS without a certificate.
                (ListenerProtocol::Http | ListenerProtocol::Https, _) => EntranceProtocol::Http,
            },
        });
        let announced = configs
            .iter()
            .zip(&listeners)
            .map(|(config, listener)| Announced {
                role: match config.protocol {
                    ListenerProtocol::Http => Role::Serves("http"),
                    ListenerProtocol::Https => Role::Serves("https"),
                    ListenerProtocol::Redirect => Role::Redirects,
                },
                place: listener.local().clone(),
            });
        Ok(Self {
            entrances: entrances.collect(),
            announced: announced.collect(),
            listeners,
        })
    }

    /// Binds the listener of the status, if there is to be one. It is announced with the others.
    pub(crate) fn bind_status(
        &mut self,
        place: Option<&ListenerPlace>,
    ) -> Result<Option<Listener>, BindError> {
        let listener = place.map(bind_place).transpose()?;
        self.announced
            .extend(listener.iter().map(|listener| Announced {
                role: Role::Status,
                place: listener.local().clone(),
            }));
        Ok(listener)
    }
}

/// The port of a listener with TLS.
fn tls_port((config, listener): (&ListenerConfig, &Listener)) -> Option<u16> {
    match (config.protocol, listener.local()) {
        (ListenerProtocol::Https, LocalAddress::Internet(address)) => Some(address.port()),
        _ => None,
    }
}

fn bind(config: &ListenerConfig) -> Result<Listener, BindError> {
    bind_place(&config.place)
}

/// Binds to a place.
fn bind_place(place: &ListenerPlace) -> Result<Listener, BindError> {
    match place {
        ListenerPlace::Internet(listen) => {
            Listener::bind(&listen.addresses).map_err(|source| BindError::Internet {
                listen: listen.to_string(),
                source,
            })
        }
        ListenerPlace::Unix { path, mode } => {
            Listener::bind_unix(path, *mode).map_err(|source| BindError::Unix {
                path: path.clone(),
                source,
            })
        }
    }
}
