//! The errors of a typed address, each with what to type instead.
//!
//! They are about its form: whether a host resolves is known later.

use thiserror::Error;

/// The typed text has the form of an address but is invalid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum AddressError {
    #[error("'{0}' is not a port: type a number from 0 to 65535")]
    Port(String),
    #[error("'{port}' in '{typed}' is not a port: type a number from 0 to 65535")]
    PortIn { port: String, typed: String },
    #[error("'{0}' has no port after its colon: type one, as in '{0}8080'")]
    NoPort(String),
    #[error("'{typed}' has more than an address: type '{address}'")]
    Path { typed: String, address: String },
    #[error("'{0}' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed")]
    Https(String),
    #[error("'{0}' is not an address: only http:// and https:// are served")]
    Scheme(String),
    #[error("'{0}' is not an address: type one such as '127.0.0.1:8080' or '[::1]:8080'")]
    Malformed(String),
}

impl AddressError {
    /// The error for the text after the last colon of an address.
    pub(super) fn in_address(port: &str, typed: &str) -> Self {
        if port.is_empty() {
            Self::NoPort(typed.to_owned())
        } else {
            Self::PortIn {
                port: port.to_owned(),
                typed: typed.to_owned(),
            }
        }
    }
}
