//! Requests and responses, byte for byte: the table of the classic dialect, row by row.

use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};

use crate::support::bytes::{assert_bytes, noise};
use crate::support::curl::curl;
use crate::support::message::{get, last_response, name, put, response};
use crate::support::server::Server;
use crate::support::setup::Setup;

const OK: &str = "200 OK";
const CREATED: &str = "201 Created";
const BAD_REQUEST: &str = "400 Bad Request";
const FORBIDDEN: &str = "403 Forbidden";
const NOT_FOUND: &str = "404 Not Found";
const ERROR: &str = "500 Internal Server Error";

/// A file that is there, as in the design's example.
const SAMPLE: &str = "ABCDEFarqdeXYZxyzf012345-ab";
const CONTENT: &[u8] = b"ehllo; hello again and once more.\x0a\x0a";

/// A server with [`SAMPLE`], and one worker: whatever blocks it blocks everything.
fn server() -> Server {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(SAMPLE, CONTENT);
    server
}

#[test]
fn curl_prints_the_bytes_of_the_table() {
    let server = server();
    let upload = server.path().join("upload");
    std::fs::write(&upload, "hello\n").unwrap();
    let upload = upload.to_str().unwrap();
    for (arguments, target, expected) in [
        (
            &[][..],
            SAMPLE,
            "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\nehllo; hello again and once more.\n\n",
        ),
        (&[], "", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
        (
            &[],
            "abcd",
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &[],
            "absent_absent_absent_absent",
            "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &["-T", upload, "-H", "Expect:"],
            "hello_hello_hello_hello_hel",
            "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &["-T", upload, "-H", "Expect:"],
            "hello_hello_hello_hello_hel",
            "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &[],
            "hello_hello_hello_hello_hel",
            "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n",
        ),
        (
            &["-T", upload, "-H", "Expect:"],
            "short",
            "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &["-I"],
            SAMPLE,
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &["-X", "DELETE"],
            SAMPLE,
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &["-d", "data"],
            SAMPLE,
            "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
        ),
        (
            &["--http1.0"],
            SAMPLE,
            "HTTP/1.1 200 OK\r\nContent-Length: 35\r\n\r\nehllo; hello again and once more.\n\n",
        ),
        (
            &["-T", upload, "-H", "Expect: 100-continue"],
            "hello_hello_hello_hello_hel",
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
        ),
    ] {
        let printed = curl(&server, arguments, target);
        assert_bytes(
            &printed,
            expected.as_bytes(),
            &format!("curl -si {arguments:?} {target}"),
        );
    }
}

#[test]
fn other_bytes_than_http_1_are_400() {
    let server = server();
    for request in [
        "GARBAGE\r\n\r\n",
        "GET\r\n\r\n",
        "GET /\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : here\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: here\r\n folded: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: here\r\nno colon\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: one\r\nHost: two\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/11\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "(POST) /short HTTP/1.1\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length: -1\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length: +1\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length: 1x\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length:\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length: 18446744073709551616\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "PUT /x HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "PUT /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
        "GET /\0 HTTP/1.1\r\nHost: here\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: here\r\nx: \0\r\n\r\n",
        "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03 \r\n\r\n", // the beginning of TLS
    ] {
        let mut client = server.connect();
        client.send(request);
        // The meaning of further bytes is unknown, so the connection is closed.
        assert_bytes(
            &client.rest(),
            &response(BAD_REQUEST, b""),
            &request.escape_debug().to_string(),
        );
    }
}

#[test]
fn conditions_beyond_the_table_have_their_standard_status() {
    let server = server();
    let long = "x".repeat(200_000);
    for (request, status) in [
        ("GET / HTTP/2.0\r\n\r\n", "505 HTTP Version Not Supported"),
        ("GET / HTTP/9.9\r\n\r\n", "505 HTTP Version Not Supported"),
        (
            "PUT /x HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
            "501 Not Implemented",
        ),
        (
            "GET /x HTTP/1.1\r\nHost: here\r\nExpect: a miracle\r\n\r\n",
            "417 Expectation Failed",
        ),
        (&format!("GET /{long}"), "414 URI Too Long"),
        (
            &format!("GET / HTTP/1.1\r\nx: {long}"),
            "431 Request Header Fields Too Large",
        ),
        (
            &format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(101)),
            "431 Request Header Fields Too Large",
        ),
    ] {
        let mut client = server.connect();
        client.send(request);
        let shown = request[..request.len().min(60)].escape_debug().to_string();
        assert_bytes(&client.rest(), &response(status, b""), &shown);
    }
    let most = format!(
        "GET / HTTP/1.1\r\nHost: here\r\n{}\r\n",
        "x: y\r\n".repeat(99)
    );
    assert_bytes(&server.request(most), &response(OK, b""), "100 fields");
}

