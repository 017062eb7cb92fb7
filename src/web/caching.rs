//! Cache-Control of each response (RFC 9111): the operator's rules for files, and the defaults.
//!
//! Listings and redirects have `no-cache`: otherwise a cache would estimate a lifetime for them, and keep permanent redirects
//! (RFC 9110 §15.4.2). A file without a rule has no Cache-Control, so a cache estimates its lifetime by the modification
//! time. If responses depend on the user, every response is at least `private`.

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
    /// For every response without a value of its own.
    otherwise: Option<CacheControl>,
}

impl Caching {
    pub(super) fn new(rules: CacheRules, responses: Responses) -> Self {
        match responses {
            Responses::ForAll => Self {
                rules,
                pages: CacheControl::no_cache(),
                otherwise: None,
            },
            Responses::ForEachUser => Self {
                rules: rules.for_one_user(),
                pages: CacheControl::no_cache().for_one_user(),
                otherwise: Some(CacheControl::private()),
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

    /// The field line to add to a response with these lines, if it needs Cache-Control and has none.
    pub(super) fn missing(&self, fields: &[u8]) -> Option<Vec<u8>> {
        let value = self.otherwise.as_ref()?;
        let mut lines = fields.split(|&byte| byte == b'\n');
        let has_one = lines.any(|line| {
            let name = line.get(..NAME.len()).unwrap_or_default();
            name.eq_ignore_ascii_case(NAME.as_bytes()) && line.get(NAME.len()) == Some(&b':')
        });
        (!has_one).then(|| {
            let mut line = Vec::new();
            write_field(&mut line, NAME, value.value().as_bytes());
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
        for (responses, file, page, missing) in [
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
            assert_eq!(caching.missing(&fields), None);
            fields.clear();
            caching.write_for_file(b"a.js", &mut fields);
            assert_eq!(fields, b"");
            caching.write_for_page(&mut fields);
            assert_eq!(fields, page.as_bytes());
            let other = b"Vary: Cache-Control\r\nCache-Controls: x\r\n";
            assert_eq!(caching.missing(other).as_deref(), missing);
        }
    }
}
