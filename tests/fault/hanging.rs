//! A disk that does not answer: who asked for it waits, and nobody else.

use std::io::ErrorKind;
use std::time::Duration;

use crate::client::{Client, get, put};
use crate::server::{Place, Server};
use crate::strace::{Tampering, missing};
use crate::{name, skip};

/// Longer than any test waits.
const HANGS: &str = "delay_enter=60000000:when=1";

/// Has both workers of a server hang at their first `syscall`, and shows that while the one that serves `request` does,
/// the other serves.
fn one_hangs(syscall: &str, request: &[u8], status: u16) {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let place = Place::new();
    place.store(&name(1), b"old");
    let server = place.serve(&["-N", "2"]);
    let mut waits = server.connect();
    let mut others: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for client in others.iter_mut().chain([&mut waits]) {
        assert_eq!(client.get(&name(9)).unwrap().status, 404);
    }
    let hanging = attach(&server, &place, syscall);
    waits.send(request).unwrap();
    for _ in 0..4 {
        for client in &mut others {
            assert_eq!(client.get(&name(9)).unwrap().status, 404);
        }
    }
    assert!(!is_answered(&waits), "it did not hang");
    drop(hanging);
    assert_eq!(waits.answer().unwrap().status, status);
}

fn attach(server: &Server, place: &Place, syscall: &str) -> Vec<Tampering> {
    ["worker-0", "worker-1"]
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
fn a_rename_that_hangs() {
    one_hangs("renameat", &put(&name(1), b"new"), 201);
}
