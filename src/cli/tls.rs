//! The options of TLS.

use std::path::PathBuf;

use clap::Args;
use thiserror::Error;

use httpserver::tls::CertificateFiles;

use super::address::ListenerSecurity;
use super::group::{Group, Requirement};
use super::listener::{self, ListenerConfig, ListenerSpec};

pub(super) const GROUP: Group = Group {
    heading: "TLS",
    sentence: "HTTPS, on the port of the arguments and on listeners with ',tls'.",
    example: "httpserver --web ./public --tls-self-signed ./tls 0.0.0.0 8443",
    does: "serves ./public with a certificate that is generated at the first start and kept in ./tls",
    defaults: &[],
    needs: &[
        Requirement {
            option: "tls-cert",
            needs: "tls-key",
        },
        Requirement {
            option: "tls-key",
            needs: "tls-cert",
        },
    ],
};

#[derive(Debug, Args)]
#[command(next_help_heading = GROUP.heading)]
pub(super) struct TlsOptions {
    /// Serve HTTPS with the certificate in FILE
    ///
    /// FILE is in PEM format: the certificate of the server, then the intermediate certificates. SIGHUP loads it again.
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM format
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    tls_key: Option<PathBuf>,

    /// Serve HTTPS with a self-signed certificate
    ///
    /// It is generated at the first start, for the addresses of the listeners, and kept in DIR. Each start prints its
    /// SHA-256 fingerprint on stderr.
    #[arg(long, value_name = "DIR", hide_short_help = true)]
    tls_self_signed: Option<PathBuf>,

    /// Redirect HTTP requests at SPEC to HTTPS
    ///
    /// SPEC is the same as for --listen.
    #[arg(long, value_name = "SPEC", hide_short_help = true, value_parser = listener::spec)]
    pub(super) redirect_http: Option<ListenerSpec>,
}

/// The location of the certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Certificate {
    Files(CertificateFiles),
    /// In this directory; it is generated if it does not exist.
    SelfSigned(PathBuf),
}

/// The options of TLS contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum TlsOptionError {
    #[error("--tls-cert and --tls-self-signed both name a certificate: type one of them")]
    TwoCertificates,
    #[error(
        "there is a certificate, and no listener has TLS: type ',tls' after a --listen, or an address without 'http://'"
    )]
    NoListener,
    #[error(
        "--redirect-http needs a port with TLS to redirect to: type an address, or --listen ADDRESS:PORT,tls"
    )]
    NothingToRedirectTo,
}

impl TlsOptions {
    /// The certificate, if there is one.
    pub(super) fn certificate(&self) -> Result<Option<Certificate>, TlsOptionError> {
        let files = self.tls_cert.clone().zip(self.tls_key.clone());
        match (files, self.tls_self_signed.clone()) {
            (Some(_), Some(_)) => Err(TlsOptionError::TwoCertificates),
            (Some((certificate, key)), None) => Ok(Some(Certificate::Files(CertificateFiles {
                certificate,
                key,
            }))),
            (None, directory) => Ok(directory.map(Certificate::SelfSigned)),
        }
    }

    /// Refuses a certificate without a TLS listener, and a redirection without a TLS port.
    pub(super) fn check(&self, listeners: &[ListenerConfig]) -> Result<(), TlsOptionError> {
        let has_certificate = self.default_security() == ListenerSecurity::Tls;
        if has_certificate && !listeners.iter().any(ListenerConfig::has_tls) {
            return Err(TlsOptionError::NoListener);
        }
        if self.redirect_http.is_some() && !listeners.iter().any(ListenerConfig::has_tls_port) {
            return Err(TlsOptionError::NothingToRedirectTo);
        }
        Ok(())
    }

    /// The protocol of an address that does not state it.
    pub(super) fn default_security(&self) -> ListenerSecurity {
        if self.tls_cert.is_some() || self.tls_self_signed.is_some() {
            ListenerSecurity::Tls
        } else {
            ListenerSecurity::Plain
        }
    }
}
