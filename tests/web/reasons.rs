//! Reasons for refusals: one line on stderr with the peer, and a sentence in the body, except for 404.

use std::fs;

use crate::support::reasons::refused;
use crate::support::response::Response;
use crate::support::setup::Setup;
use crate::support::tree::{link, write};

#[test]
fn every_refusal_is_explained_once_on_stderr_and_in_the_body() {
    let site = Setup::web(&["--writable", "--max-body", "10"])
        .debug()
        .files(|root| {
            write(root, "a.txt", "text");
            write(root, "dir/b.txt", "text");
            link(root, "link", "a.txt");
        })
        .start();
    for (line, fields, status, reason) in [
        ("POST /a.txt", "", 405, "GET, HEAD, OPTIONS, PUT, DELETE"),
        ("TRACE /a.txt", "", 405, "GET, HEAD, OPTIONS, PUT, DELETE"),
        ("BREW /a.txt", "", 501, "not known"),
        ("GET /%zz", "", 400, "hexadecimal"),
        ("GET /a%00", "", 400, "NUL"),
        ("GET /a%2Fb", "", 400, "slash"),
        ("GET /..", "", 400, ".."),
        ("GET x", "", 400, "form of the target"),
        ("GET https://a/a.txt", "", 421, "TLS"),
        ("PUT /dir", "Content-Length: 1\r\n", 409, "directory"),
        (
            "PUT /a.txt/b",
            "Content-Length: 1\r\n",
            409,
            "not a directory",
        ),
        ("PUT /a.txt", "", 411, "Content-Length"),
        (
            "PUT /a.txt",
            "If-None-Match: *\r\nContent-Length: 1\r\n",
            412,
            "condition",
        ),
        ("GET /a.txt", "If-Match: \"x\"\r\n", 412, "condition"),
        ("DELETE /a.txt", "If-Match: \"x\"\r\n", 412, "condition"),
        ("PUT /a.txt", "Content-Length: 11\r\n", 413, "10 bytes"),
        (
            "PUT /a.txt",
            "Content-Encoding: gzip\r\n",
            415,
            "Content-Encoding",
        ),
        ("GET /a.txt", "Range: bytes=9-\r\n", 416, "4 bytes"),
        ("GET /a.txt", "Expect: x\r\n", 417, "100-continue"),
        ("PUT /link", "Content-Length: 1\r\n", 403, "regular file"),
        (
            "PUT /new.txt",
            "Content-Digest: x\r\nContent-Length: 1\r\n",
            400,
            "digests",
        ),
        (
            "PUT /new.txt",
            "Transfer-Encoding: x, chunked\r\n",
            501,
            "chunked",
        ),
        ("PUT /new.txt", "Content-Length: 5\r\n", 400, "stream ends"),
    ] {
        let input = format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
        let (response, said) = refused(&site, input.as_bytes());
        let response = Response::parse(&response);
        assert_eq!(response.status, status, "{input}");
        let [said] = said.as_slice() else {
            panic!("not once: {said:?}");
        };
        let start = format!("{line} HTTP/1.1: {status} ");
        let why = said
            .strip_prefix(&start)
            .unwrap_or_else(|| panic!("{said}"));
        let (_, why) = why.split_once(": ").unwrap();
        assert!(why.contains(reason), "{said}");
        // The sentence differs from the clause by its capital and its full stop.
        let body = response.text().replace("&lt;", "<");
        assert!(body.contains(&format!("{}.</p>", &why[1..])), "{body}");
    }
}

/// A 404 does not show whether a hidden file exists.
#[test]
fn every_404_has_the_same_body_and_its_reason_on_stderr_only() {
    let site = Setup::web(&["--writable"])
        .log("root/log.txt")
        .debug()
        .files(|root| {
            write(root, ".secret", "text");
            fs::create_dir(root.join("dir")).unwrap();
            link(root, "out", "/etc/passwd");
        })
        .start();
    let mut bodies = Vec::new();
    for (line, reason) in [
        ("GET /nothing", "no such file"),
        ("GET /.secret", "hidden"),
        ("GET /.httpserver-0123456789abcdef", "hidden or reserved"),
        ("GET /log.txt", "belongs to the server"),
        ("GET /out", "leads out of the root"),
        ("GET /dir/", "not listed"),
        ("GET /nothing/", "not listed"),
        ("DELETE /nothing", "no such file"),
        ("DELETE /.secret", "hidden"),
        ("DELETE /log.txt", "belongs to the server"),
    ] {
        let input = format!("{line} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
        let (response, said) = refused(&site, input.as_bytes());
        let response = Response::parse(&response);
        assert_eq!(response.status, 404, "{line}");
        assert!(said.len() == 1 && said[0].contains(reason), "{said:?}");
        // The links that lead back differ by the target's slashes, of which the client knows.
        let lines = response.text().lines();
        let without_links: Vec<&str> = lines.filter(|line| !line.contains("<a href")).collect();
        bodies.push(without_links.join("\n"));
    }
    bodies.dedup();
    let [body] = bodies.as_slice() else {
        panic!("not the same: {bodies:?}");
    };
    assert!(
        body.ends_with("<main>\n<p>There is nothing at this address.</p>\n</main>"),
        "{body}"
    );
}
