//! Whether a connection persists, in this dialect.

use crate::http::{Host, Persistence, Request, Version};

/// As the request asks; a request without `Host` counts as HTTP/1.0, so it persists only with `keep-alive`.
pub(super) fn persistence(request: &Request<'_>) -> Persistence {
    match request.host {
        Host::Missing => request.persistence_in(Version::Http10),
        Host::One(_) => request.persistence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_without_host_persists_only_if_it_asks() {
        use Persistence::{Close, Persistent};
        for (rest, expected) in [
            ("HTTP/1.1\r\nHost: a\r\n", Persistent),
            ("HTTP/1.1\r\nHost: a\r\nConnection: close\r\n", Close),
            ("HTTP/1.1\r\n", Close),
            ("HTTP/1.1\r\nConnection: x, Keep-Alive\r\n", Persistent),
            ("HTTP/1.0\r\n", Close),
            ("HTTP/1.0\r\nConnection: keep-alive\r\n", Persistent),
        ] {
            let head = format!("GET / {rest}\r\n");
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(persistence(&request), expected, "{rest}");
        }
    }
}
