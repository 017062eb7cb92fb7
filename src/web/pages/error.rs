//! The page of an error status, for browsers.
//!
//! It looks like a listing, states the reason, and links back to the files. No text of the request appears on it: a
//! reason contains at most numbers and digests from the client, and only the number of slashes in the target is used.

use std::fmt::{self, Write};
use std::sync::LazyLock;

use super::document;
use super::escape::Escaped;
use crate::http::StatusCode;
use crate::web::path::levels_up;

const STYLE: &str = concat!(include_str!("../../page.css"), include_str!("style.css"));

/// The most levels that a relative link to the root climbs; deeper down, the link is absolute.
const MOST_LEVELS: usize = 64;

/// The value of Content-Security-Policy for the page.
pub(crate) fn content_security_policy() -> &'static str {
    static POLICY: LazyLock<String> =
        LazyLock::new(|| document::content_security_policy(STYLE, None));
    &POLICY
}

/// The targets of an error page's links.
///
/// The links are relative, as in a listing, so they also work if a proxy serves the tree below a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WayBack {
    /// No links: the page does not belong to a path, or the root itself fails.
    Nowhere,
    /// Links to the root, which is this many levels above, and to the parent of the path.
    Up {
        /// The number of `../` from the path to the root.
        to_root: usize,
        /// The number of `../` from the path to its parent directory.
        to_parent: usize,
    },
}

impl WayBack {
    /// The links for a target's path as it was sent, since a browser resolves links against that.
    pub(crate) fn from_path(raw: &[u8]) -> Self {
        if !raw.starts_with(b"/") {
            return Self::Nowhere;
        }
        let levels = levels_up(raw);
        // The last level of a path with a slash at its end is the path itself.
        let parent = levels.iter().nth_back(usize::from(raw.ends_with(b"/")));
        match (levels.first(), parent) {
            (Some(&to_root), Some(&to_parent)) => Self::Up { to_root, to_parent },
            _ => Self::Nowhere,
        }
    }
}

/// The page for a status, with the reason in words, a clause.
pub(crate) fn render(status: StatusCode, reason: &str, way_back: WayBack) -> String {
    let mut page = String::with_capacity(STYLE.len() + 1024);
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, status, reason, way_back);
    page
}

fn write_page(
    page: &mut String,
    status: StatusCode,
    reason: &str,
    way_back: WayBack,
) -> fmt::Result {
    let heading = status.to_string();
    let heading = Escaped::from(heading.as_str());
    document::write_head(page, &heading, STYLE)?;
    page.push_str("<header>\n<nav aria-label=\"Breadcrumb\">\n<ol>\n");
    if let WayBack::Up { to_root, to_parent } = way_back {
        let link = |levels: usize| match levels {
            0 => "./".to_owned(),
            1..=MOST_LEVELS => "../".repeat(levels),
            _ => "/".to_owned(),
        };
        writeln!(page, "<li><a href=\"{}\">Files</a></li>", link(to_root))?;
        if to_parent != to_root {
            let parent = link(to_parent);
            writeln!(page, "<li><a href=\"{parent}\">Parent directory</a></li>")?;
        }
    }
    writeln!(
        page,
        "<li><h1>{heading}</h1></li>\n</ol>\n</nav>\n</header>"
    )?;
    let sentence = sentence(reason);
    writeln!(
        page,
        "<main>\n<p>{}</p>\n</main>",
        Escaped::from(&*sentence)
    )
}

/// A clause with a capital and a full stop.
fn sentence(clause: &str) -> String {
    let mut characters = clause.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).chain(['.']).collect()
}

#[cfg(test)]
mod tests {
    use super::super::document::tests::{assert_fits, body};
    use super::*;

    #[test]
    fn page_names_the_status() {
        for status in StatusCode::ALL.iter().filter(|status| status.code() >= 400) {
            let page = render(*status, "of this", WayBack::Nowhere);
            let heading = status.to_string();
            assert!(page.starts_with("<!doctype html>\n"));
            assert!(
                page.contains(&format!("<title>{heading}</title>")),
                "{page}"
            );
            assert!(page.contains(&format!("<h1>{heading}</h1>")), "{page}");
            assert_fits(content_security_policy(), &page);
        }
    }

    #[test]
    fn page_says_why_in_a_sentence() {
        for (reason, expected) in [
            (
                "the length is not stated",
                "<p>The length is not stated.</p>",
            ),
            ("HTTP/1.0 has no <x>", "<p>HTTP/1.0 has no &lt;x&gt;.</p>"),
        ] {
            let page = render(StatusCode::LengthRequired, reason, WayBack::Nowhere);
            assert!(
                page.contains(&format!("<main>\n{expected}\n</main>")),
                "{page}"
            );
        }
    }

    #[test]
    fn links_lead_to_the_root_and_to_the_parent() {
        let deep = "/d".repeat(MOST_LEVELS + 1);
        let deeper = "/d".repeat(MOST_LEVELS + 2);
        let to_top = "../".repeat(MOST_LEVELS);
        let table: &[(&str, &[&str])] = &[
            ("/", &[]),
            ("*", &[]),
            ("", &[]),
            ("/a", &["./"]),
            ("/a/", &["../"]),
            ("/a/b", &["../", "./"]),
            ("/a/b/", &["../../", "../"]),
            ("/a/b/c%2Fd", &["../../", "./"]),
            ("/a//b", &["../../", "../"]),
            ("/a//", &["../../"]),
            ("/a/./b", &["../", "./"]),
            ("//", &[]),
            (&deep, &[&to_top, "./"]),
            (&deeper, &["/", "./"]),
            ("/\"><script>alert(1)</script>", &["../", "./"]),
        ];
        for (path, expected) in table {
            let page = render(
                StatusCode::NotFound,
                "of this",
                WayBack::from_path(path.as_bytes()),
            );
            let links: Vec<&str> = body(&page)
                .split("<a href=\"")
                .skip(1)
                .filter_map(|rest| rest.split_once('"').map(|(link, _)| link))
                .collect();
            assert_eq!(links, *expected, "{path}");
            assert!(!page.contains("script"), "{path}");
        }
    }
}
