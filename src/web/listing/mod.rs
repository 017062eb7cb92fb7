//! A directory as a page for people and as data for programs.
//!
//! A pure function from entries to text: reading the directory, leaving out hidden names and following
//! symbolic links happen before. The page is in the submodule `html`; the data are here.

mod assets;
pub(crate) mod budget;
pub mod form;
mod html;
mod order;
mod preparation;
mod response;
mod size;

use std::fmt::Write;
use std::time::SystemTime;

use serde_json::json;

use self::form::Form;
use super::path::{Path, encode_name};
use crate::http::semantics::date;
use crate::web::Access;

/// The most entries that one listing has; a longer one takes a browser seconds to lay out.
const MAX_ENTRIES: usize = 10_000;

/// What an entry is; nothing else is listed, since nothing else can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// A directory.
    Directory,
    /// A regular file.
    File,
}

/// One entry of a directory; a symbolic link is listed as what it leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Item {
    /// The name, any bytes but `/` and NUL.
    name: Vec<u8>,
    /// What it is.
    kind: Kind,
    /// The size of a file in bytes; not shown for a directory.
    size: u64,
    /// The modification time.
    modified: SystemTime,
}

/// Whether the entries are all there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of them.
    Complete,
    /// [`MAX_ENTRIES`] of them.
    Truncated,
}

/// What stands around the rows of a listing. Its links are relative, so its own path must end with a slash.
#[derive(Debug, Clone)]
struct Frame {
    path: Path,
    extent: Extent,
    access: Access,
    files: usize,
    directories: usize,
    /// Bytes of all files.
    bytes: u64,
}

/// The text of a listing, made piece by piece: [`Writer::begin`], each item in order with [`Writer::item`], and
/// [`Writer::end`].
///
/// As data it is `{"entries": [{"name", "href", "type", "size", "modified"}], "path", "truncated"}`. `type` is
/// `directory` or `file`, `size` is in bytes and null for directories, `modified` is in UTC (RFC 3339). A name that is
/// not UTF-8 is shown lossily; `href`, relative to the directory, leads to it all the same.
struct Writer {
    frame: Frame,
    form: Form,
    is_first: bool,
}

impl Frame {
    fn is_empty(&self) -> bool {
        self.files + self.directories == 0
    }

    fn add(&mut self, item: &Item) {
        match item.kind {
            Kind::Directory => self.directories += 1,
            Kind::File => {
                self.files += 1;
                self.bytes = self.bytes.saturating_add(item.size);
            }
        }
    }
}

impl Writer {
    fn new(frame: Frame, form: Form) -> Self {
        Self {
            frame,
            form,
            is_first: true,
        }
    }

    // Writing into a string cannot fail, so there is no error to hand on.

    fn begin(&self, text: &mut String) {
        match self.form {
            Form::Html => {
                let _ = html::head(text, &self.frame);
            }
            Form::Json => text.push_str("{\"entries\":["),
        }
    }

    fn item(&mut self, text: &mut String, item: &Item) {
        let is_first = std::mem::take(&mut self.is_first);
        match self.form {
            Form::Html => {
                let _ = html::row(text, item);
            }
            Form::Json => {
                let comma = if is_first { "" } else { "," };
                let _ = write!(text, "{comma}{}", row(item));
            }
        }
    }

    fn end(&self, text: &mut String) {
        match self.form {
            Form::Html => {
                let _ = html::tail(text, &self.frame);
            }
            Form::Json => {
                let path = json!(display_path(&self.frame.path));
                let truncated = self.frame.extent == Extent::Truncated;
                let _ = writeln!(text, "],\"path\":{path},\"truncated\":{truncated}}}");
            }
        }
    }
}

/// An item as data.
fn row(item: &Item) -> serde_json::Value {
    json!({
        "name": String::from_utf8_lossy(&item.name),
        "href": href(item),
        "type": match item.kind { Kind::Directory => "directory", Kind::File => "file" },
        "size": match item.kind { Kind::Directory => None, Kind::File => Some(item.size) },
        "modified": date::rfc3339(item.modified),
    })
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

    use super::order::Place;
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

    /// The text of a listing with these items, given in any order.
    pub(super) fn render(
        path: &Path,
        mut items: Vec<Item>,
        extent: Extent,
        access: Access,
        form: Form,
    ) -> String {
        items.sort_by_key(Place::of);
        let mut frame = Frame {
            path: path.clone(),
            extent,
            access,
            files: 0,
            directories: 0,
            bytes: 0,
        };
        for item in &items {
            frame.add(item);
        }
        let mut writer = Writer::new(frame, form);
        let mut text = String::new();
        writer.begin(&mut text);
        for item in &items {
            writer.item(&mut text, item);
        }
        writer.end(&mut text);
        text
    }

    #[test]
    fn directories_come_first_then_names() {
        let mut items = [
            item(b"b.txt", Kind::File, 1),
            item(b"b-10.txt", Kind::File, 1),
            item(b"b-9.txt", Kind::File, 1),
            item(b"A.txt", Kind::File, 1),
            item(b"a.txt", Kind::File, 1),
            item(b"zoo", Kind::Directory, 1),
            item(b"Bar", Kind::Directory, 1),
        ];
        items.sort_by_key(Place::of);
        let names: Vec<_> = items.iter().map(|item| item.name.as_slice()).collect();
        let expected: [&[u8]; 7] = [
            b"Bar",
            b"zoo",
            b"A.txt",
            b"a.txt",
            b"b-9.txt",
            b"b-10.txt",
            b"b.txt",
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_listing_as_data() {
        let path = Path::parse(b"/x%20y/%ff/").unwrap();
        let items = vec![
            item(b"\xffq\"", Kind::File, u64::MAX),
            item(b"javascript:x", Kind::Directory, 4096),
        ];
        let text = render(
            &path,
            items,
            Extent::Truncated,
            Access::ReadOnly,
            Form::Json,
        );
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

        let empty = render(
            &path,
            Vec::new(),
            Extent::Complete,
            Access::ReadOnly,
            Form::Json,
        );
        let data: serde_json::Value = serde_json::from_str(&empty).unwrap();
        assert_eq!(
            (&data["entries"], &data["truncated"]),
            (&json!([]), &json!(false))
        );
    }
}
