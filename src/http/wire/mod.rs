//! HTTP/1.x messages as bytes (RFC 9112): heads, framing, chunked content and response heads.
//!
//! Each file has one part of the grammar. The meaning of fields is in `semantics`.

pub(crate) mod body;
pub(crate) mod chunked;
pub(crate) mod framing;
pub(crate) mod head;
pub(crate) mod refused_head;
pub(crate) mod request_line;
pub(crate) mod response;
pub(crate) mod scan;
pub(crate) mod syntax;
pub(crate) mod target;
#[cfg(test)]
mod tests;
