//! When an entry of the log is one of the seal, and how many are kept that are not.

use super::finding::MOST;
use super::logged::{Logged, LoggedEntry};
use super::sealed::Sealed;
use crate::seal::chain::Hash;

/// What tells one entry from another.
pub(super) type EntryContent<'c> = (&'c str, Option<Hash>);

/// Appends an item; where there are too many, in place of the last.
pub(super) fn push_capped<T>(list: &mut Vec<T>, item: T) {
    list.truncate(MOST);
    list.push(item);
}

/// Whether a whole entry of the log is this one of the seal, wherever it is.
pub(super) fn is_same(sealed: &Sealed, logged: &Logged) -> bool {
    match &logged.what {
        LoggedEntry::Whole { first_line, hash } => (&**first_line, *hash) == content_of(sealed),
        LoggedEntry::Torn { .. } | LoggedEntry::Corrupt(_) => false,
    }
}

/// What tells an entry from others. Its length follows from that.
pub(super) fn content_of(sealed: &Sealed) -> EntryContent<'_> {
    (&sealed.name.first_line, sealed.hash)
}
