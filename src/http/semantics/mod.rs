//! The meaning of messages (RFC 9110, RFC 9530, RFC 9651): dates, entity tags, preconditions, ranges, digests, media
//! types, hosts and origins, and the choice between representations.
//!
//! Pure functions from bytes to values and back. `wire` delimits messages; the dialect selects the file.

pub(crate) mod active_content;
pub(crate) mod basic;
pub mod cache_control;
pub mod conditional;
pub mod cross_site;
pub mod date;
pub(crate) mod date_field;
pub mod digest;
pub mod etag;
pub mod extra_field;
pub(crate) mod fields;
pub mod forwarded;
pub(crate) mod host;
pub mod media_type;
pub mod multipart;
pub mod negotiation;
mod quoting;
pub mod range;
pub(crate) mod structured;
pub(crate) mod whole;
