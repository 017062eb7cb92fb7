//! One entry of a directory, as it is listed.

use std::time::SystemTime;

use crate::web::path::encode_name;

/// What an entry is; nothing else is listed, since nothing else can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum ItemKind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// One entry of a directory; a symbolic link is listed as what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListingItem {
    /// The name, any bytes but `/` and NUL.
    pub(super) name: Vec<u8>,
    /// What it is.
    pub(super) kind: ItemKind,
    /// The size of a file in bytes; not shown for a directory.
    pub(super) size: u64,
    /// The modification time.
    pub(super) modified: SystemTime,
}

/// Appends a link to the entry, relative to the directory. The `./` keeps a name like `javascript:x` a name.
pub(super) fn push_href(text: &mut String, item: &ListingItem) {
    text.push_str("./");
    text.extend(encode_name(&item.name));
    if item.kind == ItemKind::Directory {
        text.push('/');
    }
}
