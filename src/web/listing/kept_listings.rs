//! Texts of long listings, kept until their memory is needed, each with what was found in its directory.
//!
//! A text is sent again only to a request for the same text whose own reading of the directory has found the same: a
//! time stamp alone does not show that no file was written. So a kept text saves the order, the rows and the
//! compression, and not the look at each file.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::frame::Frame;
use super::listing_format::ListingFormat;
use super::output::TextCoding;
use crate::connection::ResponseContent;
use crate::store::{DirectorySnapshot, UnchangedDirectory};
use crate::sync::lock;
use crate::users::Permissions;
use crate::web::memory_budget::MemoryShare;

/// The most texts: comparing the keys of all of them takes a few microseconds.
const MOST_ENTRIES: usize = 256;

/// All that a text depends on, besides the directory and the options of the server.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct ListingKey {
    /// The frame before an entry is in it.
    pub(super) frame: Frame,
    /// They decide which entries are shown.
    pub(super) permissions: Permissions,
    pub(super) form: ListingFormat,
    /// The coding if the listing is long.
    pub(super) coding: TextCoding,
}

/// A text and the directory that it describes.
pub(super) struct KeptListing {
    snapshot: Arc<DirectorySnapshot>,
    text: VecDeque<ResponseContent>,
    /// The memory of the snapshot; each part of the text has its own share.
    _held: MemoryShare,
}

/// See the module's description.
#[derive(Default)]
pub(super) struct KeptListings {
    /// Guards the entries, the least recently used first. It is held for a comparison of keys, or a move.
    entries: Mutex<VecDeque<(ListingKey, Arc<KeptListing>)>>,
}

impl KeptListing {
    pub(super) fn new(
        snapshot: Arc<DirectorySnapshot>,
        text: VecDeque<ResponseContent>,
        held: MemoryShare,
    ) -> Self {
        Self {
            snapshot,
            text,
            _held: held,
        }
    }

    /// The directory, for the comparison with a reading.
    pub(super) fn snapshot(&self) -> &Arc<DirectorySnapshot> {
        &self.snapshot
    }

    /// The text, if the directory was found as it was when the text was made.
    pub(super) fn text(&self, unchanged: &UnchangedDirectory) -> Option<ResponseContent> {
        let is_current = unchanged.is_about(&self.snapshot);
        is_current.then(|| ResponseContent::Sequence(self.text.clone()))
    }
}

impl KeptListings {
    /// Looks up a text; its use is noted.
    pub(super) fn find(&self, key: &ListingKey) -> Option<Arc<KeptListing>> {
        let mut entries = lock(&self.entries);
        let index = entries.iter().rposition(|(of, _)| of == key)?;
        let found = entries.remove(index)?;
        let listing = Arc::clone(&found.1);
        entries.push_back(found);
        Some(listing)
    }

    /// Keeps a text in place of an older one of the same key.
    pub(super) fn keep(&self, key: ListingKey, listing: KeptListing) {
        let mut entries = lock(&self.entries);
        let older = entries.iter().position(|(of, _)| *of == key);
        let replaced = match older {
            Some(index) => entries.remove(index),
            None if entries.len() == MOST_ENTRIES => entries.pop_front(),
            None => None,
        };
        entries.push_back((key, Arc::new(listing)));
        drop(entries);
        // Its memory is returned without the lock.
        drop(replaced);
    }

    /// Forgets the least recently used text; false if there is none. What is still being sent keeps its memory.
    pub(super) fn forget_one(&self) -> bool {
        let forgotten = lock(&self.entries).pop_front();
        forgotten.is_some()
    }
}
