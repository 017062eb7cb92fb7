//! Proactive negotiation (RFC 9110 §12.5): the client's preference among several representations.

pub mod encoding;
pub(crate) mod weights;
