//! The memory of waiting connections, by the reason of the wait, and its release afterwards.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::support::bytes::noise;
use crate::support::client::{Client, raise_descriptors};
use crate::support::message::{get, name};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

const KIB: u64 = 1024;

/// The tolerance for other changes of the server's memory, in bytes.
const NOISE: u64 = 512 * KIB;

/// `count` connections that have each sent this, as far as the server receives it.
fn crowd(server: &Server, count: usize, sent: &[u8]) -> Vec<Client> {
    let connect = |_| {
        let mut client = server.connect();
        client.send_until_blocked(sent);
        client
    };
    let clients: Vec<_> = (0..count).map(connect).collect();
    eventually("all are accepted", || server.connections() == count);
    server.wait_until_idle();
    clients
}

fn leave(server: &Server, clients: Vec<Client>) {
    drop(clients);
    eventually("no client is connected", || server.connections() == 0);
    server.wait_until_idle();
}

/// A head with a field of so many bytes, without its end.
fn half_head(length: usize) -> Vec<u8> {
    let long = "x".repeat(length);
    format!("GET /{} HTTP/1.1\r\nHost: here\r\nA: {long}", name(1)).into_bytes()
}

/// KiB that a client may take at most, by what it has done: the table of the documents.
fn documented() -> BTreeMap<&'static str, u64> {
    let (_, table) = include_str!("../../docs/performance.md")
        .split_once("| a client that | KiB at most |\n|---|---|\n")
        .expect("the table");
    table
        .lines()
        .map_while(|line| {
            line.strip_prefix("| ")?
                .strip_suffix(" |")?
                .split_once(" | ")
        })
        .map(|(state, most)| (state, most.parse().expect("a figure")))
        .collect()
}

/// A server with two files and so many workers.
fn with_files(workers: &str) -> Server {
    let server = Setup::new(&["-N", workers]).unrecorded().start();
    server.place(&name("large"), &noise(1, 4_000_000));
    server.place(&name(1), &noise(2, 100));
    server
}

#[test]
fn waiting_connection_takes_little_memory() {
    raise_descriptors();
    let large = get(&name("large"));
    let behind = [large.as_bytes(), &get(&name(1)).repeat(1_500).into_bytes()].concat();
    let beginning = format!(
        "PUT /{} HTTP/1.1\r\nHost: here\r\nContent-Length: 5000\r\n\r\n{}",
        name("upload"),
        "x".repeat(4_500)
    );
    let behind_upload = [beginning.as_bytes(), &[b'x'; 500], &behind].concat();
    let upload = format!(
        "PUT /{} HTTP/1.1\r\nHost: here\r\nContent-Length: 1000000\r\n\r\n{}",
        name("upload"),
        "x".repeat(20_000)
    );
    let cases = [
        ("has said nothing", Vec::new(), 1_000),
        ("has its response", get("").into_bytes(), 1_000),
        ("has sent half a head of 100 bytes", half_head(100), 1_000),
        ("has sent half a head of 3 KiB", half_head(3_000), 500),
        (
            "has sent half of the longest head, 16 KiB of fields",
            half_head(16_300),
            500,
        ),
        (
            "does not take a response that is a file",
            large.clone().into_bytes(),
            200,
        ),
        ("has sent 128 KB of requests behind that", behind, 200),
        ("has sent an upload in front of these", behind_upload, 200),
        ("has sent some of an upload", upload.into_bytes(), 200),
    ];
    let documented = documented();
    assert_eq!(documented.len(), cases.len(), "{documented:?}");
    // The bytes that a connection has sent, and the number of connections.
    for (state, sent, count) in cases {
        let most = documented[state];
        let server = with_files("1");
        // The permanent memory for the first connections.
        let first = crowd(&server, 50, &sent);
        leave(&server, first);
        let before = server.resident();
        let clients = crowd(&server, count, &sent);
        let taken = server.resident().saturating_sub(before);
        let most = most * KIB * count as u64 + NOISE;
        assert!(
            taken <= most,
            "a client that {state}: {taken} bytes, {most} allowed"
        );
        drop(clients);
    }
}

#[test]
fn memory_of_connections_is_returned_to_the_system() {
    raise_descriptors();
    let large = get(&name("large")) + &get(&name(1)).repeat(1_500);
    // Bytes of each client that the server has at least.
    for (sent, count, least) in [
        (half_head(16_300), 2_000, 4 * KIB),
        (large.into_bytes(), 300, 2 * KIB),
    ] {
        let server = with_files("2");
        let first = crowd(&server, 50, &sent);
        leave(&server, first);
        let before = server.resident();
        let clients = crowd(&server, count, &sent);
        assert!(server.resident() > before + count as u64 * least);
        leave(&server, clients);
        let left = Instant::now();
        eventually("the memory is returned", || {
            server.resident() < before + 4 * NOISE
        });
        assert!(left.elapsed() < Duration::from_secs(10));
    }
}
