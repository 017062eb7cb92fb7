//! The media type of a file, by its name (RFC 9110 §8.3).
//!
//! The content is never looked at, and browsers are told not to look either (`nosniff`), so that what a file
//! is does not depend on what somebody stored in it.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// What a file of unknown kind is sent as (RFC 9110 §8.3).
pub const UNKNOWN: &str = "application/octet-stream";

/// The value of Content-Type for a file of this name; a precompressed sibling has the plain file's.
///
/// Text is said to be UTF-8, except XML, which names its own encoding: a charset here would overrule what the
/// document declares (RFC 7303 §3).
#[must_use]
pub fn of(file_name: &[u8]) -> Cow<'static, str> {
    let extension = Path::new(OsStr::from_bytes(file_name))
        .extension()
        .and_then(OsStr::to_str);
    let Some(essence) = extension.and_then(|extension| mime_guess::from_ext(extension).first_raw())
    else {
        return Cow::Borrowed(UNKNOWN);
    };
    match essence {
        // Sent with every page, so worth no allocation.
        "text/html" => Cow::Borrowed("text/html; charset=utf-8"),
        "text/css" => Cow::Borrowed("text/css; charset=utf-8"),
        "text/javascript" => Cow::Borrowed("text/javascript; charset=utf-8"),
        "text/plain" => Cow::Borrowed("text/plain; charset=utf-8"),
        "text/xml" => Cow::Borrowed("text/xml"),
        "application/javascript" | "application/json" => {
            Cow::Owned(format!("{essence}; charset=utf-8"))
        }
        text if text.starts_with("text/") => Cow::Owned(format!("{text}; charset=utf-8")),
        other => Cow::Borrowed(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_by_name() {
        let table: &[(&[u8], &str)] = &[
            (b"index.html", "text/html; charset=utf-8"),
            (b"INDEX.HTM", "text/html; charset=utf-8"),
            (b"page.css", "text/css; charset=utf-8"),
            (b"page.js", "text/javascript; charset=utf-8"),
            (b"module.mjs", "application/javascript; charset=utf-8"),
            (b"notes.txt", "text/plain; charset=utf-8"),
            (b"README.md", "text/markdown; charset=utf-8"),
            (b"data.json", "application/json; charset=utf-8"),
            (b"feed.xml", "text/xml"),
            (b"drawing.svg", "image/svg+xml"),
            (b"photo.jpeg", "image/jpeg"),
            (b"photo.webp", "image/webp"),
            (b"film.mp4", "video/mp4"),
            (b"program.wasm", "application/wasm"),
            (b"font.woff2", "font/woff2"),
            (b"paper.pdf", "application/pdf"),
            (b"archive.tar.gz", "application/gzip"),
            (b"\xff.txt", "text/plain; charset=utf-8"),
            (b"a.\xff", UNKNOWN),
            (b"a.unheard-of", UNKNOWN),
            (b"Makefile", UNKNOWN),
            (b".html", UNKNOWN),
            (b"a.", UNKNOWN),
            (b"", UNKNOWN),
        ];
        for (name, expected) in table {
            assert_eq!(of(name), *expected, "{}", String::from_utf8_lossy(name));
        }
    }
}
