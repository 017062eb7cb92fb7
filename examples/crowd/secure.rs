//! A client inside TLS: GETs one after the other, each answer compared to the byte; and a certificate for its server.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::Failure;
use crate::normal::Found;
use crate::report::Latencies;
use crate::server::{FILE, answer, content, get};

/// One request in so many comes on a connection of its own, with a whole handshake.
const FRESH: usize = 10;

/// An answer that takes longer has failed.
const TIMEOUT: Duration = Duration::from_secs(10);

/// See the module's description.
pub(crate) struct SecureClient {
    address: SocketAddr,
    config: Arc<ClientConfig>,
    connection: Option<Connection>,
}

type Connection = StreamOwned<ClientConnection, TcpStream>;

/// Writes a certificate and its key into a directory: the options of a server that serves it, and the configuration of
/// clients that trust it.
pub(crate) fn certificate(directory: &Path) -> Result<(Vec<String>, Arc<ClientConfig>), Failure> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let [certificate, key] = ["cert.pem", "key.pem"].map(|name| directory.join(name));
    fs::write(&certificate, made.cert.pem())?;
    fs::write(&key, made.signing_key.serialize_pem())?;
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600))?;
    let options = [("--tls-cert", certificate), ("--tls-key", key)]
        .into_iter()
        .flat_map(|(option, path)| [option.to_owned(), path.display().to_string()]);
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone())?;
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    Ok((options.collect(), Arc::new(config)))
}

/// The client's side of a connection.
pub(crate) fn session(config: &Arc<ClientConfig>) -> Result<ClientConnection, Failure> {
    let name = ServerName::try_from("localhost")?;
    Ok(ClientConnection::new(Arc::clone(config), name)?)
}

impl SecureClient {
    pub(crate) fn new(address: SocketAddr, config: Arc<ClientConfig>) -> Self {
        Self {
            address,
            config,
            connection: None,
        }
    }

    /// GETs for as long as `goes_on` says.
    pub(crate) fn work(&mut self, goes_on: impl Fn() -> bool) -> Found {
        let (mut gets, mut fresh) = (Vec::new(), Vec::new());
        let mut found = Found::default();
        for number in 0_usize.. {
            if !goes_on() {
                break;
            }
            let begin = Instant::now();
            let is_fresh = number % FRESH == FRESH - 1;
            let (result, latencies) = if is_fresh {
                (self.once(), &mut fresh)
            } else {
                (self.persistently(), &mut gets)
            };
            match result {
                // The first on a connection has its handshake, too.
                Ok(Handshake::Done) if !is_fresh => {}
                Ok(_) => latencies.push(begin.elapsed()),
                Err(error) => {
                    found.failures += 1;
                    found.failure.get_or_insert(error.to_string());
                    self.connection = None;
                }
            }
        }
        found.gets = Latencies::new(gets);
        found.fresh = Latencies::new(fresh);
        found
    }

    fn persistently(&mut self) -> Result<Handshake, Failure> {
        let (mut connection, handshake) = match self.connection.take() {
            Some(connection) => (connection, Handshake::DoneBefore),
            None => (self.connect()?, Handshake::Done),
        };
        exchange(&mut connection, "")?;
        self.connection = Some(connection);
        Ok(handshake)
    }

    fn once(&self) -> Result<Handshake, Failure> {
        let mut connection = self.connect()?;
        exchange(&mut connection, "Connection: close\r\n")?;
        match connection.read(&mut [0])? {
            0 => Ok(Handshake::Done),
            _ => Err("bytes after the answer".into()),
        }
    }

    fn connect(&self) -> Result<Connection, Failure> {
        let socket = TcpStream::connect_timeout(&self.address, TIMEOUT)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        Ok(StreamOwned::new(session(&self.config)?, socket))
    }
}

/// Whether an exchange had a handshake.
enum Handshake {
    Done,
    DoneBefore,
}

/// A GET, and the answer that it must have.
fn exchange(connection: &mut Connection, fields: &str) -> io::Result<()> {
    connection.write_all(&get(FILE, fields))?;
    connection.flush()?;
    let expected = answer("200 OK", &content());
    let mut received = vec![0; expected.len()];
    connection.read_exact(&mut received)?;
    if received == expected {
        Ok(())
    } else {
        Err(io::Error::other("another answer"))
    }
}
