//! The names of staged uploads. No client can see them.

use std::fmt;

/// The prefix of staging names; 16 hex digits follow. No client can see or create a name with this prefix.
pub(super) const RESERVED_PREFIX: &[u8] = b".httpserver-";

/// Hex digits in the name of a staging file.
const DIGITS: usize = 16;

/// The name of a staging file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StagingName([u8; RESERVED_PREFIX.len() + DIGITS]);

impl StagingName {
    /// The name with this number.
    pub(super) fn new(number: u64) -> Self {
        let mut name = [b'0'; RESERVED_PREFIX.len() + DIGITS];
        let (prefix, digits) = name.split_at_mut(RESERVED_PREFIX.len());
        prefix.copy_from_slice(RESERVED_PREFIX);
        // Without `format!`, which takes a thousand instructions.
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b"0123456789abcdef"[(rest & 0xf) as usize];
            rest >>= 4;
        }
        Self(name)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for StagingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_ascii().fmt(f)
    }
}

/// Whether a file of this name is an upload in progress.
#[must_use]
pub fn is_staging_name(name: &[u8]) -> bool {
    name.strip_prefix(RESERVED_PREFIX)
        .is_some_and(|number| number.len() == DIGITS && number.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::{StagingName, is_staging_name};

    #[test]
    fn number_of_a_staging_file_is_in_its_name() {
        for (number, name) in [
            (0, ".httpserver-0000000000000000"),
            (0x5bdc_425c_f638_9d3f, ".httpserver-5bdc425cf6389d3f"),
            (u64::MAX, ".httpserver-ffffffffffffffff"),
        ] {
            assert_eq!(StagingName::new(number).to_string(), name);
            assert!(is_staging_name(StagingName::new(number).as_bytes()));
        }
    }
}
