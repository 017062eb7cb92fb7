//! PUT without a length: every response has `Connection: close`, and the connection is closed.
//!
//! By RFC 9112 §6.3 such a request has no content, and the bytes after it are another request; in this dialect they are
//! content. `proxy` tests the consequences behind proxies.

use std::fs;

use crate::support::bytes::assert_bytes;
use crate::support::message::{last_response, name, response};
use crate::support::setup::Setup;

#[test]
fn every_response_has_connection_close_behind_its_length() {
    let server = Setup::new(&["-N", "1"]).start();
    let (file, directory) = (name("file"), name("directory"));
    fs::create_dir(server.file(&directory)).unwrap();
    for version in [
        "HTTP/1.0",
        "HTTP/1.0\r\nConnection: keep-alive",
        "HTTP/1.1",
        "HTTP/1.1\r\nHost: a",
        "HTTP/1.1\r\nHost: a\r\nConnection: keep-alive",
        "HTTP/1.1\r\nHost: a\r\nConnection: close",
    ] {
        for (target, status) in [
            (&*file, "201 Created"),
            (&directory, "403 Forbidden"),
            ("short", "400 Bad Request"),
            ("", "400 Bad Request"),
            (&format!("{file}?query"), "400 Bad Request"),
        ] {
            let what = format!("PUT /{target} {version}");
            let request = format!("{what}\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n");
            let mut client = server.connect();
            client.send(request);
            let answered = client.response();
            assert_bytes(&answered, &last_response(status), &what);
            client.end_sending();
            assert_bytes(&client.rest(), b"", &what);
        }
    }
    assert_eq!(server.log().matches("GET").count(), 0);
}

#[test]
fn refused_heads_have_their_reason() {
    let server = Setup::new(&["-N", "1", "--head-timeout", "1"]).start();
    let (long, file) = ("a".repeat(9000), name("file"));
    let put = format!("PUT /{file} HTTP/1.1\r\nHost: a\r\n");
    for (head, status) in [
        (format!("{put}Expect: x\r\n\r\n"), "417 Expectation Failed"),
        (format!("{put}Host: a\r\n\r\n"), "400 Bad Request"),
        (format!("{put}A b\r\n\r\n"), "400 Bad Request"),
        (
            format!("{put}Transfer-Encoding: gzip\r\n\r\n"),
            "400 Bad Request",
        ),
        (
            format!("PUT /{file} HTTP/2.0\r\n\r\n"),
            "505 HTTP Version Not Supported",
        ),
        (format!("PUT /{file}\r\n\r\n"), "400 Bad Request"),
        (format!("PUT /{long} HTTP/1.1\r\n\r\n"), "414 URI Too Long"),
        (
            format!("{put}A: {long}{long}"),
            "431 Request Header Fields Too Large",
        ),
        (put.clone(), "408 Request Timeout"),
    ] {
        let mut client = server.connect();
        client.send(&head);
        assert_bytes(&client.rest(), &last_response(status), &head);
    }
    // The field is not added if a length is stated, or for another method.
    for (head, status) in [
        (format!("{put}Content-Length: x\r\n\r\n"), "400 Bad Request"),
        (
            format!("{put}Expect: x\r\nContent-Length: 1\r\n\r\n"),
            "417 Expectation Failed",
        ),
        (
            format!("{put}Transfer-Encoding: gzip, chunked\r\n\r\n"),
            "501 Not Implemented",
        ),
        (
            format!("{put}Transfer-Encoding: chunked\r\n\r\nx"),
            "400 Bad Request",
        ),
        (format!("{put}Content-Length: 1\r\n"), "408 Request Timeout"),
        (
            format!("GET /{file} HTTP/1.1\r\nHost: a\r\n"),
            "408 Request Timeout",
        ),
        (
            format!("GET /{file} HTTP/2.0\r\n\r\n"),
            "505 HTTP Version Not Supported",
        ),
        (
            format!("PUSH /{file} HTTP/1.1\r\n\r\n"),
            "500 Internal Server Error",
        ),
    ] {
        let mut client = server.connect();
        client.send(&head);
        assert_bytes(&client.rest(), &response(status, b""), &head);
    }
}
