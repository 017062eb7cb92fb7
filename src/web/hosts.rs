//! The host names of a server. Other names are refused, which prevents DNS rebinding.
//!
//! A hostile site may point its own name at the address of this server. Then a browser treats both as one site, and the
//! hostile page may read files and send requests; but its requests have that name in `Host`. IP addresses and
//! `localhost` cannot be names of another site.

use std::collections::BTreeSet;

use crate::http::semantics::host::{HostKind, HostPort, comparable};

/// The accepted host names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HostNames {
    /// All names.
    #[default]
    Any,
    /// These, in lower case and without a dot at the end; besides them IP addresses and `localhost`.
    Only(BTreeSet<String>),
}

impl HostNames {
    /// Only these, in any spelling.
    pub fn only(names: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let names = names.into_iter();
        Self::Only(names.map(|name| comparable(name.as_ref())).collect())
    }

    /// Whether requests for this host, with or without a port, are accepted.
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
    fn listed_names_and_all_addresses_are_accepted() {
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
