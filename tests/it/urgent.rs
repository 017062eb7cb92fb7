//! TCP urgent data (RFC 9293 §3.8.5): it is a part of the stream, and a receive that ends before it loses nothing.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::message::name;
use crate::support::server::Server;
use crate::support::setup::Setup;

/// Puts all of it before a server that is asleep in a wait for this connection: pieces that end with an urgent byte, and
/// what follows the last of them.
fn send_at_once(server: &Server, client: &mut Client, urgent: &[&[u8]], rest: &[u8]) {
    server.signal(Signal::STOP);
    for piece in urgent {
        client.send_urgent(piece);
    }
    client.send(rest);
    server.signal(Signal::CONT);
}

/// A connection that was served, and is parked from then on.
fn parked(server: &Server, first: &str) -> Client {
    let mut client = server.connect();
    client.send(first);
    client.response();
    client
}

const FIRST: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn urgent_byte_in_a_head_is_a_byte_of_it() {
    for dialect in [&["-N", "1"][..], &["-N", "1", "--web", "--listing"]] {
        let server = Setup::new(dialect).start();
        server.place(&name(1), b"content");
        let request = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", name(1));
        for at in [
            1,
            4,
            10,
            request.len() - 3,
            request.len() - 1,
            request.len(),
        ] {
            let mut client = parked(&server, FIRST);
            let (urgent, rest) = request.as_bytes().split_at(at);
            send_at_once(&server, &mut client, &[urgent], rest);
            let response = client.final_response().unwrap();
            assert_eq!(
                (response.status, response.body.as_slice()),
                (200, &b"content"[..]),
                "{at}"
            );
        }
    }
}

#[test]
fn urgent_byte_is_received_while_signals_come() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name(1), b"content");
    let mut client = parked(&server, FIRST);
    let rest = format!("ET /{} HTTP/1.1\r\nHost: a\r\n\r\n", name(1));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                server.signal(Signal::STOP);
                server.signal(Signal::CONT);
                std::thread::yield_now();
            }
        });
        let _over = Over(&is_over);
        for number in 0..1500 {
            client.send_urgent("G");
            client.send(&rest);
            assert_eq!(
                client.final_response().unwrap().body,
                b"content",
                "{number}"
            );
        }
    });
}

/// Signals the end when it is dropped, also by a panic.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[test]
fn urgent_byte_on_a_new_connection_is_a_byte_of_the_stream() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name(1), b"content");
    let mut client = server.connect();
    let rest = format!("T /{} HTTP/1.1\r\nHost: a\r\n\r\n", name(1));
    send_at_once(&server, &mut client, &[b"GE"], rest.as_bytes());
    assert_eq!(client.final_response().unwrap().body, b"content");
}

#[test]
fn urgent_byte_between_two_requests_delays_neither() {
    let server = Setup::new(&["-N", "1"]).start();
    for (number, content) in [(1, "one"), (2, "two")] {
        server.place(&name(number), content.as_bytes());
    }
    let request = |number| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", name(number));
    // The last byte of the first, and the first of the second.
    for extra in [0, 1] {
        let both = request(1) + &request(2);
        let (urgent, rest) = both.as_bytes().split_at(request(1).len() + extra);
        let mut client = parked(&server, FIRST);
        send_at_once(&server, &mut client, &[urgent], rest);
        for content in ["one", "two"] {
            assert_eq!(client.final_response().unwrap().text(), content);
        }
    }
}

#[test]
fn urgent_bytes_in_content_are_stored() {
    let plain = ("Content-Length: 10", &b"0123456789"[..]);
    let chunked = (
        "Transfer-Encoding: chunked",
        &b"a\r\n0123456789\r\n0\r\n\r\n"[..],
    );
    for dialect in [&["-N", "1"][..], &["-N", "1", "--web", "--writable"]] {
        let server = Setup::new(dialect).start();
        for (framing, content) in [plain, chunked] {
            for at in 1..=content.len() {
                let head = format!(
                    "PUT /{} HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n",
                    name(at as u64)
                );
                let mut client = parked(&server, FIRST);
                let (urgent, rest) = content.split_at(at);
                let (first, second) = urgent.split_at(at / 2);
                // Of two urgent bytes, the first is a normal byte.
                let pieces: Vec<&[u8]> = [head.as_bytes(), first, second]
                    .into_iter()
                    .filter(|piece| !piece.is_empty())
                    .collect();
                send_at_once(&server, &mut client, &pieces, rest);
                let response = client.final_response().unwrap();
                assert!(
                    matches!(response.status, 201 | 204),
                    "{at}: {}",
                    response.status
                );
                assert_eq!(
                    server.content(&name(at as u64)),
                    b"0123456789",
                    "{framing} {at}"
                );
            }
        }
    }
}
