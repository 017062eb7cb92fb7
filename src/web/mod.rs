//! The web dialect: a directory tree for browsers and other clients (RFC 9110).
//!
//! A request is checked in this order; each step has its module:
//!
//! 1. The Host field is present, the request is not from a page of another site (`other_sites`), and the method is
//!    supported (`Web::action`).
//! 2. The target is decoded once (`path`). A hidden name does not exist for clients.
//! 3. GET and HEAD: a file, a directory's index or its listing (`get`, `listing`); `representation` selects the
//!    representation and its bytes. PUT and DELETE: `put`, `delete`.
//! 4. The request is recorded, and the response is returned.
//!
//! The public modules are the dialect's pure parts: bytes in, values out, no sockets, no files. The others use the
//! store and the log, but not the connection's states.

pub mod cache_rules;
mod caching;
mod clean_urls;
mod common;
mod compressing;
mod content_type;
mod delete;
mod fields;
mod get;
mod hosts;
pub mod listing;
mod memory_budget;
mod options;
mod other_sites;
pub mod pages;
pub mod path;
mod put;
mod refusal;
mod representation;
mod resource;
mod sibling;
mod site;
mod upload_digests;

use std::borrow::Cow;

use self::common::{common_fields, write_unless_set};
use self::get::way_back;
use self::refusal::{Stop, respond, respond_with, without_content};
use self::site::{Site, name, path};
use crate::blocking::{PendingCommit, WouldBlock};
use crate::connection::{Action, Decision, Dialect, Response, ResponseContent};
use crate::files::Files;
use crate::http::semantics::date_field;
use crate::http::{
    self, Host, Persistence, Refusal, RefusedHead, Request, Scheme, StatusCode, Target, Version,
    write_field,
};
use crate::refusing::ReceivedLine;
use crate::requester::{Answered, Requester};
use crate::server::Turn;

pub use self::hosts::HostNames;
pub use self::options::{
    Access, Directories, Documents, DotFiles, Options, PageAddresses, Responses, TextCompression,
};
pub use self::put::WebUpload;

/// The dialect, over its files.
pub struct Web {
    site: Site,
    /// The field lines of every response.
    common: Vec<u8>,
}

impl Web {
    /// Serves these files. The caller has checked the fallback with [`Options::check`].
    #[must_use]
    pub fn new(files: Files, options: Options) -> Self {
        Self {
            common: common_fields(&options),
            site: Site::new(files, options),
        }
    }

