//! A media type for an extension, as the operator types it.

use std::str::FromStr;

use thiserror::Error;

use crate::http::wire::syntax;

/// The operator's media type for an extension: `EXT=TYPE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// In lower case, without its dot.
    pub(super) extension: String,
    /// RFC 9110 §8.3.1
    pub(super) media_type: String,
}

/// The reason why the typed text is not a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingError {
    /// There is no `=` in it.
    #[error("it must be of the form 'EXT=TYPE', such as 'log=text/plain'")]
    NoEquals,
    /// The extension is empty, or no file name can end in it.
    #[error("'{0}' is not an extension: type the part after the last dot of a file name")]
    Extension(String),
    /// The media type is invalid (RFC 9110 §8.3.1).
    #[error("'{0}' is not a media type: type 'TYPE/SUBTYPE', such as 'text/plain'")]
    MediaType(String),
}

impl FromStr for Mapping {
    type Err = MappingError;

    fn from_str(typed: &str) -> Result<Self, MappingError> {
        let (extension, media_type) = typed.split_once('=').ok_or(MappingError::NoEquals)?;
        let extension = extension.strip_prefix('.').unwrap_or(extension);
        let media_type = media_type.trim_matches([' ', '\t']);
        if extension.is_empty() || extension.contains(['.', '/', '\0']) {
            let typed = extension.escape_debug().to_string();
            return Err(MappingError::Extension(typed));
        }
        if !is_media_type(media_type) {
            let typed = media_type.escape_debug().to_string();
            return Err(MappingError::MediaType(typed));
        }
        Ok(Self {
            extension: extension.to_lowercase(),
            media_type: media_type.to_owned(),
        })
    }
}

/// RFC 9110 §8.3.1: `type "/" subtype parameters`.
fn is_media_type(text: &str) -> bool {
    let Some((kind, rest)) = text.split_once('/') else {
        return false;
    };
    let (subtype, parameters) = rest.split_once(';').unwrap_or((rest, ""));
    is_token(kind) && is_token(subtype.trim_end_matches([' ', '\t'])) && are_parameters(parameters)
}

/// RFC 9110 §5.6.6, after the first semicolon. An empty parameter is allowed.
fn are_parameters(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_matches([' ', '\t']);
        if rest.is_empty() {
            return true;
        }
        if let Some(next) = rest.strip_prefix(';') {
            rest = next;
            continue;
        }
        let Some((name, value)) = rest.split_once('=') else {
            return false;
        };
        let Some(length) = syntax::token_or_quoted_length(value.as_bytes()) else {
            return false;
        };
        rest = value[length..].trim_start_matches([' ', '\t']);
        if !is_token(name) || !(rest.is_empty() || rest.starts_with(';')) {
            return false;
        }
    }
}

fn is_token(text: &str) -> bool {
    syntax::is_token(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_mappings_are_checked() {
        use MappingError::{Extension, MediaType, NoEquals};
        for typed in [
            "a=b/c",
            ".a=b/c",
            "a=x/y; z=\"\u{e9}\"",
            "a=application/vnd.x+json",
            "a=text/plain; charset=utf-8",
            "a=text/plain ;charset=\"utf-8\" ; x=y;",
            "a=x/y; z=\"a\\\"b;c\"",
            "\u{e9}=x/y",
        ] {
            assert!(typed.parse::<Mapping>().is_ok(), "{typed}");
        }
        for (typed, expected) in [
            ("", NoEquals),
            ("log", NoEquals),
            ("=a/b", Extension(String::new())),
            (".=a/b", Extension(String::new())),
            ("tar.gz=a/b", Extension("tar.gz".into())),
            ("a/b=c/d", Extension("a/b".into())),
            ("a=", MediaType(String::new())),
            ("a=text", MediaType("text".into())),
            ("a=/plain", MediaType("/plain".into())),
            ("a=text/", MediaType("text/".into())),
            ("a=text/a b", MediaType("text/a b".into())),
            ("a=text/a/b", MediaType("text/a/b".into())),
            (
                "a=text/plain; charset",
                MediaType("text/plain; charset".into()),
            ),
            ("a=x/y; z=", MediaType("x/y; z=".into())),
            ("a=x/y; z=\"", MediaType("x/y; z=\\\"".into())),
            ("a=x/y; z=a b", MediaType("x/y; z=a b".into())),
            ("a=x/y\r\nZ: a", MediaType("x/y\\r\\nZ: a".into())),
            ("a=x/y; z=\"\n\"", MediaType("x/y; z=\\\"\\n\\\"".into())),
        ] {
            assert_eq!(typed.parse::<Mapping>(), Err(expected), "{typed:?}");
        }
    }
}
