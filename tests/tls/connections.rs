//! Connections inside TLS: their begin, waits, end and cost.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use crate::support::bytes::{assert_bytes, noise};
use crate::support::client::Client;
use crate::support::message::{get, name, put};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tls::{TlsClient, VERSIONS, config};
use crate::support::wait::eventually;

use super::{certificate, config_of, connect};

/// The first bytes of a client: a hello.
fn hello(server: &Server) -> Vec<u8> {
    let client = TlsClient::over(
        TcpStream::connect(server.address()).unwrap(),
        &config_of(server),
    );
    let mut connection = client.stream.conn;
    let mut bytes = Vec::new();
    connection.write_tls(&mut bytes).unwrap();
    bytes
}

#[test]
fn requests_split_anywhere_are_answered() {
    for version in VERSIONS {
        let server = Setup::tls(&["-N", "1"]).start();
        let content = noise(3, 200_000);
        let config = config(&certificate(&server), version);
        let mut client = TlsClient::connect(server.address(), &config);
        let upload = put(&name("a"), &content);
        for piece in upload.chunks(7_001) {
            client.send(piece);
        }
        assert_eq!(client.response().status, 201);
        // Many in one record, and one in many records.
        client.send(get(&name("a")).repeat(20));
        for _ in 0..20 {
            assert_bytes(&client.response().body, &content, "pipelined");
        }
        for byte in get("").as_bytes() {
            client.send([*byte]);
        }
        assert_eq!(client.response().status, 200);
    }
}

#[test]
fn slow_reader_gets_the_whole_response() {
    let server = Setup::tls(&["-N", "1"]).start();
    let content = noise(4, 8_000_000);
    server.place(&name("a"), &content);
    for version in VERSIONS {
        let config = config(&certificate(&server), version);
        let socket = Client::with_receive_buffer(server.address(), 4096).into_stream();
        let mut client = TlsClient::over(socket, &config);
        client.send(get(&name("a")));
        // Others are served during that time.
        let mut other = connect(&server);
        other.send(get(""));
        assert_eq!(other.response().status, 200);
        assert_bytes(&client.response().body, &content, "slow");
    }
}

#[test]
fn response_ends_with_close_notify() {
    let server = Setup::tls(&[]).start();
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "garbage\r\n\r\n",
    ] {
        let mut client = connect(&server);
        client.send(request);
        let received = client.rest().unwrap();
        assert!(received.starts_with(b"HTTP/1.1 "), "{request}");
    }
    let mut idle = connect(&server);
    idle.send(get(""));
    idle.response();
    idle.end_sending();
    assert_eq!(idle.rest().unwrap(), b"");
}

#[test]
fn idle_connection_is_closed_with_a_close_notify() {
    let server = Setup::tls(&["--idle-timeout", "100ms"]).start();
    let mut client = connect(&server);
    client.send(get(""));
    client.response();
    assert_eq!(client.rest().unwrap(), b"");
}

#[test]
fn upload_without_length_takes_effect_only_after_close_notify() {
    let server = Setup::tls(&["-N", "1"]).start();
    let request = |name: &str| format!("PUT /{name} HTTP/1.1\r\nHost: a\r\n\r\nsome content");
    let whole = name("whole");
    let mut client = connect(&server);
    client.send(request(&whole));
    client.end_sending();
    assert_eq!(client.response().status, 201);
    eventually("it is stored", || {
        server.file(&whole).exists() && server.content(&whole) == b"some content"
    });
    let cut = name("cut");
    let mut client = connect(&server);
    client.send(request(&cut));
    assert_eq!(client.response().status, 201);
    client.stream.sock.shutdown(Shutdown::Write).unwrap();
    assert!(client.has_ended());
    // An empty file was stored before the response.
    let entry = format!("PUT {cut} length 0");
    eventually("it is recorded", || server.log_lines().contains(&entry));
    assert_eq!(server.content(&cut), b"");
}

