//! `--compress`: text is sent with gzip.
//!
//! A file that has just changed is sent uncompressed, so each test waits until it is compressed.

use std::fs;
use std::io::Read;

use flate2::read::GzDecoder;

use crate::support::bytes::noise;
use crate::support::curl::curl;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, write};
use crate::support::wait::eventually;

const GZIP: &str = "Accept-Encoding: gzip\r\n";

/// A text of this many bytes.
fn text(length: usize) -> Vec<u8> {
    let line = b"a line of a text as people write it; it has little that is new\n";
    line.iter().copied().cycle().take(length).collect()
}

fn ask(site: &Server, target: &str, fields: &str) -> Response {
    site.ask(&format!("GET {target}"), &format!("{GZIP}{fields}"), b"")
}

fn is_compressed(response: &Response) -> bool {
    response.field("Content-Encoding") == Some("gzip")
}

fn decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut decoded).unwrap();
    decoded
}

/// The decoded content of a response.
fn content_of(response: &Response) -> Vec<u8> {
    if is_compressed(response) {
        decoded(&response.body)
    } else {
        response.body.clone()
    }
}

/// The response once the text at `target` is compressed.
#[track_caller]
fn compressed(site: &Server, target: &str) -> Response {
    let mut response = ask(site, target, "");
    eventually("the text is compressed", || {
        response = ask(site, target, "");
        is_compressed(&response)
    });
    response
}

#[test]
fn text_is_compressed_for_clients_that_accept_it() {
    let site = Setup::web(&["--compress"])
        .files(|root| {
            for (name, content) in [
                ("page.html", text(5_000)),
                ("least.txt", text(1_024)),
                ("short.txt", text(1_023)),
                ("long.json", text(300_000)),
                ("too-long.txt", text(4 * 1024 * 1024 + 1)),
                ("README", text(5_000)),
                ("image.png", text(5_000)),
                ("noise.txt", noise(1, 5_000)),
                ("sibling.css", text(5_000)),
                ("sibling.css.br", text(10)),
                ("packed.svgz", [b"\x1f\x8b", &text(5_000)[..]].concat()),
            ] {
                write(root, name, content);
                date(root, name, 1_000_000_000);
            }
        })
        .start();
    // This file is the newest: when it is compressed, all others are old enough, too.
    site.place("last.txt", &text(2_000));
    compressed(&site, "/last.txt");
    for (target, expected) in [
        ("/page.html", true),
        ("/least.txt", true),
        ("/short.txt", false),
        ("/long.json", true),
        ("/too-long.txt", false),
        ("/README", true),
        ("/image.png", false),
        ("/noise.txt", false),
        ("/sibling.css", true),
    ] {
        let plain = site.get(target);
        assert_eq!(plain.field("Content-Encoding"), None, "{target}");
        assert!(plain.body == site.content(&target[1..]), "{target}");
        // The second comes from memory.
        for round in 0..2 {
            let response = ask(&site, target, "");
            assert_eq!(is_compressed(&response), expected, "{target} {round}");
            assert_eq!(response.field("Vary"), Some("Accept-Encoding"), "{target}");
            for same in ["Content-Type", "Last-Modified", "Accept-Ranges"] {
                assert_eq!(response.field(same), plain.field(same), "{target}");
            }
            if expected {
                assert!(response.body.len() < plain.body.len() / 2, "{target}");
                assert!(decoded(&response.body) == plain.body, "{target}");
                assert_ne!(response.field("ETag"), plain.field("ETag"), "{target}");
            } else {
                assert!(response.body == plain.body, "{target}");
            }
        }
    }
    for (accepted, coding) in [
        ("br", Some("br")),
        ("gzip, br", Some("br")),
        ("gzip;q=0.5, identity", None),
        ("gzip;q=0", None),
        ("x-gzip", Some("gzip")),
        ("*", Some("br")),
    ] {
        let field = format!("Accept-Encoding: {accepted}\r\n");
        let response = site.ask("GET /sibling.css", &field, b"");
        assert_eq!(response.field("Content-Encoding"), coding, "{accepted}");
    }
    let packed = ask(&site, "/packed.svgz", "");
    assert_eq!(packed.body[..2], *b"\x1f\x8b");
    let sent = curl(&site, &["--compressed", "--raw"], "page.html");
    assert!(is_compressed(&Response::parse(&sent)));
    let unpacked = curl(&site, &["--compressed"], "page.html");
    assert!(Response::parse(&unpacked).body == text(5_000));
}

