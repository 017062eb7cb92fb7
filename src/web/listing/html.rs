//! The page of a listing.
//!
//! Everything but sorting and uploading works without the script. The page carries its style and script, so
//! that it needs no second request and no path of its own among the files.

use std::fmt::{self, Write};

use super::{Extent, Item, Kind, Listing, SCRIPT, STYLE, display_path, href};
use crate::http::semantics::date;
use crate::web::Access;
use crate::web::pages::escape::Escaped;

/// Room for the markup of one row, so that a long listing is not copied as it grows.
const ROW: usize = 320;

/// Renders the page.
pub(super) fn render(listing: &Listing<'_>) -> String {
    let mut page =
        String::with_capacity(STYLE.len() + SCRIPT.len() + 2048 + ROW * listing.items.len());
    // Writing into a string cannot fail, so there is no error to hand on.
    let _ = write_page(&mut page, listing);
    page
}

fn write_page(page: &mut String, listing: &Listing<'_>) -> fmt::Result {
    let path = display_path(listing.path);
    write!(
        page,
        "<!doctype html>\n\
         <html lang=\"en\">\n\
         <meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Index of {}</title>\n\
         <link rel=\"icon\" href=\"data:,\">\n\
         <style>{STYLE}</style>\n",
        Escaped::from(path.as_str())
    )?;
    write_breadcrumb(page, listing)?;
    page.push_str("<main>\n");
    if listing.access == Access::Writable {
        page.push_str(UPLOAD);
    }
    page.push_str("<div id=\"listing\">\n");
    write_summary(page, listing)?;
    if !listing.items.is_empty() {
        write_table(page, &listing.items)?;
    }
    write!(page, "</div>\n</main>\n<script>{SCRIPT}</script>\n")
}

/// What the script needs for uploads; it shows the section, which is of no use without it.
const UPLOAD: &str = "\
<section id=\"upload\" aria-label=\"Upload\" hidden>
<p><button type=\"button\" id=\"choose\">Upload files</button> <span class=\"hint\">or drop them anywhere on this page</span></p>
<input type=\"file\" id=\"files\" aria-label=\"Files to upload\" multiple hidden>
<p id=\"progress\" role=\"status\"></p>
<ul id=\"uploads\"></ul>
</section>
<noscript><p class=\"note\">Without JavaScript this page cannot upload files. A PUT request can, for instance that of <code>curl -T FILE</code>.</p></noscript>
";

/// The way up: each ancestor is a link, the directory itself the heading.
fn write_breadcrumb(page: &mut String, listing: &Listing<'_>) -> fmt::Result {
    let mut names = vec![Escaped::from("Files")];
    names.extend(listing.path.components().map(Escaped::from_bytes));
    page.push_str("<header>\n<nav aria-label=\"Breadcrumb\">\n<ol>\n");
    let depth = names.len() - 1;
    for (level, name) in names.iter().enumerate() {
        if level == depth {
            writeln!(
                page,
                "<li><h1 aria-current=\"page\"><bdi>{name}</bdi></h1></li>"
            )?;
        } else {
            writeln!(
                page,
                "<li><a href=\"{}\"><bdi>{name}</bdi></a></li>",
                "../".repeat(depth - level)
            )?;
        }
    }
    page.push_str("</ol>\n</nav>\n</header>\n");
    Ok(())
}

fn write_summary(page: &mut String, listing: &Listing<'_>) -> fmt::Result {
    let items = &listing.items;
    if items.is_empty() {
        page.push_str("<p class=\"summary\">This directory is empty.</p>\n");
        return Ok(());
    }
    let files = items.iter().filter(|item| item.kind == Kind::File);
    let bytes = files
        .clone()
        .fold(0_u64, |sum, item| sum.saturating_add(item.size));
    let files = files.count();
    let directories = items.len() - files;
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
            human_size(bytes)
        )?;
    }
    page.push_str("</p>\n");
    if listing.extent == Extent::Truncated {
        writeln!(
            page,
            "<p class=\"note\">This directory has more entries than are shown here: these are {} of them.</p>",
            items.len()
        )?;
    }
    Ok(())
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

