//! The media type of a file (RFC 9110 §8.3): by its extension, or, if that is unknown, by a check for text.
//!
//! A known extension alone decides. Otherwise the first bytes decide between text and binary, by the WHATWG MIME
//! Sniffing standard (§7.2). A file with an unknown extension can never become a page or a script: its type is
//! `text/plain` or `application/octet-stream`, and `nosniff` keeps browsers from guessing. This module reads no file:
//! the caller passes the bytes.

mod compressible;
mod mapping;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

pub use self::compressible::is_compressible;
pub use self::mapping::{Mapping, MappingError};

/// The type of a file of unknown kind (RFC 9110 §8.3).
pub const UNKNOWN: &str = "application/octet-stream";

/// The number of first bytes that are checked for text.
pub const SNIFFED: usize = 512;

/// Text in UTF-8.
const PLAIN: &str = "text/plain; charset=utf-8";

/// Extensions shared by text and by formats that are not text or that no browser shows.
const TEXT_AS_A_RULE: [&str; 27] = [
    "asc", "bat", "csh", "dart", "fsx", "latex", "man", "me", "ms", "mts", "org", "php", "pl",
    "pm", "pub", "rnc", "roff", "sh", "sql", "srt", "t", "tcl", "tex", "texi", "texinfo", "tk",
    "ts",
];

