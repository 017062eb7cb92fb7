//! A directory that is being read for a listing: its entries in their order, and as they were found.

use std::sync::Arc;

use super::frame::{Completeness, Frame, MAX_ENTRIES};
use super::item::{ItemKind, ListingItem};
use super::kept_listings::KeptListing;
use super::listing_budget::{ListingBudget, PART};
use super::order::UnorderedItems;
use crate::store::{DirectoryEntries, DirectoryEntry, DirectoryEntryKind, DirectoryReader};
use crate::users::{Permissions, Right};
use crate::web::memory_budget::MemoryShare;
use crate::web::path::Path;

/// The most entries of a directory whose text is kept, those included that are not listed.
const MOST_COMPARED: usize = 2 * MAX_ENTRIES;

/// A directory that is being read.
pub(super) struct DirectoryReading {
    pub(super) reader: DirectoryReader,
    /// The text with which it is compared.
    pub(super) kept: Option<Arc<KeptListing>>,
    pub(super) frame: Frame,
    /// The entries of one portion; their memory is used again for the next.
    pub(super) portion: DirectoryEntries,
    /// All entries that were found. If they are too many for a comparison, those that are not listed are left out.
    pub(super) found: DirectoryEntries,
    pub(super) items: UnorderedItems,
    /// The bytes that are reserved for it in `held`.
    reserved: usize,
    pub(super) held: MemoryShare,
}

/// The result of the addition of an entry to a listing.
pub(super) enum Addition {
    Done,
    /// The listing is as long as it may be, and this entry is not in it.
    Last,
    /// There is no memory for it.
    NoMemory,
}

impl DirectoryReading {
    /// `kept` is the text that belongs to the snapshot with which the reader compares the directory.
    pub(super) fn new(
        reader: DirectoryReader,
        kept: Option<Arc<KeptListing>>,
        frame: Frame,
        budget: &ListingBudget,
    ) -> Self {
        Self {
            reader,
            kept,
            frame,
            portion: DirectoryEntries::default(),
            found: DirectoryEntries::default(),
            items: UnorderedItems::default(),
            reserved: 0,
            held: budget.hold(),
        }
    }

    /// Takes an entry. It is an item of the listing if a requester with these permissions may see it.
    pub(super) fn add(
        &mut self,
        entry: DirectoryEntry<'_>,
        permissions: &Permissions,
        budget: &ListingBudget,
    ) -> Addition {
        let index = self.found.len();
        let item = item(entry).filter(|item| is_shown(item, &self.frame.path, permissions));
        if item.is_some() || self.is_comparable() {
            self.found.push(entry);
        }
        match item {
            Some(_) if self.items.len() == MAX_ENTRIES => {
                self.frame.extent = Completeness::Truncated;
            }
            Some(item) => {
                self.frame.add(&item);
                self.items.push(index, item.kind, item.name, &self.found);
            }
            None => {}
        }
        // A few bytes are not counted: a connection may keep as much for any response.
        let size = self.found.memory() + self.items.memory();
        if size > self.reserved + PART {
            if !budget.grow(&mut self.held, size - self.reserved) {
                return Addition::NoMemory;
            }
            self.reserved = size;
        }
        match self.frame.extent {
            Completeness::Complete => Addition::Done,
            Completeness::Truncated => Addition::Last,
        }
    }

    /// Whether a later reading can be compared with what was found.
    pub(super) fn is_comparable(&self) -> bool {
        self.found.len() <= MOST_COMPARED
    }
}

/// The item of an entry; `None` if nothing is listed under its name.
pub(super) fn item(entry: DirectoryEntry<'_>) -> Option<ListingItem<'_>> {
    let file = entry.listed?;
    Some(ListingItem {
        name: entry.name,
        kind: match file.kind {
            DirectoryEntryKind::Directory => ItemKind::Directory,
            DirectoryEntryKind::File => ItemKind::File,
        },
        size: file.length,
        modified: file.modified(),
    })
}

/// Whether the requester may see an item of the directory at `path`.
fn is_shown(item: &ListingItem<'_>, path: &Path, permissions: &Permissions) -> bool {
    *permissions == Permissions::Unrestricted || {
        let path = path.child(item.name);
        match item.kind {
            ItemKind::Directory => permissions.show_directory(path.relative()),
            ItemKind::File => permissions.permit(Right::Read, path.relative()),
        }
    }
}
