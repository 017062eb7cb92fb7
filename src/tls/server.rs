//! The server's side of all handshakes: its certificate and its settings.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::thread;
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::{NoServerSessionStorage, UnbufferedServerConnection};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use sha2::{Digest, Sha256};

use super::certificate::{self, CertificateError, CertificateFiles};
use super::renewal::Renewal;
use super::stream::TlsStream;
use super::validity;
use crate::sync::{read, write};

/// See the module's description.
pub struct TlsServer {
    files: CertificateFiles,
    /// Guards the settings of the next handshake.
    current: RwLock<Current>,
    /// The settings of a self-signed certificate.
    renewal: Option<Renewal>,
}

#[derive(Clone)]
struct Current {
    certified: Arc<CertifiedKey>,
    config: Arc<ServerConfig>,
}

impl TlsServer {
    /// A server with the certificate of these files.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn load(files: CertificateFiles) -> Result<Self, CertificateError> {
        let current = RwLock::new(Current::load(&files)?);
        Ok(Self {
            files,
            current,
            renewal: None,
        })
    }

    /// The same with a self-signed certificate in `directory`, for these names. It is replaced before it expires.
    #[must_use]
    pub fn renewing(self, directory: &Path, names: Vec<String>) -> Self {
        let renewal = Some(Renewal::new(directory, names));
        Self { renewal, ..self }
    }

    /// Loads the files again, for connections from now on. If they are bad, the certificate stays.
    pub fn reload(&self) {
        if let Some(renewal) = &self.renewal {
            renewal.renew();
        }
        let path = self.files.certificate.display();
        match Current::load(&self.files) {
            // Other ticket keys would end all sessions for nothing.
            Ok(new) if new.has_certificate_of(&read(&self.current)) => {
                log::info!("the certificate in {path} is the same as before");
            }
            Ok(new) => {
                *write(&self.current) = new;
                let fingerprint = self.fingerprint();
                log::info!("the certificate in {path} is loaded again: SHA-256 {fingerprint}");
            }
            Err(error) => log::error!("the old certificate stays in use: {error}"),
        }
    }

    /// The SHA-256 digest of its certificate, as browsers show it.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let certified = Arc::clone(&read(&self.current).certified);
        let own = certified.cert.first().map_or(&[][..], |own| own.as_ref());
        let mut text = String::new();
        for byte in Sha256::digest(own) {
            let colon = if text.is_empty() { "" } else { ":" };
            let _ = write!(text, "{colon}{byte:02X}"); // into a string it cannot fail
        }
        text
    }

    /// The stream of a new connection with these `received` bytes.
    ///
    /// `None` if there is no memory for it.
    pub fn accept(self: &Arc<Self>, received: &[u8]) -> Option<TlsStream> {
        if self.renewal.as_ref().is_some_and(Renewal::is_due) {
            self.reload_aside();
        }
        let config = Arc::clone(&read(&self.current).config);
        match UnbufferedServerConnection::new(config) {
            Ok(connection) => Some(TlsStream::new(connection, received)),
            Err(error) => {
                log::error!("cannot begin a handshake: {error}");
                None
            }
        }
    }
}

impl TlsServer {
    /// Loads the files again in a thread of its own, since a worker must not wait for a disk.
    fn reload_aside(self: &Arc<Self>) {
        let server = Arc::clone(self);
        let thread = thread::Builder::new().name("certificate".to_owned());
        if let Err(error) = thread.spawn(move || server.reload()) {
            log::warn!("cannot check when the certificate expires: {error}");
        }
    }
}

impl Current {
    fn load(files: &CertificateFiles) -> Result<Self, CertificateError> {
        let provider = Arc::new(ring::default_provider());
        let certified = certificate::load(files, &provider)?;
        let unusable = |source| CertificateError::Unusable {
            path: files.certificate.clone(),
            source,
        };
        let config = config(provider, Arc::clone(&certified)).map_err(unusable)?;
        if let Some(complaint) = validity::complaint(&certified.cert, SystemTime::now()) {
            log::warn!(
                "the certificate in {} {complaint}",
                files.certificate.display()
            );
        }
        Ok(Self {
            certified,
            config: Arc::new(config),
        })
    }

    /// Whether certificate and key are the same. (The key of a certificate is that in it.)
    fn has_certificate_of(&self, other: &Self) -> bool {
        self.certified.cert == other.certified.cert
    }
}

fn config(
    provider: Arc<CryptoProvider>,
    certified: Arc<CertifiedKey>,
) -> Result<ServerConfig, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13, &TLS12])?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // A session is resumed by a ticket, which the client keeps. The keys of tickets change every six hours.
    config.ticketer = ring::Ticketer::new()?;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.max_early_data_size = 0;
    Ok(config)
}
