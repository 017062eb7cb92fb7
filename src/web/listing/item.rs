//! One entry of a listed directory.

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListingItem<'e> {
    /// The name, any bytes but `/` and NUL.
    pub(super) name: &'e [u8],
    /// Its kind.
    pub(super) kind: ItemKind,
    /// The size of a file in bytes; not shown for a directory.
    pub(super) size: u64,
    /// The modification time.
    pub(super) modified: SystemTime,
}

/// How a link has the name that it leads to.
pub(super) enum NameInLink<'e> {
    /// As it is: all of its characters are unreserved (RFC 3986 §2.3).
    Unreserved(&'e str),
    /// With escapes.
    Escaped,
}

/// Appends a link to the entry, relative to the directory. The `./` keeps a name like `javascript:x` a name.
pub(super) fn push_href<'e>(text: &mut String, item: &ListingItem<'e>) -> NameInLink<'e> {
    text.push_str("./");
    let mut name = NameInLink::Escaped;
    for piece in encode_name(item.name) {
        text.push_str(piece);
        if piece.as_bytes() == item.name {
            name = NameInLink::Unreserved(piece);
        }
    }
    if item.kind == ItemKind::Directory {
        text.push('/');
    }
    name
}