#[test]
fn compressed_text_has_conditions_and_ranges_of_its_own() {
    let site = Setup::web(&["--compress"])
        .files(|root| write(root, "a.txt", text(150_000)))
        .start();
    let whole = compressed(&site, "/a.txt");
    let plain = site.get("/a.txt");
    let tag = whole.field("ETag").unwrap().to_owned();
    assert!(tag.starts_with('"') && tag != plain.field("ETag").unwrap());
    let head = site.ask("HEAD /a.txt", GZIP, b"");
    assert_eq!(head.names(), whole.names());
    for name in ["Content-Length", "Content-Encoding", "ETag"] {
        assert_eq!(head.field(name), whole.field(name), "{name}");
    }
    let if_none_match = format!("If-None-Match: {tag}\r\n");
    assert_eq!(ask(&site, "/a.txt", &if_none_match).status, 304);
    assert_eq!(site.ask("GET /a.txt", &if_none_match, b"").status, 200);
    let if_match = format!("If-Match: {tag}\r\n");
    assert_eq!(ask(&site, "/a.txt", &if_match).status, 200);
    // RFC 9110 §14.2: a range selects bytes of the file itself, unless If-Range names the compressed text.
    let range = "Range: bytes=5-104\r\n";
    let part = ask(&site, "/a.txt", range);
    assert_eq!((part.status, is_compressed(&part)), (206, false));
    assert!(part.body == text(150_000)[5..105]);
    let part = ask(&site, "/a.txt", &format!("{range}If-Range: {tag}\r\n"));
    assert_eq!((part.status, is_compressed(&part)), (206, true));
    assert!(part.body == whole.body[5..105]);
    let length = whole.body.len();
    let expected = format!("bytes 5-104/{length}");
    assert_eq!(part.field("Content-Range"), Some(expected.as_str()));
    let parts = format!("Range: bytes=0-9,20-29\r\nIf-Range: {tag}\r\n");
    let parts = ask(&site, "/a.txt", &parts);
    let is_in = |part: &[u8]| parts.body.windows(part.len()).any(|window| window == part);
    assert!(parts.status == 206 && is_in(&whole.body[..10]) && is_in(&whole.body[20..30]));
    let beyond = format!("Range: bytes={length}-\r\nIf-Range: {tag}\r\n");
    assert_eq!(ask(&site, "/a.txt", &beyond).status, 416);
}

/// The compressed content is always that of the last upload before the request.
#[test]
fn compressed_text_is_never_stale() {
    let site = Setup::web(&["--compress", "--writable"]).start();
    let content = |round: usize| [text(40_000), round.to_string().into_bytes()].concat();
    for round in 0..3 {
        site.put("/a.txt", "", &content(round));
        let response = ask(&site, "/a.txt", "");
        assert!(content_of(&response) == content(round), "{round}");
        let response = compressed(&site, "/a.txt");
        assert!(decoded(&response.body) == content(round), "{round}");
    }
    let before = compressed(&site, "/a.txt");
    // Another program changes it, keeps its length and sets its time.
    let modified = fs::metadata(site.file("a.txt"))
        .unwrap()
        .modified()
        .unwrap();
    let mut changed = content(2);
    changed[0] = b'X';
    fs::write(site.file("a.txt"), &changed).unwrap();
    let file = fs::File::options().write(true).open(site.file("a.txt"));
    file.unwrap().set_modified(modified).unwrap();
    let response = ask(&site, "/a.txt", "");
    assert!(content_of(&response) == changed);
    let after = compressed(&site, "/a.txt");
    assert!(decoded(&after.body) == changed);
    assert_ne!(before.field("ETag"), after.field("ETag"));
    assert_eq!(site.ask("DELETE /a.txt", "", b"").status, 204);
    assert_eq!(ask(&site, "/a.txt", "").status, 404);
}

/// The entity tags of two runs are the same, so caches stay right across a restart.
#[test]
fn entity_tag_outlives_the_server() {
    let first = Setup::web(&["--compress"])
        .files(|root| write(root, "a.txt", text(5_000)))
        .start();
    let before = compressed(&first, "/a.txt");
    let home = first.home();
    drop(first);
    let second = Setup::at(&home, &["--web", "--compress"]).start();
    let after = compressed(&second, "/a.txt");
    assert_eq!(before.field("ETag"), after.field("ETag"));
    assert_eq!(before.body, after.body);
}

/// Without TLS, an attacker can read the response anyway.
#[test]
fn text_is_compressed_for_requests_with_credentials_without_tls() {
    let site = Setup::web(&["--compress"])
        .files(|root| write(root, "a.txt", text(5_000)))
        .start();
    compressed(&site, "/a.txt");
    let fields = "Cookie: a=b\r\nAuthorization: Basic YTpi\r\n";
    assert!(is_compressed(&ask(&site, "/a.txt", fields)));
}

/// One worker; clients that leave in the middle, and others that ask for the same text at once.
#[test]
fn every_client_gets_the_text_or_the_file() {
    let site = Setup::web(&["--compress", "-N", "1"])
        .files(|root| {
            for number in 0..20 {
                write(root, &format!("{number}.txt"), text(400_000 + number));
            }
        })
        .start();
    site.place("last.txt", &text(2_000));
    compressed(&site, "/last.txt");
    for number in 0..20 {
        let head = format!("GET /{number}.txt HTTP/1.1\r\nHost: a\r\n{GZIP}\r\n");
        let mut leaving = site.connect();
        leaving.send(&head);
        leaving.reset();
    }
    let clients = (0..60).map(|at| {
        let (mut client, number) = (site.connect(), at % 20);
        let head =
            format!("GET /{number}.txt HTTP/1.1\r\nHost: a\r\n{GZIP}Connection: close\r\n\r\n");
        client.send(head);
        (client, number)
    });
    let clients: Vec<_> = clients.collect();
    for (mut client, number) in clients {
        let response = Response::parse(&client.rest());
        let content = content_of(&response);
        assert!(content == text(400_000 + number), "{number}");
    }
    for number in 0..20 {
        compressed(&site, &format!("/{number}.txt"));
    }
}

#[test]
fn without_the_option_text_is_sent_as_it_is() {
    let site = Setup::web(&[])
        .files(|root| write(root, "old.txt", text(5_000)))
        .start();
    site.wait_until_stable("old.txt");
    assert!(!is_compressed(&ask(&site, "/old.txt", "")));
}
