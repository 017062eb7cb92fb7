//! Certificates, and clients that speak TLS.

use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256,
};
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion,
};

use crate::support::response::Response;
use crate::support::wait::GUARD;

/// A certificate and its key.
pub(crate) struct Certificate {
    pub(crate) der: CertificateDer<'static>,
    /// With those that lead to a root.
    pub(crate) pem: String,
    pub(crate) key: KeyPair,
}

impl Certificate {
    /// One that signs itself.
    pub(crate) fn new(names: &[&str]) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.is_ca = IsCa::NoCa;
        let certificate = params.self_signed(&key).unwrap();
        Self {
            der: certificate.der().clone(),
            pem: certificate.pem(),
            key,
        }
    }

    /// Writes `cert.pem` and `key.pem` into a directory.
    pub(crate) fn place(&self, directory: &Path) {
        fs::write(directory.join("cert.pem"), &self.pem).unwrap();
        fs::write(directory.join("key.pem"), self.key.serialize_pem()).unwrap();
        let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(directory.join("key.pem"), private).unwrap();
    }
}

/// An authority: a root that clients trust, and an intermediate certificate, which issues those of servers.
pub(crate) struct Authority {
    /// Of the root, as PEM.
    pub(crate) root: String,
    pub(crate) intermediate: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = || KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let params = |name: &str| {
            let mut params = CertificateParams::new([]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
            params.use_authority_key_identifier_extension = true;
            params
        };
        let (root_key, root) = (key(), params("root"));
        let root_pem = root.self_signed(&root_key).unwrap().pem();
        let root = Issuer::new(root, root_key);
        let (key, params) = (key(), params("intermediate"));
        let intermediate = params.signed_by(&key, &root).unwrap().pem();
        Self {
            root: root_pem,
            intermediate,
            issuer: Issuer::new(params, key),
        }
    }

    /// A certificate for these names, valid for 90 days, and its chain.
    pub(crate) fn issue(&self, names: &[&str]) -> Certificate {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = SystemTime::now();
        params.not_before = now.into();
        params.not_after = (now + Duration::from_secs(90 * 24 * 60 * 60)).into();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Certificate {
            der: certificate.der().clone(),
            pem: certificate.pem() + &self.intermediate,
            key,
        }
    }
}

/// Versions that both sides speak.
pub(crate) const VERSIONS: [&SupportedProtocolVersion; 2] = [&TLS12, &TLS13];

/// The configuration of clients that trust the certificate in a file.
pub(crate) fn config(
    certificate: &Path,
    version: &'static SupportedProtocolVersion,
) -> Arc<ClientConfig> {
    use rustls::pki_types::pem::PemObject;
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_file(certificate).unwrap();
    roots.add(trusted).unwrap();
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// The side of a client.
pub(crate) fn session(config: &Arc<ClientConfig>) -> ClientConnection {
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::clone(config), name).unwrap()
}

/// A client that speaks TLS, over TCP.
pub(crate) struct TlsClient {
    pub(crate) stream: StreamOwned<ClientConnection, TcpStream>,
}

impl TlsClient {
    /// Connects. The handshake goes on with the first bytes.
    #[track_caller]
    pub(crate) fn connect(address: SocketAddr, config: &Arc<ClientConfig>) -> Self {
        let socket = TcpStream::connect_timeout(&address, GUARD).unwrap();
        socket.set_read_timeout(Some(GUARD)).unwrap();
        socket.set_write_timeout(Some(GUARD)).unwrap();
        socket.set_nodelay(true).unwrap();
        Self::over(socket, config)
    }

    /// The same on a socket that is connected.
    pub(crate) fn over(socket: TcpStream, config: &Arc<ClientConfig>) -> Self {
        Self {
            stream: StreamOwned::new(session(config), socket),
        }
    }

    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
        self.stream.flush().unwrap();
    }

    /// Says that it has sent all.
    #[track_caller]
    pub(crate) fn end_sending(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
    }

    /// One whole response, as long as its `Content-Length` says.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Response {
        let mut received = Vec::new();
        while !received.ends_with(b"\r\n\r\n") {
            received.push(self.byte().unwrap());
        }
        let head = String::from_utf8(received.clone()).unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "));
        let length = length.map_or(0, |digits| digits.parse().unwrap());
        let mut content = vec![0; length];
        self.stream.read_exact(&mut content).unwrap();
        received.extend(content);
        Response::parse(&received)
    }

    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.stream.read_exact(&mut byte).map(|()| byte[0])
    }

    /// All that comes until the server says that it has sent all; an error of kind `UnexpectedEof` if it does not.
    pub(crate) fn rest(&mut self) -> io::Result<Vec<u8>> {
        let mut rest = Vec::new();
        self.stream.read_to_end(&mut rest)?;
        Ok(rest)
    }

    /// Whether the connection has ended in any way.
    pub(crate) fn has_ended(&mut self) -> bool {
        match self.rest() {
            Ok(_) => true,
            Err(error) => matches!(
                error.kind(),
                ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::InvalidData
            ),
        }
    }
}
