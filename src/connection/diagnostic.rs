//! The line in the server's own log that says why a request was refused.
//!
//! It is the only one about that request. What the peer is told is the dialect's business.

use std::fmt;

use log::Level;

use crate::http::{Blame, Refusal};
use crate::peer::Peer;

/// Says that the request with this request line was refused: as an error if the server is to blame.
pub(super) fn report(peer: Peer, line: impl fmt::Display, refusal: &Refusal) {
    let level = match refusal.blame {
        Blame::Client => Level::Debug,
        Blame::Server => Level::Error,
    };
    log::log!(level, "{peer}: {line}: {refusal}");
}
