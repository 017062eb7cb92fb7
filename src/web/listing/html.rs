//! The page of a listing: the part before the rows, a row, and the part after them.
//!
//! Everything but sorting and uploading works without the script. Rows are as short as possible, since there may be
//! thousands: optional end tags are omitted, and styles use an element's position instead of classes.

use std::fmt::{self, Write};

use super::assets::Assets;
use super::frame::{Audience, Completeness, Frame, display_path};
use super::item::{ItemKind, ListingItem, NameInLink, push_href};
use super::size::{human, push_human};
use crate::http::semantics::date;
use crate::users::{Right, Rights};
use crate::web::Access;
use crate::web::pages::document;
use crate::web::pages::escape::Escaped;

/// Writes the part before the rows.
pub(super) fn head(page: &mut String, frame: &Frame) -> fmt::Result {
    let title = format!("Index of {}", display_path(&frame.path));
    let title = Escaped::from(title.as_str());
    document::write_head(page, &title, Assets::of(frame.access).style)?;
    write_breadcrumb(page, frame)?;
    page.push_str("<main>\n");
    if frame.access == Access::Writable {
        write_upload(page, frame.rights)?;
    }
    page.push_str("<div id=\"listing\" tabindex=\"-1\">\n");
    write_summary(page, frame)?;
    if !frame.is_empty() {
        page.push_str(TABLE_HEAD);
    }
    Ok(())
}

const TABLE_HEAD: &str = "\
<table>
<thead><tr>\
<th scope=\"col\" class=\"name\" aria-sort=\"ascending\">Name</th>\
<th scope=\"col\" class=\"size\">Size</th>\
<th scope=\"col\" class=\"time\">Modified<span class=\"zone\"> (UTC)</span></th>\
</tr></thead>
<tbody>
";

/// Writes the part after the rows.
pub(super) fn tail(page: &mut String, frame: &Frame) -> fmt::Result {
    if !frame.is_empty() {
        page.push_str("</tbody>\n</table>\n");
    }
    let script = Assets::of(frame.access).script;
    write!(page, "</div>\n</main>\n<script>{script}</script>\n")
}

/// Writes one row: name, size, time. A directory's link ends with a slash.
pub(super) fn row(page: &mut String, item: &ListingItem<'_>) {
    page.push_str("<tr><th><a href=");
    // The link needs no quotes: it contains only unreserved characters, `%` and `/`.
    let name = push_href(page, item);
    page.push('>');
    match name {
        NameInLink::Unreserved(name) => page.push_str(name),
        NameInLink::Escaped => Escaped::from_bytes(item.name).push_to(page),
    }
    match item.kind {
        ItemKind::Directory => page.push_str("/</a><td>"),
        ItemKind::File => {
            page.push_str("</a><td><data value=");
            page.push_str(itoa::Buffer::new().format(item.size));
            page.push('>');
            push_human(page, item.size);
            page.push_str("</data>");
        }
    }
    page.push_str("<td>");
    date::push_utc(page, item.modified, " <span>");
    page.push_str("</span>\n");
}

/// Writes the section for uploads. It is hidden until the script shows it.
fn write_upload(page: &mut String, rights: Rights) -> fmt::Result {
    page.push_str("<section id=\"upload\" aria-label=\"Upload\" tabindex=\"-1\"");
    for right in [Right::Create, Right::Replace] {
        if rights.include(right) {
            write!(page, " data-{right}")?;
        }
    }
    page.push_str(" hidden>\n");
    page.push_str(UPLOAD);
    Ok(())
}

/// The contents of the section.
const UPLOAD: &str = "\
<p><button type=\"button\" id=\"choose\">Upload files</button> <span class=\"hint\">or drop them anywhere on this page</span></p>
<input type=\"file\" id=\"files\" aria-label=\"Files to upload\" multiple hidden>
<div id=\"progress\">
<p id=\"summary\" role=\"status\"></p>
<button type=\"button\" id=\"clear-failed\">Clear failed</button>
<button type=\"button\" id=\"clear-finished\">Clear finished</button>
</div>
<ul id=\"uploads\" aria-label=\"Uploads\"></ul>
<p id=\"stale\" class=\"note\" role=\"status\"></p>
</section>
<noscript><p class=\"note\">Without JavaScript this page cannot upload files. Use a PUT request instead, for example <code>curl -T FILE</code>.</p></noscript>
";

/// The most ancestors that are links, the root among them.
const MOST_ANCESTORS: usize = 32;

/// The most levels that a link climbs, more than a path in the file system can have. An address can have more because
/// of empty components.
const MOST_LEVELS: usize = 2_048;

