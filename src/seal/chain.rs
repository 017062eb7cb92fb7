//! The chain: each line has a value that depends on all lines up to it.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

/// Hex digits of a hash of content.
const HEX: usize = 64;

/// Characters of a chain value and of an authentication code: base64url (RFC 4648 §5) without padding, since short
/// lines cost less than long ones.
pub const BASE64: usize = 43;

/// A SHA-256: of a chain value and a line, or of content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// The chain value before the first line of a new seal.
    pub const ZERO: Self = Self([0; 32]);

    /// The hash of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The chain value of a line that follows a line with this value. `line` has neither its own chain value nor the
    /// space before it.
    #[must_use]
    pub fn chained(&self, line: &[u8]) -> Self {
        let hasher = Sha256::new().chain_update(self.0).chain_update(line);
        Self(hasher.finalize().into())
    }

    /// Reads lower-case hex digits.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() != HEX {
            return None;
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut hash = [0; 32];
        for (byte, pair) in hash.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(hash))
    }

    /// Reads base64url without padding.
    #[must_use]
    pub fn parse_base64(text: &[u8]) -> Option<Self> {
        let mut hash = [0; 32];
        let read = URL_SAFE_NO_PAD.decode_slice(text, &mut hash);
        (text.len() == BASE64 && read == Ok(hash.len())).then_some(Self(hash))
    }

    /// Appends base64url without padding.
    pub fn push_base64(&self, out: &mut Vec<u8>) {
        let mut text = [0; BASE64];
        self.write_base64(&mut text);
        out.extend_from_slice(&text);
    }

    /// Writes base64url without padding.
    pub fn write_base64(&self, text: &mut [u8; BASE64]) {
        // 32 bytes have a text of this length.
        let _ = URL_SAFE_NO_PAD.encode_slice(self.0, text);
    }

    /// The text that [`Hash::push_base64`] appends.
    #[must_use]
    pub fn to_base64(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Appends lower-case hex digits.
    pub fn push(&self, out: &mut Vec<u8>) {
        // Computed, not looked up: the compiler makes vector instructions of it.
        let digit = |nibble: u8| match nibble {
            0..10 => b'0' + nibble,
            _ => b'a' - 10 + nibble,
        };
        let text: [[u8; 2]; HEX / 2] = self.0.map(|byte| [digit(byte >> 4), digit(byte & 0x0F)]);
        out.extend_from_slice(text.as_flattened());
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_read_as_they_are_written() {
        let hash = Hash::of(b"");
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(hash.to_string(), text);
        let mut pushed = Vec::new();
        hash.push(&mut pushed);
        assert_eq!(pushed, text.as_bytes());
        assert_eq!(Hash::parse(text.as_bytes()), Some(hash));
        for wrong in [
            &text[1..],
            &text.to_uppercase(),
            &text.replace('e', "g"),
            "",
        ] {
            assert_eq!(Hash::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn hashes_are_read_as_they_are_written_in_base64() {
        // From Python's base64.urlsafe_b64encode.
        let text = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU";
        let hash = Hash::of(b"");
        assert_eq!(hash.to_base64(), text);
        let mut pushed = Vec::new();
        hash.push_base64(&mut pushed);
        assert_eq!(pushed, text.as_bytes());
        assert_eq!(Hash::parse_base64(text.as_bytes()), Some(hash));
        for wrong in [
            "",
            &text[1..],
            &format!("{text}="),
            &format!("{text}A"),
            &text.replace('-', "+"),
            // The last character has bits beyond the 32 bytes.
            &text.replace("SuFU", "SuFV"),
        ] {
            assert_eq!(Hash::parse_base64(wrong.as_bytes()), None, "{wrong}");
        }
    }

    #[test]
    fn chain_value_is_the_hash_of_the_one_before_and_the_line() {
        let line = b"next 2026-11-27T12:00:00.000000Z log.txt";
        let both = [&Hash::ZERO.0[..], line].concat();
        assert_eq!(Hash::ZERO.chained(line), Hash::of(&both));
    }
}
