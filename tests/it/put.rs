//! Uploads: framing, replacement of files, and incomplete uploads.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::curl::curl_reading;
use crate::support::home::Home;
use crate::support::message::{get, last_response, name, put, response};
use crate::support::setup::Setup;
use crate::support::wait::{SetOnDrop, eventually};

const CREATED: &str = "201 Created";
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
const TOO_LARGE: &str = "413 Content Too Large";

fn head(name: &str, fields: &str) -> String {
    format!("PUT /{name} HTTP/1.1\r\nHost: here\r\n{fields}\r\n")
}

fn failure(name: &str, status: u16) -> String {
    format!("FAIL: PUT {name} HTTP/1.1 --- response {status}\n========\n")
}

/// Content in chunks of `size` bytes, with an extension and a trailer.
fn chunked(content: &[u8], size: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for chunk in content.chunks(size) {
        body.extend_from_slice(format!("{:X};ext=\"a b\"\r\n", chunk.len()).as_bytes());
        body.extend_from_slice(chunk);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    body
}

#[test]
fn content_arrives_in_pieces_of_any_size() {
    let server = Setup::new(&["-N", "2"]).unrecorded().start();
    let name = name("pieces");
    let mut client = server.connect();
    for (length, piece) in [
        (0, 1),
        (1, 1),
        (300, 1),
        (70_000, 1000),
        (3_000_000, 777_777),
    ] {
        let content = noise(length as u64, length);
        for framing in ["length", "chunked"] {
            let (fields, body) = if framing == "length" {
                (format!("Content-Length: {length}\r\n"), content.clone())
            } else {
                let fields = "Transfer-Encoding: chunked\r\n".to_owned();
                (fields, chunked(&content, piece.max(10) * 2 / 3))
            };
            client.send(head(&name, &fields));
            for part in body.chunks(piece) {
                client.send(part);
            }
            let what = format!("{framing}, {length} bytes in pieces of {piece}");
            assert_bytes(&client.response(), &response(CREATED, b""), &what);
            assert_bytes(&server.content(&name), &content, &what);
        }
    }
}

#[test]
fn curl_uploads_from_a_pipe_and_from_a_file() {
    let server = Setup::new(&[]).start();
    let (piped, filed) = (name("piped"), name("filed"));
    let content = noise(7, 300_000);
    let printed = curl_reading(&server, &["-T", "-"], &piped, &content);
    let expected = [CONTINUE, &response(CREATED, b"")].concat();
    assert_bytes(&printed, &expected, "curl -T -");
    assert_bytes(&server.content(&piped), &content, "curl -T -");
    let printed = curl_reading(&server, &["-T", "-", "-H", "Expect:"], &piped, b"");
    assert_bytes(&printed, &response(CREATED, b""), "nothing from curl -T -");
    assert_bytes(&server.content(&piped), b"", "nothing from curl -T -");
    let file = server.path().join("upload");
    std::fs::write(&file, &content).unwrap();
    let arguments = ["-H", "Expect:", "-T", file.to_str().unwrap()];
    let printed = curl_reading(&server, &arguments, &filed, b"");
    assert_bytes(&printed, &response(CREATED, b""), "curl -T file");
    assert_bytes(&server.content(&filed), &content, "curl -T file");
}

#[test]
fn expected_100_is_sent_at_once() {
    let server = Setup::new(&["-N", "1"]).start();
    let name = name("expected");
    let mut client = server.connect();
    for (fields, body) in [
        ("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"),
        (
            "Transfer-Encoding: chunked\r\nExpect: 100-Continue\r\n",
            "5\r\nhello\r\n0\r\n\r\n",
        ),
    ] {
        client.send(head(&name, fields));
        assert_bytes(&client.response(), CONTINUE, fields);
        client.send(body);
        assert_bytes(&client.response(), &response(CREATED, b""), fields);
        assert_bytes(&server.content(&name), b"hello", fields);
    }
    // HTTP/1.0 knows no 100 (RFC 9110 §10.1.1).
    let old =
        format!("PUT /{name} HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi");
    assert_bytes(&server.exchange(old), &response(CREATED, b""), "HTTP/1.0");
}

#[test]
fn no_100_where_the_final_status_is_known() {
    let server = Setup::nobody(&["-N", "1", "--max-body", "10"]).start();
    let [locked, new, directory] = ["locked", "new", "directory"].map(name);
    server.request(put(&locked, b"x"));
    server.permit(&locked, 0o400);
    std::fs::create_dir(server.file(&directory)).unwrap();
    for (name, length, status) in [
        ("short", 5, "400 Bad Request"),
        (&new, 11, TOO_LARGE),
        (&locked, 5, "403 Forbidden"),
        (&directory, 5, "403 Forbidden"),
    ] {
        let mut client = server.connect();
        client.send(head(
            name,
            &format!("Content-Length: {length}\r\nExpect: 100-continue\r\n"),
        ));
        // The server cannot know whether the content follows, so it closes the connection.
        assert_bytes(&client.rest(), &response(status, b""), name);
    }
    server.permit_root(0o500);
    let mut client = server.connect();
    client.send(head(&new, "Content-Length: 5\r\nExpect: 100-continue\r\n"));
    assert_bytes(
        &client.rest(),
        &response("403 Forbidden", b""),
        "directory not writable",
    );
    server.permit_root(0o700);
}

#[test]
fn put_without_a_length_is_201_at_once_and_stored_until_the_end() {
    let server = Setup::new(&["-N", "1"]).start();
    let name = name("endless");
    server.place(&name, b"old");
    let content = noise(3, 100_000);
    for version in ["HTTP/1.1\r\nHost: here", "HTTP/1.1", "HTTP/1.0"] {
        let mut client = server.connect();
        client.send(format!("PUT /{name} {version}\r\n\r\n"));
        assert_bytes(&client.response(), &last_response(CREATED), version);
        assert_bytes(
            &server.content(&name),
            b"",
            "the empty file that 201 reports",
        );
        for part in content.chunks(30_000) {
            client.send(part);
        }
        assert!(client.is_silent());
        client.end_sending();
        assert_bytes(&client.rest(), b"", "after 201");
        assert_bytes(&server.content(&name), &content, version);
    }
    let header = format!("PUT {name} length 100000\n");
    assert_eq!(server.log().matches(&header).count(), 3);
    assert_eq!(server.log().matches("========\n").count(), 3);
}

#[test]
fn put_without_length_and_content_has_one_entry() {
    let server = Setup::new(&["-N", "1"]).start();
    let name = name("empty");
    let request = format!("PUT /{name} HTTP/1.1\r\n\r\n");
    assert_bytes(&server.exchange(&request), &last_response(CREATED), "PUT");
    assert_bytes(&server.content(&name), b"", "stored");
    assert_eq!(server.log(), format!("PUT {name} length 0\n========\n"));
    let request = format!("{request}content in the same segment, GET / HTTP/1.1\r\n\r\n");
    assert_bytes(&server.exchange(request), &last_response(CREATED), "PUT");
    let stored = b"content in the same segment, GET / HTTP/1.1\r\n\r\n";
    assert_bytes(&server.content(&name), stored, "stored");
}

#[test]
fn broken_put_without_a_length_leaves_the_empty_file_and_a_failure_entry() {
    let server = Setup::new(&["-N", "1"]).start();
    let name = name("broken");
    let request = head(&name, "");
    let mut client = server.connect();
    client.send(&request);
    client.response();
    client.send("some content");
    client.reset();
    let emptied = format!("PUT {name} length 0\n========\n");
    eventually("the empty file is recorded", || server.log() == emptied);
    assert_bytes(&server.content(&name), b"", "after the reset");
    // If another upload has replaced the empty file, that upload has the last entry.
    let mut client = server.connect();
    client.send(&request);
    client.response();
    client.send("some content");
    server.request(put(&name, b"!"));
    client.reset();
    let replaced = format!("PUT {name} length 1\n00000000 21\n========\n");
    let expected = [emptied, replaced, failure(&name, 400)].concat();
    eventually("the failure is recorded", || server.log() == expected);
    assert_bytes(&server.content(&name), b"!", "after the second reset");
    assert_eq!(server.names(), [name]);
}

#[test]
fn too_long_put_without_a_length_leaves_the_empty_file_and_a_failure_entry() {
    let server = Setup::new(&["-N", "1", "--max-body", "10"]).start();
    let name = name("much");
    assert_bytes(
        &server.exchange(head(&name, "") + "ten bytes!"),
        &last_response(CREATED),
        "at the limit",
    );
    assert_bytes(&server.content(&name), b"ten bytes!", "at the limit");
    let before = server.log();
    assert_bytes(
        &server.exchange(head(&name, "") + "ten bytes!!"),
        &last_response(CREATED),
        "past the limit",
    );
    assert_bytes(&server.content(&name), b"", "past the limit");
    // A journal: the last entry of a name is the state of the store.
    assert_eq!(
        server.log(),
        before + &format!("PUT {name} length 0\n========\n")
    );
    assert_eq!(server.names(), [name]);
}

#[test]
fn the_longest_upload_is_at_the_limit() {
    let server = Setup::new(&["-N", "1", "--max-body", "1000"]).start();
    let name = name("limit");
    let old = noise(1, 1000);
    assert_bytes(
        &server.request(put(&name, &old)),
        &response(CREATED, b""),
        "at the limit",
    );
    let past = head(&name, "Content-Length: 1001\r\n");
    let mut client = server.connect();
    client.send(past);
    assert_bytes(
        &client.response(),
        &response(TOO_LARGE, b""),
        "one past, before any content",
    );
    client.send([0; 1001]);
    client.send(get(&name));
    assert_bytes(
        &client.response(),
        &response("200 OK", &old),
        "the content was read past",
    );
    client.send(head(&name, "Content-Length: 18446744073709551615\r\n"));
    assert_bytes(
        &client.rest(),
        &response(TOO_LARGE, b""),
        "the largest number",
    );

    let mut client = server.connect();
    let new = noise(2, 1000);
    client.send(head(&name, "Transfer-Encoding: chunked\r\n"));
    client.send(chunked(&new, 300));
    assert_bytes(
        &client.response(),
        &response(CREATED, b""),
        "chunked, at the limit",
    );
    client.send(head(&name, "Transfer-Encoding: chunked\r\n"));
    // The client never ends its content, and need not.
    client.send(format!("3E9\r\n{}", "x".repeat(1001)));
    assert_bytes(
        &client.rest(),
        &response(TOO_LARGE, b""),
        "chunked, one past",
    );
    assert_bytes(&server.content(&name), &new, "after all that");
    assert_eq!(server.names(), [name.as_str()]);
    assert_eq!(server.log().matches(&failure(&name, 413)).count(), 3);
}

#[test]
fn an_upload_cut_short_leaves_the_old_file() {
    let server = Setup::new(&["-N", "2"]).start();
    let name = name("cut");
    let old = noise(1, 5000);
    server.place(&name, &old);
    let new = noise(2, 100_000);
    let mut failures = 0;
    for (fields, body) in [
        ("Content-Length: 100000\r\n", new.clone()),
        ("Transfer-Encoding: chunked\r\n", chunked(&new, 9_999)),
        (
            "Content-Length: 100000\r\nExpect: 100-continue\r\n",
            new.clone(),
        ),
    ] {
        for length in [0, 1, 19, 20, 21, 50_000, 99_999] {
            let what = format!("{fields:?}, cut after {length} bytes");
            let request = [head(&name, fields).as_bytes(), &body[..length]].concat();
            let received = server.exchange(&request);
            let received = received.strip_prefix(CONTINUE).unwrap_or(&received);
            assert_bytes(received, &response("400 Bad Request", b""), &what);
            let mut client = server.connect();
            client.send(request);
            client.reset();
            failures += 2;
            eventually("the failure is recorded", || {
                server.log() == failure(&name, 400).repeat(failures)
            });
            assert_bytes(&server.content(&name), &old, &what);
            eventually("nothing is left of the upload", || {
                server.names() == [name.as_str()]
            });
        }
    }
}

#[test]
fn malformed_chunks_leave_the_old_file() {
    let server = Setup::new(&["-N", "1"]).start();
    let name = name("chunks");
    server.place(&name, b"old");
    let whole = "2\r\nab\r\n0\r\n\r\n";
    for body in [
        "x\r\n",
        "-1\r\n",
        "+2\r\nab\r\n0\r\n\r\n",
        "0x2\r\nab\r\n0\r\n\r\n",
        "\r\n",
        " 2\r\nab\r\n0\r\n\r\n",
        "2\r\nabc\r\n0\r\n\r\n",
        "2\r\nab0\r\n\r\n",
        "2 2\r\nab\r\n0\r\n\r\n",
        "FFFFFFFFFFFFFFFFF\r\n",
        "2\r\nab\r\n0\r\nno colon\r\n\r\n",
    ] {
        let mut client = server.connect();
        client.send(head(&name, "Transfer-Encoding: chunked\r\n") + body);
        assert_bytes(
            &client.rest(),
            &response("400 Bad Request", b""),
            &body.escape_debug().to_string(),
        );
    }
    for cut in 0..whole.len() {
        let request = head(&name, "Transfer-Encoding: chunked\r\n") + &whole[..cut];
        assert_bytes(
            &server.exchange(request),
            &response("400 Bad Request", b""),
            &cut.to_string(),
        );
    }
    assert_bytes(&server.content(&name), b"old", "after all that");
    let request = head(&name, "Transfer-Encoding: chunked\r\n") + whole;
    assert_bytes(&server.exchange(request), &response(CREATED, b""), "whole");
    assert_bytes(&server.content(&name), b"ab", "whole");
    assert_eq!(server.names(), [name]);
}

#[test]
fn a_get_during_replacing_puts_sees_one_whole_version() {
    let server = Setup::at(&Home::fast(), &["-N", "4"]).unrecorded().start();
    let name = name("versions");
    // Some are sent from memory, some from the open file.
    let version = |number: u64| {
        noise(
            number,
            if number.is_multiple_of(2) {
                5_000
            } else {
                40_000
            },
        )
    };
    let versions: Vec<_> = (0..1000).map(version).collect();
    server.request(put(&name, &versions[0]));
    let done = AtomicBool::new(false);
    let seen: Vec<_> = thread::scope(|scope| {
        let writing = SetOnDrop(&done);
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut client = server.connect();
                    let mut seen = Vec::new();
                    while !done.load(Ordering::Relaxed) {
                        client.send(get(&name));
                        let received = client.response();
                        let at = versions.iter().position(|version| {
                            received.ends_with(version) && received == response("200 OK", version)
                        });
                        seen.push(at.expect("no version, or no whole one"));
                    }
                    seen
                })
            })
            .collect();
        let mut writer = server.connect();
        for version in &versions {
            writer.send(put(&name, version));
            assert_bytes(&writer.response(), &response(CREATED, b""), "PUT");
        }
        drop(writing);
        readers
            .into_iter()
            .map(|reader| reader.join().unwrap())
            .collect()
    });
    for seen in seen {
        assert!(seen.is_sorted(), "an older version came after a newer one");
        assert!(
            seen.iter().any(|&number| number > 0),
            "the reader saw no change"
        );
    }
    assert_eq!(server.names(), [name]);
}

