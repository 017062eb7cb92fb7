//! The response with a file: its representation, the conditions of the request, and the range of bytes.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::SystemTime;

use super::compressing::{CompressedText, compressed_tag};
use super::content_type::MediaType;
use super::fields::{Preconditions, etag_of, last_modified, sibling_tag_of};
use crate::connection::{FileRange, Response, ResponseContent};
use crate::http::semantics::conditional::{ConditionalMethod, Outcome, Validators, range_applies};
use crate::http::semantics::digest::{self, Hasher};
use crate::http::semantics::fields::combined;
use crate::http::semantics::multipart::{Multipart, Segment};
use crate::http::semantics::negotiation::encoding::Coding;
use crate::http::semantics::range::{ByteRange, ContentRange, Selection, select};
use crate::http::semantics::{date, etag};
use crate::http::{Refusal, Request, StatusCode, write_field};
use crate::store::{Certainty, FileContent, Metadata, ReadableFile, StoreErrorKind};

/// A representation of a file: the file itself, its precompressed sibling, or its compressed text.
pub(super) struct Representation {
    /// The metadata of the file, or of the sibling.
    metadata: Metadata,
    certainty: Certainty,
    body: Body,
    /// The coding of its bytes.
    coding: Option<Coding>,
    media_type: MediaType,
    /// Its strong entity tag.
    etag: String,
}

/// The bytes of a representation.
enum Body {
    File(FileContent),
    Compressed(Arc<CompressedText>),
}

impl Representation {
    /// The file `found` itself, with the coding of its bytes if there is one.
    pub(super) fn of_file(
        media_type: MediaType,
        found: ReadableFile,
        coding: Option<Coding>,
    ) -> Self {
        let etag = etag_of(&found.metadata);
        Self::new(media_type, found, coding, etag)
    }

    /// The precompressed sibling `found` of a file of this type.
    pub(super) fn of_sibling(media_type: MediaType, found: ReadableFile, coding: Coding) -> Self {
        let etag = sibling_tag_of(&found.metadata, coding);
        Self::new(media_type, found, Some(coding), etag)
    }

    /// The file `found` of this type as this compressed text.
    pub(super) fn of_text(
        media_type: MediaType,
        found: ReadableFile,
        text: Arc<CompressedText>,
    ) -> Self {
        let etag = compressed_tag(&found.metadata);
        Self {
            body: Body::Compressed(text),
            ..Self::new(media_type, found, Some(Coding::Gzip), etag)
        }
    }

    fn new(
        media_type: MediaType,
        found: ReadableFile,
        coding: Option<Coding>,
        etag: String,
    ) -> Self {
        Self {
            metadata: found.metadata,
            certainty: found.certainty,
            body: Body::File(found.content),
            coding,
            media_type,
            etag,
        }
    }

    fn length(&self) -> u64 {
        match &self.body {
            Body::File(_) => self.metadata.length(),
            Body::Compressed(text) => text.length(),
        }
    }

