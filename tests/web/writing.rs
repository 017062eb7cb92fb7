//! PUT and DELETE: stored files, refusals, and log entries.

use std::fs;

use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{link, write};
use crate::support::wait::eventually;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

fn site() -> Server {
    Setup::web(&["--writable"])
        .files(|root| {
            write(root, "old.txt", "old");
            write(root, "dir/file.txt", "file");
            fs::create_dir_all(root.parent().unwrap().join("out")).unwrap();
            link(root, "outdir", "../out");
            link(root, "outfile", "../out/file");
            link(root, "indir", "dir");
            link(root, "inlink", "old.txt");
        })
        .start()
}

/// RFC 9110 §9.3.4
#[test]
fn put_stores_and_makes_directories() {
    let site = site();
    for (target, content, status) in [
        ("/new.txt", "1", 201),
        ("/new.txt", "22", 204),
        ("/new.txt", "", 204),
        ("/a/b/c/deep.txt", "deep", 201),
        ("/a/b/other.txt", "other", 201),
        ("/indir/through.txt", "link", 201),
        ("/sp%20ace/%C3%A9.txt", "e", 201),
    ] {
        let response = site.put(target, "", content.as_bytes());
        assert_eq!(response.status, status, "{target}");
        let get = site.get(target);
        assert_eq!(get.text(), content, "{target}");
        assert_eq!(response.field("ETag"), get.field("ETag"), "{target}");
        assert_eq!(response.body, b"");
    }
    assert!(site.root().join("dir/through.txt").exists());
    assert!(site.root().join("sp ace/\u{e9}.txt").exists());
    let log = site.log_lines();
    assert!(
        log.contains(&"PUT a/b/c/deep.txt length 4".to_owned()),
        "{log:?}"
    );
    assert!(
        log.contains(&"PUT sp%20ace/%C3%A9.txt length 1".to_owned()),
        "{log:?}"
    );
}

/// RFC 9110 §8.4, §14.5
#[test]
fn part_or_coded_content_is_refused_before_it_comes() {
    let site = site();
    for (field, status) in [
        ("Content-Range: bytes 0-0/5", 400),
        ("Content-Type: multipart/byteranges; boundary=x", 400),
        ("Upload-Complete: ?0", 400),
        ("Content-Encoding: gzip", 415),
        ("Content-Encoding: gzip, identity", 415),
    ] {
        for target in ["/old.txt", "/new.txt", "/.hidden", "/dir/", "/../x"] {
            let head = format!(
                "PUT {target} HTTP/1.1\r\nHost: a\r\n{field}\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"
            );
            let mut client = site.connect();
            client.send(head);
            let response = Response::parse(&client.rest());
            assert_eq!(response.status, status, "{field}");
            let accepted = (status == 415).then_some("identity");
            assert_eq!(response.field("Accept-Encoding"), accepted, "{field}");
        }
    }
    assert_eq!(site.content("old.txt"), b"old");
    assert!(!site.root().join("new.txt").exists());
    let plain = site.put("/old.txt", "Content-Encoding: identity\r\n", b"new");
    assert_eq!(plain.status, 204);
}

#[test]
fn invalid_put_is_refused() {
    let site = site();
    for (target, fields, status) in [
        ("/.hidden", "", 404),
        ("/.git/x", "", 404),
        ("/.httpserver-0123456789abcdef", "", 404),
        ("/dir", "", 409),
        ("/dir/", "", 409),
        ("/", "", 409),
        ("/old.txt/below", "", 409),
        ("/old.txt/a/b/c", "", 409),
        ("/outdir/x", "", 404),
        ("/outdir/a/x", "", 404),
        ("/outfile", "", 404),
        ("/inlink", "", 403),
        ("/../x", "", 400),
        ("/x", "Content-Range: bytes 0-0/5\r\n", 400),
        ("/x", "If-Match: *\r\n", 412),
        ("/x", "If-Match: \"x\"\r\n", 412),
        ("/old.txt", "If-None-Match: *\r\n", 412),
        ("/old.txt", "If-Match: \"x\"\r\n", 412),
        ("/x", "Content-Digest: nonsense\r\n", 400),
        ("/x", "Expect: more\r\n", 417),
        ("/new/x", "If-Match: *\r\n", 412),
    ] {
        let response = site.put(target, fields, b"x");
        assert_eq!(response.status, status, "{target} {fields}");
        assert!(response.text().contains(&status.to_string()), "{target}");
    }
    assert_eq!(site.get("/old.txt").text(), "old");
    assert!(!site.root().join("new").exists());
    assert!(!site.path().join("out/x").exists());
    assert_eq!(
        site.names(),
        ["dir", "indir", "inlink", "old.txt", "outdir", "outfile"]
    );
    assert!(!site.log_lines().iter().any(|line| line.starts_with("PUT ")));
}