    fn action(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Action<WebUpload>, Stop> {
        // RFC 9112 §3.2
        if request.host == Host::Missing && request.version == Version::Http11 {
            return Err(Refusal::bad_request("the request has no Host field")
                .closing()
                .into());
        }
        if let Target::Absolute { scheme, .. } = request.target
            && scheme == Scheme::Https
            && request.scheme == Scheme::Http
        {
            return Err(Refusal::new(
                StatusCode::MisdirectedRequest,
                "the target is of the scheme https, and this connection has no TLS",
            )
            .into());
        }
        self.site.check_site(request)?;
        match (request.method, self.site.options.access) {
            ("GET", _) => self
                .site
                .get(request, requester, turn)
                .map(Action::Response),
            ("HEAD", _) => {
                let response = self.site.get(request, requester, turn)?;
                Ok(Action::Response(without_content(response)))
            }
            ("OPTIONS", _) => Ok(Action::Response(self.options(request, requester, turn)?)),
            ("PUT", Access::Writable) => {
                let upload = self.site.put(request, requester, turn)?;
                Ok(Action::Receive(Box::new(upload)))
            }
            ("DELETE", Access::Writable) => self
                .site
                .delete(request, requester, turn)
                .map(Action::Response),
            ("PUT" | "DELETE" | "POST" | "PATCH" | "CONNECT" | "TRACE", _) => {
                let allowed = self.site.allowed();
                let reason = format!("the methods that are served here are {allowed}");
                let refusal = Refusal::new(StatusCode::MethodNotAllowed, reason);
                Err(refusal.with("Allow", allowed.as_bytes()).into())
            }
            _ => Err(Refusal::new(StatusCode::NotImplemented, "the method is not known").into()),
        }
    }

    /// RFC 9110 §9.3.7
    fn options(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Response, Refusal> {
        let name = match request.target {
            Target::Asterisk => Cow::Borrowed(&b"*"[..]),
            _ => Cow::Owned(name(&path(request)?.0)),
        };
        let answered = Answered {
            requester,
            status: StatusCode::NoContent.code(),
        };
        let files = &self.site.files;
        let entry = files.record_success("OPTIONS", &name, &answered, turn.worker());
        let mut fields = Vec::new();
        write_field(&mut fields, "Allow", self.site.allowed().as_bytes());
        let content = ResponseContent::Unstated;
        Ok(Response::new(StatusCode::NoContent, fields, content).recorded(entry))
    }

    fn refused(
        &self,
        request: &Request<'_>,
        refusal: Refusal,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Action<WebUpload>, WouldBlock> {
        let response = match request.method {
            "GET" => self.site.page(request, refusal, requester, turn)?,
            "HEAD" => without_content(self.site.page(request, refusal, requester, turn)?),
            _ => respond(refusal),
        };
        Ok(self.recorded(request, response, requester, turn))
    }

    /// Records a refused request.
    fn recorded(
        &self,
        request: &Request<'_>,
        response: Response,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Action<WebUpload> {
        let received = ReceivedLine::of(request, requester);
        let entry = received.record(&self.site.files, response.status, Some(turn.worker()));
        let response = response.recorded(entry);
        match response.refusal.as_ref().map(|refusal| refusal.persistence) {
            Some(Persistence::Close) => Action::RespondAndClose(response),
            Some(Persistence::Persistent) | None => Action::Response(response),
        }
    }
}

impl Dialect for Web {
    type Upload = WebUpload;

    fn handle(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Decision<WebUpload>, WouldBlock> {
        let action = match self.action(request, requester, turn) {
            Ok(action) => action,
            Err(Stop::Refused(refusal)) => self.refused(request, refusal, requester, turn)?,
            Err(Stop::WouldBlock(would_block)) => return Err(would_block),
            Err(Stop::Prepare(preparation)) => Action::Prepare(preparation),
        };
        Ok(Decision {
            persistence: request.persistence,
            action,
        })
    }

    fn awaits_blocking_turn(&self, method: &[u8]) -> bool {
        self.site.options.access == Access::Writable && matches!(method, b"PUT" | b"DELETE")
    }

    fn deny(
        &self,
        request: &Request<'_>,
        refusal: Refusal,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Decision<WebUpload> {
        let response = match request.method {
            "GET" => respond_with(refusal, way_back(request)),
            "HEAD" => without_content(respond_with(refusal, way_back(request))),
            _ => respond(refusal),
        };
        Decision {
            persistence: request.persistence,
            action: self.recorded(request, response, requester, turn),
        }
    }

    fn refuse(
        &self,
        head: RefusedHead<'_>,
        refusal: Refusal,
        requester: &Requester,
        worker: usize,
    ) -> Response {
        let received = ReceivedLine::of_line(head.line, requester);
        let entry = received.record(&self.site.files, refusal.status, Some(worker));
        let response = respond(refusal).recorded(entry);
        if head.line.method == Some(b"HEAD") {
            without_content(response)
        } else {
            response
        }
    }

    fn write_head(
        &self,
        response: &Response,
        version: Version,
        persistence: Persistence,
        out: &mut Vec<u8>,
    ) {
        http::write_status_line(out, response.status);
        date_field::write_date(out);
        out.extend_from_slice(&self.common);
        write_unless_set(&response.fields, &self.site.options, out);
        if let Some(line) = self.site.caching.missing(&response.fields) {
            write_unless_set(&line, &self.site.options, out);
        }
        if let Some(length) = response.content.length() {
            http::write_content_length(out, length);
        }
        match (persistence, version) {
            (Persistence::Close, _) => write_field(out, "Connection", b"close"),
            // An HTTP/1.0 client needs the field (RFC 9112 §9.3).
            (Persistence::Persistent, Version::Http10) => {
                write_field(out, "Connection", b"keep-alive");
            }
            (Persistence::Persistent, Version::Http11) => {}
        }
        http::end_head(out);
    }

    fn pending(&self, worker: usize) -> PendingCommit {
        self.site.files.pending(worker)
    }

    fn commit(&self, worker: usize) {
        self.site.files.commit_pending(worker);
    }

    fn reopen(&self) {
        self.site.files.reopen();
    }
}
