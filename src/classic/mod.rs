//! The classic dialect: GET and PUT of files with names of 27 characters, responses of one field line.
//!
//! A request is checked in the order of [`Classic::handle`]. Every response is a status line, `Content-Length`, and the
//! content; errors have no content. The response to a PUT without a length also has `Connection: close`.

mod name;
mod persistence;
mod put;
mod refusal;

use std::sync::Arc;

use self::name::{is_name, name};
use self::persistence::persistence;
pub use self::put::ClassicUpload;
use self::refusal::{closing, received, refuse};
use crate::blocking::{PendingCommit, WouldBlock};
use crate::connection::{Action, Decision, Dialect, FileRange, Response, ResponseContent};
use crate::files::Files;
use crate::http::semantics::whole::NotWhole;
use crate::http::{self, Framing, Persistence, Refusal, RefusedHead, Request, StatusCode, Version};
use crate::refusing::{Operation, ReceivedLine, cannot_change, cannot_read, require};
use crate::requester::{Answered, Requester};
use crate::server::Turn;
use crate::store::{FileContent, ReadableFile};
use crate::users::Right;

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
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Action<ClassicUpload> {
        let worker = Some(turn.worker());
        let response = refuse(&self.files, &received(request, requester), refusal, worker);
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
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Action<ClassicUpload>, WouldBlock> {
        let answered = Answered {
            requester,
            status: StatusCode::Ok.code(),
        };
        let record = || {
            self.files
                .record_success("GET", name, &answered, turn.worker())
        };
        if name.is_empty() {
            let entry = record();
            let response = Response::empty(StatusCode::Ok).recorded(entry);
            return Ok(Action::Response(response));
        }
        if !is_name(name) {
            let refusal = Refusal::bad_request(NOT_A_NAME);
            return Ok(self.refuse_request(request, refusal, requester, turn));
        }
        if let Err(refusal) = require(requester, &[Right::Read], name) {
            return Ok(self.refuse_request(request, refusal, requester, turn));
        }
        Ok(match self.files.look_up(name, turn.permission())? {
            Ok(found) => {
                let entry = record();
                let response = Response::new(StatusCode::Ok, Vec::new(), content(found));
                Action::Response(response.recorded(entry))
            }
            Err(error) => {
                let refusal = cannot_read(error.kind, Operation::ClassicGet);
                self.refuse_request(request, refusal, requester, turn)
            }
        })
    }

    fn put(
        &self,
        request: &Request<'_>,
        name: &[u8],
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Action<ClassicUpload>, WouldBlock> {
        let refuse = |refusal| Ok(self.refuse_request(request, refusal, requester, turn));
        if let Some(what) = NotWhole::of(request) {
            return refuse(Refusal::bad_request(what.to_string()));
        }
        if !is_name(name) {
            return refuse(Refusal::bad_request(NOT_A_NAME));
        }
        let blocking = turn.permission().require()?;
        match put::begin(&self.files, self.max_body, request, requester, blocking) {
            Ok(action) => Ok(action),
            Err(error) if error.is_locked() => Err(blocking.once_unlocked()),
            Err(error) => refuse(cannot_change(&error, Operation::ClassicPut)),
        }
    }
}

impl Dialect for Classic {
    type Upload = ClassicUpload;

    fn handle(
        &self,
        request: &Request<'_>,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Result<Decision<ClassicUpload>, WouldBlock> {
        let name = name(request);
        let action = match request.method {
            "GET" => self.get(request, name, requester, turn)?,
            "PUT" => self.put(request, name, requester, turn)?,
            _ => {
                let reason = "this dialect has the methods GET and PUT only";
                let refusal = Refusal::new(StatusCode::InternalServerError, reason);
                self.refuse_request(request, refusal, requester, turn)
            }
        };
        Ok(Decision {
            persistence: persistence(request),
            action,
        })
    }

    fn awaits_blocking_turn(&self, method: &[u8]) -> bool {
        method == b"PUT"
    }

    fn deny(
        &self,
        request: &Request<'_>,
        refusal: Refusal,
        requester: &Requester,
        turn: &Turn<'_>,
    ) -> Decision<ClassicUpload> {
        Decision {
            persistence: persistence(request),
            action: self.refuse_request(request, refusal, requester, turn),
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

    fn pending(&self, worker: usize) -> PendingCommit {
        self.files.pending(worker)
    }

    fn commit(&self, worker: usize) {
        self.files.commit_pending(worker);
    }

    fn reopen(&self) {
        self.files.reopen();
    }
}

fn content(found: ReadableFile) -> ResponseContent {
    match found.content {
        FileContent::Memory(bytes) => ResponseContent::Memory(bytes),
        FileContent::Descriptor(file) => ResponseContent::File(FileRange {
            file,
            offset: 0,
            length: found.metadata.length(),
        }),
    }
}
