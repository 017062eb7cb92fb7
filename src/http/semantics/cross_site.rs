//! Whether a request was made by a page of another site: `Sec-Fetch-Site` (Fetch Metadata), or else `Origin` (RFC
//! 6454).
//!
//! Programs such as curl send neither. A browser sends `Sec-Fetch-Site` with every request over TLS or to its own
//! machine, and `Origin` with every request other than GET and HEAD.

use thiserror::Error;

use super::host::HostPort;
use crate::http::{Host, Request, Scheme};

/// The reason why a request counts as cross-site.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CrossSite {
    /// `Sec-Fetch-Site` is neither `same-origin` nor `none`.
    #[error("a page of another site made the request, by its field Sec-Fetch-Site")]
    Site,
    /// `Origin` is not the host and port of the request.
    #[error("a page of another site made the request, by its field Origin")]
    Origin,
}

/// Checks that no page of another site made this request.
///
/// # Errors
/// If `Sec-Fetch-Site` is neither `same-origin` nor `none`; without that field, if `Origin` is present and differs from
/// the host and port of the request. `null` differs from every server.
pub fn check(request: &Request<'_>) -> Result<(), CrossSite> {
    let mut sites = request.fields("Sec-Fetch-Site").peekable();
    if sites.peek().is_some() {
        let is_own = sites.all(|site| matches!(site, b"same-origin" | b"none"));
        return is_own.then_some(()).ok_or(CrossSite::Site);
    }
    let is_own = match request.authority() {
        Host::One(host) => request
            .fields("Origin")
            .all(|origin| is_origin_of(origin, host, request.scheme)),
        Host::Missing => request.field("Origin").is_none(),
    };
    is_own.then_some(()).ok_or(CrossSite::Origin)
}

/// Whether `origin` has this host and port. If `host` has no port, the default port of the origin's scheme is used,
/// since a proxy may have terminated TLS. Origins with and without TLS are different.
fn is_origin_of(origin: &[u8], host: &str, scheme: Scheme) -> bool {
    let Ok(origin) = str::from_utf8(origin) else {
        return false;
    };
    let schemes: &[(&str, u16)] = match scheme {
        Scheme::Http => &[("http://", 80), ("https://", 443)],
        Scheme::Https => &[("https://", 443)],
    };
    let of_scheme = |&(scheme, port): &(&str, u16)| Some((strip_prefix(origin, scheme)?, port));
    let Some((authority, default_port)) = schemes.iter().find_map(of_scheme) else {
        return false;
    };
    match (HostPort::split(authority), HostPort::split(host)) {
        (Some(origin), Some(host)) => {
            let port = |of: HostPort<'_>| of.port.unwrap_or(default_port);
            !host.host.is_empty() && origin.is_same_host(&host) && port(origin) == port(host)
        }
        _ => false,
    }
}

fn strip_prefix<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(target: &str, fields: &str) -> Result<(), CrossSite> {
        let head = format!("PUT {target} HTTP/1.1\r\n{fields}\r\n");
        check(&Request::parse(head.as_bytes()).unwrap())
    }

    #[test]
    fn fetch_metadata_decides_where_it_is_present() {
        for (value, expected) in [
            ("same-origin", Ok(())),
            ("none", Ok(())),
            ("same-site", Err(CrossSite::Site)),
            ("cross-site", Err(CrossSite::Site)),
            ("", Err(CrossSite::Site)),
            ("Same-Origin", Err(CrossSite::Site)),
            ("same-origin;x", Err(CrossSite::Site)),
            ("same-origin, cross-site", Err(CrossSite::Site)),
            (
                "same-origin\r\nSec-Fetch-Site: cross-site",
                Err(CrossSite::Site),
            ),
        ] {
            for origin in ["", "Origin: http://a\r\n", "Origin: http://b\r\n"] {
                let fields = format!("Host: a\r\nsec-fetch-site: {value}\r\n{origin}");
                assert_eq!(found("/x", &fields), expected, "{fields}");
            }
        }
    }

    #[test]
    fn origin_must_be_the_host_and_port_of_the_request() {
        for (host, origin, is_same) in [
            ("a", "http://a", true),
            ("a", "HTTP://A", true),
            ("a", "http://a:80", true),
            ("a:80", "http://a", true),
            ("a:8000", "http://a:8000", true),
            ("a", "https://a", true),
            ("a:443", "https://a", true),
            ("[::1]:8000", "http://[::1]:8000", true),
            ("127.0.0.1:8000", "http://127.0.0.1:8000", true),
            ("a", "http://b", false),
            ("a", "http://a:8000", false),
            ("a:8000", "http://a", false),
            ("a:80", "https://a", false),
            ("127.0.0.1:8000", "http://localhost:8000", false),
            ("a.example", "http://example", false),
            ("a", "http://a.evil", false),
            ("a", "null", false),
            ("a", "", false),
            ("a", "a", false),
            ("a", "file://", false),
            ("a", "ftp://a", false),
            ("a", "http://a@b", false),
            ("a", "http://", false),
            ("", "http://", false),
            ("a", "http://a\r\nOrigin: http://b", false),
            ("a", "http://b\r\nOrigin: http://a", false),
            ("a", "http://\u{e9}", false),
        ] {
            let fields = format!("Host: {host}\r\nOrigin: {origin}\r\n");
            assert_eq!(found("/x", &fields).is_ok(), is_same, "{fields}");
        }
    }

    #[test]
    fn origins_with_and_without_tls_are_different() {
        for (origin, is_same) in [
            ("https://a", true),
            ("https://a:443", true),
            ("http://a", false),
        ] {
            let head = format!("PUT / HTTP/1.1\r\nHost: a\r\nOrigin: {origin}\r\n\r\n");
            let mut request = Request::parse(head.as_bytes()).unwrap();
            request.scheme = Scheme::Https;
            assert_eq!(check(&request).is_ok(), is_same, "{origin}");
        }
    }

    #[test]
    fn absolute_target_takes_the_place_of_host() {
        let absolute = "http://b/x";
        assert!(found(absolute, "Host: a\r\nOrigin: http://b\r\n").is_ok());
        assert!(found(absolute, "Host: a\r\nOrigin: http://a\r\n").is_err());
    }

    #[test]
    fn programs_that_send_neither_are_no_pages() {
        for fields in ["Host: a\r\n", "", "Host:\r\n"] {
            assert_eq!(found("/x", fields), Ok(()));
        }
        assert_eq!(found("/x", "Origin: http://a\r\n"), Err(CrossSite::Origin));
    }
}
