//! The transport for the requests of a table: TCP, or TLS over it.

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::server::Server;
use crate::support::setup::Setup;

/// See the module's description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carrier {
    Tcp,
    #[cfg(feature = "tls")]
    Tls,
}

impl Carrier {
    /// A server that speaks it.
    pub(crate) fn setup(self, home: &Home, options: &[&str]) -> Setup {
        match self {
            Self::Tcp => Setup::at(home, options),
            #[cfg(feature = "tls")]
            Self::Tls => Setup::tls_at(home, options),
        }
    }

    /// A client of such a server.
    #[track_caller]
    pub(crate) fn connect(self, server: &Server) -> Client {
        match self {
            Self::Tcp => server.connect(),
            #[cfg(feature = "tls")]
            Self::Tls => {
                use crate::support::tls::{config, session};
                let config = config(&server.path().join("cert.pem"), &rustls::version::TLS13);
                server.connect().inside(session(&config))
            }
        }
    }
}
