//! Turns entries into text, piece by piece. It is pure: the caller reads the directory, omits hidden names and follows
//! symbolic links. `html` writes the page; this module writes the JSON.

use std::borrow::Cow;
use std::fmt::Write;

use serde::Serialize;
use serde_json::json;

use super::frame::{Completeness, Frame, display_path};
use super::html;
use super::item::{ItemKind, ListingItem, push_href};
use super::listing_format::ListingFormat;
use crate::http::semantics::date;
use crate::web::path::name_as_text;

/// The text of a listing, made piece by piece: [`Writer::begin`], each item in order with [`Writer::item`], and
/// [`Writer::end`].
///
/// As data it is `{"entries": [{"name", "href", "type", "size", "modified"}], "path", "truncated"}`. `type` is
/// `directory` or `file`, `size` is in bytes and null for directories, `modified` is in UTC (RFC 3339). A name that is
/// not UTF-8 is converted lossily; `href`, relative to the directory, still leads to it.
pub(super) struct Writer {
    frame: Frame,
    form: ListingFormat,
    is_first: bool,
}

impl Writer {
    pub(super) fn new(frame: Frame, form: ListingFormat) -> Self {
        Self {
            frame,
            form,
            is_first: true,
        }
    }

    // Writing to a string cannot fail.

    pub(super) fn begin(&self, text: &mut String) {
        match self.form {
            ListingFormat::Html => {
                let _ = html::head(text, &self.frame);
            }
            ListingFormat::Json => text.push_str("{\"entries\":["),
        }
    }

    pub(super) fn item(&mut self, text: &mut String, item: &ListingItem<'_>) {
        let is_first = std::mem::take(&mut self.is_first);
        match self.form {
            ListingFormat::Html => html::row(text, item),
            ListingFormat::Json => {
                if !is_first {
                    text.push(',');
                }
                // A struct of texts and a number can always be serialised.
                text.push_str(&serde_json::to_string(&ListingRow::new(item)).unwrap_or_default());
            }
        }
    }

    pub(super) fn end(&self, text: &mut String) {
        match self.form {
            ListingFormat::Html => {
                let _ = html::tail(text, &self.frame);
            }
            ListingFormat::Json => {
                let path = json!(display_path(&self.frame.path));
                let truncated = self.frame.extent == Completeness::Truncated;
                let _ = writeln!(text, "],\"path\":{path},\"truncated\":{truncated}}}");
            }
        }
    }
}

/// An item as data.
#[derive(Serialize)]
struct ListingRow<'i> {
    href: String,
    modified: String,
    name: Cow<'i, str>,
    size: Option<u64>,
    r#type: &'static str,
}

impl<'i> ListingRow<'i> {
    fn new(item: &ListingItem<'i>) -> Self {
        let mut href = String::with_capacity(item.name.len() + 3);
        push_href(&mut href, item);
        let (size, r#type) = match item.kind {
            ItemKind::Directory => (None, "directory"),
            ItemKind::File => (Some(item.size), "file"),
        };
        Self {
            href,
            modified: date::rfc3339(item.modified),
            name: name_as_text(item.name),
            size,
            r#type,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::order::UnorderedItems;
    use super::*;
    use crate::store::{DirectoryEntries, DirectoryEntry};
    use crate::users::Rights;
    use crate::web::Access;
    use crate::web::listing::frame::Audience;
    use crate::web::path::Path;

    fn item(name: &[u8], kind: ItemKind, size: u64) -> ListingItem<'_> {
        let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
        ListingItem {
            name,
            kind,
            size,
            modified,
        }
    }

    fn put_in_order(items: &mut [ListingItem<'_>]) {
        let mut entries = DirectoryEntries::default();
        let mut unordered = UnorderedItems::default();
        for (index, item) in items.iter().enumerate() {
            let name = item.name;
            entries.push(DirectoryEntry { name, listed: None });
            unordered.push(index, item.kind, name, &entries);
        }
        let given = items.to_vec();
        let mut ordered = unordered.into_ordered(&entries);
        for item in items {
            *item = given[ordered.next(&entries).unwrap()];
        }
    }

    /// The text of a listing with these items, given in any order.
    pub(in crate::web::listing) fn render(
        path: &Path,
        mut items: Vec<ListingItem<'_>>,
        extent: Completeness,
        access: Access,
        form: ListingFormat,
    ) -> String {
        put_in_order(&mut items);
        let mut frame = Frame {
            path: path.clone(),
            levels_up: (0..=path.components().count()).rev().collect(),
            extent,
            reader: Audience::Anybody,
            access,
            rights: Rights::ALL,
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
            item(b"b.txt", ItemKind::File, 1),
            item(b"b-10.txt", ItemKind::File, 1),
            item(b"b-9.txt", ItemKind::File, 1),
            item(b"A.txt", ItemKind::File, 1),
            item(b"a.txt", ItemKind::File, 1),
            item(b"zoo", ItemKind::Directory, 1),
            item(b"Bar", ItemKind::Directory, 1),
        ];
        put_in_order(&mut items);
        let names: Vec<_> = items.iter().map(|item| item.name).collect();
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
    fn listing_is_written_as_json() {
        let path = Path::parse(b"/x%20y/%ff/").unwrap();
        let items = vec![
            item(b"\xffq\"", ItemKind::File, u64::MAX),
            item(b"javascript:x", ItemKind::Directory, 4096),
        ];
        let text = render(
            &path,
            items,
            Completeness::Truncated,
            Access::ReadOnly,
            ListingFormat::Json,
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
            Completeness::Complete,
            Access::ReadOnly,
            ListingFormat::Json,
        );
        let data: serde_json::Value = serde_json::from_str(&empty).unwrap();
        assert_eq!(
            (&data["entries"], &data["truncated"]),
            (&json!([]), &json!(false))
        );
    }
}
