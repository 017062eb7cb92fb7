//! The log in the root is forbidden to clients of the classic dialect by every method and path.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::message::{get, put, response};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::link;
use crate::support::wait::eventually;

/// The log's name, which is a valid name of a file.
const LOG: &str = "ABCDEFGHIJKLMNOPQRSTUVWXlog";
const SOFT: &str = "ABCDEFGHIJKLMNOPQRSTUVWsoft";
const HARD: &str = "ABCDEFGHIJKLMNOPQRSTUVWhard";
const OTHER: &str = "ABCDEFGHIJKLMNOPQRSTUVother";

fn server() -> Server {
    let server = Setup::new(&["-N", "2"])
        .log(Path::new("root").join(LOG))
        .files(|root| link(root, SOFT, LOG))
        .start();
    fs::hard_link(server.file(LOG), server.file(HARD)).unwrap();
    server
}

fn inode(server: &Server, name: &str) -> u64 {
    fs::metadata(server.file(name)).unwrap().ino()
}

/// A PUT in each framing.
fn puts(name: &str) -> [Vec<u8>; 4] {
    let head = format!("PUT /{name} HTTP/1.1\r\nHost: a\r\n");
    [
        put(name, b"mine"),
        format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n").into(),
        format!("{head}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n").into(),
        format!("{head}\r\nmine").into(),
    ]
}

#[test]
fn the_log_is_403_under_every_name() {
    let server = server();
    let before = inode(&server, LOG);
    let forbidden = response("403 Forbidden", b"");
    for name in [LOG, SOFT, HARD] {
        assert_eq!(server.request(get(name)), forbidden, "GET {name}");
        for put in puts(name) {
            let what = put.escape_ascii().to_string();
            let received = server.exchange(&put);
            assert!(received.starts_with(b"HTTP/1.1 403 "), "{what}");
        }
    }
    assert_eq!(inode(&server, LOG), before);
    assert_eq!(inode(&server, HARD), before);
    let entries = fs::read_to_string(server.file(LOG)).unwrap();
    assert_eq!(
        entries.matches("--- response 403\n").count(),
        15,
        "{entries}"
    );
}

#[test]
fn the_name_of_the_log_stays_403_during_a_rotation() {
    let server = server();
    let old = inode(&server, LOG);
    fs::rename(server.file(LOG), server.file(OTHER)).unwrap();
    for put in puts(LOG) {
        let received = server.exchange(&put);
        assert!(
            received.starts_with(b"HTTP/1.1 403 "),
            "{}",
            received.escape_ascii()
        );
    }
    assert!(!server.file(LOG).exists());
    // The log itself, until the server opens a new one.
    assert_eq!(server.request(get(OTHER)), response("403 Forbidden", b""));
    server.signal(Signal::HUP);
    eventually("there is a new log", || server.file(LOG).exists());
    assert_eq!(server.request(get(LOG)), response("403 Forbidden", b""));
    assert_ne!(inode(&server, LOG), old);
}

/// A client that has the 100 response for an upload of one byte, and has not sent the byte.
fn stalled(server: &Server, name: &str) -> Client {
    let mut client = server.connect();
    client.send(format!(
        "PUT /{name} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"
    ));
    assert_eq!(client.response(), b"HTTP/1.1 100 Continue\r\n\r\n");
    client
}

/// The replaced file is checked at the commit of the upload.
#[test]
fn an_upload_does_not_replace_the_log_under_a_new_name() {
    let server = server();
    let mut client = stalled(&server, OTHER);
    let log = inode(&server, LOG);
    fs::rename(server.file(LOG), server.file(OTHER)).unwrap();
    client.send("x");
    assert_eq!(client.response(), response("403 Forbidden", b""));
    assert_eq!(inode(&server, OTHER), log);
}