#[test]
fn upload_over_the_limit_is_413() {
    let site = Setup::web(&["--writable", "--max-body", "4"]).start();
    assert_eq!(site.put("/four", "", b"1234").status, 201);
    assert_eq!(site.put("/five", "", b"12345").status, 413);
    let chunked = "Transfer-Encoding: chunked\r\n";
    let five = site.ask("PUT /a/five", chunked, b"5\r\n12345\r\n0\r\n\r\n");
    assert_eq!(five.status, 413);
    let four = site.ask("PUT /a/four", chunked, b"4\r\n1234\r\n0\r\n\r\n");
    assert_eq!(four.status, 201);
    assert_eq!(site.names(), ["a", "four"]);
}

#[test]
fn an_upload_cut_short_leaves_nothing_behind() {
    let site = site();
    let mut client = site.connect();
    client.send(
        "PUT /p/q/cut HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    );
    assert_eq!(client.response(), CONTINUE);
    assert!(site.root().join("p/q").is_dir());
    client.send("12345");
    client.end_sending();
    assert_eq!(client.final_response().unwrap().status, 400);
    // On a slow machine a part of them is removed after the response.
    eventually("its directories are gone", || {
        !site.root().join("p").exists()
    });
    assert_eq!(
        site.log_lines(),
        ["FAIL: PUT p/q/cut HTTP/1.1 --- response 400"]
    );
}

/// RFC 9110 §13.1.1, §13.1.2: the lost update, prevented.
#[test]
fn conditions_apply_to_put_and_delete() {
    let site = site();
    let etag = site.get("/old.txt").field("ETag").unwrap().to_owned();
    let replace = format!("If-Match: {etag}\r\n");
    assert_eq!(site.put("/old.txt", &replace, b"mine").status, 204);
    assert_eq!(site.put("/old.txt", &replace, b"yours").status, 412);
    assert_eq!(site.get("/old.txt").text(), "mine");
    assert_eq!(site.put("/fresh", "If-None-Match: *\r\n", b"1").status, 201);
    assert_eq!(site.put("/fresh", "If-None-Match: *\r\n", b"2").status, 412);
    assert_eq!(site.ask("DELETE /old.txt", &replace, b"").status, 412);
    let etag = site.get("/old.txt").field("ETag").unwrap().to_owned();
    let remove = format!("If-Match: {etag}\r\n");
    assert_eq!(site.ask("DELETE /old.txt", &remove, b"").status, 204);
    assert_eq!(site.ask("DELETE /old.txt", &remove, b"").status, 404);
}

/// The commit decides: of many uploads that create one file, one succeeds.
#[test]
fn one_of_many_conditional_puts_creates_the_file() {
    let site = site();
    for (target, fields) in [
        ("/race/one", "If-None-Match: *\r\n".to_owned()),
        (
            "/old.txt",
            format!(
                "If-Match: {}\r\n",
                site.get("/old.txt").field("ETag").unwrap()
            ),
        ),
    ] {
        let mut clients: Vec<_> = (0..8).map(|_| site.connect()).collect();
        for client in &mut clients {
            client.send(format!(
                "PUT {target} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n{fields}\r\n"
            ));
            assert_eq!(client.response(), CONTINUE, "{target}");
        }
        for (writer, client) in clients.iter_mut().enumerate() {
            client.send(writer.to_string());
        }
        let mut winners = Vec::new();
        for (writer, client) in clients.iter_mut().enumerate() {
            match client.final_response().unwrap().status {
                201 | 204 => winners.push(writer),
                status => assert_eq!(status, 412, "{target}"),
            }
        }
        assert_eq!(winners.len(), 1, "{target}: {winners:?}");
        assert_eq!(site.get(target).text(), winners[0].to_string());
    }
}

/// RFC 9530 §2, §3, §4; the digests are those of its appendix.
#[test]
fn upload_with_a_wrong_digest_is_refused() {
    let site = site();
    let content = b"{\"hello\": \"world\"}";
    let good = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
    let bad = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
    for (fields, status) in [
        (format!("Content-Digest: {good}\r\n"), 201),
        (format!("Repr-Digest: {good}\r\n"), 204),
        (
            format!("Content-Digest: {good}\r\nRepr-Digest: {good}\r\n"),
            204,
        ),
        ("Content-Digest: sha-512=:AAAA:\r\n".to_owned(), 204),
        (format!("Content-Digest: {bad}\r\n"), 400),
        (format!("Repr-Digest: {bad}\r\n"), 400),
        (
            format!("Content-Digest: {good}\r\nRepr-Digest: {bad}\r\n"),
            400,
        ),
        ("Content-Digest: sha-256=:AAAA:\r\n".to_owned(), 400),
    ] {
        let response = site.put("/hello.json", &fields, content);
        assert_eq!(response.status, status, "{fields}");
        assert_eq!(response.field("Repr-Digest"), None);
    }
    let other = site.put("/other", &format!("Content-Digest: {bad}\r\n"), content);
    assert_eq!(other.status, 400);
    assert!(!site.root().join("other").exists());
    let wish = "Want-Repr-Digest: sha-256=9\r\n";
    assert_eq!(
        site.put("/hello.json", wish, content).field("Repr-Digest"),
        Some(good)
    );
    let get = site.ask("GET /hello.json", wish, b"");
    assert_eq!(get.field("Repr-Digest"), Some(good));
    // In pieces, chunked.
    let fields = format!("Transfer-Encoding: chunked\r\nContent-Digest: {good}\r\n");
    let chunks = b"8\r\n{\"hello\"\r\na\r\n: \"world\"}\r\n0\r\n\r\n";
    assert_eq!(site.ask("PUT /chunked", &fields, chunks).status, 201);
}

/// RFC 9110 §9.3.5
#[test]
fn delete_removes_files_and_empty_directories() {
    let site = site();
    for (target, status) in [
        ("/old.txt", 204),
        ("/old.txt", 404),
        ("/dir", 409),
        ("/dir/", 409),
        ("/", 409),
        ("/dir/file.txt", 204),
        ("/dir/", 204),
        ("/nothing/at/all", 404),
        ("/.httpserver-0123456789abcdef", 404),
        ("/outdir/x", 404),
        ("/outfile", 404),
        ("/../x", 400),
    ] {
        let response = site.ask(&format!("DELETE {target}"), "", b"");
        assert_eq!(response.status, status, "{target}");
    }
    assert!(!site.root().join("dir").exists());
    assert_eq!(site.put("/old.txt", "", b"new").status, 201);
    let log = site.log_lines();
    let changes: Vec<&str> = log
        .iter()
        .map(String::as_str)
        .filter(|line| line.starts_with("PUT") || line.starts_with("DELETE"))
        .collect();
    assert_eq!(
        changes,
        [
            "DELETE old.txt length 0",
            "DELETE dir/file.txt length 0",
            "DELETE dir/ length 0",
            "PUT old.txt length 3",
        ]
    );
}

/// A journal: for every name, the last entry is the state of the root, also when PUT and DELETE race.
#[test]
fn puts_and_deletes_take_their_places_in_the_log() {
    let site = site();
    std::thread::scope(|scope| {
        for worker in 0..4_u8 {
            let site = &site;
            scope.spawn(move || {
                for round in 0..50 {
                    if (round + worker) % 2 == 0 {
                        site.put("/contended", "", &[b'0' + worker]);
                    } else {
                        site.ask("DELETE /contended", "", b"");
                    }
                }
            });
        }
    });
    let log = site.log_lines();
    let last = log
        .iter()
        .rposition(|line| {
            line.ends_with("contended length 0") || line.ends_with("contended length 1")
        })
        .unwrap();
    let held = fs::read(site.root().join("contended")).ok();
    if log[last].starts_with("DELETE") {
        assert_eq!(held, None);
    } else {
        let row = format!("00000000 {:02x}", held.unwrap()[0]);
        assert_eq!(log[last + 1], row);
    }
}
