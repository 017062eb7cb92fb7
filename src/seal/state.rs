//! The state of a sealing key between two starts of a server: the key, and how far the seal had come.
//!
//! As text, in a file that only the server and its tool know:
//!
//! ```text
//! httpserver-seal-state 1
//! key EPOCH HEX
//! seal LINES CHAIN
//! ```

use thiserror::Error;

use super::chain::Hash;
use super::key::Key;

/// The first line.
const HEADER: &str = "httpserver-seal-state 1";

/// A key, and the last line of the seal before it is used.
#[derive(Debug, Clone)]
pub struct State {
    /// The key of the next authentication code.
    pub key: Key,
    /// How many lines the seal has, over all its files; 0 before the first.
    pub lines: u64,
    /// The chain value of the last of them.
    pub chain: Hash,
}

/// A text is no state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("it is not the state of a sealing key, which `httpserver-log seal-key` makes")]
pub struct NotAState;

impl State {
    /// The state of a new key.
    #[must_use]
    pub fn first(key: Key) -> Self {
        Self {
            key,
            lines: 0,
            chain: Hash::ZERO,
        }
    }

    /// As a file holds it.
    #[must_use]
    pub fn to_text(&self) -> String {
        format!(
            "{HEADER}\nkey {} {}\nseal {} {}\n",
            self.key.epoch(),
            Hash(*self.key.bytes()),
            self.lines,
            self.chain
        )
    }

    /// Reads what a file holds.
    ///
    /// # Errors
    /// If it is no state.
    pub fn parse(text: &str) -> Result<Self, NotAState> {
        let pair = |line: Option<&str>, word: &str| {
            let rest = line?.strip_prefix(word)?.strip_prefix(' ')?;
            let (number, hash) = rest.split_once(' ')?;
            let is_decimal = number.bytes().all(|byte| byte.is_ascii_digit());
            let number: u64 = number.parse().ok().filter(|_| is_decimal)?;
            Some((number, Hash::parse(hash.as_bytes())?))
        };
        let read = || {
            let mut lines = text.strip_suffix('\n')?.split('\n');
            if lines.next() != Some(HEADER) {
                return None;
            }
            let (epoch, Hash(bytes)) = pair(lines.next(), "key")?;
            let (count, chain) = pair(lines.next(), "seal")?;
            lines.next().is_none().then_some(Self {
                key: Key::at(bytes, epoch),
                lines: count,
                chain,
            })
        };
        read().ok_or(NotAState)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_as_they_are_written() {
        let mut key = Key::first([7; 32]);
        key.step();
        let state = State {
            key,
            lines: 12,
            chain: Hash::of(b"a"),
        };
        let text = state.to_text();
        let read = State::parse(&text).unwrap();
        assert_eq!(read.to_text(), text);
        assert_eq!((read.key.epoch(), read.lines), (1, 12));
        for wrong in [
            "",
            &text[1..],
            &text[..text.len() - 1],
            &text.replace("state 1", "state 2"),
            &text.replace("key 1", "key +1"),
            &text.replace("seal 12", "seal"),
            &format!("{text}\n"),
        ] {
            assert_eq!(State::parse(wrong).err(), Some(NotAState), "{wrong}");
        }
    }
}
