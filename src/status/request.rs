//! Parses requests for the status, and writes responses.

use super::exposition::MetricsFormat;
use super::health::Health;
use super::history::History;
use super::metrics;
use super::snapshot::Snapshot;
use crate::http::semantics::negotiation::weights::prefers;
use crate::http::{
    Host, Refusal, Request, StatusCode, Target, Version, end_head, write_content_length,
    write_field, write_status_line,
};

/// The subject of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    what: StatusResource,
    extent: SentPart,
}

/// The parts of a response that are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SentPart {
    Whole,
    /// To HEAD.
    HeadOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StatusResource {
    Health,
    Metrics(MetricsFormat),
    Text,
    Json,
    Page,
    Style,
    Script,
}

/// The page may load and run only its own style and script, and load the figures of its own server (CSP Level 3).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The contents of a response besides its status.
struct StatusContent<'c> {
    media_type: &'c str,
    body: &'c [u8],
}

impl Asked {
    /// Reads a request.
    ///
    /// # Errors
    /// 400 without Host, 404, and 405 for a method other than GET and HEAD.
    pub(super) fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        if request.version == Version::Http11 && request.host == Host::Missing {
            return Err(Refusal::bad_request("there is no Host field"));
        }
        let extent = match request.method {
            "GET" => SentPart::Whole,
            "HEAD" => SentPart::HeadOnly,
            _ => {
                return Err(Refusal::new(
                    StatusCode::MethodNotAllowed,
                    "the status supports only GET and HEAD",
                ));
            }
        };
        let (Target::Origin { path, .. } | Target::Absolute { path, .. }) = request.target else {
            return Err(Refusal::bad_request("the target is not a path"));
        };
        let accept = request.field("Accept");
        let what = match path {
            b"/healthz" => StatusResource::Health,
            b"/metrics" => StatusResource::Metrics(MetricsFormat::of(accept)),
            b"/status" if prefers_json(accept) => StatusResource::Json,
            b"/status" => StatusResource::Text,
            b"/" => StatusResource::Page,
            b"/status.css" => StatusResource::Style,
            b"/status.js" => StatusResource::Script,
            _ => {
                return Err(Refusal::new(
                    StatusCode::NotFound,
                    "the paths are /, /healthz, /metrics and /status",
                ));
            }
        };
        Ok(Self { what, extent })
    }

    /// Whether the response depends on a probe.
    pub(super) fn is_for_health(&self) -> bool {
        self.what == StatusResource::Health
    }

    /// The response of a server with these figures, and those of the last minutes.
    pub(super) fn response(&self, snapshot: &Snapshot, history: &History) -> Vec<u8> {
        let (media_type, body) = match self.what {
            StatusResource::Metrics(format) => {
                (format.content_type(), metrics::text(snapshot, format))
            }
            StatusResource::Text | StatusResource::Health => {
                ("text/plain; charset=utf-8", snapshot.text())
            }
            StatusResource::Json => ("application/json", format!("{}\n", snapshot.json(history))),
            StatusResource::Page => (
                "text/html; charset=utf-8",
                include_str!("page/page.html").to_owned(),
            ),
            StatusResource::Style => (
                "text/css; charset=utf-8",
                concat!(include_str!("../page.css"), include_str!("page/style.css")).to_owned(),
            ),
            StatusResource::Script => (
                "text/javascript; charset=utf-8",
                include_str!("page/script.js").to_owned(),
            ),
        };
        let content = StatusContent {
            media_type,
            body: body.as_bytes(),
        };
        respond(StatusCode::Ok, &content, self.extent)
    }

    /// The response with the health.
    pub(super) fn health(&self, health: &Health) -> Vec<u8> {
        let (status, mut text) = match health {
            Ok(()) => (StatusCode::Ok, "ok".to_owned()),
            Err(reason) => (StatusCode::ServiceUnavailable, reason.clone()),
        };
        text.push('\n');
        respond(status, &plain(&text), self.extent)
    }
}

/// The response to a refused request.
pub(super) fn refuse(refusal: &Refusal) -> Vec<u8> {
    let text = format!("{}\n", refusal.reason);
    respond(refusal.status, &plain(&text), SentPart::Whole)
}