#[test]
fn a_get_under_way_is_finished_from_the_old_version() {
    let server = Setup::new(&["-N", "1"]).unrecorded().start();
    let name = name("under-way");
    let (old, new) = (noise(1, 10_000_000), noise(2, 10_000_000));
    server.place(&name, &old);
    let mut slow = server.connect();
    slow.send(get(&name));
    let expected = response("200 OK", &old);
    let mut received = slow.take(1000);
    assert_bytes(
        &server.request(put(&name, &new)),
        &response(CREATED, b""),
        "PUT",
    );
    received.append(&mut slow.take(expected.len() - 1000));
    assert_bytes(&received, &expected, "the old version");
    slow.send(get(&name));
    assert_bytes(
        &slow.response(),
        &response("200 OK", &new),
        "the new version",
    );
}

#[test]
fn a_replaced_file_keeps_its_permissions() {
    let server = Setup::new(&[]).unrecorded().start();
    let name = name("modes");
    server.request(put(&name, b"new"));
    assert_eq!(
        server.permissions(&name) & 0o7111,
        0,
        "a new file is no program"
    );
    for mode in [0o600, 0o644, 0o666, 0o755, 0o777, 0o640] {
        server.permit(&name, mode);
        assert_bytes(
            &server.request(put(&name, b"x")),
            &response(CREATED, b""),
            "PUT",
        );
        assert_eq!(server.permissions(&name), mode, "{mode:o}");
    }
}

