//! A self-signed certificate, which is generated once and kept in a directory.
//!
//! Browsers warn of it until a user accepts it by its fingerprint. So it stays the same until a month before it
//! expires; the next one has the same key. The key is written first: if the server is killed after that, the next start
//! uses the key.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::slice;
use std::time::{Duration, SystemTime};

use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use thiserror::Error;

use super::certificate::CertificateFiles;
use super::validity::{Validity, verify};

/// The validity of a certificate. Mozilla's guidelines and scanners require less than 366 days, and Apple's systems at
/// most 825; the 398 days and less of the CA/Browser Forum apply to public authorities.
const LIFETIME: Duration = Duration::from_secs(365 * DAY);

/// The time before expiry at which another one is generated.
const RENEWAL: Duration = Duration::from_secs(30 * DAY);

const DAY: u64 = 24 * 60 * 60;

/// The reason why there is no certificate.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SelfSignedError {
    /// From mkdir(2), open(2), write(2) or rename(2).
    #[error("cannot make a certificate in {}: {source}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The key of the certificate is missing.
    #[error("{} exists without {}: remove it, and a new certificate is generated", certificate.display(), key.display())]
    NoKey {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The key cannot be read or used.
    #[error("cannot use the key {}: {why}; remove it, and a new one is generated", path.display())]
    Key {
        /// The file of the key.
        path: PathBuf,
        /// The cause.
        why: String,
    },
    /// The certificate could not be generated.
    #[error("cannot make a certificate: {0}")]
    Make(#[from] rcgen::Error),
}

/// The path of the key for the certificate in `directory`.
#[must_use]
pub fn self_signed_key(directory: &Path) -> PathBuf {
    directory.join("key.pem")
}

/// The certificate in `directory`. It is generated if there is none, or none that is valid for another month. `names`
/// are its host names and addresses.
///
/// # Errors
/// See [`SelfSignedError`].
pub fn prepare_self_signed(
    directory: &Path,
    names: &[String],
) -> Result<CertificateFiles, SelfSignedError> {
    let files = CertificateFiles {
        certificate: directory.join("cert.pem"),
        key: self_signed_key(directory),
    };
    let found = match fs::read(&files.certificate) {
        Ok(text) => CertificateDer::from_pem_slice(&text).ok(),
        Err(_) => None,
    };
    match (found, files.key.exists()) {
        (Some(_), false) => {
            return Err(SelfSignedError::NoKey {
                certificate: files.certificate,
                key: files.key,
            });
        }
        (Some(certificate), true) => {
            let soon = SystemTime::now() + RENEWAL;
            match check(&certificate, names, soon) {
                // A certificate that is not self-signed was put there by hand, and is used without change.
                CertificateState::Valid | CertificateState::NotSelfSigned => return Ok(files),
                CertificateState::NotFor(name) => {
                    let path = files.certificate.display();
                    log::warn!(
                        "the certificate {path} does not cover {name}: remove it, and a new one is generated"
                    );
                    return Ok(files);
                }
                CertificateState::Expired => {
                    let path = files.certificate.display();
                    log::warn!(
                        "the certificate {path} expires within 30 days: a new one is generated"
                    );
                }
            }
        }
        (None, _) => {}
    }
    make(directory, &files, names)?;
    Ok(files)
}

/// The result of a check of a certificate.
#[derive(Debug, PartialEq, Eq)]
enum CertificateState {
    Valid,
    Expired,
    NotFor(String),
    NotSelfSigned,
}

/// Checks whether a certificate is valid at a time and for each of these names, as a client that trusts it would.
fn check(certificate: &CertificateDer<'_>, names: &[String], at: SystemTime) -> CertificateState {
    for name in names {
        let Ok(server) = ServerName::try_from(name.as_str()) else {
            continue;
        };
        match verify(slice::from_ref(certificate), &server, at) {
            Validity::Valid => {}
            Validity::Expired => return CertificateState::Expired,
            Validity::NotForName => return CertificateState::NotFor(name.clone()),
            Validity::NotYetValid | Validity::Refused => return CertificateState::NotSelfSigned,
        }
    }
    CertificateState::Valid
}

/// Generates a certificate, and a key unless there is one.
fn make(
    directory: &Path,
    files: &CertificateFiles,
    names: &[String],
) -> Result<(), SelfSignedError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| SelfSignedError::Write { path, source }
    };
    let mut builder = DirBuilder::new();
    let made = builder.recursive(true).mode(0o700).create(directory);
    made.map_err(failed(directory))?;
    let key = match fs::read_to_string(&files.key) {
        Ok(text) => KeyPair::from_pem(&text).map_err(|error| SelfSignedError::Key {
            path: files.key.clone(),
            why: error.to_string(),
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            write(&files.key, &key.serialize_pem(), 0o600).map_err(failed(&files.key))?;
            key
        }
        Err(error) => {
            return Err(SelfSignedError::Key {
                path: files.key.clone(),
                why: error.to_string(),
            });
        }
    };
    let certificate = params(names)?.self_signed(&key)?;
    write(&files.certificate, &certificate.pem(), 0o644).map_err(failed(&files.certificate))
}

