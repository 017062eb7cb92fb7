//! TLS 1.2 and 1.3 between a connection and its socket: bytes of a [`Transport`](crate::server::Transport) become
//! records on another one.
//!
//! - [`TlsServer`] holds the certificate and the settings of handshakes, and can reload the certificate.
//! - [`TlsStream`] is the state of one connection. It keeps no buffer while it waits: bytes pass through the
//!   [`TlsBuffers`] of the worker, and the stream keeps only bytes that cannot be processed yet.
//! - [`Secured`] lends a stream and the buffers of a worker to one turn, as a transport. A handshake has no call of its
//!   own: it continues when the session receives. To the session, the receive would block until the handshake is done.
//!
//! The protocol is rustls's, through its interface without buffers. Early data (RFC 8446 §8) is not accepted, since it
//! can be replayed; rustls does not support renegotiation (RFC 5746). Without the cargo feature `tls` the same types
//! exist, without values.

#[cfg(not(feature = "tls"))]
mod absent;
#[cfg(feature = "tls")]
mod buffers;
#[cfg(feature = "tls")]
mod certificate;
#[cfg(feature = "tls")]
mod closing;
mod handshake;
#[cfg(feature = "tls")]
mod records;
#[cfg(feature = "tls")]
mod renewal;
#[cfg(feature = "tls")]
mod secured;
#[cfg(feature = "tls")]
mod self_signed;
#[cfg(feature = "tls")]
mod sending;
#[cfg(feature = "tls")]
mod server;
#[cfg(feature = "tls")]
mod stream;
#[cfg(feature = "tls")]
mod validity;
#[cfg(feature = "tls")]
mod window;

#[cfg(not(feature = "tls"))]
pub use self::absent::{
    CertificateError, CertificateFiles, Secured, TlsBuffers, TlsServer, TlsStream,
    prepare_self_signed, self_signed_key,
};
#[cfg(feature = "tls")]
pub use self::buffers::TlsBuffers;
#[cfg(feature = "tls")]
pub use self::certificate::{CertificateError, CertificateFiles};
pub use self::handshake::Handshake;
#[cfg(feature = "tls")]
pub use self::secured::Secured;
#[cfg(feature = "tls")]
pub use self::self_signed::{SelfSignedError, prepare_self_signed, self_signed_key};
#[cfg(feature = "tls")]
pub use self::server::TlsServer;
#[cfg(feature = "tls")]
pub use self::stream::TlsStream;

/// The first byte of a TLS connection: a record of the handshake (RFC 8446 §5.1).
pub const HANDSHAKE: u8 = 22;

/// The bytes before the length of a record that begins a connection: a handshake, of version 3.
#[must_use]
pub fn is_beginning(input: &[u8]) -> bool {
    input.starts_with(&[HANDSHAKE, 3])
}
