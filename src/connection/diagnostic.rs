//! The line in the diagnostics with the reason for a refusal.
//!
//! It is the only line about that request. The dialect decides what the client sees.

use std::fmt;

use log::Level;

use crate::http::{Blame, Refusal};
use crate::peer::Peer;

/// Logs the refusal of the request with this request line, as an error if the server is at fault.
pub(super) fn report(peer: Peer, line: impl fmt::Display, refusal: &Refusal) {
    let level = match refusal.blame {
        Blame::Client => Level::Debug,
        Blame::Server => Level::Error,
    };
    log::log!(level, "{peer}: {line}: {refusal}");
}