fn write_table(page: &mut String, items: &[Item]) -> fmt::Result {
    page.push_str(
        "<table>\n<thead><tr>\
         <th scope=\"col\" class=\"name\" aria-sort=\"ascending\">Name</th>\
         <th scope=\"col\" class=\"size\">Size</th>\
         <th scope=\"col\" class=\"time\">Modified<span class=\"zone\"> (UTC)</span></th>\
         </tr></thead>\n<tbody>\n",
    );
    for item in items {
        write_row(page, item)?;
    }
    page.push_str("</tbody>\n</table>\n");
    Ok(())
}

fn write_row(page: &mut String, item: &Item) -> fmt::Result {
    let name = Escaped::from_bytes(&item.name);
    let (class, slash) = match item.kind {
        Kind::Directory => ("directory", "/"),
        Kind::File => ("file", ""),
    };
    write!(
        page,
        "<tr><th scope=\"row\" class=\"name\"><a class=\"{class}\" href=\"{}\"><bdi>{name}</bdi>{slash}</a></th>",
        href(item)
    )?;
    match item.kind {
        Kind::Directory => page.push_str("<td class=\"size\"></td>"),
        Kind::File => write!(
            page,
            "<td class=\"size\"><data value=\"{0}\" title=\"{0} bytes\">{1}</data></td>",
            item.size,
            human_size(item.size)
        )?,
    }
    let time = date::rfc3339(item.modified);
    let (day, clock) = (&time[..10], &time[11..16]);
    writeln!(
        page,
        "<td class=\"time\"><time datetime=\"{time}\">{day} <span class=\"clock\">{clock}</span></time></td></tr>"
    )
}

