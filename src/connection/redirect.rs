//! The listener of `--redirect-http`: it redirects every request to the same host with https.
//!
//! A GET or HEAD is answered with 301, which every client understands, and everything else with 308, which keeps the
//! method and the content (RFC 9110 §15.4.2, §15.4.9). The request log has only the requests on the other port, not the
//! redirected ones.

use super::dialect::{Action, Decision, Response, ResponseContent};
use crate::http::semantics::host::HostPort;
use crate::http::{Host, Refusal, Request, StatusCode, Target, write_field};

/// The default port of https (RFC 9110 §4.2.2).
const DEFAULT_PORT: u16 = 443;

/// Redirects a request to `port` of its host.
pub(super) fn decide<U>(request: &Request<'_>, port: u16) -> Decision<U> {
    Decision {
        persistence: request.persistence,
        action: match location(request, port) {
            Ok(location) => Action::Response(moved(request.method, &location)),
            Err(refusal) => Action::RespondAndClose(Response::refused(refusal)),
        },
    }
}

fn moved(method: &str, location: &[u8]) -> Response {
    let status = match method {
        "GET" | "HEAD" => StatusCode::MovedPermanently,
        _ => StatusCode::PermanentRedirect,
    };
    let mut fields = Vec::new();
    write_field(&mut fields, "Location", location);
    Response::new(status, fields, ResponseContent::Empty)
}

fn location(request: &Request<'_>, port: u16) -> Result<Vec<u8>, Refusal> {
    let (Target::Origin { path, query } | Target::Absolute { path, query, .. }) = request.target
    else {
        return Err(Refusal::bad_request("the target is not a path"));
    };
    let host = match request.authority() {
        Host::One(authority) => HostPort::split(authority).map_or("", |of| of.host),
        Host::Missing => "",
    };
    if host.is_empty() {
        return Err(Refusal::bad_request("the request does not name its host"));
    }
    let mut location = format!("https://{host}").into_bytes();
    if port != DEFAULT_PORT {
        location.extend_from_slice(format!(":{port}").as_bytes());
    }
    location.extend_from_slice(path);
    if let Some(query) = query {
        location.push(b'?');
        location.extend_from_slice(query);
    }
    Ok(location)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decided(head: &str, port: u16) -> (u16, String) {
        let request = Request::parse(head.as_bytes()).unwrap();
        let decision: Decision<()> = decide(&request, port);
        match decision.action {
            Action::Response(response) | Action::RespondAndClose(response) => {
                let fields = String::from_utf8(response.fields).unwrap();
                (response.status.code(), fields.trim_end().to_owned())
            }
            _ => unreachable!(),
        }
    }

    #[test]
    fn requests_are_sent_to_the_same_host_and_path() {
        for (target, host, port, location) in [
            ("/", "a.example", 443, "https://a.example/"),
            ("/x?y=z", "a.example:80", 443, "https://a.example/x?y=z"),
            (
                "//b.example/",
                "a.example",
                443,
                "https://a.example//b.example/",
            ),
            ("/", "a.example:8080", 8443, "https://a.example:8443/"),
            ("/%0d%0a", "192.0.2.1", 443, "https://192.0.2.1/%0d%0a"),
            ("/", "[2001:db8::1]:80", 8443, "https://[2001:db8::1]:8443/"),
            ("/", "[2001:db8::1]", 443, "https://[2001:db8::1]/"),
            (
                "http://b.example:1/c",
                "a.example",
                443,
                "https://b.example/c",
            ),
        ] {
            let expected = format!("Location: {location}");
            for (method, status) in [("GET", 301), ("HEAD", 301), ("PUT", 308), ("BREW", 308)] {
                let head = format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
                assert_eq!(decided(&head, port), (status, expected.clone()), "{head}");
            }
        }
    }

    #[test]
    fn requests_without_host_or_path_are_refused() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost:\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: :80\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n",
            "GET x HTTP/1.1\r\nHost: a\r\n\r\n",
            "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
            "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
        ] {
            assert_eq!(decided(head, 443), (400, String::new()), "{head}");
        }
    }
}
