//! The rights of a user to files, and rules that grant rights for a path and all paths below it.
//!
//! Paths are decoded, and relative to the root: the names on them, joined by slashes. The root itself is `.`, as the
//! store has it.

use std::fmt;

/// The path of the root.
pub(super) const ROOT: &[u8] = b".";

/// The right to one operation on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// To read it, and to see it in listings.
    Read,
    /// To store a file where none exists.
    Create,
    /// To replace it.
    Replace,
    /// To remove it.
    Delete,
}

/// A set of rights.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights(u8);

/// Rights for a path and all below it, unless another rule is about a longer one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    path: Box<[u8]>,
    rights: Rights,
}

/// The rules of one user, or for every client.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccessRules {
    /// The longest path first.
    rules: Vec<Rule>,
}

impl Right {
    /// Every right, in the order in which they are listed.
    pub const ALL: [Self; 4] = [Self::Read, Self::Create, Self::Replace, Self::Delete];

    /// The name in the file of users.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Create => "create",
            Self::Replace => "replace",
            Self::Delete => "delete",
        }
    }

    fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Rights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// All rights.
    pub const ALL: Self = Self(0b1111);

    /// The same rights with this one.
    #[must_use]
    pub fn with(self, right: Right) -> Self {
        Self(self.0 | right.bit())
    }

    /// The rights of both.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Whether this right is among them.
    #[must_use]
    pub fn include(self, right: Right) -> bool {
        self.0 & right.bit() != 0
    }
}

impl Rule {
    /// Whether `path` is its path, or below it: `bob` is not above `bobby`.
    fn is_about(&self, path: &[u8]) -> bool {
        &*self.path == ROOT || is_at_or_below(path, &self.path)
    }
}

/// Whether `path` is `above`, or below it.
fn is_at_or_below(path: &[u8], above: &[u8]) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
}

impl AccessRules {
    /// Adds a rule; false if there is one for this path.
    #[must_use]
    pub fn add(&mut self, path: Box<[u8]>, rights: Rights) -> bool {
        if self.rules.iter().any(|rule| rule.path == path) {
            return false;
        }
        self.rules.push(Rule { path, rights });
        self.rules
            .sort_by_key(|rule| std::cmp::Reverse((&*rule.path != ROOT, rule.path.len())));
        true
    }

    /// The rights for `path`: those of the rule with the longest path.
    #[must_use]
    pub fn rights(&self, path: &[u8]) -> Rights {
        let mut rules = self.rules.iter();
        rules
            .find(|rule| rule.is_about(path))
            .map_or(Rights::NONE, |rule| rule.rights)
    }

    /// Whether something below the directory `path` may be read by a rule of its own.
    #[must_use]
    pub fn lead_to_something(&self, path: &[u8]) -> bool {
        self.rules.iter().any(|rule| {
            let is_below = path == ROOT || is_at_or_below(&rule.path, path);
            is_below && rule.rights.include(Right::Read)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(list: &[(&str, Rights)]) -> AccessRules {
        let mut rules = AccessRules::default();
        for (path, rights) in list {
            assert!(rules.add(path.as_bytes().into(), *rights));
        }
        rules
    }

    const READ: Rights = Rights(1);

    #[test]
    fn longest_path_of_whole_names_decides() {
        let rules = rules(&[
            (".", READ),
            ("bob", Rights::ALL),
            ("bob/secret", Rights::NONE),
        ]);
        for (path, expected) in [
            (".", READ),
            ("a", READ),
            ("bobby", READ),
            ("bobby/x", READ),
            ("bo", READ),
            ("a/bob", READ),
            ("bob", Rights::ALL),
            ("bob/x", Rights::ALL),
            ("bob/secretary", Rights::ALL),
            ("bob/secret", Rights::NONE),
            ("bob/secret/x/y", Rights::NONE),
        ] {
            assert_eq!(rules.rights(path.as_bytes()), expected, "{path}");
        }
        assert_eq!(AccessRules::default().rights(b"a"), Rights::NONE);
    }

    #[test]
    fn directory_above_a_readable_path_is_found() {
        let rules = rules(&[
            ("a/b", READ),
            ("c", Rights::NONE),
            ("d", Rights::NONE.with(Right::Create)),
        ]);
        for (path, expected) in [
            (".", true),
            ("a", true),
            ("a/b", true),
            ("a/bc", false),
            ("c", false),
            ("d", false),
            ("ab", false),
        ] {
            assert_eq!(rules.lead_to_something(path.as_bytes()), expected, "{path}");
        }
    }

    #[test]
    fn path_has_one_rule() {
        let mut rules = rules(&[("a", READ)]);
        assert!(!rules.add(b"a"[..].into(), Rights::ALL));
        assert_eq!(rules.rights(b"a"), READ);
    }

    #[test]
    fn sets_of_rights_are_combined() {
        let two = Rights::NONE.with(Right::Read).with(Right::Delete);
        for (right, expected) in Right::ALL.into_iter().zip([true, false, false, true]) {
            assert_eq!(two.include(right), expected, "{right}");
            assert!(Rights::ALL.include(right) && !Rights::NONE.include(right));
        }
        assert_eq!(
            two.and(Rights::NONE.with(Right::Create))
                .and(Rights::NONE.with(Right::Replace)),
            Rights::ALL
        );
    }
}
