//! The classic dialect: GET and PUT of files with names of 27 characters, answers of one field line.
//!
//! The order in which a request is judged is the order of [`Classic::react`]. Every answer is a status line,
//! `Content-Length`, and the content; errors have none.

use std::sync::Arc;

use crate::connection::{Answer, Block, Content, Course, Dialect, FileRange, Reaction, Upload};
use crate::http::{self, Framing, Host, LineParts, Persistence, Request, Status, Target, Version};
use crate::request_log::Refused;
use crate::server::Turn;
use crate::store::{Condition, FileContent, Found, StoreErrorKind};
use crate::upload::{self, Empty, Files, Finishing, Progress, UploadError};

/// Characters in a file's name.
const NAME: usize = 27;

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

    fn refuse_request(&self, request: &Request<'_>, status: Status) -> Course<ClassicUpload> {
        Course::Answer(refusal(&self.files, &Identity::of(request), status))
    }

    fn get(
        &self,
        request: &Request<'_>,
        name: &[u8],
        turn: &mut Turn<'_>,
    ) -> Course<ClassicUpload> {
        if name.is_empty() {
            self.files.recorder.success("GET", name);
            return Course::Answer(Answer::empty(Status::Ok));
        }
        if !is_name(name) {
            return self.refuse_request(request, Status::BadRequest);
        }
        match self.files.store.look_up(name, || turn.before_long_work()) {
            Ok(found) => {
                self.files.recorder.success("GET", name);
                Course::Answer(Answer {
                    status: Status::Ok,
                    fields: Vec::new(),
                    content: content(found),
                })
            }
            Err(error) => {
                log::debug!("GET: {error}");
                self.refuse_request(request, status_of(error.kind))
            }
        }
    }

    fn put(
        &self,
        request: &Request<'_>,
        name: &[u8],
        turn: &mut Turn<'_>,
    ) -> Course<ClassicUpload> {
        if !is_name(name) {
            return self.refuse_request(request, Status::BadRequest);
        }
        if matches!(request.framing, Framing::Length(length) if length > self.max_body) {
            return self.refuse_request(request, Status::ContentTooLarge);
        }
        match self.begin(request, name, turn) {
            Ok(course) => course,
            Err(error) => {
                log::debug!("PUT: {error}");
                self.refuse_request(request, status_of_upload(&error))
            }
        }
    }

    fn begin(
        &self,
        request: &Request<'_>,
        name: &[u8],
        turn: &mut Turn<'_>,
    ) -> Result<Course<ClassicUpload>, UploadError> {
        turn.before_long_work();
        let target = self.files.store.target(name)?;
        let mut receiving = upload::Upload::new(Arc::clone(&self.files), target, self.max_body);
        let empty = match request.framing {
            Framing::Absent => Some(Box::new(receiving.commit_empty()?)),
            Framing::Length(_) | Framing::Chunked => None,
        };
        if request.expect == http::Expect::Continue {
            receiving.stage()?; // so that a 403 or 507 comes before the content
        }
        let answered = empty.is_some();
        let upload = ClassicUpload {
            files: Arc::clone(&self.files),
            identity: Identity::of(request).to_owned(),
            state: State::Receiving(receiving, empty),
        };
        Ok(if answered {
            Course::AnswerThenReceive(Answer::empty(Status::Created), upload)
        } else {
            Course::Receive(upload)
        })
    }
}

impl Dialect for Classic {
    type Upload = ClassicUpload;

    fn react(&self, request: &Request<'_>, turn: &mut Turn<'_>) -> Reaction<ClassicUpload> {
        let name = name(request);
        let course = match request.method {
            "GET" => self.get(request, name, turn),
            "PUT" => self.put(request, name, turn),
            _ => self.refuse_request(request, Status::InternalServerError),
        };
        Reaction {
            persistence: persistence(request),
            course,
        }
    }

    fn refuse(&self, line: LineParts<'_>, status: Status) -> Answer {
        let identity = Identity {
            method: line.method,
            name: line.target.map(without_slash),
            version: line.version,
        };
        refusal(&self.files, &identity, status)
    }

    fn write_head(&self, answer: &Answer, _: Version, _: Persistence, out: &mut Vec<u8>) {
        http::write_status_line(out, answer.status);
        http::write_content_length(out, answer.content.length().unwrap_or(0));
        http::end_head(out);
    }

    fn reopen(&self) {
        self.files.recorder.reopen();
    }
}

/// A PUT whose content is being received.
pub struct ClassicUpload {
    files: Arc<Files>,
    identity: OwnedIdentity,
    state: State,
}

/// How far a PUT has come.
enum State {
    /// Content is coming. If it was answered already: the empty file that was put in place for that answer.
    Receiving(upload::Upload, Option<Box<Empty>>),
    /// It has taken effect; its entry is being written.
    Finishing(Finishing),
    /// It is recorded, one way or the other.
    Recorded,
}

impl Upload for ClassicUpload {
    fn write(&mut self, content: &[u8], turn: &mut Turn<'_>) -> Result<(), Answer> {
        turn.before_long_work();
        let written = match &mut self.state {
            State::Receiving(upload, _) => upload.write(content),
            State::Finishing(_) | State::Recorded => Ok(()),
        };
        written.map_err(|error| match self.take() {
            State::Receiving(_, empty) => self.refused(&error, empty),
            State::Finishing(_) | State::Recorded => self.refused(&error, None),
        })
    }

