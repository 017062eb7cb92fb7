//! The place of a request's entry in the request log. It is known when the upload takes effect, or when the pending
//! entries are committed.
//!
//! The request log sets it, and the access log prints it; neither depends on the other.

use std::sync::{Arc, OnceLock};

/// A range of the request log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRange {
    /// Where the entry begins, in bytes from the start of the log.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// An [`EntryRange`] that is known now or later.
#[derive(Debug, Clone, Default)]
pub enum EntryReceipt {
    /// There is no entry, or its range is not requested.
    #[default]
    None,
    /// The entry has this range.
    Known(EntryRange),
    /// The entry is pending. The commit sets its range, unless there is no space for it.
    Pending(Arc<OnceLock<EntryRange>>),
}

/// Whether receipts are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Receipts {
    /// Receipts are made.
    Made,
    /// Receipts are not made, since the places of entries are not needed.
    #[default]
    Omitted,
}

impl EntryReceipt {
    /// The place of the entry, if it is known now.
    #[must_use]
    pub fn range(&self) -> Option<EntryRange> {
        match self {
            Self::None => None,
            Self::Known(range) => Some(*range),
            Self::Pending(range) => range.get().copied(),
        }
    }
}
