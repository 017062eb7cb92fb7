//! One entry of a listed directory.

use std::sync::Arc;
use std::time::SystemTime;

use crate::web::path::encode_name;

/// The kind of an entry; other kinds cannot be opened and are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// One entry of a directory; a symbolic link is listed as its target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListingItem {
    /// The name, any bytes but `/` and NUL.
    pub(super) name: Arc<[u8]>,
    /// Its kind.
    pub(super) kind: ItemKind,
    /// The size of a file in bytes; not shown for a directory.
    pub(super) size: u64,
    /// The modification time.
    pub(super) modified: SystemTime,
}

impl ListingItem {
    /// The name, if it needs no escape in a link, and so none in a page. Most names are such.
    pub(super) fn unreserved_name(&self) -> Option<&str> {
        let first = encode_name(&self.name).next()?;
        (first.as_bytes() == &*self.name).then_some(first)
    }
}

/// Appends a link to the entry, relative to the directory. The `./` keeps a name like `javascript:x` a name.
pub(super) fn push_href(text: &mut String, item: &ListingItem) {
    text.push_str("./");
    match item.unreserved_name() {
        Some(name) => text.push_str(name),
        None => text.extend(encode_name(&item.name)),
    }
    if item.kind == ItemKind::Directory {
        text.push('/');
    }
}
