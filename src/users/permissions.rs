//! The permissions of one requester: the rules for every client, and those of the logged-in user.

use std::sync::Arc;

use super::rights::{AccessRules, Right, Rights};

/// The permissions of one requester.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Permissions {
    /// All rights: the server has no users.
    #[default]
    Unrestricted,
    /// The rules for every client.
    Everybody(Arc<AccessRules>),
    /// These rules and those of one user.
    User {
        /// The rules for every client.
        everybody: Arc<AccessRules>,
        /// The user's own rules.
        own: Arc<AccessRules>,
    },
}

impl Permissions {
    /// The rights for a path.
    #[must_use]
    pub fn rights(&self, path: &[u8]) -> Rights {
        match self {
            Self::Unrestricted => Rights::ALL,
            Self::Everybody(rules) => rules.rights(path),
            Self::User { everybody, own } => everybody.rights(path).and(own.rights(path)),
        }
    }

    /// Whether the requester has this right at a path.
    #[must_use]
    pub fn permit(&self, right: Right, path: &[u8]) -> bool {
        self.rights(path).include(right)
    }

    /// Whether the directory at `path` is shown: the requester may read it, or something below it.
    #[must_use]
    pub fn show_directory(&self, path: &[u8]) -> bool {
        let leads = match self {
            Self::Unrestricted => true,
            Self::Everybody(rules) => rules.lead_to_something(path),
            Self::User { everybody, own } => {
                everybody.lead_to_something(path) || own.lead_to_something(path)
            }
        };
        leads || self.permit(Right::Read, path)
    }

    /// Whether the requester could have more rights after a login.
    #[must_use]
    pub fn are_anonymous(&self) -> bool {
        matches!(self, Self::Everybody(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_also_has_the_rights_of_every_client() {
        let rules = |path: &str, right| {
            let mut rules = AccessRules::default();
            assert!(rules.add(path.as_bytes().into(), Rights::NONE.with(right)));
            Arc::new(rules)
        };
        let everybody = rules(".", Right::Read);
        let own = rules("bob", Right::Create);
        let user = Permissions::User {
            everybody: Arc::clone(&everybody),
            own,
        };
        assert!(user.permit(Right::Read, b"bob/x") && user.permit(Right::Create, b"bob/x"));
        assert!(user.permit(Right::Read, b"x") && !user.permit(Right::Create, b"x"));
        let anybody = Permissions::Everybody(everybody);
        assert!(!anybody.permit(Right::Create, b"bob/x"));
        assert!(Permissions::Unrestricted.permit(Right::Delete, b"x"));
    }

    #[test]
    fn directory_above_a_readable_path_is_shown() {
        let mut own = AccessRules::default();
        assert!(own.add(b"a/b"[..].into(), Rights::ALL));
        let user = Permissions::User {
            everybody: Arc::default(),
            own: Arc::new(own),
        };
        for (path, expected) in [(".", true), ("a", true), ("a/b/c", true), ("b", false)] {
            assert_eq!(user.show_directory(path.as_bytes()), expected, "{path}");
        }
        assert!(!user.permit(Right::Read, b"a"));
    }
}
