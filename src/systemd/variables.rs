//! Environment variables for one process.

use std::ffi::{OsStr, OsString};

/// A variable of the environment.
pub(crate) type Variable = (OsString, OsString);

/// The value of a variable that is set, and not empty.
pub(super) fn value<'v>(variables: &'v [Variable], name: &str) -> Option<&'v OsStr> {
    let mut set = variables.iter().filter(|(set, _)| set == name);
    let value = set.next().map(|(_, value)| value.as_os_str());
    value.filter(|value| !value.is_empty())
}

/// A number in decimal digits.
pub(super) fn number(value: &OsStr) -> Option<u64> {
    let text = value.to_str()?;
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// Whether the variable `name` has the number of this process. Otherwise the variables are for another process, and were
/// inherited from it.
pub(super) fn is_for_this_process(variables: &[Variable], name: &str) -> bool {
    value(variables, name).and_then(number) == Some(u64::from(std::process::id()))
}

#[cfg(test)]
pub(super) fn variables(set: &[(&str, &str)]) -> Vec<Variable> {
    let owned = set
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    owned.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_digits() {
        for (text, expected) in [
            ("0", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("+1", None),
            ("-1", None),
            (" 1", None),
            ("", None),
        ] {
            assert_eq!(number(OsStr::new(text)), expected, "{text}");
        }
    }
}
