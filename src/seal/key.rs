//! The key of a seal, which is replaced by its own hash after each use.
//!
//! All later keys can be computed from a key, but no earlier ones. So an attacker with control of the machine cannot
//! change the lines that were authenticated before (forward-secure sealing). All keys can be computed from the first,
//! the *verification key*.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use thiserror::Error;

use super::chain::Hash;

/// The beginning of the text of a verification key.
const PREFIX: &str = "seal-key-1:";

/// A key, and the number of times that it was replaced.
#[derive(Clone)]
pub struct Key {
    bytes: [u8; 32],
    epoch: u64,
}

/// The text is not a verification key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "it is not a verification key: that is `{PREFIX}` and 64 hex digits, which `httpserver-log seal-key` printed"
)]
pub struct NotAKey;

impl Key {
    /// The first key, from 32 random bytes.
    #[must_use]
    pub fn first(random: [u8; 32]) -> Self {
        Self::at(random, 0)
    }

    /// A key that was replaced this many times.
    #[must_use]
    pub fn at(bytes: [u8; 32], epoch: u64) -> Self {
        Self { bytes, epoch }
    }

    /// The number of times that it was replaced.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The authentication code of all lines up to the one with this chain value (HMAC-SHA-256, RFC 2104).
    #[must_use]
    pub fn authenticate(&self, chain: &Hash) -> Hash {
        // HMAC pads a short key with zeros to the length of a block.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.bytes);
        let code = Hmac::<Sha256>::new(&block.into()).chain_update(chain.0);
        Hash(code.finalize().into_bytes().into())
    }

    /// Replaces it by its hash.
    pub fn step(&mut self) {
        self.bytes = Sha256::digest(self.bytes).into();
        self.epoch += 1;
    }

    /// Parses a verification key; white space around it is ignored.
    ///
    /// # Errors
    /// If it is invalid.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let digits = text.trim().strip_prefix(PREFIX).ok_or(NotAKey)?;
        let Hash(bytes) = Hash::parse(digits.as_bytes()).ok_or(NotAKey)?;
        Ok(Self::first(bytes))
    }

    /// The text of a verification key. It must be called on the first key only.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!("{PREFIX}{}", Hash(self.bytes))
    }
}

impl fmt::Debug for Key {
    /// The bytes are secret.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key(epoch {})", self.epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_hmac_sha_256() {
        // From Python's hmac module.
        let key = Key::first([1; 32]);
        let code = key.authenticate(&Hash::of(b"abc"));
        assert_eq!(
            code.to_string(),
            "67a782af2dbd92253f592f996d654a6276a1ef081e28ab9df3cdadd5474b6a71"
        );
    }

    #[test]
    fn a_step_is_a_hash() {
        let mut key = Key::first([1; 32]);
        let first = key.authenticate(&Hash::ZERO);
        key.step();
        assert_eq!(key.epoch(), 1);
        assert_eq!(*key.bytes(), Hash::of(&[1; 32]).0);
        assert_ne!(key.authenticate(&Hash::ZERO), first);
    }

    #[test]
    fn keys_are_read_as_they_are_shown() {
        let key = Key::first(Hash::of(b"secret").0);
        let text = key.to_text();
        let read = Key::parse(&format!(" {text}\n")).unwrap();
        assert_eq!((read.bytes(), read.epoch()), (key.bytes(), 0));
        for wrong in [
            "",
            &text[1..],
            &text[..text.len() - 1],
            &text.to_uppercase(),
        ] {
            assert_eq!(Key::parse(wrong).err(), Some(NotAKey), "{wrong}");
        }
        assert!(!format!("{key:?}").contains(&text[11..]));
    }
}
