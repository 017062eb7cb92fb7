//! The listeners of a server: bound according to the command line, each with its protocol.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use crate::announcement::{Announced, Role};
use crate::cli::{Config, ListenerConfig, ListenerPlace, ListenerProtocol};
use crate::systemd::{ActivationError, PassedSockets};
use httpserver::confinement::Account;
use httpserver::connection::{Entrance, EntranceProtocol};
use httpserver::server::{Listener, LocalAddress};
use httpserver::tls::TlsServer;

/// Why a listener could not be bound, in terms of the command line.
#[derive(Debug, Error)]
pub(crate) enum BindError {
    #[error("cannot listen on {listen}: {source}{}", after_listen(probably.as_deref(), source))]
    Internet {
        listen: String,
        /// The address that was probably meant.
        probably: Option<String>,
        source: io::Error,
    },
    #[error("cannot listen on unix:{}: {source}{}", path.display(), after_listen_unix(source))]
    Unix { path: PathBuf, source: io::Error },
    #[error("cannot give {place} to the user of --user: {source}")]
    HandOver {
        place: LocalAddress,
        source: io::Error,
    },
    #[error(transparent)]
    Passed(#[from] ActivationError),
}

/// The remedy for an address that cannot be listened on.
fn after_listen(probably: Option<&str>, error: &io::Error) -> Cow<'static, str> {
    if let Some(probably) = probably {
        return format!("; type '{probably}' if its last group is the port").into();
    }
    let remedy = match error.kind() {
        io::ErrorKind::AddrInUse => "; type another port, or 0 for one that is free",
        io::ErrorKind::AddrNotAvailable => "; type an address of this machine, or 0.0.0.0 for all",
        io::ErrorKind::PermissionDenied => "; type a port above 1023, such as 8080",
        _ => "",
    };
    remedy.into()
}

/// The remedy for a path that cannot be listened on.
fn after_listen_unix(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "; a server listens there: stop it, or type another path",
        io::ErrorKind::AlreadyExists => "; type another path",
        io::ErrorKind::NotFound => "; make its directory first",
        io::ErrorKind::InvalidFilename => "; type a path of fewer than 108 bytes",
        _ => "",
    }
}

/// Bound listeners without their protocols.
pub(crate) struct Bound {
    /// In the order of the command line.
    listeners: Vec<Listener>,
    status: Option<Listener>,
}

/// Listeners with their protocols.
pub(crate) struct Listening {
    pub(crate) listeners: Vec<Listener>,
    /// The listener of the status, if requested.
    pub(crate) status: Option<Listener>,
    /// How connections begin, by listener.
    pub(crate) entrances: Vec<Entrance>,
    pub(crate) announced: Vec<Announced>,
}

impl Bound {
    /// Binds all listeners, or takes them from the passed sockets.
    pub(crate) fn bind(config: &Config, passed: &mut PassedSockets) -> Result<Self, BindError> {
        let places = config.listeners.iter().map(|listener| &listener.place);
        let listeners = places.map(|place| bind(place, passed));
        let listeners = listeners.collect::<Result<_, _>>()?;
        let status = config.status.as_ref().map(|place| bind(place, passed));
        let status = status.transpose()?;
        Ok(Self { listeners, status })
    }

    /// Changes the owner of the sockets in the file system to the user of `--user`, so that their modes apply to that
    /// user.
    pub(crate) fn hand_over(&self, account: &Account) -> Result<(), BindError> {
        for listener in self.listeners.iter().chain(&self.status) {
            let handed = listener.hand_over(account.ids());
            handed.map_err(|source| BindError::HandOver {
                place: listener.local().clone(),
                source,
            })?;
        }
        Ok(())
    }
}

impl Listening {
    /// The listeners of this configuration, those with TLS for this certificate.
    pub(crate) fn new(
        config: &Config,
        Bound { listeners, status }: Bound,
        certificate: Option<&Arc<TlsServer>>,
    ) -> Self {
        let configs = &config.listeners;
        // The actual ports are known by now.
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
        let of_status = status.iter().map(|listener| Announced {
            role: Role::Status,
            place: listener.local().clone(),
        });
        Self {
            entrances: entrances.collect(),
            announced: announced.chain(of_status).collect(),
            listeners,
            status,
        }
    }
}

/// The port of a listener with TLS.
fn tls_port((config, listener): (&ListenerConfig, &Listener)) -> Option<u16> {
    match (config.protocol, listener.local()) {
        (ListenerProtocol::Https, LocalAddress::Internet(address)) => Some(address.port()),
        _ => None,
    }
}

/// Binds a listener, or takes its passed socket.
fn bind(place: &ListenerPlace, passed: &mut PassedSockets) -> Result<Listener, BindError> {
    match place {
        ListenerPlace::Internet(listen) => {
            Listener::bind(&listen.addresses).map_err(|source| BindError::Internet {
                listen: listen.to_string(),
                probably: listen.probably.clone(),
                source,
            })
        }
        ListenerPlace::Unix { path, mode } => {
            Listener::bind_unix(path, *mode).map_err(|source| BindError::Unix {
                path: path.clone(),
                source,
            })
        }
        ListenerPlace::Passed { index, .. } => Ok(passed.take(*index)?),
    }
}