/// The way up: each ancestor is a link, the directory itself the heading.
fn write_breadcrumb(page: &mut String, frame: &Frame) -> fmt::Result {
    let mut names = vec![Escaped::from("Files")];
    names.extend(frame.path.components().map(Escaped::from_bytes));
    page.push_str("<header>\n<nav aria-label=\"Breadcrumb\">\n<ol>\n");
    let depth = names.len() - 1;
    for (level, name) in names.iter().enumerate() {
        if level > 0 && depth - level >= MOST_ANCESTORS {
            // The total length of all links would grow with the square of their number.
            if level == 1 {
                page.push_str("<li>\u{2026}</li>\n");
            }
        } else if level == depth {
            writeln!(
                page,
                "<li><h1 aria-current=\"page\"><bdi>{name}</bdi></h1></li>"
            )?;
        } else {
            match frame.levels_up.get(level) {
                Some(&up) if up <= MOST_LEVELS => writeln!(
                    page,
                    "<li><a href=\"{}\"><bdi>{name}</bdi></a></li>",
                    "../".repeat(up)
                )?,
                _ => writeln!(page, "<li><bdi>{name}</bdi></li>")?,
            }
        }
    }
    page.push_str("</ol>\n</nav>\n");
    write_reader(page, frame)?;
    page.push_str("</header>\n");
    Ok(())
}

/// The user who is logged in, or the link to log in. The link leads to the root, since a browser sends credentials to
/// all paths below the one that asked for them (RFC 7617 §2.2).
fn write_reader(page: &mut String, frame: &Frame) -> fmt::Result {
    match &frame.reader {
        Audience::Anybody => Ok(()),
        Audience::Anonymous => {
            let up = match frame.levels_up.first() {
                Some(&up) if up <= MOST_LEVELS => up,
                _ => return Ok(()),
            };
            let root = "../".repeat(up);
            writeln!(
                page,
                "<p class=\"user\"><a href=\"./{root}?login\">Log in</a></p>"
            )
        }
        Audience::User(name) => {
            let name = Escaped::from(&**name);
            writeln!(page, "<p class=\"user\">Logged in as <bdi>{name}</bdi></p>")
        }
    }
}

