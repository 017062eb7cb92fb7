//! What a log is verified with, besides its seal.

use std::collections::BTreeMap;

use crate::seal::key::Key;
use crate::seal::line::TornOutcome;

/// What to verify a log with.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What became of the entries that servers found torn; see [`super::torn_entries`].
    pub torn: BTreeMap<u64, TornOutcome>,
    /// The verification key, or a later one: codes of earlier keys are not verified.
    pub key: Option<Key>,
    /// Lines, counted over all files, whose chain values are wanted.
    pub wanted: Vec<u64>,
}
