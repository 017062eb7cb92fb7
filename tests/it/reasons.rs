//! Reasons for refusals: one line on stderr, with the peer, its request line, the status and the reason.

use std::fs;

use rustix::process::Signal;

use crate::support::message::name;
use crate::support::reasons::{refused, said_of};
use crate::support::server::Server;
use crate::support::setup::Setup;

#[test]
fn every_refused_head_is_explained_once_with_its_peer() {
    let server = Setup::new(&[]).debug().start();
    let long = "a".repeat(9000);
    let get = |fields: &str| format!("GET / HTTP/1.1\r\n{fields}\r\n");
    let put = |fields: &str| format!("PUT /x HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    for (input, status, reason) in [
        ("\x16\x03\x01".into(), "400", "TLS"),
        ("\x01".into(), "400", "method"),
        ("GET\r\n\r\n".into(), "400", "no target"),
        ("GET /a\r\n\r\n".into(), "400", "no version"),
        (
            "GET /\" HTTP/1.1\r\n\r\n".into(),
            "400",
            "a URI cannot have",
        ),
        ("GET / http/1.1\r\n\r\n".into(), "400", "HTTP/1.1"),
        ("GET / HTTP/2.0\r\n\r\n".into(), "505", "HTTP/1.x"),
        (get("A b\r\n"), "400", "colon"),
        (get("A: \x01\r\n"), "400", "control"),
        (get("Host: a b\r\n"), "400", "Host"),
        (get("Host: a\r\nHost: a\r\n"), "400", "two"),
        (get(&"A:\r\n".repeat(101)), "431", "100 field lines"),
        ("GET / HTTP/1.1\r\nHo".into(), "400", "stream ends"),
        (format!("GET /{long}"), "414", "8192 bytes"),
        (get(&format!("A: {long}{long}")), "431", "16384 bytes"),
        (put("Expect: x\r\n"), "417", "100-continue"),
        (put("Content-Length: x\r\n"), "400", "not a number"),
        (put("Content-Length: 1, 2\r\n"), "400", "not the same"),
        (
            put("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
            "400",
            "both",
        ),
        (put("Transfer-Encoding: gzip\r\n"), "400", "not chunked"),
        (
            put("Transfer-Encoding: gzip, chunked\r\n"),
            "501",
            "no transfer coding other than chunked",
        ),
    ] {
        check(&server, &input, status, reason);
    }
}

#[test]
fn every_refused_request_is_explained_once_with_its_peer() {
    let server = Setup::new(&["--max-body", "10"]).debug().start();
    fs::create_dir(server.file(&name("dir"))).unwrap();
    let (file, dir) = (name("file"), name("dir"));
    let get = |name: &str| format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n");
    let put = |name: &str, length: &str, content: &str| {
        format!("PUT /{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{content}")
    };
    let chunked = |content: &str| {
        format!("PUT /{file} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{content}")
    };
    for (input, status, reason) in [
        ("POST / HTTP/1.1\r\n\r\n".into(), "500", "GET and PUT"),
        (get("a"), "400", "27"),
        (get(&file), "404", "no such file"),
        (get(&dir), "403", "directory"),
        (put("a", "0", ""), "400", "27"),
        (put(&dir, "0", ""), "403", "directory"),
        (put(&file, "11", ""), "413", "10 bytes"),
        (put(&file, "5", "abc"), "400", "stream ends"),
        (chunked("b\r\nabcdefghijk\r\n"), "413", "10 bytes"),
        (chunked("x\r\n"), "400", "hexadecimal"),
        (chunked("1\r\nab"), "400", "CRLF"),
        (chunked("1\r\n"), "400", "stream ends"),
    ] {
        check(&server, &input, status, reason);
    }
}

/// Sends `input`, which is refused with this status, and checks that the reason is printed once.
#[track_caller]
fn check(server: &Server, input: &str, status: &str, reason: &str) {
    let (response, said) = refused(server, input.as_bytes());
    let line = format!("HTTP/1.1 {status} ");
    assert!(response.starts_with(line.as_bytes()), "{input}");
    let [said] = said.as_slice() else {
        panic!("not once: {said:?}");
    };
    let (line, why) = said.split_once(&format!(": {status} ")).unwrap();
    assert_eq!(line.split(' ').count(), 3, "{said}");
    let (_, why) = why.split_once(": ").unwrap();
    assert!(why.contains(reason), "{said}");
}

#[test]
fn reasons_cannot_be_forged() {
    let server = Setup::new(&[]).debug().start();
    let (_, said) = refused(&server, b"GET /\x1b[2J\xff\rx HTTP/1.1\r\n\r\n");
    let expected = r"GET /\x1b[2J\xff\rx HTTP/1.1: 400 Bad Request: ";
    assert!(said[0].starts_with(expected), "{said:?}");
}

#[test]
fn reasons_name_slow_and_vanished_clients() {
    let server = Setup::new(&["--head-timeout", "1", "--body-timeout", "1"])
        .debug()
        .start();
    let file = name("file");
    let put = format!("PUT /{file} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab");
    for (input, reason) in [
        (
            "GET / HTTP",
            "408 Request Timeout: the head was not complete after 1 s",
        ),
        (&put, "408 Request Timeout: no more content arrived for 1 s"),
    ] {
        let mut client = server.connect();
        client.send(input);
        client.rest();
        let said = said_of(&server, client.address());
        assert_eq!(said.len(), 1, "{said:?}");
        assert!(said[0].ends_with(reason), "{said:?}");
    }
    let mut client = server.connect();
    let peer = client.address();
    client.send(format!("{put}c"));
    client.reset();
    let said = said_of(&server, peer);
    let reason = format!("PUT /{file} HTTP/1.1: 400 Bad Request: the connection broke");
    assert!(
        said.iter().any(|said| said.starts_with(&reason)),
        "{said:?}"
    );
}

#[test]
fn upload_that_the_server_gives_up_is_explained() {
    let mut server = Setup::new(&["--drain-timeout", "1"]).debug().start();
    let mut client = server.connect();
    let file = name("file");
    client.send(format!(
        "PUT /{file} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    ));
    client.response();
    server.signal(Signal::TERM);
    server.wait();
    let said = said_of(&server, client.address());
    let reason = format!("PUT /{file} HTTP/1.1: 503 Service Unavailable: the server closed");
    assert!(said[0].starts_with(&reason), "{said:?}");
    assert_eq!(
        server.log(),
        format!("FAIL: PUT {file} HTTP/1.1 --- response 503\n========\n")
    );
}
