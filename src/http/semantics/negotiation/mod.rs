//! Proactive negotiation (RFC 9110 §12.5): which of several representations a client prefers.

pub mod encoding;
pub(crate) mod weights;