/// The media type by a file's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Guess {
    /// This type.
    Known(Cow<'static, str>),
    /// Text if its first bytes are (see [`text`]), else this type.
    UnlessText(&'static str),
}

/// Media types by extension: the well-known ones, and those that the operator adds.
#[derive(Debug, Clone, Default)]
pub struct MediaTypes {
    /// By extension in lower case.
    added: HashMap<String, String>,
}

impl MediaTypes {
    /// Adds mappings, which take precedence over the well-known ones; of two for one extension, the later counts.
    #[must_use]
    pub fn with(mappings: Vec<Mapping>) -> Self {
        Self {
            added: mappings
                .into_iter()
                .map(|mapping| (mapping.extension, mapping.media_type))
                .collect(),
        }
    }

    /// The media type by the name of a file. For a precompressed sibling, the caller passes the plain file's name.
    #[must_use]
    pub fn guess(&self, file_name: &[u8]) -> Guess {
        let extension = Path::new(OsStr::from_bytes(file_name))
            .extension()
            .and_then(OsStr::to_str);
        let Some(extension) = extension else {
            return Guess::UnlessText(UNKNOWN);
        };
        if !self.added.is_empty()
            && let Some(added) = self.added.get(&extension.to_lowercase())
        {
            return Guess::Known(with_charset(Cow::Owned(added.clone())));
        }
        match mime_guess::from_ext(extension).first_raw() {
            None | Some(UNKNOWN) => Guess::UnlessText(UNKNOWN),
            Some(other) if is_text_as_a_rule(extension) => Guess::UnlessText(other),
            Some(known) => Guess::Known(known_type(known)),
        }
    }
}

fn is_text_as_a_rule(extension: &str) -> bool {
    TEXT_AS_A_RULE
        .iter()
        .any(|text| text.eq_ignore_ascii_case(extension))
}

/// The value of Content-Type for a media type that an extension stands for.
fn known_type(essence: &'static str) -> Cow<'static, str> {
    match essence {
        // A constant, since it is sent with every page.
        "text/html" => Cow::Borrowed("text/html; charset=utf-8"),
        "text/css" => Cow::Borrowed("text/css; charset=utf-8"),
        "text/javascript" => Cow::Borrowed("text/javascript; charset=utf-8"),
        "text/plain" => Cow::Borrowed(PLAIN),
        "text/x-vcard" => Cow::Borrowed("text/vcard; charset=utf-8"),
        // These are not registered (`text/x-rust`), and some browsers do not display unknown text types.
        source if source.starts_with("text/x-") => Cow::Borrowed(PLAIN),
        other => with_charset(Cow::Borrowed(other)),
    }
}

/// Text gets the charset UTF-8. XML does not, since a charset here would override the document's own declaration (RFC
/// 7303 §3).
fn with_charset(media_type: Cow<'static, str>) -> Cow<'static, str> {
    let is_text = media_type.starts_with("text/") && !media_type.starts_with("text/xml")
        || matches!(&*media_type, "application/javascript" | "application/json");
    if is_text && !media_type.contains(';') {
        Cow::Owned(format!("{media_type}; charset=utf-8"))
    } else {
        media_type
    }
}

/// The value of Content-Type for a file that starts with these bytes, up to [`SNIFFED`] of them, if it is text.
///
/// A file is text if it begins with a byte order mark or has no binary data byte (WHATWG MIME Sniffing §7.2). The
/// charset is stated only if the bytes are UTF-8.
#[must_use]
pub fn text(start: &[u8]) -> Option<&'static str> {
    let is_utf16 = start.starts_with(b"\xfe\xff") || start.starts_with(b"\xff\xfe");
    let is_text = is_utf16
        || start.starts_with(b"\xef\xbb\xbf")
        || !start.iter().any(|&byte| is_binary_data(byte));
    if !is_text {
        return None;
    }
    let is_utf8 = match str::from_utf8(start) {
        Ok(_) => true,
        // The limit may cut a character in two.
        Err(error) => error.error_len().is_none() && start.len() == SNIFFED,
    };
    Some(if is_utf8 { PLAIN } else { "text/plain" })
}

/// WHATWG MIME Sniffing §3, "binary data byte".
fn is_binary_data(byte: u8) -> bool {
    matches!(byte, 0x00..=0x08 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(name: &[u8]) -> Guess {
        MediaTypes::default().guess(name)
    }

    #[test]
    fn known_extensions_decide_alone() {
        let table: &[(&[u8], &str)] = &[
            (b"index.html", "text/html; charset=utf-8"),
            (b"INDEX.HTM", "text/html; charset=utf-8"),
            (b"page.css", "text/css; charset=utf-8"),
            (b"page.js", "text/javascript; charset=utf-8"),
            (b"module.mjs", "application/javascript; charset=utf-8"),
            (b"notes.txt", "text/plain; charset=utf-8"),
            (b"server.log", "text/plain; charset=utf-8"),
            (b"README.md", "text/markdown; charset=utf-8"),
            (b"main.rs", "text/plain; charset=utf-8"),
            (b"Cargo.toml", "text/plain; charset=utf-8"),
            (b"ci.yml", "text/plain; charset=utf-8"),
            (b"contact.vcf", "text/vcard; charset=utf-8"),
            (b"table.csv", "text/csv; charset=utf-8"),
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
        ];
        for (name, expected) in table {
            let expected = Guess::Known(Cow::Borrowed(expected));
            assert_eq!(guess(name), expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn other_names_leave_it_to_the_content() {
        let table: &[(&[u8], &str)] = &[
            (b"README", UNKNOWN),
            (b"LICENSE-2.0", UNKNOWN),
            (b"Makefile", UNKNOWN),
            (b"main.go", UNKNOWN),
            (b"Main.java", UNKNOWN),
            (b"rows.jsonl", UNKNOWN),
            (b"book.ipynb", UNKNOWN),
            (b"fix.diff", UNKNOWN),
            (b"firmware.bin", UNKNOWN),
            (b"install.sh", "application/x-sh"),
            (b"App.TS", "video/vnd.dlna.mpeg-tts"),
            (b"id_ed25519.pub", "application/x-mspublisher"),
            (b"a.\xff", UNKNOWN),
            (b"a.unheard-of", UNKNOWN),
            (b".html", UNKNOWN),
            (b"a.", UNKNOWN),
            (b"", UNKNOWN),
        ];
        for (name, otherwise) in table {
            let expected = Guess::UnlessText(otherwise);
            assert_eq!(guess(name), expected, "{}", name.escape_ascii());
        }
    }

    #[test]
    fn text_is_told_from_binary_data() {
        let plain = Some("text/plain; charset=utf-8");
        let other = Some("text/plain");
        let table: &[(&[u8], Option<&str>)] = &[
            (b"", plain),
            (b"all: build\n\tcargo build\r\n\x0c\x1b[1m", plain),
            ("gr\u{fc}n".as_bytes(), plain),
            (b"gr\xfcn", other),
            // A character that the end of the file cuts off is invalid.
            (b"caf\xc3", other),
            (b"\xef\xbb\xbfmark\x00", plain),
            (b"\xfe\xff\x00a", other),
            (b"\xff\xfea\x00", other),
            (b"<html><script>alert(1)</script>", plain),
            (b"\x7fELF\x02\x01", None),
            (b"\x89PNG\r\n\x1a\n", None),
            (b"PK\x03\x04", None),
            (b"text\x00", None),
        ];
        for (start, expected) in table {
            assert_eq!(text(start), *expected, "{}", start.escape_ascii());
        }
        for byte in 0..=0xff {
            let is_text = byte > 0x1f || b"\t\n\x0c\r\x1b".contains(&byte);
            assert_eq!(text(&[b'a', byte, b'b']).is_some(), is_text, "{byte}");
        }
        // A character that the limit cuts off may be valid.
        let mut start = vec![b'x'; SNIFFED - 1];
        start.push(0xc3);
        assert_eq!(text(&start), plain);
        start[SNIFFED - 2] = 0xc3;
        assert_eq!(text(&start), other);
    }

    #[test]
    fn added_types_come_first() {
        let added = |typed: &[&str]| {
            let mappings = typed.iter().map(|typed| typed.parse().unwrap());
            MediaTypes::with(mappings.collect())
        };
        let types = added(&[
            "md=text/plain",
            ".HTML=application/xhtml+xml",
            "x=text/plain;charset=iso-8859-1",
            "y=a/b",
            "y=text/xml",
            "ts=video/mp2t",
        ]);
        for (name, expected) in [
            ("README.md", "text/plain; charset=utf-8"),
            ("a.html", "application/xhtml+xml"),
            ("a.X", "text/plain;charset=iso-8859-1"),
            ("a.y", "text/xml"),
            ("film.ts", "video/mp2t"),
            ("page.css", "text/css; charset=utf-8"),
        ] {
            let expected = Guess::Known(Cow::Borrowed(expected));
            assert_eq!(types.guess(name.as_bytes()), expected, "{name}");
        }
        let unknown = Guess::UnlessText(UNKNOWN);
        assert_eq!(types.guess(b"md"), unknown);
    }
}
