//! Content-Type: by extension, by the first bytes if the extension is unknown, and by `--mime`.

use std::path::Path;

use crate::support::home::Home;
use crate::support::process::run;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;

const PLAIN: &str = "text/plain; charset=utf-8";
const BINARY: &str = "application/octet-stream";

/// Longer than what is sent from memory.
fn long(start: &[u8]) -> Vec<u8> {
    let mut content = start.to_vec();
    content.resize(40_000, b'\n');
    content
}

fn site(options: &[&str]) -> Server {
    Setup::web(options)
        .files(|root: &Path| {
            for (name, content) in [
                ("README", &b"Read me.\n"[..]),
                ("LICENSE", b""),
                ("Makefile", b"all:\n\ttrue\n"),
                ("main.go", b"package main\n"),
                ("main.rs", b"fn main() {}\n"),
                ("Cargo.toml", b"[package]\n"),
                ("rows.jsonl", b"{}\n{}\n"),
                ("book.ipynb", b"{\"cells\": []}\n"),
                ("fix.diff", b"--- a\n+++ b\n"),
                ("server.log", b"started\n"),
                ("app.ts", b"export const one = 1;\n"),
                ("latin", b"caf\xe9\n"),
                ("page", b"<script>alert(1)</script>"),
                ("program", b"\x7fELF\x02\x01\x01\0"),
                ("film.ts", b"\x47\x40\x11\x10\0"),
                ("notes.md", b"# Notes\n"),
                ("text.bin", b"only text\n"),
            ] {
                write(root, name, content);
            }
            write(root, "long-text", long(b"text"));
            write(root, "long-latin", long(b"caf\xe9"));
            write(root, "long-binary", long(b"\0\x01\x02\x03"));
            // A character is split by the limit of the checked bytes.
            let mut content = vec![b'x'; 511];
            content.extend_from_slice("\u{e9}".as_bytes());
            write(root, "long-split", long(&content));
            // Binary bytes after the limit do not count.
            let mut content = vec![b'x'; 512];
            content.push(0);
            write(root, "long-late", long(&content));
        })
        .start()
}

fn media_type(response: &Response) -> &str {
    response.field("Content-Type").unwrap_or("none")
}

#[test]
fn text_files_are_sent_as_text() {
    let site = site(&[]);
    for (name, expected) in [
        ("README", PLAIN),
        ("LICENSE", PLAIN),
        ("Makefile", PLAIN),
        ("main.go", PLAIN),
        ("main.rs", PLAIN),
        ("Cargo.toml", PLAIN),
        ("rows.jsonl", PLAIN),
        ("book.ipynb", PLAIN),
        ("fix.diff", PLAIN),
        ("server.log", PLAIN),
        ("app.ts", PLAIN),
        ("latin", "text/plain"),
        ("page", PLAIN),
        ("program", BINARY),
        ("film.ts", "video/vnd.dlna.mpeg-tts"),
        ("notes.md", "text/markdown; charset=utf-8"),
        ("text.bin", PLAIN),
        ("long-text", PLAIN),
        ("long-latin", "text/plain"),
        ("long-binary", BINARY),
        ("long-split", PLAIN),
        ("long-late", PLAIN),
    ] {
        let response = site.get(&format!("/{name}"));
        assert_eq!(
            (response.status, media_type(&response)),
            (200, expected),
            "{name}"
        );
    }
}

/// RFC 9110 §9.3.2, §15.3.7, §15.4.5
#[test]
fn every_response_for_a_file_has_the_same_type() {
    let site = site(&[]);
    for (name, expected) in [
        ("latin", "text/plain"),
        ("program", BINARY),
        ("long-text", PLAIN),
        ("long-binary", BINARY),
    ] {
        let target = format!("/{name}");
        let get = site.get(&target);
        assert_eq!(media_type(&get), expected, "{name}");
        let head = site.ask(&format!("HEAD {target}"), "", b"");
        assert_eq!(media_type(&head), expected, "{name}");
        // The bytes of a part would say something else.
        let part = site.ask(&format!("GET {target}"), "Range: bytes=4-4\r\n", b"");
        assert_eq!((part.status, media_type(&part)), (206, expected), "{name}");
        let parts = site.ask(&format!("GET {target}"), "Range: bytes=0-0,4-4\r\n", b"");
        let line = format!("\r\nContent-Type: {expected}\r\n");
        let body = String::from_utf8_lossy(&parts.body);
        assert_eq!(body.matches(&line).count(), 2, "{name}: {body}");
        let fields = format!("If-None-Match: {}\r\n", get.field("ETag").unwrap());
        let unchanged = site.ask(&format!("GET {target}"), &fields, b"");
        assert_eq!((unchanged.status, media_type(&unchanged)), (304, "none"));
    }
    let gzip = [0x1f, 0x8b, 8, 0];
    write(&site.root(), "README.gz", gzip);
    write(&site.root(), "long-latin.gz", gzip);
    for (name, expected) in [("README", PLAIN), ("long-latin", "text/plain")] {
        let target = format!("GET /{name}");
        let coded = site.ask(&target, "Accept-Encoding: gzip\r\n", b"");
        assert_eq!(coded.field("Content-Encoding"), Some("gzip"), "{name}");
        assert_eq!(media_type(&coded), expected, "{name}");
    }
    assert_eq!(media_type(&site.get("/README.gz")), "application/gzip");
}

#[test]
fn types_are_added_and_replaced() {
    let site = site(&[
        "--mime",
        "md=text/plain",
        "--mime",
        ".GO=text/x-go;charset=us-ascii",
        "--mime",
        "bin=application/x-firmware",
        "--spa",
        "notes.md",
    ]);
    for (name, expected) in [
        ("notes.md", PLAIN),
        ("main.go", "text/x-go;charset=us-ascii"),
        ("text.bin", "application/x-firmware"),
        ("README", PLAIN),
        ("not/there", PLAIN),
    ] {
        let response = site.get(&format!("/{name}"));
        assert_eq!(
            (response.status, media_type(&response)),
            (200, expected),
            "{name}"
        );
    }
}

#[test]
fn a_wrong_mapping_stops_the_start() {
    for (mapping, reason) in [
        ("log", "it must be of the form 'EXT=TYPE'"),
        ("tar.gz=a/b", "'tar.gz' is not an extension"),
        ("log=plain", "'plain' is not a media type"),
    ] {
        let output = run(
            &Home::new(),
            &["--web", "--mime", mapping, "127.0.0.1", "0"],
        );
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{mapping}");
        assert!(
            errors.contains(mapping) && errors.contains(reason),
            "{errors}"
        );
        assert_eq!(output.stdout, b"", "{mapping}");
    }
}
