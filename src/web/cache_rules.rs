//! The rules of `--cache`: the value of Cache-Control by the path of a file.
//!
//! A rule applies to the path of the file that is sent, not to the path in the request: the index of a directory, the page
//! of a clean URL, the fallback of `--spa`. So a page that is sent for a missing script does not get the rule for scripts.
//! `caching` has the values for all other responses.

use std::str::FromStr;

use glob::{MatchOptions, Pattern};
use thiserror::Error;

use crate::http::semantics::cache_control::{CacheControl, CacheControlError};

/// The options of a match: `*` and `?` match no slash, so `*.css` does not match `a/b.css`.
const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: false,
};

/// One rule: `GLOB=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheRule {
    pattern: Pattern,
    subject: Subject,
    value: CacheControl,
}

/// The text that a pattern must match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The name of a file in any directory: the pattern has no slash.
    Name,
    /// Its path from the root.
    Path,
}

/// The rules, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CacheRules(Vec<CacheRule>);

/// Why the typed text is not a rule.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CacheRuleError {
    /// There is no `=` in it.
    #[error("it must be of the form 'GLOB=VALUE', such as '*.css=max-age=3600'")]
    NoEquals,
    /// There is no text before the `=`.
    #[error("there is no pattern before the '='; '**' matches all files")]
    NoPattern,
    /// The syntax of the pattern is wrong.
    #[error("the pattern '{pattern}' is wrong at character {place}: {reason}")]
    Pattern {
        /// The pattern as typed.
        pattern: String,
        /// The position of the error, counted from 1.
        place: usize,
        /// The error.
        reason: &'static str,
    },
    /// The value is not one of Cache-Control.
    #[error(transparent)]
    Value(#[from] CacheControlError),
}

impl FromStr for CacheRule {
    type Err = CacheRuleError;

    fn from_str(typed: &str) -> Result<Self, CacheRuleError> {
        let (glob, value) = typed.split_once('=').ok_or(CacheRuleError::NoEquals)?;
        let (text, subject) = match glob.strip_prefix('/') {
            Some(rest) => (rest, Subject::Path),
            None if glob.contains('/') => (glob, Subject::Path),
            None => (glob, Subject::Name),
        };
        if text.is_empty() {
            return Err(CacheRuleError::NoPattern);
        }
        let pattern = Pattern::new(text).map_err(|error| CacheRuleError::Pattern {
            pattern: glob.escape_debug().to_string(),
            place: error.pos + 1 + (glob.len() - text.len()),
            reason: error.msg,
        })?;
        Ok(Self {
            pattern,
            subject,
            value: value.parse()?,
        })
    }
}

impl CacheRule {
    fn matches(&self, path: &str) -> bool {
        let subject = match self.subject {
            Subject::Path => path,
            Subject::Name => path.rsplit('/').next().unwrap_or(path),
        };
        self.pattern.matches_with(subject, OPTIONS)
    }
}

impl CacheRules {
    /// These rules; if several match a file, the last one counts.
    #[must_use]
    pub fn new(rules: Vec<CacheRule>) -> Self {
        Self(rules)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value for the file at `path`, relative to the root; bytes that are not UTF-8 match only `*` and `?`.
    #[must_use]
    pub fn of_file(&self, path: &[u8]) -> Option<&CacheControl> {
        if self.is_empty() {
            return None;
        }
        let path = String::from_utf8_lossy(path);
        let mut rules = self.0.iter().rev();
        let rule = rules.find(|rule| rule.matches(&path))?;
        Some(&rule.value)
    }

    /// The same rules for responses that depend on the user.
    #[must_use]
    pub(super) fn for_one_user(mut self) -> Self {
        for rule in &mut self.0 {
            rule.value = rule.value.for_one_user();
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value for a path by these rules.
    fn value(rules: &[&str], path: &[u8]) -> Option<String> {
        let rules = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let rules = CacheRules::new(rules);
        rules.of_file(path).map(CacheControl::value)
    }

    #[test]
    fn pattern_without_a_slash_matches_names_and_one_with_a_slash_matches_paths() {
        for (glob, path, matches) in [
            ("*.css", "a.css", true),
            ("*.css", "dir/deep/a.css", true),
            ("*.css", "a.css/b", false),
            ("*.CSS", "a.css", false),
            ("*.css", ".css", true),
            ("/*.css", "a.css", true),
            ("/*.css", "dir/a.css", false),
            ("assets/*", "assets/a.js", true),
            ("assets/*", "assets/deep/a.js", false),
            ("/assets/*", "assets/a.js", true),
            ("assets/**", "assets/a.js", true),
            ("assets/**", "assets/deep/er/a.js", true),
            ("assets/**", "assets", false),
            ("assets/**", "old/assets/a.js", false),
            ("**/assets/**", "old/assets/a.js", true),
            ("**/assets/**", "assets/a.js", true),
            ("**/*.js", "a.js", true),
            ("**", "a", true),
            ("**", "dir/a", true),
            ("/**", "dir/a", true),
            ("*", "dir/a", true),
            ("app.[0-9a-f]*.js", "dist/app.9f3a.js", true),
            ("app.[0-9a-f]*.js", "dist/app.js", false),
            ("app.????.js", "app.9f3a.js", true),
            ("[!a]*", "b", true),
            ("[!a]*", "a", false),
            ("caf\u{e9}", "caf\u{e9}", true),
        ] {
            let rule = format!("{glob}=no-store");
            let found = value(&[&rule], path.as_bytes()).is_some();
            assert_eq!(found, matches, "{glob} {path}");
        }
        assert_eq!(value(&["a*=x"], b"a\xff").as_deref(), Some("x"));
        assert_eq!(value(&["a\u{ff}=x"], b"a\xff"), None);
    }

    #[test]
    fn last_rule_that_matches_a_file_counts() {
        let rules = ["**=no-cache", "*.js=max-age=5", "/sw.js=no-store"];
        for (path, expected) in [
            ("index.html", "no-cache"),
            ("a/b.js", "max-age=5"),
            ("sw.js", "no-store"),
            ("a/sw.js", "max-age=5"),
        ] {
            assert_eq!(
                value(&rules, path.as_bytes()).as_deref(),
                Some(expected),
                "{path}"
            );
        }
        assert_eq!(value(&[], b"a"), None);
    }

    #[test]
    fn error_of_an_invalid_rule_has_the_cause() {
        for (typed, part) in [
            ("*.css", "GLOB=VALUE"),
            ("=no-cache", "no pattern"),
            ("/=no-cache", "no pattern"),
            ("a***=x", "'a***' is wrong at character"),
            ("/a[=x", "'/a[' is wrong at character 3"),
            ("a**b=x", "is wrong at character"),
            ("*.css=", "not a directive"),
            ("*.css=max-age=1h", "number of seconds"),
        ] {
            let error = typed.parse::<CacheRule>().unwrap_err().to_string();
            assert!(error.contains(part), "{typed}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
    }
}
