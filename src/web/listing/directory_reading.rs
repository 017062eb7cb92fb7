//! A directory that is being read for a listing: its entries in their order, and as they were found.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::frame::{Completeness, Frame, MAX_ENTRIES};
use super::item::{ItemKind, ListingItem};
use super::kept_listings::KeptListing;
use super::listing_budget::{ListingBudget, PART};
use super::order::SortKey;
use crate::store::{DirectoryEntry, DirectoryEntryKind, DirectoryReader};
use crate::users::{Permissions, Right};
use crate::web::memory_budget::MemoryShare;
use crate::web::path::Path;

/// The most entries of a directory whose text is kept, those included that are not listed.
const MOST_COMPARED: usize = 2 * MAX_ENTRIES;

/// Bytes of memory for an entry besides its name, as it was found.
const FOUND_ENTRY: usize = 96;

/// Bytes of memory for an entry of the listing, besides its name in the order of names.
const ITEM: usize = 192;

/// A directory that is being read.
pub(super) struct DirectoryReading {
    pub(super) reader: DirectoryReader,
    /// The text with which it is compared.
    pub(super) kept: Option<Arc<KeptListing>>,
    pub(super) frame: Frame,
    /// All entries that were found, unless there are too many.
    pub(super) found: Option<Vec<DirectoryEntry>>,
    pub(super) found_size: usize,
    /// In the order of the listing.
    pub(super) items: BTreeMap<SortKey, ListingItem>,
    /// Bytes of its memory.
    size: usize,
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
            found: Some(Vec::new()),
            found_size: 0,
            items: BTreeMap::new(),
            size: 0,
            reserved: 0,
            held: budget.hold(),
        }
    }

    /// Takes an entry. It is an item of the listing if a requester with these permissions may see it.
    pub(super) fn add(
        &mut self,
        entry: DirectoryEntry,
        permissions: &Permissions,
        budget: &ListingBudget,
    ) -> Addition {
        let name = entry.name.len();
        let mut size = 0;
        if let Some(item) = item(&entry, &self.frame.path, permissions) {
            if self.items.len() == MAX_ENTRIES {
                self.frame.extent = Completeness::Truncated;
            } else {
                size += ITEM + 2 * name;
                self.frame.add(&item);
                self.items.insert(SortKey::of(&item), item);
            }
        }
        if let Some(found) = self.found.as_mut() {
            size += FOUND_ENTRY + name;
            self.found_size += FOUND_ENTRY + name;
            found.push(entry);
        }
        if self
            .found
            .as_ref()
            .is_some_and(|found| found.len() > MOST_COMPARED)
        {
            self.found = None;
        }
        self.size += size;
        // A few bytes are not counted: a connection may keep as much for any response.
        if self.size > self.reserved + PART {
            if !budget.grow(&mut self.held, PART) {
                return Addition::NoMemory;
            }
            self.reserved += PART;
        }
        match self.frame.extent {
            Completeness::Complete => Addition::Done,
            Completeness::Truncated => Addition::Last,
        }
    }
}

/// What is listed of an entry of the directory at `path`; `None` if the requester may not see it.
fn item(entry: &DirectoryEntry, path: &Path, permissions: &Permissions) -> Option<ListingItem> {
    let file = entry.listed?;
    let is_shown = *permissions == Permissions::Unrestricted || {
        let path = path.child(&entry.name);
        match file.kind {
            DirectoryEntryKind::Directory => permissions.show_directory(path.relative()),
            DirectoryEntryKind::File => permissions.permit(Right::Read, path.relative()),
        }
    };
    is_shown.then(|| ListingItem {
        name: Arc::clone(&entry.name),
        kind: match file.kind {
            DirectoryEntryKind::Directory => ItemKind::Directory,
            DirectoryEntryKind::File => ItemKind::File,
        },
        size: file.length,
        modified: file.modified,
    })
}