#[test]
fn upload_that_is_cut_off_stores_nothing() {
    let server = Setup::tls(&[]).start();
    let file = name("a");
    let mut client = connect(&server);
    client.send(format!(
        "PUT /{file} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nsome"
    ));
    client.stream.sock.shutdown(Shutdown::Write).unwrap();
    assert!(client.has_ended());
    eventually("it is recorded", || server.log_lines().len() == 1);
    assert!(!server.file(&file).exists());
}

#[test]
fn damaged_record_ends_the_connection_with_an_alert() {
    let server = Setup::tls(&["-N", "1"]).start();
    let mut client = connect(&server);
    client.send(get(""));
    client.response();
    let sock = &mut client.stream.sock;
    sock.write_all(b"\x17\x03\x03\x00\x20 this was never encrypted by us.")
        .unwrap();
    let mut received = Vec::new();
    sock.read_to_end(&mut received).unwrap();
    assert_eq!(received.first(), Some(&23), "an alert, encrypted");
    let mut other = connect(&server);
    other.send(get(""));
    assert_eq!(other.response().status, 200);
}

#[test]
fn endless_handshake_is_refused() {
    let server = Setup::tls(&["-N", "1"]).start();
    let mut client = server.connect();
    // A hello that says that it is 16 MB long, in records of 16 KiB.
    let mut message = vec![1, 0xff, 0xff, 0xff];
    message.resize(16 * 1024, 0);
    let record = [&b"\x16\x03\x01\x40\x00"[..], &message].concat();
    for _ in 0..64 {
        if client.try_send(&record).is_err() {
            break;
        }
    }
    let _ = client.try_rest();
    eventually("the connection is closed", || server.connections() == 0);
}

#[test]
fn silent_client_is_closed_in_the_time_of_a_head() {
    let server = Setup::tls(&["--head-timeout", "200ms"]).start();
    let hello = hello(&server);
    for begun in [&[][..], &hello[..1], &hello[..50], &hello] {
        let mut client = server.connect();
        client.send(begun);
        let _ = client.try_rest();
    }
    assert_eq!(server.log(), "");
}

#[test]
fn half_open_and_dripping_handshakes_delay_no_client() {
    let server = Setup::tls(&["-N", "1"]).start();
    let hello = hello(&server);
    let half_open: Vec<_> = (0..2_000)
        .map(|number| {
            let mut client = server.connect();
            client.send(&hello[..number % hello.len()]);
            client
        })
        .collect();
    let mut dripping: Vec<_> = (0..500).map(|_| server.connect()).collect();
    let config = config_of(&server);
    for round in 0..5 {
        for client in &mut dripping {
            client.send(&hello[round..=round]);
        }
        let mut client = TlsClient::connect(server.address(), &config);
        client.send(get(""));
        assert_eq!(client.response().status, 200);
    }
    assert!(server.connections() >= 2_500);
    drop(half_open);
}

#[test]
fn idle_connection_costs_twelve_kibibytes_at_most() {
    const CLIENTS: usize = 1_000;
    let server = Setup::tls(&["-N", "1"]).unrecorded().start();
    for version in VERSIONS {
        let config = config(&certificate(&server), version);
        let crowd = || -> Vec<_> {
            let clients = (0..CLIENTS).map(|_| {
                let mut client = TlsClient::connect(server.address(), &config);
                client.send(get(""));
                client.response();
                client
            });
            clients.collect()
        };
        // Memory that exists once for all of them.
        let _first = crowd();
        let before = server.resident();
        let _second = crowd();
        let each = server.resident().saturating_sub(before) / CLIENTS as u64;
        assert!(each <= 12 * 1024, "{version:?}: {each} bytes");
    }
}

#[test]
fn stop_finishes_requests_inside_tls() {
    let mut server = Setup::tls(&[]).start();
    let file = name("a");
    let mut client = connect(&server);
    client.send(format!(
        "PUT /{file} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nso"
    ));
    let mut idle = connect(&server);
    idle.send(get(""));
    idle.response();
    server.signal(rustix::process::Signal::TERM);
    assert!(idle.has_ended());
    client.send("me");
    assert_eq!(client.response().status, 201);
    let (status, _) = server.wait();
    assert!(status.success());
    assert_eq!(server.content(&file), b"some");
}