    fn validators(&self) -> Validators<'_> {
        Validators {
            etag: Some(&self.etag),
            modified: last_modified(&self.metadata),
        }
    }

    /// Responds to GET or HEAD; the caller removes the content for HEAD.
    ///
    /// 1. The conditions, in their order (RFC 9110 §13.2.2): 412 or 304.
    /// 2. For GET, Range, unless If-Range says that the representation is another one by now: 206 or 416.
    /// 3. Otherwise all of it.
    pub(super) fn response(self, request: &Request<'_>) -> Result<Response, Refusal> {
        let conditional = Preconditions::of(request);
        match conditional.evaluate(ConditionalMethod::Read, Some(&self.validators())) {
            Outcome::Proceed => {}
            Outcome::PreconditionFailed => {
                let reason = StoreErrorKind::ConditionFailed.reason();
                return Err(Refusal::new(StatusCode::PreconditionFailed, reason));
            }
            Outcome::NotModified => return Ok(self.not_modified()),
        }
        let selection = match combined(request, "Range") {
            Some(field) if request.method == "GET" && self.is_meant_by(request) => {
                select(&field, self.length())
            }
            _ => Selection::Whole,
        };
        match selection {
            Selection::Whole => Ok(self.whole(request)),
            Selection::Unsatisfiable => {
                let range = ContentRange::unsatisfied(self.length()).to_string();
                let reason = format!(
                    "no byte of the range is in the file, which has {} bytes",
                    self.length()
                );
                Err(Refusal::new(StatusCode::RangeNotSatisfiable, reason)
                    .with("Content-Range", range.as_bytes()))
            }
            Selection::Parts(parts) => match parts.as_slice() {
                [part] => Ok(self.part(*part)),
                parts => Ok(self.parts(parts)),
            },
        }
    }

    /// All of it, without regard to the request's conditions and ranges; for an error page.
    pub(super) fn into_page(self, status: StatusCode) -> Response {
        let mut fields = Vec::new();
        self.media_type.write_policy(&mut fields);
        self.media_type.write(&mut fields);
        Response::new(status, fields, self.all())
    }

    /// Whether If-Range, if it is there, names this representation (RFC 9110 §13.1.5).
    fn is_meant_by(&self, request: &Request<'_>) -> bool {
        combined(request, "If-Range")
            .is_none_or(|field| range_applies(&field, &self.validators(), SystemTime::now()))
    }

    /// Its strong entity tag.
    pub(super) fn etag(&self) -> &str {
        &self.etag
    }

    /// A 304 with the validators and the caching fields of a 200, without fields of the content (RFC 9110 §15.4.5).
    fn not_modified(&self) -> Response {
        let mut fields = Vec::with_capacity(96);
        write_field(&mut fields, "ETag", self.etag.as_bytes());
        write_field(&mut fields, "Vary", b"Accept-Encoding");
        // A cache replaces the policy that it has stored, which may be from a time without --writable (RFC 9111 §3.2).
        self.media_type.write_policy(&mut fields);
        Response::new(StatusCode::NotModified, fields, ResponseContent::Unstated)
    }

    fn whole(self, request: &Request<'_>) -> Response {
        let mut fields = self.fields();
        self.media_type.write(&mut fields);
        // A preference that the server may ignore (RFC 9530 §4): large files would have to be read first.
        if let Body::File(FileContent::Memory(bytes)) = &self.body
            && let Some(wish) = combined(request, "Want-Repr-Digest")
            && digest::is_wanted(&wish)
        {
            let mut hasher = Hasher::new();
            hasher.update(bytes);
            let digest = hasher.finish().to_string();
            write_field(&mut fields, "Repr-Digest", digest.as_bytes());
        }
        Response::new(StatusCode::Ok, fields, self.all())
    }

    fn part(self, range: ByteRange) -> Response {
        let mut fields = self.fields();
        self.media_type.write(&mut fields);
        let content_range = range.content_range(self.length()).to_string();
        write_field(&mut fields, "Content-Range", content_range.as_bytes());
        Response::new(
            StatusCode::PartialContent,
            fields,
            self.bytes(range.first(), range.count()),
        )
    }

    fn parts(self, ranges: &[ByteRange]) -> Response {
        let seed = RandomState::new();
        let seed = u128::from(seed.hash_one(0)) << 64 | u128::from(seed.hash_one(1));
        let multipart = Multipart::new(ranges, self.length(), self.media_type.value(), seed);
        let mut fields = self.fields();
        write_field(
            &mut fields,
            "Content-Type",
            multipart.content_type().as_bytes(),
        );
        let content: VecDeque<ResponseContent> = multipart
            .segments()
            .map(|segment| match segment {
                Segment::Frame(text) => ResponseContent::Memory(Arc::from(text)),
                Segment::File(range) => self.bytes(range.first(), range.count()),
            })
            .collect();
        Response::new(
            StatusCode::PartialContent,
            fields,
            ResponseContent::Sequence(content),
        )
    }

    /// The common fields of every response with its content.
    fn fields(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(256);
        if let Some(modified) = last_modified(&self.metadata) {
            // No time in the future: RFC 9110 §8.8.2.1.
            let modified = date::imf_fixdate(modified.min(SystemTime::now()));
            write_field(&mut fields, "Last-Modified", modified.as_bytes());
        }
        match self.certainty {
            Certainty::Certain => write_field(&mut fields, "ETag", self.etag.as_bytes()),
            Certainty::Uncertain => {
                let tag = etag::weak_once(&self.etag, RandomState::new().hash_one(0));
                write_field(&mut fields, "ETag", tag.as_bytes());
            }
        }
        write_field(&mut fields, "Accept-Ranges", b"bytes");
        if let Some(coding) = self.coding {
            write_field(&mut fields, "Content-Encoding", coding.token().as_bytes());
        }
        // Also without a sibling, since one may be added later.
        write_field(&mut fields, "Vary", b"Accept-Encoding");
        self.media_type.write_policy(&mut fields);
        fields
    }

    fn all(self) -> ResponseContent {
        let length = self.length();
        match self.body {
            Body::File(FileContent::Memory(bytes)) => ResponseContent::Memory(bytes),
            Body::File(FileContent::Descriptor(file)) => ResponseContent::File(FileRange {
                file,
                offset: 0,
                length,
            }),
            Body::Compressed(text) => text.part(0, length),
        }
    }

    /// A range of its bytes, which must lie within it.
    fn bytes(&self, offset: u64, length: u64) -> ResponseContent {
        match &self.body {
            Body::Compressed(text) => text.part(offset, length),
            Body::File(FileContent::Memory(bytes)) => {
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let count = usize::try_from(length).unwrap_or(usize::MAX);
                let part = bytes.iter().skip(start).take(count).copied().collect();
                ResponseContent::Memory(part)
            }
            Body::File(FileContent::Descriptor(file)) => ResponseContent::File(FileRange {
                file: Arc::clone(file),
                offset,
                length,
            }),
        }
    }
}
