//! Uploads of partial or encoded content: refused before any content is received, and the file stays.

use std::fs;
use std::process::Command;

use crate::support::bytes::assert_bytes;
use crate::support::message::{get, last_response, name, response};
use crate::support::process::finish;
use crate::support::setup::Setup;

const REFUSED: &str = "400 Bad Request";

#[test]
fn part_or_coded_content_is_refused_before_it_comes() {
    let server = Setup::new(&["-N", "1"]).start();
    let file = name("file");
    server.place(&file, b"whole");
    for field in [
        "Content-Range: bytes 3-4/5",
        "content-range: bytes */5",
        "Content-Encoding: gzip",
        "Content-Encoding: identity, br",
        "Content-Type: multipart/byteranges; boundary=x",
        "Upload-Complete: ?0",
        "Upload-Offset: 3",
    ] {
        let head = |rest: &str| format!("PUT /{file} HTTP/1.1\r\nHost: a\r\n{field}\r\n{rest}\r\n");
        // The content is discarded, and the connection persists.
        let mut client = server.connect();
        client.send(head("Content-Length: 2\r\n") + "le" + &get(&file));
        assert_bytes(&client.response(), &response(REFUSED, b""), field);
        assert_bytes(&client.response(), &response("200 OK", b"whole"), field);
        // There is no 100, so the client need not send content.
        let mut client = server.connect();
        client.send(head("Content-Length: 2\r\nExpect: 100-continue\r\n"));
        assert_bytes(&client.rest(), &response(REFUSED, b""), field);
        let chunked = head("Transfer-Encoding: chunked\r\n") + "2\r\nle\r\n0\r\n\r\n";
        assert_bytes(&server.exchange(chunked), &response(REFUSED, b""), field);
        let open = head("") + "le";
        assert_bytes(&server.exchange(open), &last_response(REFUSED), field);
    }
    assert_bytes(&server.content(&file), b"whole", "the file");
    let failure = format!("FAIL: PUT {file} HTTP/1.1 --- response 400\n========\n");
    assert_eq!(server.log().matches(&failure).count(), 4 * 7);
    assert_eq!(server.log().matches("PUT").count(), 4 * 7);
}

#[test]
fn method_is_judged_before_the_content_and_the_name_after_it() {
    let server = Setup::new(&["-N", "1"]).debug().start();
    for (line, status) in [
        ("POST /x", "500 Internal Server Error"),
        ("PUT /x", REFUSED),
        ("GET /x", REFUSED),
    ] {
        let request =
            format!("{line} HTTP/1.1\r\nContent-Range: bytes 0-0/2\r\nContent-Length: 0\r\n\r\n");
        assert_bytes(&server.request(request), &response(status, b""), line);
    }
    let stderr = server.stderr();
    let said: Vec<_> = stderr.lines().collect();
    assert!(
        said[1].contains("Content-Range") && said[2].contains("27"),
        "{stderr}"
    );
}

#[test]
fn content_that_states_to_be_whole_and_plain_is_stored() {
    let server = Setup::new(&["-N", "1"]).start();
    let file = name("file");
    for (number, field) in [
        "Content-Encoding: identity",
        "Content-Encoding:",
        "Content-Type: application/octet-stream",
        "Content-Type: multipart/form-data; boundary=x",
        "Upload-Complete: ?1",
        "Upload-Offset: 0",
        "Range: bytes=3-4",
    ]
    .iter()
    .enumerate()
    {
        let request = format!(
            "PUT /{file} HTTP/1.1\r\nHost: a\r\n{field}\r\nContent-Length: 1\r\n\r\n{number}"
        );
        assert_bytes(
            &server.request(request),
            &response("201 Created", b""),
            field,
        );
        assert_bytes(&server.content(&file), number.to_string().as_bytes(), field);
    }
}

/// The rest of a broken upload does not replace the file.
#[test]
fn curl_that_resumes_an_upload_does_not_lose_the_file() {
    let server = Setup::new(&["-N", "1"]).start();
    let file = name("file");
    server.place(&file, b"whole");
    let local = server.path().join("local");
    fs::write(&local, "whole file").unwrap();
    let mut command = Command::new("curl");
    command.args(["--disable", "--noproxy", "*", "-si", "-C", "3", "-T"]);
    command.arg(&local);
    command.arg(format!("http://{}/{file}", server.address()));
    let output = finish(command, b"");
    assert_bytes(&output.stdout, &response(REFUSED, b""), "curl -C 3 -T");
    assert_bytes(&server.content(&file), b"whole", "the file");
}
