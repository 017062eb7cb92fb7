//! The equality of entries of the log and of the seal, and the limit on unmatched ones.

use super::finding::MOST;
use super::logged::{Logged, LoggedEntry};
use super::sealed::Sealed;
use crate::seal::chain::Hash;

/// The identity of an entry.
pub(super) type EntryContent<'c> = (&'c str, Option<Hash>);

/// Appends an item; if there are too many, it replaces the last.
pub(super) fn push_capped<T>(list: &mut Vec<T>, item: T) {
    list.truncate(MOST);
    list.push(item);
}

/// Whether a complete entry of the log equals this one of the seal, at any place.
pub(super) fn is_same(sealed: &Sealed, logged: &Logged) -> bool {
    match &logged.what {
        LoggedEntry::Whole { first_line, hash } => (&**first_line, *hash) == content_of(sealed),
        LoggedEntry::Torn { .. } | LoggedEntry::Corrupt(_) => false,
    }
}

/// The values that identify an entry. They determine its length.
pub(super) fn content_of(sealed: &Sealed) -> EntryContent<'_> {
    (&sealed.name.first_line, sealed.hash)
}
