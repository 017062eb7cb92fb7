//! The value of Cache-Control in a response, as the operator types it (RFC 9111 §5.2).
//!
//! Unknown directives are allowed, since caches support more than those of the RFC. The dialect selects the value of
//! each response.

use std::str::FromStr;

use thiserror::Error;

use super::quoting::separates;
use crate::http::wire::syntax::{is_token, token_or_quoted_length};

/// Directives with a number of seconds as their argument (RFC 9111 §5.2.2, RFC 5861).
const SECONDS: [&str; 4] = [
    "max-age",
    "s-maxage",
    "stale-while-revalidate",
    "stale-if-error",
];

/// Directives that permit a shared cache to store the response for one user (RFC 9111 §5.2.2.8 to §5.2.2.10).
const SHARED: [&str; 3] = ["public", "s-maxage", "proxy-revalidate"];

/// At least one directive, each as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheControl(Vec<String>);

/// The reason why the typed text is not a value of Cache-Control.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CacheControlError {
    /// The text of an invalid directive; it may be empty.
    #[error(
        "'{0}' is not a directive of Cache-Control: write 'NAME' or 'NAME=VALUE', separated by commas"
    )]
    Directive(String),
    /// The argument of this directive is not a number of seconds.
    #[error("'{0}' needs a number of seconds, as in '{0}=3600'")]
    Seconds(String),
}

impl CacheControl {
    /// A cache may store the response, and must ask the server before each use (RFC 9111 §5.2.2.4).
    #[must_use]
    pub fn no_cache() -> Self {
        Self(vec!["no-cache".to_owned()])
    }

    /// Only the client's own cache may store the response (RFC 9111 §5.2.2.7).
    #[must_use]
    pub fn private() -> Self {
        Self(vec!["private".to_owned()])
    }

    /// The value for a response for one user: no cache may serve it to another user.
    #[must_use]
    pub fn for_one_user(&self) -> Self {
        let is = |directive: &str, names: &[&str]| {
            let mut names = names.iter();
            names.any(|name| directive.eq_ignore_ascii_case(name))
        };
        let kept = self.0.iter().filter(|one| !is(name_of(one), &SHARED));
        // `private="Set-Cookie"` restricts only that field.
        let is_strict = self.0.iter().any(|one| is(one, &["private", "no-store"]));
        let private = (!is_strict).then(|| "private".to_owned());
        Self(private.into_iter().chain(kept.cloned()).collect())
    }

    /// The value of the field.
    #[must_use]
    pub fn value(&self) -> String {
        self.0.join(", ")
    }
}

impl FromStr for CacheControl {
    type Err = CacheControlError;

    fn from_str(typed: &str) -> Result<Self, CacheControlError> {
        let directives = typed
            .split(separates(','))
            .map(|one| check(one.trim_matches([' ', '\t'])));
        Ok(Self(directives.collect::<Result<_, _>>()?))
    }
}

/// RFC 9111 §5.2: `token [ "=" ( token / quoted-string ) ]`.
fn check(directive: &str) -> Result<String, CacheControlError> {
    let name = name_of(directive);
    let argument = directive.strip_prefix(name).unwrap_or_default();
    let argument = argument.strip_prefix('=');
    let is_argument = |text: &str| token_or_quoted_length(text.as_bytes()) == Some(text.len());
    if !is_token(name.as_bytes()) || !argument.is_none_or(is_argument) {
        return Err(CacheControlError::Directive(
            directive.escape_debug().to_string(),
        ));
    }
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let counts_seconds = SECONDS.iter().any(|one| one.eq_ignore_ascii_case(name));
    if counts_seconds && !argument.is_some_and(is_number) {
        return Err(CacheControlError::Seconds(name.to_owned()));
    }
    Ok(directive.to_owned())
}

fn name_of(directive: &str) -> &str {
    directive.split('=').next().unwrap_or(directive)
}

#[cfg(test)]
mod tests {
    use super::CacheControlError::{Directive, Seconds};
    use super::*;

    #[test]
    fn typed_values_are_checked() {
        for (typed, expected) in [
            ("no-cache", "no-cache"),
            (" \tno-store ", "no-store"),
            (
                "public,max-age=31536000 ,  immutable",
                "public, max-age=31536000, immutable",
            ),
            ("Max-Age=0", "Max-Age=0"),
            ("no-cache=\"a, b\", x", "no-cache=\"a, b\", x"),
            ("x=\"\\\",\", y=z", "x=\"\\\",\", y=z"),
            ("x=\"\u{e9}\"", "x=\"\u{e9}\""),
        ] {
            let value = typed.parse::<CacheControl>().map(|parsed| parsed.value());
            assert_eq!(value, Ok(expected.to_owned()), "{typed}");
        }
        let directive = |text: &str| Directive(text.to_owned());
        for (typed, expected) in [
            ("", directive("")),
            ("a,", directive("")),
            ("max-age 3600", directive("max-age 3600")),
            ("max-age: 3600", directive("max-age: 3600")),
            ("x=", directive("x=")),
            ("=x", directive("=x")),
            ("x=y=z", directive("x=y=z")),
            ("x=\"y", directive("x=\\\"y")),
            ("x=\"y\"z", directive("x=\\\"y\\\"z")),
            ("x\r\nSet-Cookie: a", directive("x\\r\\nSet-Cookie: a")),
            ("x=\"\n\"", directive("x=\\\"\\n\\\"")),
            ("\u{e9}", directive("\u{e9}")),
            ("max-age", Seconds("max-age".into())),
            ("s-maxage=1h", Seconds("s-maxage".into())),
            ("max-age=-1", Seconds("max-age".into())),
            ("max-age=\"5\"", Seconds("max-age".into())),
        ] {
            assert_eq!(typed.parse::<CacheControl>(), Err(expected), "{typed:?}");
        }
    }

    #[test]
    fn value_for_one_user_keeps_shared_caches_out() {
        for (typed, expected) in [
            ("no-cache", "private, no-cache"),
            ("private", "private"),
            ("max-age=5, Private", "max-age=5, Private"),
            ("no-store", "no-store"),
            ("private=\"Vary\"", "private, private=\"Vary\""),
            (
                "Public, max-age=5, S-MaxAge=9, immutable",
                "private, max-age=5, immutable",
            ),
            ("public", "private"),
        ] {
            let typed: CacheControl = typed.parse().unwrap();
            assert_eq!(typed.for_one_user().value(), expected);
        }
    }
}
