//! The values around the entries of a listing: its path, and sums.

use std::sync::Arc;

use super::item::{ItemKind, ListingItem};
use crate::requester::Requester;
use crate::users::Rights;
use crate::web::Access;
use crate::web::path::Path;

/// The most entries in one listing; browsers need seconds to lay out a longer one.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// Whether the listing is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// All entries are listed.
    Complete,
    /// [`MAX_ENTRIES`] of them.
    Truncated,
}

/// The reader of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Audience {
    /// Any client, of a server without users.
    Anybody,
    /// A client that has not logged in.
    Anonymous,
    /// The user of this name.
    User(Arc<str>),
}

impl Audience {
    pub(super) fn of(requester: &Requester) -> Self {
        match &requester.user {
            Some(user) => Self::User(Arc::clone(user)),
            None if requester.permissions.are_anonymous() => Self::Anonymous,
            None => Self::Anybody,
        }
    }
}

/// The values around the rows of a listing. Its links are relative, so its own path must end with a slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) path: Path,
    /// The number of `../` to each directory of the path, the root first (see [`crate::web::path::levels_up`]).
    pub(super) levels_up: Vec<usize>,
    pub(super) extent: Completeness,
    pub(super) reader: Audience,
    /// Whether the page has uploads.
    pub(super) access: Access,
    /// The reader's rights in this directory.
    pub(super) rights: Rights,
    pub(super) files: usize,
    pub(super) directories: usize,
    /// Bytes of all files.
    pub(super) bytes: u64,
}

impl Frame {
    pub(super) fn is_empty(&self) -> bool {
        self.files + self.directories == 0
    }

    pub(super) fn add(&mut self, item: &ListingItem<'_>) {
        match item.kind {
            ItemKind::Directory => self.directories += 1,
            ItemKind::File => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(item.size);
            }
        }
    }
}

/// The displayed path, with a slash at both ends.
pub(super) fn display_path(path: &Path) -> String {
    let mut text = String::from("/");
    for component in path.components() {
        text.push_str(&String::from_utf8_lossy(component));
        text.push('/');
    }
    text
}
