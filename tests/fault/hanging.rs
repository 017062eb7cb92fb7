//! A disk that does not answer: who asked for it waits, and nobody else.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use crate::fault::client::{Client, get, put};
use crate::fault::name;
use crate::fault::server::{Place, Server};
use crate::support::requirements::skip;
use crate::support::strace::{Tampering, missing};

/// Longer than any test waits.
const HANGS: &str = "delay_enter=60000000:when=1";

/// Has the workers of a server hang at their first `syscall`, and shows that while the one that serves `request` does,
/// the others serve. With four processors or less, a worker must come out of the reserve for that.
fn one_hangs(syscall: &str, request: &[u8], status: u16) {
    one_hangs_beside(&name(9), 404, syscall, request, status);
}

/// As [`one_hangs`], with what the others ask for, and their answer.
fn one_hangs_beside(other: &str, answer: u16, syscall: &str, request: &[u8], status: u16) {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let place = Place::new();
    place.store(&name(1), b"old");
    let server = place.serve(&["-N", "4"]);
    let mut waits = server.connect();
    let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in others.iter_mut().chain([&mut waits]) {
        assert_eq!(client.get(other).unwrap().status, answer);
    }
    let hanging = attach(&server, &place, syscall);
    waits.send(request).unwrap();
    for _ in 0..4 {
        for client in &mut others {
            assert_eq!(client.get(other).unwrap().status, answer);
        }
    }
    assert!(!is_answered(&waits), "it did not hang");
    drop(hanging);
    assert_eq!(waits.answer().unwrap().status, status);
}

fn attach(server: &Server, place: &Place, syscall: &str) -> Vec<Tampering> {
    ["worker-0", "worker-1", "worker-2", "worker-3"]
        .map(|worker| {
            let thread = server.thread(worker);
            Tampering::attach(thread, syscall, HANGS, place.path(worker)).unwrap()
        })
        .into()
}

fn is_answered(client: &Client) -> bool {
    let socket = client.socket();
    let before = socket.read_timeout().unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(1)))
        .unwrap();
    let peeked = socket.peek(&mut [0]);
    socket.set_read_timeout(before).unwrap();
    !peeked.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
}

#[test]
fn an_open_that_hangs() {
    one_hangs("openat2", get(&name(1)).as_bytes(), 200);
}

#[test]
fn a_look_that_hangs() {
    // `GET /` needs no look at the disk.
    one_hangs_beside("", 200, "statx", get(&name(1)).as_bytes(), 200);
}

#[test]
fn a_rename_that_hangs() {
    one_hangs("renameat", &put(&name(1), b"new"), 201);
}

/// Below a directory the first look is an open too; here the directory could be a mount that is dead.
#[test]
fn a_look_below_a_directory_that_hangs() {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let place = Place::new();
    std::fs::create_dir(place.root().join("dead")).unwrap();
    place.store("dead/file", b"late");
    let server = place.serve(&["--web", "-N", "4"]);
    let get = |path| format!("GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let hanging = attach(&server, &place, "openat2");
    let mut waits = server.connect();
    waits.send(get("dead/file").as_bytes()).unwrap();
    for _ in 0..32 {
        let answer = server.exchange(&get("nothing"));
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
    assert!(!is_answered(&waits), "it did not hang");
    drop(hanging);
    let mut answer = String::new();
    waits.into_socket().read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nlate"), "{answer}");
}