/// A size as people read it, in powers of 1024 with two or three digits that matter.
fn human_size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut unit = 1024_u128;
    for name in UNITS {
        // Rounded to tenths; what rounds up to 1024 is one of the next unit.
        let tenths = (u128::from(bytes) * 10 + unit / 2) / unit;
        if tenths < 100 {
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(bytes) + unit / 2) / unit;
        if whole < 1024 {
            return format!("{whole} {name}");
        }
        unit *= 1024;
    }
    // 2^64 bytes are 16 EiB, so a unit has been found.
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;
    use crate::web::path::Path;

    fn page(path: &[u8], names: &[&[u8]], extent: Extent, access: Access) -> String {
        let path = Path::parse(path).unwrap();
        let items = names
            .iter()
            .map(|name| {
                let (name, kind) = match name.strip_suffix(b"/") {
                    Some(name) => (name, Kind::Directory),
                    None => (*name, Kind::File),
                };
                let modified = UNIX_EPOCH + Duration::from_secs(784_111_777);
                Item {
                    name: name.to_vec(),
                    kind,
                    size: 1536,
                    modified,
                }
            })
            .collect();
        render(&Listing::new(&path, items, extent, access))
    }

    #[test]
    fn rows() {
        let page = page(
            b"/",
            &[b"a b.txt", b"sub/"],
            Extent::Complete,
            Access::ReadOnly,
        );
        let time = "<td class=\"time\"><time datetime=\"1994-11-06T08:49:37Z\">1994-11-06 <span class=\"clock\">08:49</span></time></td></tr>\n";
        let directory = format!(
            "<tr><th scope=\"row\" class=\"name\"><a class=\"directory\" href=\"./sub/\"><bdi>sub</bdi>/</a></th><td class=\"size\"></td>{time}"
        );
        let file = format!(
            "<tr><th scope=\"row\" class=\"name\"><a class=\"file\" href=\"./a%20b.txt\"><bdi>a b.txt</bdi></a></th><td class=\"size\"><data value=\"1536\" title=\"1536 bytes\">1.5 KiB</data></td>{time}"
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
    fn hostile_names() {
        let table: &[(&[u8], &str)] = &[
            (
                b"<script>alert(1)<",
                "href=\"./%3Cscript%3Ealert%281%29%3C\"><bdi>&lt;script&gt;alert(1)&lt;</bdi>",
            ),
            (
                b"\"><img src=x>",
                "href=\"./%22%3E%3Cimg%20src%3Dx%3E\"><bdi>&quot;&gt;&lt;img src=x&gt;</bdi>",
            ),
            (
                b"javascript:alert(1)",
                "href=\"./javascript%3Aalert%281%29\"><bdi>javascript:alert(1)</bdi>",
            ),
            (b"https:x", "href=\"./https%3Ax\"><bdi>https:x</bdi>"),
            (b"50%25?#", "href=\"./50%2525%3F%23\"><bdi>50%25?#</bdi>"),
            (b"a\nb", "href=\"./a%0Ab\"><bdi>a\u{240a}b</bdi>"),
            (b"\xff\xfe", "href=\"./%FF%FE\"><bdi>\u{fffd}\u{fffd}</bdi>"),
        ];
        for (name, expected) in table {
            let page = page(b"/", &[name], Extent::Complete, Access::ReadOnly);
            assert!(page.contains(expected), "{expected} in {page}");
        }
    }

    #[test]
    fn the_way_up() {
        let page = page(
            b"/a%20b/%3Ci%3E/c/",
            &[],
            Extent::Complete,
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
    fn what_is_there_only_sometimes() {
        let one: &[&[u8]] = &[b"a"];
        let table = [
            (
                "empty",
                page(b"/", &[], Extent::Complete, Access::ReadOnly),
                "This directory is empty.",
                "<table>",
            ),
            (
                "one file",
                page(b"/", one, Extent::Complete, Access::ReadOnly),
                "1 file, ",
                "directory,",
            ),
            (
                "all of them",
                page(b"/", one, Extent::Complete, Access::ReadOnly),
                "<table>",
                "more entries",
            ),
            (
                "truncated",
                page(b"/", one, Extent::Truncated, Access::ReadOnly),
                "these are 1 of them",
                "is empty",
            ),
            (
                "read only",
                page(b"/", one, Extent::Complete, Access::ReadOnly),
                "<table>",
                "<section",
            ),
            (
                "writable",
                page(b"/", one, Extent::Complete, Access::Writable),
                "<section id=\"upload\"",
                "is empty",
            ),
        ];
        for (name, page, present, absent) in table {
            // The style and the script speak of everything.
            let body = page
                .split("</style>")
                .nth(1)
                .and_then(|rest| rest.split("<script>").next())
                .unwrap();
            assert!(
                body.contains(present) && !body.contains(absent),
                "{name}: {body}"
            );
        }
    }

    #[test]
    fn sizes() {
        let table = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            (10_188, "9.9 KiB"),
            (10_189, "10 KiB"),
            (1_048_063, "1023 KiB"),
            (1_048_064, "1.0 MiB"),
            (1 << 40, "1.0 TiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (bytes, expected) in table {
            assert_eq!(human_size(bytes), expected, "{bytes}");
        }
    }

    proptest! {
        /// No name adds an element, an attribute or a scheme to the page.
        #[test]
        fn a_name_is_only_ever_a_name(name in prop::collection::vec(1_u8.., 1..30)) {
            let name: Vec<u8> = name.into_iter().filter(|&byte| byte != b'/').collect();
            prop_assume!(!name.is_empty());
            let plain = page(b"/", &[b"x"], Extent::Complete, Access::ReadOnly);
            let page = page(b"/", &[&name], Extent::Complete, Access::ReadOnly);
            for mark in ['<', '>', '"'] {
                prop_assert_eq!(page.matches(mark).count(), plain.matches(mark).count());
            }
        }
    }
}
