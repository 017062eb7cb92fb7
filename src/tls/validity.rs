//! The validity of a certificate, in time and by name, for a client that trusts the last one of its chain.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError as Invalid, Error, RootCertStore};

/// The time before the end of a certificate from which a warning says that it expires.
const NOTICE: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// The validity of a certificate for a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Validity {
    Valid,
    /// Its end has passed.
    Expired,
    /// Its beginning has not come.
    NotYetValid,
    /// It is for other names.
    NotForName,
    /// It is refused for another reason.
    Refused,
}

/// Whether the first certificate is valid for a name at a time.
pub(super) fn verify(
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    at: SystemTime,
) -> Validity {
    let [certificate, above @ ..] = chain else {
        return Validity::Refused;
    };
    let mut roots = RootCertStore::empty();
    let root = above.last().unwrap_or(certificate);
    if roots.add(root.clone().into_owned()).is_err() {
        return Validity::Refused;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    let Ok(verifier) = verifier else {
        return Validity::Refused;
    };
    let since_epoch = at.duration_since(SystemTime::UNIX_EPOCH);
    let now = UnixTime::since_unix_epoch(since_epoch.unwrap_or_default());
    match verifier.verify_server_cert(certificate, above, name, &[], now) {
        Ok(_) => Validity::Valid,
        Err(Error::InvalidCertificate(invalid)) => match invalid {
            Invalid::Expired | Invalid::ExpiredContext { .. } => Validity::Expired,
            Invalid::NotValidYet | Invalid::NotValidYetContext { .. } => Validity::NotYetValid,
            Invalid::NotValidForName | Invalid::NotValidForNameContext { .. } => {
                Validity::NotForName
            }
            _ => Validity::Refused,
        },
        Err(_) => Validity::Refused,
    }
}

/// A fault in the validity period of a chain, now or soon.
pub(super) fn complaint(chain: &[CertificateDer<'_>], now: SystemTime) -> Option<&'static str> {
    // Times are checked before names.
    let any = ServerName::try_from("localhost").ok()?;
    match verify(chain, &any, now) {
        Validity::Expired => Some("has expired: clients refuse it"),
        Validity::NotYetValid => Some("is not valid yet: clients refuse it"),
        Validity::Valid | Validity::NotForName | Validity::Refused => {
            let is_over = verify(chain, &any, now + NOTICE) == Validity::Expired;
            is_over.then_some("expires within 14 days: renew it")
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};

    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// A chain of one self-signed certificate, valid between two times.
    fn chain(begin: SystemTime, end: SystemTime) -> [CertificateDer<'static>; 1] {
        let mut params = CertificateParams::new(["a.example".to_owned()]).unwrap();
        params.not_before = begin.into();
        params.not_after = end.into();
        let key = KeyPair::generate().unwrap();
        [params.self_signed(&key).unwrap().der().clone()]
    }

    #[test]
    fn warning_names_the_time_that_is_wrong() {
        let now = SystemTime::now();
        for (begin, end, said) in [
            (now - DAY, now + 90 * DAY, None),
            (now - DAY, now + 15 * DAY, None),
            (
                now - DAY,
                now + 13 * DAY,
                Some("expires within 14 days: renew it"),
            ),
            (
                now - 2 * DAY,
                now - DAY,
                Some("has expired: clients refuse it"),
            ),
            (
                now + DAY,
                now + 90 * DAY,
                Some("is not valid yet: clients refuse it"),
            ),
        ] {
            assert_eq!(complaint(&chain(begin, end), now), said);
        }
        assert_eq!(complaint(&[], now), None);
    }
}