#[test]
fn methods_other_than_get_and_put_are_500() {
    let server = server();
    for method in [
        "HEAD", "POST", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "get", "Get", "put",
        "PUTT", "G", "GE", "M-SEARCH", "!",
    ] {
        for target in [SAMPLE, "short", "absent_absent_absent_absent", ""] {
            let request = format!("{method} /{target} HTTP/1.1\r\nHost: here\r\n\r\n");
            let mut client = server.connect();
            client.send(&request);
            assert_bytes(&client.response(), &response(ERROR, b""), &request);
            // The end of the request is known, so the connection persists.
            client.send(get(SAMPLE));
            assert_bytes(&client.response(), &response(OK, CONTENT), &request);
        }
    }
    for request in [
        "OPTIONS * HTTP/1.1\r\nHost: here\r\n\r\n",
        "CONNECT here:80 HTTP/1.1\r\nHost: here\r\n\r\n",
    ] {
        assert_bytes(&server.request(request), &response(ERROR, b""), request);
    }
    let put = server.content(SAMPLE);
    assert_bytes(&put, CONTENT, "the file, after all that");
}

#[test]
fn an_empty_name_is_200_for_get_only() {
    let server = server();
    for target in ["/", "http://here", "http://here/", "HTTP://here:80/"] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_bytes(&server.request(&request), &response(OK, b""), &request);
    }
    assert_bytes(
        &server.request(put("", b"x")),
        &response(BAD_REQUEST, b""),
        "PUT /",
    );
}

#[test]
fn names_that_are_not_27_allowed_characters_are_400() {
    let server = server();
    for name in [
        "a",
        "ABCDEFarqdeXYZxyzf012345-a",
        "ABCDEFarqdeXYZxyzf012345-abc",
        "ABCDEFarqdeXYZxyzf012345.ab",
        "ABCDEFarqdeXYZxyzf012345~ab",
        "ABCDEFarqdeXYZxyzf012345+ab",
        "ABCDEFarqdeXYZxyzf0123%34-ab",
        "ABCDEFarqdeXYZxyzf01234%35a",
        "%41BCDEFarqdeXYZxyzf012345-ab",
        "/ABCDEFarqdeXYZxyzf012345-ab",
        "any/dir/ABCDEFarqdeXYZxyzf012345-ab",
        "./ABCDEFarqdeXYZxyzf012345-ab",
        "../root/ABCDEFarqdeXYZxyzf012345-ab",
        "../../../../../../etc/passw",
        "ABCDEFarqdeXYZxyzf012345-ab/",
        "ABCDEFarqdeXYZxyzf012345-ab?",
        "ABCDEFarqdeXYZxyzf012345-ab?query",
        ".",
        "..",
        ".httpserver-0123456789abcdef",
    ] {
        assert_bytes(
            &server.request(get(name)),
            &response(BAD_REQUEST, b""),
            &format!("GET {name}"),
        );
        assert_bytes(
            &server.request(put(name, b"x")),
            &response(BAD_REQUEST, b""),
            &format!("PUT {name}"),
        );
    }
    for target in [
        "http://here/any/ABCDEFarqdeXYZxyzf012345-ab",
        "http://here/short",
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_bytes(
            &server.request(&request),
            &response(BAD_REQUEST, b""),
            &request,
        );
    }
    assert_eq!(server.names(), [SAMPLE]);
}

#[test]
fn every_27_allowed_characters_are_a_name() {
    let server = server();
    for name in [
        "---------------------------",
        "___________________________",
        "000000000000000000000000000",
        "abcdefghijklmnopqrstuvwxyzA",
        "BCDEFGHIJKLMNOPQRSTUVWXYZ01",
        "23456789-_23456789-_2345678",
    ] {
        assert_bytes(&server.request(get(name)), &response(NOT_FOUND, b""), name);
        assert_bytes(
            &server.request(put(name, name.as_bytes())),
            &response(CREATED, b""),
            name,
        );
        assert_bytes(
            &server.request(get(name)),
            &response(OK, name.as_bytes()),
            name,
        );
    }
}