fn write_summary(page: &mut String, frame: &Frame) -> fmt::Result {
    if frame.is_empty() {
        page.push_str("<p class=\"summary\">This directory is empty.</p>\n");
        return Ok(());
    }
    let &Frame {
        files,
        directories,
        bytes,
        ..
    } = frame;
    page.push_str("<p class=\"summary\">");
    if directories > 0 {
        write!(page, "{}", counted(directories, "directory", "directories"))?;
    }
    if files > 0 {
        let comma = if directories > 0 { ", " } else { "" };
        write!(
            page,
            "{comma}{}, {}",
            counted(files, "file", "files"),
            human(bytes)
        )?;
    }
    page.push_str("</p>\n");
    if frame.extent == Completeness::Truncated {
        writeln!(
            page,
            "<p class=\"note\">Only {} entries are shown. This directory has more.</p>",
            files + directories
        )?;
    }
    Ok(())
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::super::listing_format::ListingFormat;
    use super::super::writer::tests::render;
    use super::*;
    use crate::web::pages::document::tests::{assert_fits, body};
    use crate::web::path::Path;

    fn page(path: &[u8], names: &[&[u8]], extent: Completeness, access: Access) -> String {
        let path = Path::parse(path).unwrap();
        let items = names
            .iter()
            .map(|name| {
                let (name, kind) = match name.strip_suffix(b"/") {
                    Some(name) => (name, ItemKind::Directory),
                    None => (*name, ItemKind::File),
                };
                let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
                ListingItem {
                    name,
                    kind,
                    size: 1536,
                    modified,
                }
            })
            .collect();
        render(&path, items, extent, access, ListingFormat::Html)
    }

    #[test]
    fn each_kind_of_entry_has_its_row() {
        let page = page(
            b"/",
            &[b"a b.txt", b"sub/"],
            Completeness::Complete,
            Access::ReadOnly,
        );
        let time = "<td>1994-11-06 <span>08:49:37</span>\n";
        let directory = format!("<tr><th><a href=./sub/>sub/</a><td>{time}");
        let file = format!(
            "<tr><th><a href=./a%20b.txt>a b.txt</a><td><data value=1536>1.5 KiB</data>{time}"
        );
        assert!(
            page.contains(&format!("<tbody>\n{directory}{file}</tbody>")),
            "{page}"
        );
        assert!(
            page.contains("<p class=\"summary\">1 directory, 1 file, 1.5 KiB</p>"),
            "{page}"
        );
        assert!(page.contains("<title>Index of /</title>"), "{page}");
    }

    #[test]
    fn hostile_names_are_escaped() {
        let table: &[(&[u8], &str)] = &[
            (
                b"<script>alert(1)<",
                "href=./%3Cscript%3Ealert%281%29%3C>&lt;script&gt;alert(1)&lt;</a>",
            ),
            (
                b"\"><img src=x>",
                "href=./%22%3E%3Cimg%20src%3Dx%3E>&quot;&gt;&lt;img src=x&gt;</a>",
            ),
            (
                b"javascript:alert(1)",
                "href=./javascript%3Aalert%281%29>javascript:alert(1)</a>",
            ),
            (b"https:x", "href=./https%3Ax>https:x</a>"),
            (b"50%25?#", "href=./50%2525%3F%23>50%25?#</a>"),
            (b"a\nb", "href=./a%0Ab>a\u{240a}b</a>"),
            (b"\xff\xfe", "href=./%FF%FE>\u{fffd}\u{fffd}</a>"),
        ];
        for (name, expected) in table {
            let page = page(b"/", &[name], Completeness::Complete, Access::ReadOnly);
            assert!(page.contains(expected), "{expected} in {page}");
        }
    }

    #[test]
    fn links_lead_to_every_directory_above() {
        let page = page(
            b"/a%20b/%3Ci%3E/c/",
            &[],
            Completeness::Complete,
            Access::ReadOnly,
        );
        let expected = "<ol>\n\
            <li><a href=\"../../../\"><bdi>Files</bdi></a></li>\n\
            <li><a href=\"../../\"><bdi>a b</bdi></a></li>\n\
            <li><a href=\"../\"><bdi>&lt;i&gt;</bdi></a></li>\n\
            <li><h1 aria-current=\"page\"><bdi>c</bdi></h1></li>\n\
            </ol>";
        assert!(page.contains(expected), "{page}");
        assert!(
            page.contains("<title>Index of /a b/&lt;i&gt;/c/</title>"),
            "{page}"
        );
    }

    #[test]
    fn optional_parts_are_shown_only_where_they_apply() {
        struct Row {
            name: &'static str,
            page: String,
            present: &'static str,
            absent: &'static str,
        }
        let one: &[&[u8]] = &[b"a"];
        let table = [
            Row {
                name: "empty",
                page: page(b"/", &[], Completeness::Complete, Access::ReadOnly),
                present: "This directory is empty.",
                absent: "<table>",
            },
            Row {
                name: "one file",
                page: page(b"/", one, Completeness::Complete, Access::ReadOnly),
                present: "1 file, ",
                absent: "directory,",
            },
            Row {
                name: "all of them",
                page: page(b"/", one, Completeness::Complete, Access::ReadOnly),
                present: "<table>",
                absent: "are shown",
            },
            Row {
                name: "truncated",
                page: page(b"/", one, Completeness::Truncated, Access::ReadOnly),
                present: "Only 1 entries are shown. ",
                absent: "is empty",
            },
            Row {
                name: "read only",
                page: page(b"/", one, Completeness::Complete, Access::ReadOnly),
                present: "<table>",
                absent: "<section",
            },
            Row {
                name: "writable",
                page: page(b"/", one, Completeness::Complete, Access::Writable),
                present: "<section id=\"upload\"",
                absent: "is empty",
            },
        ];
        for row in table {
            let body = body(&row.page);
            assert!(
                body.contains(row.present) && !body.contains(row.absent),
                "{}: {body}",
                row.name
            );
        }
    }

    #[test]
    fn policy_fits_the_page() {
        let path = Path::parse(b"/").unwrap();
        for access in [Access::ReadOnly, Access::Writable] {
            let page = render(
                &path,
                Vec::new(),
                Completeness::Complete,
                access,
                ListingFormat::Html,
            );
            assert_fits(Assets::of(access).policy(), &page);
        }
    }

    #[test]
    fn row_costs_little_besides_its_name() {
        let names: Vec<String> = (0..2000)
            .map(|number| format!("file-{number:04}.txt"))
            .collect();
        let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let page = page(b"/", &names, Completeness::Complete, Access::ReadOnly);
        assert!(page.len() / names.len() < 130, "{}", page.len());
    }

    #[test]
    fn deep_directory_has_a_short_way_up() {
        for (depth, links) in [(1, 1), (32, 32), (33, 32), (2000, 32)] {
            let page = page(
                &b"/d".repeat(depth),
                &[],
                Completeness::Complete,
                Access::ReadOnly,
            );
            let body = body(&page);
            assert_eq!(body.matches("<a href").count(), links, "{depth}");
            assert_eq!(body.contains('\u{2026}'), depth > 32, "{depth}");
            let root = format!("<a href=\"{}\"><bdi>Files", "../".repeat(depth));
            assert!(body.contains(&root), "{depth}");
            assert!(body.len() < 10_000, "{depth}");
        }
    }

    proptest! {
        /// No name adds an element, an attribute or a scheme to the page.
        #[test]
        fn a_name_is_only_ever_a_name(name in prop::collection::vec(1_u8.., 1..30)) {
            let name: Vec<u8> = name.into_iter().filter(|&byte| byte != b'/').collect();
            prop_assume!(!name.is_empty());
            let plain = page(b"/", &[b"x"], Completeness::Complete, Access::ReadOnly);
            let page = page(b"/", &[&name], Completeness::Complete, Access::ReadOnly);
            for mark in ['<', '>', '"'] {
                prop_assert_eq!(page.matches(mark).count(), plain.matches(mark).count());
            }
            // The link has no quotes, so it must not contain a byte that ends it, or one that ends a scheme.
            let (_, link) = page.split_once("<tr><th><a href=").unwrap();
            let (link, _) = link.split_once('>').unwrap();
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte);
            prop_assert!(link.bytes().all(is_plain), "{}", link);
        }
    }
}
