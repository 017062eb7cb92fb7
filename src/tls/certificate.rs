//! A certificate and its key in PEM files (RFC 7468).

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use thiserror::Error;

/// The files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The chain: the server's own certificate first, then those that lead to a root.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// The remedy for a file that cannot be read.
fn after_read(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "; type the name of a file in PEM format, or --tls-self-signed DIR instead"
        }
        io::ErrorKind::IsADirectory => "; type the name of a file in it",
        _ => "",
    }
}

/// The reason why a certificate cannot be used, with a remedy.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// From open(2) or read(2).
    #[error("cannot read {}: {source}{}", path.display(), after_read(source))]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file is empty.
    #[error("{} is empty: type the name of another file", .0.display())]
    Empty(PathBuf),
    /// The file is binary.
    #[error("{} is not PEM but DER: convert it with 'openssl {command} -inform DER -in FILE'", path.display())]
    Der {
        /// The file.
        path: PathBuf,
        /// The command of openssl(1) that converts it.
        command: &'static str,
    },
    /// The file has certificate and key in PKCS #12.
    #[error("{} is not PEM but PKCS #12: convert it with 'openssl pkcs12 -nodes -in FILE'", .0.display())]
    Pkcs12(PathBuf),
    /// The key has a passphrase.
    #[error("the key in {} is encrypted: decrypt it with 'openssl pkey -in FILE'", .0.display())]
    Encrypted(PathBuf),
    /// The file has none.
    #[error("{} has no certificate: type the file that begins with '-----BEGIN CERTIFICATE-----'", .0.display())]
    NoCertificate(PathBuf),
    /// The file has none.
    #[error("{} has no private key: type the file that has a line '-----BEGIN PRIVATE KEY-----'", .0.display())]
    NoKey(PathBuf),
    /// The text is not PEM.
    #[error("{} is damaged: {source}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: pem::Error,
    },
    /// Certificate and key do not match.
    #[error(
        "the key in {} is not that of the first certificate in {}: the server's own must come first", key.display(),
        certificate.display()
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// Neither RSA, nor ECDSA, nor Ed25519; or too short.
    #[error("the key in {} is not supported: use RSA of 2048 bits or more, ECDSA of P-256 or P-384, or Ed25519", .0.display())]
    UnsupportedKey(PathBuf),
    /// The certificate is malformed.
    #[error("the certificate in {} cannot be used: {source}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: Error,
    },
}

/// Reads a certificate and its key, and checks that they match.
pub(super) fn load(
    files: &CertificateFiles,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, CertificateError> {
    let chain = chain(&files.certificate)?;
    let key = key(&files.key)?;
    let key = provider.key_provider.load_private_key(key);
    let key = key.map_err(|_| CertificateError::UnsupportedKey(files.key.clone()))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        Ok(()) | Err(Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(Arc::new(certified)),
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => {
            Err(CertificateError::Mismatch {
                certificate: files.certificate.clone(),
                key: files.key.clone(),
            })
        }
        Err(source) => Err(CertificateError::Unusable {
            path: files.certificate.clone(),
            source,
        }),
    }
}

fn chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, CertificateError> {
    let bytes = read(path, "x509")?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match chain {
        Ok(chain) if chain.is_empty() => Err(CertificateError::NoCertificate(path.to_path_buf())),
        Ok(chain) => Ok(chain),
        Err(source) => Err(damaged(path, source)),
    }
}

fn key(path: &Path) -> Result<PrivateKeyDer<'static>, CertificateError> {
    let bytes = read(path, "pkey")?;
    // The marks of PKCS #8, and of the older formats (RFC 1421 §4.6.1.1).
    let is_encrypted = [
        &b"-----BEGIN ENCRYPTED PRIVATE KEY-----"[..],
        b"Proc-Type: 4,ENCRYPTED",
    ];
    if is_encrypted.iter().any(|mark| contains(&bytes, mark)) {
        return Err(CertificateError::Encrypted(path.to_path_buf()));
    }
    let key = PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => CertificateError::NoKey(path.to_path_buf()),
        source => damaged(path, source),
    })?;
    if let Ok(metadata) = fs::metadata(path)
        && metadata.permissions().mode() & 0o004 != 0
    {
        let path = path.display();
        log::warn!(
            "every user of this machine can read the key in {path}: type 'chmod 600 {path}'"
        );
    }
    Ok(key)
}

fn damaged(path: &Path, source: pem::Error) -> CertificateError {
    CertificateError::Damaged {
        path: path.to_path_buf(),
        source,
    }
}

/// Reads a file that should be PEM; `command` of openssl(1) converts others.
fn read(path: &Path, command: &'static str) -> Result<Vec<u8>, CertificateError> {
    let bytes = fs::read(path).map_err(|source| CertificateError::Read {
        path: path.to_path_buf(),
        source,
    })?;
    let path = path.to_path_buf();
    match &*bytes {
        [] => Err(CertificateError::Empty(path)),
        // A sequence, and in it the version 3 (RFC 7292 §4).
        [0x30, 0x82, _, _, 2, 1, 3, ..] => Err(CertificateError::Pkcs12(path)),
        // A sequence of any length. No text has such bytes.
        [0x30, ..] if bytes.iter().any(|&byte| byte < b'\t') => {
            Err(CertificateError::Der { path, command })
        }
        // Some editors begin UTF-8 text with a byte order mark.
        [0xEF, 0xBB, 0xBF, text @ ..] => Ok(text.to_vec()),
        _ => Ok(bytes),
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(text, part).is_some()
}
