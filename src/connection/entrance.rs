//! How the connections of one listener begin, and what carries their bytes from then on.

use std::sync::Arc;

use crate::tls::{TlsServer, TlsStream};

/// What the first bytes of a listener's connections are, and what is done about them.
#[derive(Clone, Default)]
pub struct Entrance {
    /// Whether a PROXY header comes before anything else.
    pub proxy_protocol: ProxyProtocol,
    /// What comes then.
    pub protocol: EntranceProtocol,
}

/// Whether connections begin with a PROXY header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// Those of trusted proxies do. All others begin with what follows it.
    Spoken,
    /// None does.
    #[default]
    NotSpoken,
}

/// What is spoken on a listener.
#[derive(Clone, Default)]
pub enum EntranceProtocol {
    /// HTTP, which is served.
    #[default]
    Http,
    /// HTTP inside TLS, which is served.
    Https(Arc<TlsServer>),
    /// HTTP, and every request is told to come back to this port with https.
    RedirectToHttps(u16),
}

/// Whether a request is inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    Tls,
}

/// What carries the bytes of a connection.
#[derive(Default)]
pub(super) enum Channel {
    /// The socket itself.
    #[default]
    Plain,
    /// TLS on the socket.
    Tls(Box<TlsStream>),
}

impl Channel {
    /// Bytes that it keeps between turns.
    pub(super) fn kept(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Tls(stream) => stream.kept(),
        }
    }
}
