//! The changes of one name: a file stored under it, or removed.

use crate::record::EntryRecord;
use crate::text::visible;
use httpserver::request_log::format::layout::decode_name;
use httpserver::request_log::format::line::LoggedRequest;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

/// A typed name: plain, or as the log writes it.
#[derive(Debug)]
pub(crate) struct TypedName {
    plain: Vec<u8>,
    escaped: String,
}

/// The effect of an entry on the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NameEvent {
    /// A file was stored.
    Stored,
    /// The name, or a directory of its path, was removed.
    Deleted,
}

impl TypedName {
    pub(crate) fn new(typed: &OsStr) -> Self {
        Self {
            plain: typed.as_bytes().to_owned(),
            escaped: visible(typed.as_bytes()),
        }
    }

    /// The name as the log writes it.
    pub(crate) fn as_logged(&self) -> &str {
        &self.escaped
    }

    /// The effect of an entry on the name; for a torn entry, the intended effect.
    pub(crate) fn event(&self, record: &EntryRecord) -> Option<NameEvent> {
        let Some(LoggedRequest::Success { method, name, .. }) = &record.kind else {
            return None;
        };
        let is_same = |name: &str| {
            name == self.escaped || name.as_bytes() == self.plain || decode_name(name) == self.plain
        };
        match *method {
            "PUT" if is_same(name) => Some(NameEvent::Stored),
            "DELETE" if is_same(name) || self.is_in(name) => Some(NameEvent::Deleted),
            _ => None,
        }
    }

    /// Whether a name with a final `/` is this name or a directory of its path.
    fn is_in(&self, name: &str) -> bool {
        let directory = decode_name(name);
        directory.ends_with(b"/")
            && ([&self.plain[..], b"/"].concat().starts_with(&directory)
                || [self.escaped.as_bytes(), b"/"]
                    .concat()
                    .starts_with(name.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::SealMatch;

    #[test]
    fn entries_are_about_a_name_or_a_directory_that_it_would_be_in() {
        use NameEvent::{Deleted, Stored};
        for (typed, line, expected) in [
            ("a", "PUT a length 3", Some(Stored)),
            ("a", "PUT b length 3", None),
            ("a", "GET a length 0", None),
            ("a", "FAIL: PUT a HTTP/1.1 --- response 507", None),
            ("a", "DELETE a length 0", Some(Deleted)),
            ("a", "DELETE a/ length 0", Some(Deleted)),
            ("a", "DELETE ab length 0", None),
            ("a", "DELETE ab/ length 0", None),
            ("a/b/c", "DELETE a/b/ length 0", Some(Deleted)),
            ("a/b/c", "DELETE a/ length 0", Some(Deleted)),
            ("a/b/c", "DELETE a/b length 0", None),
            ("a b", "PUT a%20b length 3", Some(Stored)),
            ("a%20b", "PUT a%20b length 3", Some(Stored)),
            ("100%", "PUT 100%25 length 3", Some(Stored)),
        ] {
            let record = EntryRecord {
                number: Some(1),
                offset: 0,
                length: 0,
                kind: LoggedRequest::read(line),
                torn: None,
                hash: None,
                seal: SealMatch::Absent,
            };
            assert!(record.kind.is_some(), "{line}");
            let event = TypedName::new(OsStr::new(typed)).event(&record);
            assert_eq!(event, expected, "{typed}: {line}");
        }
    }
}