    fn finish(&mut self, last: &[u8], block: &mut Block, turn: &mut Turn<'_>) -> Option<Answer> {
        turn.before_long_work();
        let State::Receiving(upload, empty) = self.take() else {
            return None;
        };
        match upload.commit(last, &Condition::Always, &mut block.text) {
            Ok(finishing) => {
                self.state = State::Finishing(finishing);
                self.step(block, turn)
            }
            Err(error) => Some(self.refused(&error, empty)),
        }
    }

    fn step(&mut self, block: &mut Block, turn: &mut Turn<'_>) -> Option<Answer> {
        turn.before_long_work();
        let State::Finishing(finishing) = &mut self.state else {
            return Some(Answer::empty(Status::InternalServerError));
        };
        match finishing.step(&mut block.content, &mut block.text) {
            Ok(Progress::More) => None,
            Ok(Progress::Done) => {
                self.state = State::Recorded;
                Some(Answer::empty(Status::Created))
            }
            Err(error) => {
                self.state = State::Recorded;
                Some(self.refused(&error, None))
            }
        }
    }

    fn abandon(&mut self, status: Status) -> Answer {
        match self.take() {
            State::Receiving(_, empty) => self.record_refusal(empty, status),
            State::Finishing(_) | State::Recorded => Answer::empty(status),
        }
    }
}

impl ClassicUpload {
    /// What state it is in; nothing more is done about it.
    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Recorded)
    }

    /// Answers an upload that failed; `empty` is what was put in place for an answer that was given before.
    fn refused(&self, error: &UploadError, empty: Option<Box<Empty>>) -> Answer {
        let status = status_of_upload(error);
        if status == Status::InternalServerError {
            log::error!("PUT: {error}");
        } else {
            log::debug!("PUT: {error}");
        }
        match error {
            // Its place in the log is taken, and a second entry would not be true.
            UploadError::NotRecorded { .. } => Answer::empty(status),
            _ => self.record_refusal(empty, status),
        }
    }

    /// Records that nothing came of the upload, or only the empty file: if the peer was told 201 for that, and it is
    /// there still, it is what the log must show.
    fn record_refusal(&self, empty: Option<Box<Empty>>, status: Status) -> Answer {
        if empty.is_some_and(|empty| empty.record(&mut Vec::new())) {
            return Answer::empty(Status::Created);
        }
        refusal(&self.files, &self.identity.borrow(), status)
    }
}

impl Drop for ClassicUpload {
    /// A request that the server itself gave up is recorded, too.
    fn drop(&mut self) {
        self.abandon(Status::ServiceUnavailable);
    }
}

/// What a request is recorded with, as received.
struct Identity<'r> {
    method: Option<&'r [u8]>,
    name: Option<&'r [u8]>,
    version: Option<&'r [u8]>,
}

/// The same, for as long as an upload takes.
struct OwnedIdentity {
    name: Box<[u8]>,
    version: Box<[u8]>,
}

impl<'r> Identity<'r> {
    fn of(request: &Request<'r>) -> Self {
        Self {
            method: Some(request.method.as_bytes()),
            name: Some(name(request)),
            version: Some(request.raw_version()),
        }
    }

    fn to_owned(&self) -> OwnedIdentity {
        OwnedIdentity {
            name: self.name.unwrap_or_default().into(),
            version: self.version.unwrap_or_default().into(),
        }
    }
}

impl OwnedIdentity {
    fn borrow(&self) -> Identity<'_> {
        Identity {
            method: Some(b"PUT"),
            name: Some(&self.name),
            version: Some(&self.version),
        }
    }
}

/// Records a refusal and answers it.
fn refusal(files: &Files, identity: &Identity<'_>, status: Status) -> Answer {
    let &Identity {
        method,
        name,
        version,
    } = identity;
    files.recorder.failure(
        Refused {
            method,
            name,
            version,
        },
        status.code(),
    );
    Answer::empty(status)
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

fn without_slash(target: &[u8]) -> &[u8] {
    target.strip_prefix(b"/").unwrap_or(target)
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

fn content(found: Found) -> Content {
    match found.content {
        FileContent::Memory(bytes) => Content::Memory(bytes),
        FileContent::Descriptor(file) => Content::File(FileRange {
            file,
            offset: 0,
            length: found.metadata.length(),
        }),
    }
}

/// The status for what went wrong with a file.
fn status_of(kind: StoreErrorKind) -> Status {
    match kind {
        StoreErrorKind::NotFound => Status::NotFound,
        StoreErrorKind::Forbidden
        | StoreErrorKind::Directory
        | StoreErrorKind::NotRegular
        | StoreErrorKind::Outside => Status::Forbidden,
        StoreErrorKind::ImpossibleName => Status::BadRequest,
        StoreErrorKind::ConditionFailed => Status::PreconditionFailed,
        StoreErrorKind::NoSpace => Status::InsufficientStorage,
        StoreErrorKind::TooLarge => Status::ContentTooLarge,
        StoreErrorKind::Exhausted => Status::ServiceUnavailable,
        StoreErrorKind::Io(_) => Status::InternalServerError,
    }
}

/// The status for what went wrong with an upload.
fn status_of_upload(error: &UploadError) -> Status {
    match error {
        UploadError::TooLong { .. } => Status::ContentTooLarge,
        UploadError::Store(error) => match error.kind {
            // The root itself is gone: there is no place for the file.
            StoreErrorKind::NotFound => Status::Forbidden,
            kind => status_of(kind),
        },
        UploadError::LogFull { .. } => Status::InsufficientStorage,
        UploadError::NotRecorded { .. } => Status::InternalServerError,
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
