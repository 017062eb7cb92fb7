//! The beginning of a listener's connections, and the transport of their bytes.

use std::sync::Arc;

use crate::tls::{TlsServer, TlsStream};

/// The expected first bytes of a listener's connections.
#[derive(Clone, Default)]
pub struct Entrance {
    /// Whether a PROXY header is first.
    pub proxy_protocol: ProxyProtocol,
    /// The protocol after it.
    pub protocol: EntranceProtocol,
}

/// Whether connections begin with a PROXY header.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ProxyProtocol {
    /// Connections of trusted proxies begin with one; all others do not.
    Spoken,
    /// No connection begins with one.
    #[default]
    NotSpoken,
}

/// The protocol of a listener.
#[derive(Clone, Default)]
pub enum EntranceProtocol {
    /// HTTP.
    #[default]
    Http,
    /// HTTP inside TLS.
    Https(Arc<TlsServer>),
    /// HTTP that redirects every request to https on this port.
    RedirectToHttps(u16),
}

/// Whether a request is inside TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    Tls,
}

/// The transport of a connection's bytes.
#[derive(Default)]
pub(super) enum Channel {
    /// The socket itself.
    #[default]
    Plain,
    /// TLS on the socket.
    Tls(Box<TlsStream>),
}

impl Channel {
    /// Bytes of memory between turns.
    pub(super) fn kept(&self) -> usize {
        match self {
            Self::Plain => 0,
            Self::Tls(stream) => stream.kept(),
        }
    }
}
