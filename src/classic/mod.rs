//! The classic dialect: GET and PUT of files with names of 27 characters, responses of one field line.
//!
//! A request is checked in the order of [`Classic::handle`]. Every response is a status line, `Content-Length`, and the
//! content; errors have none. Where a PUT states no length, `Connection: close` is added.

mod put;

use std::sync::Arc;

pub use self::put::ClassicUpload;
use crate::blocking::{Pending, WouldBlock};
use crate::connection::{Action, Decision, Dialect, FileRange, Response, ResponseContent};
use crate::files::Files;
use crate::http::semantics::whole::NotWhole;
use crate::http::{
    self, Framing, Host, Persistence, Refusal, RefusedHead, Request, Status, Target, Version,
};
use crate::refusing::{Operation, ReceivedLine, cannot_change, cannot_read, without_slash};
use crate::server::Turn;
use crate::store::{FileContent, Found};

/// Characters in a file's name.
const NAME: usize = 27;

const NOT_A_NAME: &str = "the name is not 27 characters from A-Z, a-z, 0-9, - and _";

/// The dialect, over its files.
pub struct Classic {
    files: Arc<Files>,
    /// Bytes of the longest upload.
    max_body: u64,
}

impl Classic {
    /// Serves and stores these files, uploads of no more than `max_body` bytes.
    #[must_use]
    pub fn new(files: Files, max_body: u64) -> Self {
        Self {
            files: Arc::new(files),
            max_body,
        }
    }

    fn refuse_request(
        &self,
        request: &Request<'_>,
        refusal: Refusal,
        turn: &Turn<'_>,
    ) -> Action<ClassicUpload> {
        let worker = Some(turn.worker());
        let response = refuse(&self.files, &received(request), refusal, worker);
        if request.method == "PUT" && request.framing == Framing::Absent {
            Action::RespondAndClose(closing(response))
        } else {
            Action::Response(response)
        }
    }

    fn get(
        &self,
        request: &Request<'_>,
        name: &[u8],
        turn: &Turn<'_>,
    ) -> Result<Action<ClassicUpload>, WouldBlock> {
        if name.is_empty() {
            let entry = self.files.record_success("GET", name, turn.worker());
            let response = Response::empty(Status::Ok).recorded(entry);
            return Ok(Action::Response(response));
        }
        if !is_name(name) {
            return Ok(self.refuse_request(request, Refusal::bad_request(NOT_A_NAME), turn));
        }
        Ok(match self.files.look_up(name, turn.permission())? {
            Ok(found) => {
                let entry = self.files.record_success("GET", name, turn.worker());
                let response = Response::new(Status::Ok, Vec::new(), content(found));
                Action::Response(response.recorded(entry))
            }
            Err(error) => {
                let refusal = cannot_read(error.kind, Operation::ClassicGet);
                self.refuse_request(request, refusal, turn)
            }
        })
    }

    fn put(
        &self,
        request: &Request<'_>,
        name: &[u8],
        turn: &Turn<'_>,
    ) -> Result<Action<ClassicUpload>, WouldBlock> {
        if let Some(what) = NotWhole::of(request) {
            return Ok(self.refuse_request(request, Refusal::bad_request(what.to_string()), turn));
        }
        if !is_name(name) {
            return Ok(self.refuse_request(request, Refusal::bad_request(NOT_A_NAME), turn));
        }
        let blocking = turn.permission().require()?;
        Ok(match self.begin(request, name, blocking) {
            Ok(action) => action,
            Err(error) => {
                self.refuse_request(request, cannot_change(&error, Operation::ClassicPut), turn)
            }
        })
    }
}

impl Dialect for Classic {
    type Upload = ClassicUpload;

    fn handle(
        &self,
        request: &Request<'_>,
        turn: &Turn<'_>,
    ) -> Result<Decision<ClassicUpload>, WouldBlock> {
        let name = name(request);
        let action = match request.method {
            "GET" => self.get(request, name, turn)?,
            "PUT" => self.put(request, name, turn)?,
            _ => {
                let reason = "this dialect has the methods GET and PUT only";
                let refusal = Refusal::new(Status::InternalServerError, reason);
                self.refuse_request(request, refusal, turn)
            }
        };
        Ok(Decision {
            persistence: persistence(request),
            action,
        })
    }

