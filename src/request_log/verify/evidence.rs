//! The evidence for a verification besides the seal.

use std::collections::BTreeMap;

use crate::seal::key::Key;
use crate::seal::line::TornOutcome;

/// The evidence for a verification.
#[derive(Debug, Default)]
pub struct Evidence {
    /// The fate of the entries that servers found torn; see [`super::torn_entries`].
    pub torn: BTreeMap<u64, TornOutcome>,
    /// The verification key, or a later one: codes of earlier keys are not verified.
    pub key: Option<Key>,
    /// The numbers of lines, counted over all files, for which the caller needs the chain values.
    pub wanted: Vec<u64>,
}
