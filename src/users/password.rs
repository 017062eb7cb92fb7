//! Hashes of passwords: bcrypt, as `htpasswd -B` makes them, and argon2id (RFC 9106).
//!
//! The hash itself states its cost. No hash is ever shown.

use std::fmt;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use thiserror::Error;

/// The most bytes of a password that bcrypt reads.
const BCRYPT_LONGEST: usize = 72;

/// The highest accepted cost of bcrypt: each step doubles the time, and 16 is some seconds.
const BCRYPT_HIGHEST_COST: u32 = 16;

/// The most accepted memory of argon2id, in KiB: 256 MiB.
const ARGON2_MOST_MEMORY: u32 = 256 * 1024;

/// The most accepted passes of argon2id over its memory.
const ARGON2_MOST_PASSES: u32 = 64;

/// A hash of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(HashScheme);

#[derive(Clone, PartialEq, Eq)]
enum HashScheme {
    Bcrypt(Box<str>),
    Argon2id(Box<str>),
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            HashScheme::Bcrypt(_) => "bcrypt",
            HashScheme::Argon2id(_) => "argon2id",
        })
    }
}

/// A hash that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HashError {
    /// It is not a hash, or one of another kind.
    #[error(
        "the hash is neither bcrypt ($2y$…) nor argon2id ($argon2id$…); 'httpserver --hash-password' makes one"
    )]
    Kind,
    /// It is cut off, or has characters that are invalid in a hash.
    #[error("the hash is not complete")]
    Malformed,
    /// To verify a password would take too long, or too much memory.
    #[error(
        "the hash costs too much: bcrypt at most {BCRYPT_HIGHEST_COST}, argon2id at most 256 MiB and 64 passes"
    )]
    Cost,
}

/// A password that cannot be hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PasswordError {
    /// It has no characters.
    #[error("the password is empty")]
    Empty,
    /// No client can send it (RFC 7617 §2).
    #[error("the password has a control character")]
    Control,
    /// The system gave no random bytes for a salt, or no memory.
    #[error("the password cannot be hashed")]
    Failed,
}