#[test]
fn remains_of_a_killed_server_are_removed_by_the_next() {
    let server = Setup::new(&[]).start();
    let name = name("killed");
    server.place(&name, b"old");
    let mut client = server.connect();
    client.send(head(&name, "Content-Length: 300000\r\n"));
    client.send(vec![b'x'; 200_000]);
    eventually("the upload is staged", || server.staged() == [200_000]);
    server.signal(rustix::process::Signal::KILL);
    let home = server.home();
    drop(server);
    // On file systems without `O_TMPFILE`, a staged file with a name is left.
    home.place(".httpserver-0123456789abcdef", b"x");
    let like_it = ".httpserver-but-not-quite";
    home.place(like_it, b"");
    let next = Setup::at(&home, &[]).start();
    assert_eq!(next.names(), [like_it, &name]);
    // While it runs, another server does not remove its uploads.
    let mut client = next.connect();
    client.send(head(&name, "Content-Length: 300000\r\n"));
    client.send(vec![b'x'; 200_000]);
    eventually("the upload is staged", || next.staged() == [200_000]);
    let _other = Setup::at(&home, &[]).unrecorded().start();
    assert_eq!(next.staged(), [200_000]);
    client.send(vec![b'x'; 100_000]);
    assert_bytes(&client.response(), &response(CREATED, b""), "PUT");
    assert_bytes(&next.content(&name), &vec![b'x'; 300_000], "stored");
}

