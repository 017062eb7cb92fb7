//! A directory as a page for people and as data for programs.
//!
//! A pure function from entries to text: reading the directory, leaving out hidden names and following
//! symbolic links happen before. The page is in the submodule `html`; the data are here.

mod assets;
pub(crate) mod budget;
pub mod form;
mod html;
mod order;
mod response;
mod size;

use std::time::SystemTime;

use serde_json::json;

use self::assets::Assets;
use super::path::{Path, encode_name};
use crate::http::semantics::date;
use crate::web::Access;

/// The most entries that one listing has; a longer one takes a browser seconds to lay out.
pub const MAX_ENTRIES: usize = 10_000;

/// What an entry is; nothing else is listed, since nothing else can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// One entry of a directory; a symbolic link is listed as what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The name, any bytes but `/` and NUL.
    pub name: Vec<u8>,
    /// What it is.
    pub kind: Kind,
    /// The size of a file in bytes; not shown for a directory.
    pub size: u64,
    /// The modification time.
    pub modified: SystemTime,
}

/// Whether the entries are all there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    Complete,
    /// [`MAX_ENTRIES`] of them.
    Truncated,
}

/// A directory to be shown. Its links are relative, so its own path must end with a slash.
#[derive(Debug, Clone)]
pub struct Listing<'a> {
    path: &'a Path,
    /// Directories first, then by name.
    items: Vec<Item>,
    extent: Extent,
    access: Access,
}

impl<'a> Listing<'a> {
    /// Takes the entries in any order.
    #[must_use]
    pub fn new(path: &'a Path, mut items: Vec<Item>, extent: Extent, access: Access) -> Self {
        order::sort(&mut items);
        Self {
            path,
            items,
            extent,
            access,
        }
    }

    /// The page, `text/html; charset=utf-8`, to be sent with its own [policy](Self::content_security_policy).
    #[must_use]
    pub fn html(&self) -> String {
        html::render(self)
    }

    /// The value of Content-Security-Policy for the page.
    #[must_use]
    pub fn content_security_policy(&self) -> &'static str {
        Assets::of(self.access).policy()
    }

    /// The data, `application/json`.
    ///
    /// `{"path", "entries": [{"name", "href", "type", "size", "modified"}], "truncated"}`. `type` is `directory`
    /// or `file`, `size` is in bytes and null for directories, `modified` is in UTC (RFC 3339). A name that is
    /// not UTF-8 is shown lossily; `href`, relative to the directory, leads to it all the same.
    #[must_use]
    pub fn json(&self) -> String {
        let entries: Vec<_> = self
            .items
            .iter()
            .map(|item| {
                json!({
                    "name": String::from_utf8_lossy(&item.name),
                    "href": href(item),
                    "type": match item.kind { Kind::Directory => "directory", Kind::File => "file" },
                    "size": match item.kind { Kind::Directory => None, Kind::File => Some(item.size) },
                    "modified": date::rfc3339(item.modified),
                })
            })
            .collect();
        let listing = json!({
            "path": display_path(self.path),
            "entries": entries,
            "truncated": self.extent == Extent::Truncated,
        });
        format!("{listing}\n")
    }
}

/// A link to the entry, relative to the directory. The `./` keeps a name like `javascript:x` a name.
fn href(item: &Item) -> String {
    let slash = match item.kind {
        Kind::Directory => "/",
        Kind::File => "",
    };
    format!("./{}{slash}", encode_name(&item.name))
}

/// The path as people read it, with a slash at both ends.
fn display_path(path: &Path) -> String {
    let mut text = String::from("/");
    for component in path.components() {
        text.push_str(&String::from_utf8_lossy(component));
        text.push('/');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn item(name: &[u8], kind: Kind, size: u64) -> Item {
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        Item {
            name: name.to_vec(),
            kind,
            size,
            modified,
        }
    }

    fn names(listing: &Listing<'_>) -> Vec<String> {
        listing
            .items
            .iter()
            .map(|item| String::from_utf8_lossy(&item.name).into_owned())
            .collect()
    }

    #[test]
    fn directories_come_first_then_names() {
        let path = Path::parse(b"/").unwrap();
        let items = vec![
            item(b"b.txt", Kind::File, 1),
            item(b"b-10.txt", Kind::File, 1),
            item(b"b-9.txt", Kind::File, 1),
            item(b"A.txt", Kind::File, 1),
            item(b"a.txt", Kind::File, 1),
            item(b"zoo", Kind::Directory, 1),
            item(b"Bar", Kind::Directory, 1),
        ];
        let listing = Listing::new(&path, items, Extent::Complete, Access::ReadOnly);
        assert_eq!(
            names(&listing),
            [
                "Bar", "zoo", "A.txt", "a.txt", "b-9.txt", "b-10.txt", "b.txt"
            ]
        );
    }

    #[test]
    fn a_listing_as_data() {
        let path = Path::parse(b"/x%20y/%ff/").unwrap();
        let items = vec![
            item(b"\xffq\"", Kind::File, u64::MAX),
            item(b"javascript:x", Kind::Directory, 4096),
        ];
        let text = Listing::new(&path, items, Extent::Truncated, Access::ReadOnly).json();
        let data: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = json!({
            "path": "/x y/\u{fffd}/",
            "truncated": true,
            "entries": [
                {
                    "name": "javascript:x",
                    "href": "./javascript%3Ax/",
                    "type": "directory",
                    "size": null,
                    "modified": "1994-11-06T08:49:37Z",
                },
                {
                    "name": "\u{fffd}q\"",
                    "href": "./%FFq%22",
                    "type": "file",
                    "size": u64::MAX,
                    "modified": "1994-11-06T08:49:37Z",
                },
            ],
        });
        assert_eq!(data, expected);

        let empty = Listing::new(&path, Vec::new(), Extent::Complete, Access::ReadOnly).json();
        let data: serde_json::Value = serde_json::from_str(&empty).unwrap();
        assert_eq!(
            (&data["entries"], &data["truncated"]),
            (&json!([]), &json!(false))
        );
    }
}