impl PasswordHash {
    /// Reads a hash.
    ///
    /// # Errors
    /// If it is not a hash, or would cost too much.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.starts_with("$argon2id$") {
            let phc = Phc::new(text).map_err(|_| HashError::Malformed)?;
            let params = argon2::Params::try_from(&phc).map_err(|_| HashError::Malformed)?;
            if phc.salt.is_none() || phc.hash.is_none() {
                return Err(HashError::Malformed);
            }
            if params.m_cost() > ARGON2_MOST_MEMORY || params.t_cost() > ARGON2_MOST_PASSES {
                return Err(HashError::Cost);
            }
            return Ok(Self(HashScheme::Argon2id(text.into())));
        }
        let kinds = ["$2a$", "$2b$", "$2x$", "$2y$"];
        let Some(rest) = kinds.iter().find_map(|kind| text.strip_prefix(kind)) else {
            return Err(HashError::Kind);
        };
        let (cost, rest) = rest.split_once('$').ok_or(HashError::Malformed)?;
        let is_of_hash = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/');
        if cost.len() != 2 || rest.len() != 53 || !rest.bytes().all(is_of_hash) {
            return Err(HashError::Malformed);
        }
        match cost.parse::<u32>() {
            Ok(4..=BCRYPT_HIGHEST_COST) => Ok(Self(HashScheme::Bcrypt(text.into()))),
            Ok(_) => Err(HashError::Cost),
            Err(_) => Err(HashError::Malformed),
        }
    }

    /// Hashes a password with argon2id, with the costs that OWASP recommends: 19 MiB and two passes.
    ///
    /// # Errors
    /// If no client could log in with it, or if it cannot be hashed.
    pub fn make(password: &str) -> Result<String, PasswordError> {
        if password.is_empty() {
            return Err(PasswordError::Empty);
        }
        if password.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        let hash: Phc = Argon2::default()
            .hash_password(password.as_bytes())
            .map_err(|_| PasswordError::Failed)?;
        Ok(hash.to_string())
    }

    /// Whether this is the password. It takes as long if it is not, and may take a second.
    ///
    /// A password that is longer than bcrypt reads is wrong for bcrypt: the bytes after byte 72 would not count.
    #[must_use]
    pub fn verify(&self, password: &str) -> bool {
        match &self.0 {
            HashScheme::Argon2id(hash) => Phc::new(hash).is_ok_and(|hash| {
                let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
                verified.is_ok()
            }),
            HashScheme::Bcrypt(hash) => {
                let is_it = bcrypt::verify(password, hash).unwrap_or(false);
                is_it && password.len() <= BCRYPT_LONGEST
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Of "secret", at the lowest cost, made by `htpasswd -nbB -C 4 ann secret`.
    pub(crate) const BCRYPT: &str = "$2y$04$kmGGu1XSHjldBVzhe3PSW.o5Gj9XhJ/m/61biZTgBcUT4xXGIfawK";

    /// Of "secret", with 8 KiB and one pass.
    pub(crate) const ARGON2ID: &str =
        "$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHQ$QQCd8VPOryZiCF3MtwQnPTK7odKCaPcXJGplgNEuj1A";

    #[test]
    fn hashes_are_of_two_kinds_and_cost_a_second_at_most() {
        for (text, expected) in [
            (BCRYPT, Ok(())),
            (ARGON2ID, Ok(())),
            ("", Err(HashError::Kind)),
            ("secret", Err(HashError::Kind)),
            (
                "$apr1$abcdefgh$abcdefghijklmnopqrstuv",
                Err(HashError::Kind),
            ),
            ("$6$salt$hash", Err(HashError::Kind)),
            ("{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=", Err(HashError::Kind)),
            (
                "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo",
                Err(HashError::Kind),
            ),
            ("$argon2id$", Err(HashError::Malformed)),
            (
                "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ",
                Err(HashError::Malformed),
            ),
            (
                "$argon2id$v=19$m=1048576,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
                Err(HashError::Cost),
            ),
            (
                "$argon2id$v=19$m=8,t=1000,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
                Err(HashError::Cost),
            ),
            (&BCRYPT[..59], Err(HashError::Malformed)),
            ("$2y$5$abc", Err(HashError::Malformed)),
            (&BCRYPT.replace("$04$", "$31$"), Err(HashError::Cost)),
            (&BCRYPT.replace("$04$", "$03$"), Err(HashError::Cost)),
            (&BCRYPT.replace("$04$", "$xx$"), Err(HashError::Malformed)),
        ] {
            assert_eq!(PasswordHash::parse(text).map(drop), expected, "{text}");
        }
    }

    #[test]
    fn password_is_right_or_wrong() {
        for text in [
            BCRYPT,
            ARGON2ID,
            &BCRYPT.replace("$2y$", "$2b$"),
            &BCRYPT.replace("$2y$", "$2a$"),
        ] {
            let hash = PasswordHash::parse(text).unwrap();
            assert!(hash.verify("secret"), "{text}");
            for wrong in ["", "Secret", "secret ", "secre"] {
                assert!(!hash.verify(wrong), "{text} {wrong}");
            }
            assert!(!format!("{hash:?}").contains('$'));
        }
    }

    #[test]
    fn password_over_72_bytes_is_wrong_for_bcrypt() {
        let longest = "x".repeat(BCRYPT_LONGEST);
        let hash = PasswordHash::parse(&bcrypt::hash(&longest, 4).unwrap()).unwrap();
        assert!(hash.verify(&longest));
        assert!(!hash.verify(&(longest + "x")));
    }

    #[test]
    fn made_hash_can_be_read() {
        let made = PasswordHash::make("gr\u{fc}n, not blue").unwrap();
        assert!(
            made.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{made}"
        );
        assert!(
            PasswordHash::parse(&made)
                .unwrap()
                .verify("gr\u{fc}n, not blue")
        );
        assert_ne!(made, PasswordHash::make("gr\u{fc}n, not blue").unwrap());
        assert_eq!(PasswordHash::make(""), Err(PasswordError::Empty));
        assert_eq!(PasswordHash::make("a\0"), Err(PasswordError::Control));
        assert_eq!(PasswordHash::make("a\tb"), Err(PasswordError::Control));
    }
}