fn params(names: &[String]) -> Result<CertificateParams, rcgen::Error> {
    // A name that DNS cannot have is not certified.
    let valid = names
        .iter()
        .filter(|name| ServerName::try_from(name.as_str()).is_ok());
    let mut params = CertificateParams::new(valid.cloned().collect::<Vec<_>>())?;
    let mut subject = DistinguishedName::new();
    let name = names.first().map_or("httpserver", String::as_str);
    subject.push(DnType::CommonName, name);
    params.distinguished_name = subject;
    params.is_ca = IsCa::NoCa;
    params.use_authority_key_identifier_extension = true; // RFC 5280 §4.2.1.1
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    // Clocks differ.
    let now = SystemTime::now();
    params.not_before = (now - Duration::from_secs(DAY)).into();
    params.not_after = (now + LIFETIME - Duration::from_secs(DAY)).into();
    Ok(params)
}

/// Writes a file, which appears complete and with this mode.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let unfinished = path.with_extension("pem.unfinished");
    // A file that a killed server left may have another mode.
    if let Err(error) = fs::remove_file(&unfinished)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let options = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .clone();
    let mut file: File = options.open(&unfinished)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::tls::TlsServer;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|&name| name.to_owned()).collect()
    }

    fn read(files: &CertificateFiles) -> CertificateDer<'static> {
        CertificateDer::from_pem_file(&files.certificate).unwrap()
    }

    #[test]
    fn certificate_is_made_once_for_its_names() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().join("a/b");
        let all = names(&["localhost", "127.0.0.1", "2001:db8::1", "a_b", "x y"]);
        let files = prepare_self_signed(&directory, &all).unwrap();
        let made = read(&files);
        for (path, mode) in [(&files.key, 0o600), (&directory, 0o700)] {
            let found = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{}", path.display());
        }
        for at in [Duration::ZERO, 2 * RENEWAL] {
            assert_eq!(
                check(&made, &all, SystemTime::now() + at),
                CertificateState::Valid
            );
        }
        let after = SystemTime::now() + LIFETIME;
        assert_eq!(check(&made, &all, after), CertificateState::Expired);
        let other = names(&["127.0.0.1", "192.0.2.1"]);
        let not_for = CertificateState::NotFor("192.0.2.1".to_owned());
        assert_eq!(check(&made, &other, SystemTime::now()), not_for);
        assert_eq!(prepare_self_signed(&directory, &other).unwrap(), files);
        assert_eq!(read(&files), made, "it stays");
        assert!(TlsServer::load(files).is_ok());
    }

    #[test]
    fn key_of_a_start_that_was_killed_is_used() {
        let directory = tempfile::tempdir().unwrap();
        let all = names(&["localhost"]);
        let files = prepare_self_signed(directory.path(), &all).unwrap();
        let key = fs::read(&files.key).unwrap();
        fs::remove_file(&files.certificate).unwrap();
        fs::write(directory.path().join("cert.pem.unfinished"), "half").unwrap();
        prepare_self_signed(directory.path(), &all).unwrap();
        assert_eq!(fs::read(&files.key).unwrap(), key);
        assert!(TlsServer::load(files.clone()).is_ok());
        fs::remove_file(&files.key).unwrap();
        let error = prepare_self_signed(directory.path(), &all).unwrap_err();
        assert!(matches!(error, SelfSignedError::NoKey { .. }), "{error}");
        fs::remove_file(&files.certificate).unwrap();
        fs::write(&files.key, "none").unwrap();
        let error = prepare_self_signed(directory.path(), &all).unwrap_err();
        assert!(matches!(error, SelfSignedError::Key { .. }), "{error}");
    }

    #[test]
    fn certificate_that_ends_soon_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let all = names(&["localhost"]);
        let files = prepare_self_signed(directory.path(), &all).unwrap();
        let key = KeyPair::from_pem(&fs::read_to_string(&files.key).unwrap()).unwrap();
        let mut old = params(&all).unwrap();
        old.not_after = (SystemTime::now() + RENEWAL / 2).into();
        let old = old.self_signed(&key).unwrap();
        fs::write(&files.certificate, old.pem()).unwrap();
        prepare_self_signed(directory.path(), &all).unwrap();
        assert_ne!(read(&files), *old.der());
    }
}
