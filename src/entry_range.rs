//! Where the entry of a request is in the request log: known when its upload takes effect, or when the entries that are
//! pending with it are committed.
//!
//! The request log makes it, and the access log says it. Neither knows the other.

use std::sync::{Arc, OnceLock};

/// A range of the request log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryRange {
    /// Where the entry begins, in bytes from the start of the log.
    pub offset: u64,
    /// Its length in bytes.
    pub length: u64,
}

/// An [`EntryRange`] that is known now, or later.
#[derive(Debug, Clone, Default)]
pub enum EntryReceipt {
    /// There is no entry, or its range is not asked for.
    #[default]
    None,
    /// The entry is here.
    Known(EntryRange),
    /// The entry is pending. Its range is set by whoever commits it, unless there is no space for it.
    Pending(Arc<OnceLock<EntryRange>>),
}

/// Whether receipts are made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Receipts {
    /// They are.
    Made,
    /// Nobody wants to know where entries are.
    #[default]
    Omitted,
}

impl EntryReceipt {
    /// Where the entry is, as far as that is known now.
    #[must_use]
    pub fn range(&self) -> Option<EntryRange> {
        match self {
            Self::None => None,
            Self::Known(range) => Some(*range),
            Self::Pending(range) => range.get().copied(),
        }
    }
}
