//! What each response says of caching (RFC 9111): the rules of the operator for files, and what holds without one.
//!
//! Listings and redirects are `no-cache`: a cache would otherwise guess how long they hold, and redirects hold for ever
//! by that (RFC 9110 §15.4.2). A file without a rule says nothing, so that a cache goes by its modification time. Where
//! responses depend on the user, everything is `private` at least.

use super::cache_rules::CacheRules;
use super::options::Responses;
use crate::http::semantics::cache_control::CacheControl;
use crate::http::write_field;

const NAME: &str = "Cache-Control";

/// See the module's description.
pub(super) struct Caching {
    /// For files.
    rules: CacheRules,
    /// For listings and redirects.
    pages: CacheControl,
    /// For every response that says nothing else.
    floor: Option<CacheControl>,
}

impl Caching {
    pub(super) fn new(rules: CacheRules, responses: Responses) -> Self {
        match responses {
            Responses::ForAll => Self {
                rules,
                pages: CacheControl::no_cache(),
                floor: None,
            },
            Responses::ForEachUser => Self {
                rules: rules.for_one_user(),
                pages: CacheControl::no_cache().for_one_user(),
                floor: Some(CacheControl::private()),
            },
        }
    }

    /// Appends the field of a response with the file at `path`, relative to the root, if there is a rule for it.
    pub(super) fn write_for_file(&self, path: &[u8], fields: &mut Vec<u8>) {
        if let Some(value) = self.rules.of_file(path) {
            write_field(fields, NAME, value.value().as_bytes());
        }
    }

    /// Appends the field of a listing or a redirect.
    pub(super) fn write_for_page(&self, fields: &mut Vec<u8>) {
        write_field(fields, NAME, self.pages.value().as_bytes());
    }

    /// The field line of a response with these lines, if it has to say something and does not.
    pub(super) fn floor(&self, fields: &[u8]) -> Option<Vec<u8>> {
        let floor = self.floor.as_ref()?;
        let mut lines = fields.split(|&byte| byte == b'\n');
        let has_one = lines.any(|line| {
            let name = line.get(..NAME.len()).unwrap_or_default();
            name.eq_ignore_ascii_case(NAME.as_bytes()) && line.get(NAME.len()) == Some(&b':')
        });
        (!has_one).then(|| {
            let mut line = Vec::new();
            write_field(&mut line, NAME, floor.value().as_bytes());
            line
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_response_for_one_user_is_private() {
        let rules = || CacheRules::new(vec!["*.css=public, max-age=5".parse().unwrap()]);
        for (responses, file, page, floor) in [
            (
                Responses::ForAll,
                "Cache-Control: public, max-age=5\r\n",
                "Cache-Control: no-cache\r\n",
                None,
            ),
            (
                Responses::ForEachUser,
                "Cache-Control: private, max-age=5\r\n",
                "Cache-Control: private, no-cache\r\n",
                Some(&b"Cache-Control: private\r\n"[..]),
            ),
        ] {
            let caching = Caching::new(rules(), responses);
            let mut fields = Vec::new();
            caching.write_for_file(b"dir/a.css", &mut fields);
            assert_eq!(fields, file.as_bytes());
            assert_eq!(caching.floor(&fields), None);
            fields.clear();
            caching.write_for_file(b"a.js", &mut fields);
            assert_eq!(fields, b"");
            caching.write_for_page(&mut fields);
            assert_eq!(fields, page.as_bytes());
            let other = b"Vary: Cache-Control\r\nCache-Controls: x\r\n";
            assert_eq!(caching.floor(other).as_deref(), floor);
        }
    }
}
