//! The wire: HTTP/1.x messages as bytes (RFC 9112). Bytes in, values out.
//!
//! A connection uses the parts in this order:
//!
//! 1. [`HeadScan::find_end`] looks for the end of a request head in a growing buffer;
//! 2. [`Request::parse`] turns the complete head into values that borrow from it, with the [`Framing`] of the content
//!    already decided ([`RefusedHead`] describes a head that was refused);
//! 3. [`ContentDecoder::step`] finds the content's bytes in what follows the head;
//! 4. [`write_status_line`] and its neighbours append a response head to a buffer.
//!
//! Each part returns its result *or a [`Refusal`]*: a status and a reason.
//!
//! This room does no I/O and uses no files, threads or sockets. Where RFC 9112 leaves a choice to the server, the
//! dialect decides: the parts return values such as [`Target::Other`], [`Host::Missing`] and [`Framing::Absent`].

mod persistence;
mod refusal;
pub mod semantics;
mod status_code;
mod wire;

pub use persistence::Persistence;
pub use refusal::{Blame, Refusal};
pub use status_code::StatusCode;
pub use wire::body::ContentDecoder;
pub use wire::chunked::{Chunk, ChunkedDecoder, MAX_CHUNK_EXTENSIONS_LEN, MAX_CHUNK_SIZE_DIGITS};
pub use wire::framing::Framing;
pub use wire::head::{Expect, Host, MAX_FIELDS, Request};
pub use wire::refused_head::{LineParts, RefusedHead, line_parts};
pub use wire::request_line::{Version, method_of};
pub use wire::response::{
    CONTINUE, end_head, write_content_length, write_field, write_status_line,
};
pub use wire::scan::{HeadScan, MAX_FIELDS_LEN, MAX_REQUEST_LINE};
pub use wire::target::{Scheme, Target};
