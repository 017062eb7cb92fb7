//! HTTPS: the real server with curl, openssl, sslyze and rustls clients.

mod certificates;
mod clients;
mod connections;
mod counted;
mod lifetime;
mod ports;
mod scanner;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::version::TLS13;

use crate::support::home::Home;
use crate::support::server::Server;
use crate::support::tls::{TlsClient, config};

/// The certificate of a server in a file of its home.
fn certificate(home: &Home) -> PathBuf {
    home.path().join("cert.pem")
}

/// The parts that its clients need.
fn config_of(home: &Home) -> Arc<ClientConfig> {
    config(&certificate(home), &TLS13)
}

/// A client of TLS 1.3.
#[track_caller]
fn connect(server: &Server) -> TlsClient {
    TlsClient::connect(server.address(), &config_of(server))
}