#[test]
fn content_of_any_length_takes_constant_memory() {
    const LENGTH: usize = 64 * 1024 * 1024;
    let server = Setup::at(&Home::fast(), &["-N", "2"]).start();
    let name = name("large");
    let content = noise(9, LENGTH);
    assert_bytes(
        &server.request(put(&name, &content)),
        &response(CREATED, b""),
        "PUT",
    );
    assert_bytes(
        &server.request(get(&name)),
        &response("200 OK", &content),
        "GET",
    );
    let most = server.peak_resident();
    assert!(most < 32 * 1024 * 1024, "{most} bytes");
    let entry_begins = format!("PUT {name} length {LENGTH}\n00000000 ");
    assert!(server.log().starts_with(&entry_begins));
}

#[test]
fn the_content_of_a_refused_put_without_a_length_is_no_request() {
    let server = Setup::new(&["-N", "1"]).start();
    for target in ["short", &"x".repeat(28)] {
        let follows = get("");
        let request = format!("PUT /{target} HTTP/1.1\r\nHost: here\r\n\r\n{follows}");
        let answers = server.exchange(request);
        assert_bytes(&answers, &last_response("400 Bad Request"), target);
    }
    assert_eq!(server.log().matches("GET").count(), 0);
}

#[test]
fn log_whose_name_has_27_characters_is_neither_read_nor_replaced() {
    let home = Home::new();
    let log = home.file(&name("log"));
    let mut server = Setup::at(&home, &[]).log(&log).start();
    let forbidden = response("403 Forbidden", b"");
    assert_bytes(&server.request(get(&name("log"))), &forbidden, "GET");
    assert_bytes(&server.request(put(&name("log"), b"x")), &forbidden, "PUT");
    server.stop();
    assert_eq!(
        home.content(&name("log"))
            .split(|&byte| byte == b'\n')
            .count(),
        5
    );
}
