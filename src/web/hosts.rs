//! The names that a server answers to, which ends DNS rebinding.
//!
//! A page of another site may have its own name lead to the address of this server. Then the browser takes the two for
//! one site, and the page may read and send whatever it likes; but its requests carry that name. IP addresses and
//! `localhost` cannot be names of another site.

use std::collections::BTreeSet;

use crate::http::semantics::host::{HostKind, HostPort, comparable};

/// The names that a server answers to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HostNames {
    /// All.
    #[default]
    Any,
    /// These, in lower case and without a dot at the end; besides them IP addresses and `localhost`.
    Only(BTreeSet<String>),
}

impl HostNames {
    /// These only, however they are written.
    pub fn only(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names = names.into_iter();
        Self::Only(names.map(|name| comparable(name.as_ref())).collect())
    }

    /// Whether a request for this host, with or without a port, has an answer.
    pub(super) fn include(&self, authority: &str) -> bool {
        let Self::Only(names) = self else {
            return true;
        };
        let Some(HostPort { host, .. }) = HostPort::split(authority) else {
            return false;
        };
        match HostKind::of(host) {
            HostKind::Empty | HostKind::Address | HostKind::Localhost => true,
            HostKind::Name => names.contains(&comparable(host)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_known_or_not_and_addresses_pass() {
        let names = HostNames::only(["Files.Example.", "box"]);
        for (authority, expected) in [
            ("files.example", true),
            ("FILES.example:8000", true),
            ("files.example.", true),
            ("box", true),
            ("box.local", false),
            ("evil.example", false),
            ("files.example.evil.example", false),
            ("localhost:8000", true),
            ("127.0.0.1:8000", true),
            ("[::1]:8000", true),
            ("192.0.2.7", true),
            ("", true),
            (":80", true),
            ("127.0.0.1:99999", false),
            ("127.0.0.1.evil.example", false),
        ] {
            assert_eq!(names.include(authority), expected, "{authority}");
            assert!(HostNames::Any.include(authority), "{authority}");
        }
    }
}
