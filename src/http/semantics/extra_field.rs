//! A response field that the operator sets. It is added (such as fields for CORS or caching), or replaces one of the
//! server's own policies for browsers.

use std::str::FromStr;

use thiserror::Error;

use crate::http::wire::syntax::is_token;

/// Fields that the server sends itself: a second line would contradict the server's own.
///
/// `Vary` is not one of them: several of its lines are combined.
const RESERVED: [&str; 17] = [
    "Accept-Encoding",
    "Accept-Ranges",
    "Allow",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Range",
    "Content-Type",
    "Date",
    "ETag",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Repr-Digest",
    "Transfer-Encoding",
    "WWW-Authenticate",
    "X-Content-Type-Options",
];

/// A field line for every response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtraField {
    /// A token (RFC 9110 §5.6.2).
    pub(crate) name: String,
    /// Without control characters, and without white space around it (RFC 9110 §5.5).
    pub(crate) value: String,
}

/// The reason why a typed field cannot be added.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FieldError {
    /// There is no colon in it.
    #[error("it must be of the form 'Name: value'")]
    NoColon,
    /// The name is not a token.
    #[error("'{0}' is not a field name")]
    Name(String),
    /// The server sends this field itself.
    #[error("the field {0} is the server's own")]
    Reserved(String),
    /// A control character is in the value.
    #[error("the value of {0} contains a control character")]
    Value(String),
}

impl ExtraField {
    /// Whether this is a field of that name (RFC 9110 §5.1: in any case).
    #[must_use]
    pub fn is_named(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// Whether this field is sent in place of the server's own field line `line`.
    pub(crate) fn replaces(&self, line: &[u8]) -> bool {
        let name = self.name.as_bytes();
        let start = line.split_at_checked(name.len());
        let is_same = start.is_some_and(|(start, rest)| {
            start.eq_ignore_ascii_case(name) && rest.starts_with(b":")
        });
        is_same && !self.name.eq_ignore_ascii_case("Vary")
    }
}

impl FromStr for ExtraField {
    type Err = FieldError;

    fn from_str(typed: &str) -> Result<Self, FieldError> {
        let (name, value) = typed.split_once(':').ok_or(FieldError::NoColon)?;
        if !is_token(name.as_bytes()) {
            return Err(FieldError::Name(name.escape_default().to_string()));
        }
        if RESERVED.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err(FieldError::Reserved(name.to_owned()));
        }
        let value = value.trim_matches([' ', '\t']);
        if value.chars().any(|c| c.is_ascii_control() && c != '\t') {
            return Err(FieldError::Value(name.to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            value: value.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_fields_are_checked() {
        use FieldError::{Name, NoColon, Reserved, Value};
        let field = |name: &str, value: &str| {
            Ok(ExtraField {
                name: name.to_owned(),
                value: value.to_owned(),
            })
        };
        let origin = "Access-Control-Allow-Origin";
        for (typed, expected) in [
            ("Access-Control-Allow-Origin: *", field(origin, "*")),
            ("X:y", field("X", "y")),
            ("X:", field("X", "")),
            ("X: \t y:z \t", field("X", "y:z")),
            ("X: caf\u{e9}", field("X", "caf\u{e9}")),
            ("X: a\tb", field("X", "a\tb")),
            ("X", Err(NoColon)),
            ("", Err(NoColon)),
            (": y", Err(Name(String::new()))),
            ("X : y", Err(Name("X ".into()))),
            ("X\r\nY: z", Err(Name("X\\r\\nY".into()))),
            ("X: y\r\nZ: a", Err(Value("X".into()))),
            ("X: \0", Err(Value("X".into()))),
            ("X: \x7f", Err(Value("X".into()))),
            ("content-length: 5", Err(Reserved("content-length".into()))),
            (
                "Transfer-Encoding: x",
                Err(Reserved("Transfer-Encoding".into())),
            ),
            ("CONNECTION: close", Err(Reserved("CONNECTION".into()))),
            ("Date: now", Err(Reserved("Date".into()))),
            ("content-type: a/b", Err(Reserved("content-type".into()))),
            ("ETag: \"x\"", Err(Reserved("ETag".into()))),
            ("Last-Modified: now", Err(Reserved("Last-Modified".into()))),
            ("Location: /", Err(Reserved("Location".into()))),
            (
                "Cache-Control: no-cache",
                field("Cache-Control", "no-cache"),
            ),
            ("Vary: Origin", field("Vary", "Origin")),
            (
                "WWW-Authenticate: Basic",
                Err(Reserved("WWW-Authenticate".into())),
            ),
            ("Dated: now", field("Dated", "now")),
        ] {
            assert_eq!(typed.parse::<ExtraField>(), expected, "{typed:?}");
        }
    }

    #[test]
    fn field_replaces_ours_of_the_same_name() {
        for (typed, line, expected) in [
            ("Referrer-Policy: x", "Referrer-Policy: y\r\n", true),
            ("referrer-policy: x", "Referrer-Policy: y\r\n", true),
            ("Referrer: x", "Referrer-Policy: y\r\n", false),
            ("Referrer-Policy: x", "Referrer: y\r\n", false),
            ("Vary: x", "Vary: y\r\n", false),
        ] {
            let field: ExtraField = typed.parse().unwrap();
            assert_eq!(field.replaces(line.as_bytes()), expected, "{typed} {line}");
        }
    }
}
