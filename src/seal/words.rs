//! Reads the words of a line of a seal: the next word as a number, a time or a hash, or the reason why it is not one.
//!
//! It does not know the words of each kind of line; [`super::line`] does.

use super::chain::Hash;
use super::time::Moment;

/// Why a text is not a line of a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotALine(&'static str);

impl NotALine {
    pub(super) const fn new(reason: &'static str) -> Self {
        Self(reason)
    }

    pub(super) const NO_CHAIN: Self = Self("it does not end with a chain value");
    pub(super) const NOT_ASCII: Self = Self("it has a byte that is not printable ASCII");
}

/// The rest of a line; `None` after its last word.
pub(super) struct Words<'l>(pub(super) Option<&'l str>);

impl<'l> Words<'l> {
    pub(super) fn next(&mut self) -> Result<&'l str, NotALine> {
        let text = self.0.ok_or(NotALine("it ends too early"))?;
        let (word, rest) = match text.split_once(' ') {
            Some((word, rest)) => (word, Some(rest)),
            None => (text, None),
        };
        self.0 = rest;
        if word.is_empty() {
            return Err(NotALine("it has a space too many"));
        }
        Ok(word)
    }

    /// The rest of the next word, if it begins with this.
    pub(super) fn with_prefix(&mut self, prefix: &str) -> Result<Option<&'l str>, NotALine> {
        let text = self.0.ok_or(NotALine("it ends too early"))?;
        if text.starts_with(prefix) {
            Ok(self.next()?.strip_prefix(prefix))
        } else {
            Ok(None)
        }
    }

    pub(super) fn optional(&mut self) -> Result<Option<&'l str>, NotALine> {
        Ok(Some(self.next()?).filter(|word| *word != "-"))
    }

    /// A decimal number without leading zeros.
    pub(super) fn number(&mut self) -> Result<u64, NotALine> {
        const WRONG: NotALine = NotALine("a number is decimal, and below 2^63");
        let word = self.next()?;
        let has_form = word.bytes().all(|byte| byte.is_ascii_digit())
            && (word == "0" || !word.starts_with('0'));
        if !has_form {
            return Err(WRONG);
        }
        // Numbers are below 2^63, so that the sum of two does not overflow.
        let number: i64 = word.parse().map_err(|_| WRONG)?;
        u64::try_from(number).map_err(|_| WRONG)
    }

    pub(super) fn time(&mut self) -> Result<Moment, NotALine> {
        let word = self.next()?;
        Moment::parse(word).ok_or(NotALine("a time is YYYY-MM-DDTHH:MM:SS.ffffffZ"))
    }

    pub(super) fn hash(&mut self) -> Result<Hash, NotALine> {
        let word = self.next()?;
        Hash::parse_base64(word.as_bytes()).ok_or(NotALine(
            "a chain value or code has 43 characters of base64url",
        ))
    }
}
