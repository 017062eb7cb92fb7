//! The end of a seal, and the state of its key between two starts of a server.
//!
//! The state is text in a file of its own:
//!
//! ```text
//! httpserver-seal-state 1
//! key EPOCH HEX
//! seal IDENTITY FILE LINES CHAIN
//! ```

use thiserror::Error;

use super::chain::Hash;
use super::key::Key;

/// The first line.
const HEADER: &str = "httpserver-seal-state 1";

/// The last line of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tip {
    /// The identity of the seal.
    pub identity: u64,
    /// The number of the file that the line is in, from 1; 0 if there is none.
    pub file: u64,
    /// The number of lines in all its files.
    pub lines: u64,
    /// The chain value of the line.
    pub chain: Hash,
}

/// A key, and the last line of the seal before its next use.
#[derive(Debug, Clone)]
pub struct SealState {
    /// The key of the next authentication code.
    pub key: Key,
    /// The last line.
    pub tip: Tip,
}

/// The text is not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not the state of a sealing key, which `httpserver-log seal-key` makes")]
pub struct NotAState;

impl Tip {
    /// The end of a seal without lines.
    #[must_use]
    pub fn none(identity: u64) -> Self {
        Self {
            identity,
            file: 0,
            lines: 0,
            chain: Hash::ZERO,
        }
    }
}

impl SealState {
    /// The state of a new key. A new seal will have this identity.
    #[must_use]
    pub fn first(key: Key, identity: u64) -> Self {
        Self {
            key,
            tip: Tip::none(identity),
        }
    }

    /// The text for a file.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Tip {
            identity,
            file,
            lines,
            chain,
        } = self.tip;
        format!(
            "{HEADER}\nkey {} {}\nseal {identity:016x} {file} {lines} {chain}\n",
            self.key.epoch(),
            Hash(*self.key.bytes()),
        )
    }

    /// Parses the text of a file.
    ///
    /// # Errors
    /// If it is invalid.
    pub fn parse(text: &str) -> Result<Self, NotAState> {
        Self::read(text)
            // Only the exact form that this module writes is accepted.
            .filter(|state| state.to_text() == text)
            .ok_or(NotAState)
    }

    fn read(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        if lines.next() != Some(HEADER) {
            return None;
        }
        let mut key = lines.next()?.strip_prefix("key ")?.split(' ');
        let epoch = key.next()?.parse().ok()?;
        let Hash(bytes) = Hash::parse(key.next()?.as_bytes())?;
        let mut seal = lines.next()?.strip_prefix("seal ")?.split(' ');
        Some(Self {
            key: Key::at(bytes, epoch),
            tip: Tip {
                identity: u64::from_str_radix(seal.next()?, 16).ok()?,
                file: seal.next()?.parse().ok()?,
                lines: seal.next()?.parse().ok()?,
                chain: Hash::parse(seal.next()?.as_bytes())?,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        let mut key = Key::first([7; 32]);
        key.step();
        let tip = Tip {
            identity: 0xAB,
            file: 2,
            lines: 12,
            chain: Hash::of(b"a"),
        };
        let text = SealState { key, tip }.to_text();
        let read = SealState::parse(&text).unwrap();
        assert_eq!(read.to_text(), text);
        assert_eq!((read.key.epoch(), read.tip), (1, tip));
        for wrong in [
            "",
            &text[1..],
            &text[..text.len() - 1],
            &text.replace("state 1", "state 2"),
            &text.replace("key 1", "key +1"),
            &text.replace("seal 00000000000000ab 2 12", "seal 00000000000000ab 2"),
            &text.replace("seal 00000000000000ab", "seal ab"),
            &format!("{text}\n"),
            &format!("{text}more\n"),
        ] {
            assert_eq!(SealState::parse(wrong).err(), Some(NotAState), "{wrong}");
        }
    }
}