    fn refuse(&self, head: RefusedHead<'_>, refusal: Refusal, worker: usize) -> Response {
        let received = ReceivedLine::of_line(head.line);
        let response = refuse(&self.files, &received, refusal, Some(worker));
        if head.line.method == Some(b"PUT") && !head.states_length {
            closing(response)
        } else {
            response
        }
    }

    fn write_head(&self, response: &Response, _: Version, _: Persistence, out: &mut Vec<u8>) {
        http::write_status_line(out, response.status);
        http::write_content_length(out, response.content.length().unwrap_or(0));
        out.extend_from_slice(&response.fields);
        http::end_head(out);
    }

    fn pending(&self, worker: usize) -> Pending {
        self.files.pending(worker)
    }

    fn commit(&self, worker: usize) {
        self.files.commit_pending(worker);
    }

    fn reopen(&self) {
        self.files.reopen();
    }
}

/// What a request is recorded with.
fn received<'r>(request: &Request<'r>) -> ReceivedLine<'r> {
    ReceivedLine::of(request).named(name(request))
}

/// Records a refusal and responds with it; see [`Files::record_refusal`].
fn refuse(
    files: &Files,
    received: &ReceivedLine<'_>,
    refusal: Refusal,
    worker: Option<usize>,
) -> Response {
    let entry = received.record(files, refusal.status, worker);
    Response::refused(refusal).recorded(entry)
}

/// The response to a PUT that states no length, with the only other field of this dialect.
///
/// In this dialect the content of such a PUT is all that follows; by RFC 9112 §6.3 it has none. A proxy must not take
/// the connection for one that can be used again, or what it sends for the next client would be read as content.
fn closing(mut response: Response) -> Response {
    http::write_field(&mut response.fields, "Connection", b"close");
    response
}

/// The target without its leading `/`; of an absolute one, its path.
fn name<'h>(request: &Request<'h>) -> &'h [u8] {
    match request.target {
        Target::Absolute {
            path, query: None, ..
        } => without_slash(path),
        _ => without_slash(request.raw_target()),
    }
}

fn is_name(name: &[u8]) -> bool {
    name.len() == NAME
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// As asked; a request without `Host` counts as HTTP/1.0, so it persists only if it asks for that.
fn persistence(request: &Request<'_>) -> Persistence {
    let old = request.version == Version::Http11 && request.host == Host::Missing;
    if old && !asks_to_persist(request) {
        Persistence::Close
    } else {
        request.persistence
    }
}

fn asks_to_persist(request: &Request<'_>) -> bool {
    request.fields("connection").any(|value| {
        value
            .split(|&byte| byte == b',')
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(b"keep-alive"))
    })
}

fn content(found: Found) -> ResponseContent {
    match found.content {
        FileContent::Memory(bytes) => ResponseContent::Memory(bytes),
        FileContent::Descriptor(file) => ResponseContent::File(FileRange {
            file,
            offset: 0,
            length: found.metadata.length(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_27_letters_digits_hyphens_and_underscores() {
        for (name, expected) in [
            ("ABCDEFarqdeXYZxyzf012345-ab", true),
            ("___________________________", true),
            ("", false),
            ("ABCDEFarqdeXYZxyzf012345-a", false),
            ("ABCDEFarqdeXYZxyzf012345-abc", false),
            ("ABCDEFarqdeXYZxyzf012345.ab", false),
            ("ABCDEFarqdeXYZxyzf012345/ab", false),
            ("ABCDEFarqdeXYZxyzf012345%ab", false),
            ("ABCDEFarqdeXYZxyzf012345\u{e9}b", false),
        ] {
            assert_eq!(is_name(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn the_name_is_the_target_without_its_slash() {
        for (target, expected) in [
            ("/abc", "abc"),
            ("/", ""),
            ("abc", "abc"),
            ("//abc", "/abc"),
            ("/dir/abc", "dir/abc"),
            ("http://host/abc", "abc"),
            ("https://host/abc", "abc"),
            ("http://host", ""),
            ("http://host/abc?x", "http://host/abc?x"),
            ("/abc?x", "abc?x"),
        ] {
            let head = format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n");
            let request = Request::parse(head.as_bytes()).unwrap();
            assert_eq!(name(&request), expected.as_bytes(), "{target}");
        }
    }

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