fn plain(text: &str) -> StatusContent<'_> {
    StatusContent {
        media_type: "text/plain; charset=utf-8",
        body: text.as_bytes(),
    }
}

fn prefers_json(accept: Option<&[u8]>) -> bool {
    accept.is_some_and(|accept| prefers(accept, "application/json", "text/plain"))
}

fn respond(status: StatusCode, content: &StatusContent<'_>, extent: SentPart) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.body.len() + 512);
    write_status_line(&mut out, status);
    if status == StatusCode::MethodNotAllowed {
        write_field(&mut out, "Allow", b"GET, HEAD");
    }
    write_field(&mut out, "Content-Type", content.media_type.as_bytes());
    write_content_length(&mut out, content.body.len() as u64);
    write_field(&mut out, "Cache-Control", b"no-store");
    write_field(&mut out, "Vary", b"Accept");
    write_field(&mut out, "X-Content-Type-Options", b"nosniff");
    write_field(&mut out, "Content-Security-Policy", POLICY.as_bytes());
    write_field(&mut out, "Referrer-Policy", b"no-referrer");
    write_field(&mut out, "Cross-Origin-Resource-Policy", b"same-origin");
    write_field(&mut out, "Connection", b"close");
    end_head(&mut out);
    if extent == SentPart::Whole {
        out.extend_from_slice(content.body);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(line: &str, fields: &str) -> Result<Asked, StatusCode> {
        let head = format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes()).unwrap();
        Asked::of(&request).map_err(|refusal| refusal.status)
    }

    #[test]
    fn paths_and_fields_say_what_is_asked_for() {
        for (line, fields, what) in [
            ("GET /healthz", "", Ok(StatusResource::Health)),
            ("GET /healthz?x", "", Ok(StatusResource::Health)),
            ("GET http://a/healthz", "", Ok(StatusResource::Health)),
            (
                "GET /metrics",
                "",
                Ok(StatusResource::Metrics(MetricsFormat::Prometheus)),
            ),
            (
                "GET /metrics",
                "Accept: application/openmetrics-text\r\n",
                Ok(StatusResource::Metrics(MetricsFormat::OpenMetrics)),
            ),
            ("GET /status", "", Ok(StatusResource::Text)),
            ("GET /status", "Accept: */*\r\n", Ok(StatusResource::Text)),
            (
                "GET /status",
                "Accept: application/json\r\n",
                Ok(StatusResource::Json),
            ),
            ("GET /", "", Ok(StatusResource::Page)),
            ("GET /status.js", "", Ok(StatusResource::Script)),
            ("GET /status.css", "", Ok(StatusResource::Style)),
            ("GET /status/", "", Err(StatusCode::NotFound)),
            ("GET /../status", "", Err(StatusCode::NotFound)),
            ("PUT /status", "", Err(StatusCode::MethodNotAllowed)),
            ("OPTIONS *", "", Err(StatusCode::MethodNotAllowed)),
            ("GET x", "", Err(StatusCode::BadRequest)),
        ] {
            let asked = ask(line, fields).map(|asked| asked.what);
            assert_eq!(asked, what, "{line} {fields}");
        }
        let head = b"GET /status HTTP/1.1\r\n\r\n";
        let refusal = Asked::of(&Request::parse(head).unwrap()).unwrap_err();
        assert_eq!(refusal.status, StatusCode::BadRequest);
    }

    #[test]
    fn head_has_the_length_of_get_and_no_content() {
        let get = ask("GET /healthz", "").unwrap().health(&Ok(()));
        let head = ask("HEAD /healthz", "").unwrap().health(&Ok(()));
        assert_eq!(get, [&head[..], b"ok\n"].concat());
    }

    #[test]
    fn a_server_that_is_not_healthy_says_why() {
        let health = Err("the root was removed".to_owned());
        let response = ask("GET /healthz", "").unwrap().health(&health);
        let text = String::from_utf8(response).unwrap();
        assert!(
            text.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
            "{text}"
        );
        assert!(text.ends_with("\r\n\r\nthe root was removed\n"), "{text}");
    }
}
