//! The name by which a server is known among those that share a root: in the seal of its request log, and in its access log.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// Bytes of the longest name: as long as one label of a host name may be (RFC 1035 §2.3.4), and one more.
const LIMIT: usize = 64;

/// See the module's description. It is a word: nothing in it needs an escape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerId(Arc<str>);

/// Why a text is no name of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "it must have 1 to 64 characters, each a letter, a digit, '.', '_' or '-', and begin with a letter or a digit"
)]
pub struct ServerIdError;

impl ServerId {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerId {
    type Err = ServerIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        let begins = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        if begins && text.len() <= LIMIT && text.bytes().all(is_allowed) {
            Ok(Self(text.into()))
        } else {
            Err(ServerIdError)
        }
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words() {
        let longest = "a".repeat(LIMIT);
        for name in ["a", "7", "web-1", "web_1.example.org", &longest] {
            assert_eq!(
                name.parse::<ServerId>().map(|id| id.to_string()),
                Ok(name.to_owned())
            );
        }
        for name in [
            "",
            "-",
            "-a",
            ".a",
            "a b",
            "a\n",
            "caf\u{e9}",
            "a/b",
            "a%",
            &"a".repeat(LIMIT + 1),
        ] {
            assert_eq!(name.parse::<ServerId>(), Err(ServerIdError), "{name:?}");
        }
    }
}
