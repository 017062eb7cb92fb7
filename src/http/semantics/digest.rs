//! Digests of content, as clients send and ask for them (RFC 9530).
//!
//! Only sha-256 is supported: every client has it, and a recipient may ignore other algorithms (RFC 9530 §2, §5). A
//! file is stored as it is sent, so for an upload Content-Digest and Repr-Digest cover the same bytes.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::structured::{self, Value};

/// The key of the algorithm (RFC 9530 §7.2).
const KEY: &[u8] = b"sha-256";

/// The reason why a Content-Digest or Repr-Digest field cannot be checked (400).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The field is not a dictionary of byte sequences (RFC 9530 §2, §3).
    #[error("it is not a list of digests such as sha-256=:...:")]
    Malformed,
    /// The sha-256 digest in the field has this many bytes instead of 32.
    #[error("a sha-256 digest has 32 bytes, not {0}")]
    Length(usize),
}

/// A sha-256 digest; as text it is the value of a Content-Digest or Repr-Digest field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sha256Digest([u8; 32]);

impl Sha256Digest {
    /// Reads a Content-Digest or Repr-Digest field; `Ok(None)` when it has digests of other algorithms only.
    pub fn parse(field: &[u8]) -> Result<Option<Self>, DigestError> {
        let mut digest = None;
        for (key, value) in structured::parse(field).ok_or(DigestError::Malformed)? {
            let Value::Bytes(bytes) = value else {
                return Err(DigestError::Malformed);
            };
            if key == KEY {
                digest = Some(bytes);
            }
        }
        digest
            .map(|bytes| {
                <[u8; 32]>::try_from(bytes)
                    .map(Self)
                    .map_err(|bytes| DigestError::Length(bytes.len()))
            })
            .transpose()
    }
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha-256=:{}:", STANDARD.encode(self.0))
    }
}

/// Whether a Want-Repr-Digest or Want-Content-Digest field asks for sha-256 (RFC 9530 §4).
///
/// The field is a preference, so it is ignored if it cannot be parsed.
#[must_use]
pub fn is_wanted(field: &[u8]) -> bool {
    let preference = structured::parse(field)
        .and_then(|members| members.into_iter().rev().find(|(key, _)| *key == KEY));
    // 1 to 10; 0 means "not acceptable".
    matches!(preference, Some((_, Value::Integer(1..=10))))
}

/// Computes a digest of content that arrives piece by piece.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// A hasher of no bytes so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece.
    pub fn update(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The digest of all pieces.
    #[must_use]
    pub fn finish(self) -> Sha256Digest {
        Sha256Digest(self.0.finalize().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of `{"hello": "world"}` and a line feed, from RFC 9530 appendix B.1.
    const HELLO: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";

    fn hello() -> Sha256Digest {
        let mut hasher = Hasher::new();
        for piece in ["{\"hello\"", "", ": \"world\"}\n"] {
            hasher.update(piece.as_bytes());
        }
        hasher.finish()
    }

    #[test]
    fn digest_is_written_in_base64() {
        assert_eq!(hello().to_string(), HELLO);
        assert_eq!(
            Hasher::new().finish().to_string(),
            "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
        );
    }

    #[test]
    fn digests_are_read_from_fields() {
        let other = "sha-512=:AAAA:";
        let table = [
            (HELLO.to_owned(), Ok(Some(hello()))),
            (format!("{other}, {HELLO}"), Ok(Some(hello()))),
            (format!("{HELLO};p=1,{other}"), Ok(Some(hello()))),
            (format!("sha-256=:AAAA:, {HELLO}"), Ok(Some(hello()))),
            (other.to_owned(), Ok(None)),
            (String::new(), Ok(None)),
            ("sha-256=:AAAA:".to_owned(), Err(DigestError::Length(3))),
            ("sha-256=::".to_owned(), Err(DigestError::Length(0))),
            ("sha-256=1".to_owned(), Err(DigestError::Malformed)),
            ("sha-512=x".to_owned(), Err(DigestError::Malformed)),
            ("sha-256=47DEQ".to_owned(), Err(DigestError::Malformed)),
            ("SHA-256=:AAAA:".to_owned(), Err(DigestError::Malformed)),
        ];
        for (field, expected) in table {
            assert_eq!(Sha256Digest::parse(field.as_bytes()), expected, "{field}");
        }
    }

    #[test]
    fn digest_is_wanted_with_a_weight_from_1_to_10() {
        // RFC 9530 §4
        let table = [
            ("sha-256=10", true),
            ("sha-256=1", true),
            ("sha-512=3, sha-256=10, unixsum=0", true),
            ("sha-256=0", false),
            ("sha-512=10", false),
            ("sha-256=11", false),
            ("sha-256=-1", false),
            ("sha-256", false),
            ("sha-256=1.0", false),
            ("sha-256=1, sha-256=0", false),
            ("sha-256=0, sha-256=1", true),
            ("sha-256=10,", false),
            ("", false),
        ];
        for (field, expected) in table {
            assert_eq!(is_wanted(field.as_bytes()), expected, "{field}");
        }
    }
}