#[test]
fn an_absolute_target_counts_by_its_path() {
    let server = server();
    for target in [
        format!("http://here/{SAMPLE}"),
        format!("http://elsewhere:8080/{SAMPLE}"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_bytes(&server.request(&request), &response(OK, CONTENT), &request);
    }
    let request = format!(
        "PUT http://here/{} HTTP/1.1\r\nHost: here\r\nContent-Length: 2\r\n\r\nhi",
        name("new")
    );
    assert_bytes(&server.request(request), &response(CREATED, b""), "PUT");
    assert_bytes(&server.content(&name("new")), b"hi", "stored");
}

#[test]
fn a_file_is_sent_whole_whatever_its_length() {
    let server = server();
    // Around the length up to which a file is sent from memory, and beyond what a socket takes at once.
    for length in [
        0, 1, 19, 20, 21, 4095, 4096, 16_383, 16_384, 16_385, 65_536, 1_000_003, 9_999_991,
    ] {
        let content = noise(length as u64, length);
        let name = name(length);
        server.place(&name, &content);
        let mut client = server.connect();
        // Twice, since the second response may come from the cache.
        for attempt in ["first", "second"] {
            client.send(get(&name));
            assert_bytes(
                &client.response(),
                &response(OK, &content),
                &format!("{attempt} {name}"),
            );
        }
    }
}

#[test]
fn a_change_of_the_file_is_seen_at_once() {
    let server = server();
    let mut client = server.connect();
    for version in 0..200 {
        let content = format!("version {}", version % 7);
        server.place(SAMPLE, content.as_bytes());
        client.send(get(SAMPLE));
        assert_bytes(
            &client.response(),
            &response(OK, content.as_bytes()),
            &version.to_string(),
        );
    }
    std::fs::remove_file(server.file(SAMPLE)).unwrap();
    client.send(get(SAMPLE));
    assert_bytes(&client.response(), &response(NOT_FOUND, b""), "removed");
}

#[test]
fn a_change_of_a_file_that_was_served_before_is_seen_at_once() {
    let server = Setup::new(&["-N", "1"]).unrecorded().start();
    let file = name("known");
    let expect = |status: &str, content: &[u8], what: &str| {
        let received = server.request(get(&file));
        assert_bytes(&received, &response(status, content), what);
    };
    for length in [10, 100_000] {
        let [one, other, third] = [1, 2, 3].map(|seed| noise(seed, length));
        server.place(&file, &one);
        server.wait_until_stable(&file);
        expect(OK, &one, "read");
        expect(OK, &one, "known");
        server.place(&file, &other);
        expect(OK, &other, "written in place");
        server.wait_until_stable(&file);
        expect(OK, &other, "known again");
        server.request(put(&file, &third));
        expect(OK, &third, "replaced by a PUT");
        server.wait_until_stable(&file);
        expect(OK, &third, "known again");
        std::fs::write(server.file("new"), &one).unwrap();
        std::fs::rename(server.file("new"), server.file(&file)).unwrap();
        expect(OK, &one, "replaced by a rename");
        std::fs::remove_file(server.file(&file)).unwrap();
        expect(NOT_FOUND, b"", "removed");
    }
}

#[test]
fn a_file_that_was_served_before_may_become_unreadable() {
    let server = Setup::nobody(&["-N", "1"]).unrecorded().start();
    let file = name("secret");
    server.request(put(&file, b"secret"));
    server.wait_until_stable(&file);
    for _ in 0..2 {
        assert_bytes(
            &server.request(get(&file)),
            &response(OK, b"secret"),
            "readable",
        );
    }
    server.permit(&file, 0o000);
    assert_bytes(
        &server.request(get(&file)),
        &response(FORBIDDEN, b""),
        "unreadable",
    );
}

#[test]
fn file_without_read_permission_is_403() {
    let server = Setup::nobody(&["-N", "1"]).start();
    let [all, unreadable, unwritable] = [name("all"), name("unreadable"), name("unwritable")];
    let as_nobody = |name: &str, mode| {
        assert_bytes(
            &server.request(put(name, b"old")),
            &response(CREATED, b""),
            name,
        );
        server.permit(name, mode);
    };
    as_nobody(&all, 0o600);
    as_nobody(&unreadable, 0o200);
    as_nobody(&unwritable, 0o400);
    for (request, status, what) in [
        (
            get(&unreadable).into_bytes(),
            FORBIDDEN,
            "GET of what may not be read",
        ),
        (
            put(&unreadable, b"new"),
            CREATED,
            "PUT of what may be written",
        ),
        (
            put(&unwritable, b"new"),
            FORBIDDEN,
            "PUT of what may not be written",
        ),
        (
            get(&name("absent")).into_bytes(),
            NOT_FOUND,
            "GET of what is absent",
        ),
    ] {
        assert_bytes(&server.request(request), &response(status, b""), what);
    }
    assert_bytes(
        &server.request(get(&unwritable)),
        &response(OK, b"old"),
        "GET of what may be read",
    );
    server.permit_root(0o500);
    assert_bytes(
        &server.request(put(&name("new"), b"x")),
        &response(FORBIDDEN, b""),
        "directory",
    );
    assert_bytes(
        &server.request(put(&all, b"x")),
        &response(FORBIDDEN, b""),
        "directory, target there",
    );
    assert_bytes(
        &server.request(get(&all)),
        &response(OK, b"old"),
        "directory that may be read",
    );
    let absent = format!("PUT /{all} HTTP/1.1\r\nHost: here\r\n\r\n");
    assert_bytes(
        &server.exchange(absent),
        &last_response(FORBIDDEN),
        "directory, no length",
    );
    server.permit_root(0o700);
    assert_eq!(server.names(), [all, unreadable, unwritable]);
}

#[test]
fn irregular_file_is_403_and_blocks_no_worker() {
    let server = server();
    let [directory, fifo, socket, device] = ["directory", "fifo", "socket", "device"].map(name);
    std::fs::create_dir(server.file(&directory)).unwrap();
    let any = Mode::from_raw_mode(0o666);
    mknodat(CWD, server.file(&fifo), FileType::Fifo, any, 0).unwrap();
    let _listener = UnixListener::bind(server.file(&socket)).unwrap();
    // /dev/zero, which has no end. Only root makes devices, and not everywhere.
    let has_device = mknodat(
        CWD,
        server.file(&device),
        FileType::CharacterDevice,
        any,
        makedev(1, 5),
    )
    .is_ok();
    let [inside, outside, absolute, dangling, circle, zero] = [
        "inside", "outside", "absolute", "dangling", "circle", "zero",
    ]
    .map(name);
    std::fs::write(server.path().join("secret"), "secret").unwrap();
    for (link, target) in [
        (&inside, SAMPLE),
        (&outside, "../secret"),
        (&absolute, server.file(SAMPLE).to_str().unwrap()),
        (&dangling, "nothing"),
        (&circle, &circle),
        (&zero, "/dev/zero"),
    ] {
        symlink(target, server.file(link)).unwrap();
    }
    let mut rows = vec![
        (&directory, response(FORBIDDEN, b"")),
        (&fifo, response(FORBIDDEN, b"")),
        (&socket, response(FORBIDDEN, b"")),
        (&inside, response(OK, CONTENT)),
        (&outside, response(FORBIDDEN, b"")),
        (&absolute, response(FORBIDDEN, b"")),
        (&dangling, response(NOT_FOUND, b"")),
        (&circle, response(FORBIDDEN, b"")),
        (&zero, response(FORBIDDEN, b"")),
    ];
    if has_device {
        rows.push((&device, response(FORBIDDEN, b"")));
    }
    let names = server.names();
    for (name, expected) in rows {
        assert_bytes(
            &server.request(get(name)),
            &expected,
            &format!("GET {name}"),
        );
        for request in [
            put(name, b"new"),
            format!(
                "PUT /{name} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            )
            .into(),
        ] {
            let what = request.escape_ascii().to_string();
            assert_bytes(&server.request(request), &response(FORBIDDEN, b""), &what);
        }
        let open = format!("PUT /{name} HTTP/1.1\r\nHost: here\r\n\r\n");
        assert_bytes(&server.request(&open), &last_response(FORBIDDEN), &open);
        // The only worker is free.
        assert_bytes(&server.request(get(SAMPLE)), &response(OK, CONTENT), name);
    }
    assert_eq!(server.names(), names);
    assert_eq!(
        std::fs::read(server.path().join("secret")).unwrap(),
        b"secret"
    );
}

#[test]
fn a_put_is_201_whether_or_not_the_file_was_there() {
    let server = server();
    let name = name("stored");
    for content in [&b"first"[..], b"second, and longer", b"", b"3"] {
        assert_bytes(
            &server.request(put(&name, content)),
            &response(CREATED, b""),
            "PUT",
        );
        assert_bytes(&server.content(&name), content, "in the root");
        assert_bytes(&server.request(get(&name)), &response(OK, content), "GET");
    }
    assert_eq!(server.names(), [SAMPLE, &name]);
}
