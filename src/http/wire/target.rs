//! The four forms of a request target (RFC 9112 §3.2).
//!
//! It determines the form; it decodes and resolves nothing. A target of no valid form is also a value, so that a
//! dialect can check the method before the target.

use memchr::memchr;

use super::syntax::host_and_port;

/// A request target, by its form (RFC 9112 §3.2). All bytes are as received, percent-encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'h> {
    /// `/path?query`, the usual one (§3.2.1).
    Origin {
        /// Starts with `/`.
        path: &'h [u8],
        /// The bytes after the first `?`.
        query: Option<&'h [u8]>,
    },
    /// `http://authority/path?query`, or with `https` (§3.2.2). The authority takes the place of
    /// the `Host` field.
    Absolute {
        /// The scheme of the URI.
        scheme: Scheme,
        /// Host and port, valid and not empty.
        authority: &'h str,
        /// Starts with `/`; `/` where the client sent none.
        path: &'h [u8],
        /// The bytes after the first `?`.
        query: Option<&'h [u8]>,
    },
    /// `host:port`, with CONNECT only (§3.2.3).
    Authority(&'h str),
    /// `*`, with OPTIONS only (§3.2.4).
    Asterisk,
    /// No valid form for the method.
    Other(&'h [u8]),
}

/// The scheme of an absolute-form target (RFC 9110 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`
    Http,
    /// `https`: such a request must not be answered on a connection that is not secured (RFC 9110 §7.4).
    Https,
}

impl<'h> Target<'h> {
    /// Determines the form of `bytes`, which are valid target characters, in a request with `method`.
    pub(super) fn classify(method: &str, bytes: &'h [u8]) -> Self {
        if method == "CONNECT" {
            return authority_form(bytes).map_or(Self::Other(bytes), Self::Authority);
        }
        match bytes {
            [b'/', ..] => {
                let (path, query) = split_query(bytes);
                Self::Origin { path, query }
            }
            b"*" if method == "OPTIONS" => Self::Asterisk,
            _ => absolute_form(bytes).unwrap_or(Self::Other(bytes)),
        }
    }
}

/// `uri-host ":" port`, neither of them empty: there is no default port here.
fn authority_form(bytes: &[u8]) -> Option<&str> {
    let authority = host_and_port(bytes)?;
    let (host, port) = authority.rsplit_once(':')?;
    let complete = !host.is_empty() && !port.is_empty() && !port.ends_with(']');
    complete.then_some(authority)
}

fn absolute_form(bytes: &[u8]) -> Option<Target<'_>> {
    let (scheme, rest) = strip_scheme(bytes)?;
    let end = rest
        .iter()
        .position(|&byte| byte == b'/' || byte == b'?')
        .unwrap_or(rest.len());
    let (authority, rest) = rest.split_at(end);
    // An http URI has a host, and must not have user information (RFC 9110 §4.2.1, §4.2.4).
    let authority =
        host_and_port(authority).filter(|text| !text.is_empty() && !text.starts_with(':'))?;
    let (path, query) = split_query(rest);
    let path = if path.is_empty() { b"/" } else { path };
    Some(Target::Absolute {
        scheme,
        authority,
        path,
        query,
    })
}

fn strip_scheme(bytes: &[u8]) -> Option<(Scheme, &[u8])> {
    [
        (Scheme::Http, &b"http://"[..]),
        (Scheme::Https, b"https://"),
    ]
    .into_iter()
    .find_map(|(scheme, text)| {
        let (start, rest) = bytes.split_at_checked(text.len())?;
        let is_it = start.eq_ignore_ascii_case(text);
        is_it.then_some((scheme, rest))
    })
}

fn split_query(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    match memchr(b'?', bytes) {
        Some(mark) => (&bytes[..mark], Some(&bytes[mark + 1..])),
        None => (bytes, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_have_four_forms() {
        let origin = |path, query| Target::Origin { path, query };
        let absolute = |scheme, authority, path, query| Target::Absolute {
            scheme,
            authority,
            path,
            query,
        };
        let rows: &[(&str, &[u8], Target)] = &[
            ("GET", b"/", origin(b"/", None)),
            ("GET", b"/a/b", origin(b"/a/b", None)),
            ("GET", b"/a?b", origin(b"/a", Some(b"b"))),
            ("GET", b"/a?", origin(b"/a", Some(b""))),
            ("GET", b"/?a?b/c", origin(b"/", Some(b"a?b/c"))),
            ("GET", b"//a", origin(b"//a", None)),
            ("GET", b"/\xff", origin(b"/\xff", None)),
            ("OPTIONS", b"/", origin(b"/", None)),
            (
                "GET",
                b"http://a/b?c",
                absolute(Scheme::Http, "a", b"/b", Some(b"c")),
            ),
            (
                "GET",
                b"HTTP://a:80",
                absolute(Scheme::Http, "a:80", b"/", None),
            ),
            (
                "GET",
                b"https://[::1]:8080/",
                absolute(Scheme::Https, "[::1]:8080", b"/", None),
            ),
            (
                "GET",
                b"http://a?b/c",
                absolute(Scheme::Http, "a", b"/", Some(b"b/c")),
            ),
            (
                "GET",
                b"hTTps://a",
                absolute(Scheme::Https, "a", b"/", None),
            ),
            ("GET", b"https:///a", Target::Other(b"https:///a")),
            ("GET", b"http://", Target::Other(b"http://")),
            ("GET", b"http:///a", Target::Other(b"http:///a")),
            ("GET", b"http://:80/a", Target::Other(b"http://:80/a")),
            ("GET", b"http://u@a/b", Target::Other(b"http://u@a/b")),
            ("GET", b"http://a:b/c", Target::Other(b"http://a:b/c")),
            ("GET", b"http:/a", Target::Other(b"http:/a")),
            ("GET", b"ftp://a/b", Target::Other(b"ftp://a/b")),
            ("GET", b"abcd", Target::Other(b"abcd")),
            ("GET", b"?a", Target::Other(b"?a")),
            ("OPTIONS", b"*", Target::Asterisk),
            ("GET", b"*", Target::Other(b"*")),
            ("options", b"*", Target::Other(b"*")),
            ("OPTIONS", b"**", Target::Other(b"**")),
            ("CONNECT", b"a:443", Target::Authority("a:443")),
            ("CONNECT", b"[::1]:443", Target::Authority("[::1]:443")),
            ("CONNECT", b"[::1]", Target::Other(b"[::1]")),
            ("CONNECT", b"a", Target::Other(b"a")),
            ("CONNECT", b"a:", Target::Other(b"a:")),
            ("CONNECT", b":443", Target::Other(b":443")),
            ("CONNECT", b"/", Target::Other(b"/")),
            ("GET", b"a:443", Target::Other(b"a:443")),
        ];
        for (method, bytes, expected) in rows {
            let text = bytes.escape_ascii();
            assert_eq!(
                Target::classify(method, bytes),
                *expected,
                "{method} {text}"
            );
        }
    }
}
