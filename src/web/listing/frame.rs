//! What stands around the entries of a listing: its path, and sums.

use std::sync::Arc;

use super::item::{ItemKind, ListingItem};
use crate::requester::Requester;
use crate::users::Rights;
use crate::web::Access;
use crate::web::path::Path;

/// The most entries that one listing has; a longer one takes a browser seconds to lay out.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// Whether the entries are all there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Completeness {
    /// All of them.
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

/// What stands around the rows of a listing. Its links are relative, so its own path must end with a slash.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    pub(super) path: Path,
    /// How many `../` lead to each directory on the path, the root first (see [`crate::web::path::levels_up`]).
    pub(super) levels_up: Vec<usize>,
    pub(super) extent: Completeness,
    pub(super) reader: Audience,
    /// Whether the page takes uploads at all.
    pub(super) access: Access,
    /// What the reader may do here.
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

    pub(super) fn add(&mut self, item: &ListingItem) {
        match item.kind {
            ItemKind::Directory => self.directories += 1,
            ItemKind::File => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(item.size);
            }
        }
    }
}

/// The path as people read it, with a slash at both ends.
pub(super) fn display_path(path: &Path) -> String {
    let mut text = String::from("/");
    for component in path.components() {
        text.push_str(&String::from_utf8_lossy(component));
        text.push('/');
    }
    text
}
