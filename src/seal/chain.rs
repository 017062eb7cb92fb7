//! The chain: each line has a value that depends on all lines up to it.

use std::fmt;

use sha2::{Digest, Sha256};

/// Hex digits of a chain value, and of every other hash in a seal.
pub const HEX: usize = 64;

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
        Self(
            Sha256::new()
                .chain_update(self.0)
                .chain_update(line)
                .finalize()
                .into(),
        )
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
    fn chain_value_is_the_hash_of_the_one_before_and_the_line() {
        let line = b"next 2026-11-27T12:00:00.000000Z log.txt";
        let both = [&Hash::ZERO.0[..], line].concat();
        assert_eq!(Hash::ZERO.chained(line), Hash::of(&both));
    }
}
