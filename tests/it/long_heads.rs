//! Heads of which a waiting connection keeps only the beginning: the rest stays in the socket until they are complete.

use std::thread;

use rustix::process::Signal;

use crate::support::bytes::assert_bytes;
use crate::support::client::Client;
use crate::support::message::{get, name, response};
use crate::support::server::Server;
use crate::support::setup::Setup;

/// A head of `length` bytes for this request line.
fn head(line: &str, length: usize) -> String {
    let start = format!("{line} HTTP/1.1\r\nHost: a\r\nX: ");
    let value = "x".repeat(length - start.len() - 4);
    format!("{start}{value}\r\n\r\n")
}

/// Sends the pieces of `bytes` between `cuts`; each has had its turn before the next is sent.
fn send_in_pieces(server: &Server, client: &mut Client, bytes: &[u8], cuts: &[usize]) {
    let mut other = server.connect();
    let mut start = 0;
    for &cut in cuts {
        client.send(&bytes[start..cut]);
        // The only worker answers this after it has looked at the piece.
        other.get("");
        start = cut;
    }
    client.send(&bytes[start..]);
}

#[test]
fn long_head_is_answered_wherever_it_is_divided() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name("file"), b"content");
    for length in [4_095, 4_096, 4_097, 5_000, 8_192, 12_000, 16_400] {
        let first = head(&format!("GET /{}", name("file")), length);
        let second = head(&format!("PUT /{}", name("new")), length - 25)
            .replace("Host: a\r\n", "Host: a\r\nContent-Length: 6\r\nA: b\r\n");
        let all = [&first, &second, "stored", &get(&name("new"))].concat();
        for cuts in [
            vec![],
            vec![length - 1],
            vec![4_000, 4_096, length.max(4_097) - 1],
            vec![2_000, length, length + 3_000, length + second.len() - 1],
            vec![100, length + second.len(), length + second.len() + 1],
        ] {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut client = server.connect();
            send_in_pieces(&server, &mut client, all.as_bytes(), &cuts);
            let what = format!("{length} bytes, divided at {cuts:?}");
            assert_bytes(&client.response(), &response("200 OK", b"content"), &what);
            let stored = client.final_response().expect("a response to the upload");
            assert!(stored.status == 200 || stored.status == 201, "{what}");
            assert_bytes(&client.response(), &response("200 OK", b"stored"), &what);
        }
    }
}

#[test]
fn each_byte_of_a_long_head_may_come_alone() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name("file"), b"content");
    let head = head(&format!("GET /{}", name("file")), 9_000);
    let (start, rest) = head.split_at(4_000);
    let mut client = server.connect();
    client.send(start);
    for byte in rest.bytes() {
        client.send([byte]);
    }
    assert_bytes(&client.response(), &response("200 OK", b"content"), "alone");
}

#[test]
fn long_head_that_does_not_end_is_refused_as_a_short_one() {
    let server = Setup::new(&["-N", "1"]).start();
    let line = format!("GET /{}", name("file"));
    let head = head(&line, 12_000);
    for cut in [4_000, 4_096, 5_000, 11_999] {
        let mut client = server.connect();
        send_in_pieces(
            &server,
            &mut client,
            &head.as_bytes()[..cut],
            &[cut - 500, cut],
        );
        client.end_sending();
        let refused = response("400 Bad Request", b"");
        assert_bytes(&client.rest(), &refused, &cut.to_string());
    }
    let failure = format!(
        "FAIL: GET {} HTTP/1.1 --- response 400\n========\n",
        name("file")
    );
    assert_eq!(server.log().matches(&failure).count(), 4);
}

#[test]
fn limits_of_a_head_hold_for_what_is_still_in_the_socket() {
    let server = Setup::new(&["-N", "1"]).start();
    let start = format!("GET /{} HTTP/1.1\r\n", name("none"));
    for (length, status) in [(16_384, 404), (16_385, 431), (40_000, 431)] {
        let fields = format!("X: {}\r\n", "x".repeat(length - 5));
        for cut in [1, 4_096, 6_000, 16_000] {
            let mut client = server.connect();
            let all = [&start, &fields, "\r\n"].concat();
            send_in_pieces(&server, &mut client, all.as_bytes(), &[cut]);
            let response = client.final_response().expect("a response");
            assert_eq!(response.status, status, "{length} bytes, cut at {cut}");
        }
    }
    // A request line is recorded as a whole, wherever its bytes are.
    let long = "y".repeat(8_000);
    let line = format!("GET /{long} HTTP/1.1");
    let mut client = server.connect();
    let bytes = format!("{line}\r\nHost: a\r\nX: ");
    send_in_pieces(
        &server,
        &mut client,
        bytes.as_bytes(),
        &[4_096, 7_000, bytes.len()],
    );
    client.end_sending();
    assert_bytes(&client.rest(), &response("400 Bad Request", b""), "line");
    let failure = format!("FAIL: GET {long} HTTP/1.1 --- response 400\n========\n");
    assert!(server.log().contains(&failure));
}

#[test]
fn urgent_byte_in_the_rest_of_a_long_head_is_a_byte_of_it() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name("file"), b"content");
    let head = head(&format!("GET /{}", name("file")), 12_000);
    for cut in [4_097, 6_000, 11_999] {
        let mut client = server.connect();
        send_in_pieces(&server, &mut client, &head.as_bytes()[..4_096], &[4_096]);
        client.send_urgent(&head[4_096..cut]);
        server.connect().get("");
        client.send(&head[cut..]);
        assert_bytes(
            &client.response(),
            &response("200 OK", b"content"),
            "urgent",
        );
    }
}

#[test]
fn waiting_for_the_rest_of_a_long_head_takes_no_processor_time() {
    let server = Setup::new(&["-N", "1"]).start();
    let head = head(&format!("GET /{}", name("file")), 12_000);
    let mut client = server.connect();
    client.send(&head[..11_000]);
    // It has looked at all of that, and does not look again.
    server.wait_until_idle();
    client.send(&head[11_000..]);
    assert_eq!(
        client.final_response().map(|response| response.status),
        Some(404)
    );
}

#[test]
fn long_head_behind_many_others_is_answered() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name("file"), b"content");
    let head = head(&format!("GET /{}", name("file")), 15_000);
    for cut in [1, 4_000, 4_096, 5_000, 9_000, 14_999] {
        let (mut sending, mut receiving) = server.connect().split();
        let all = head.repeat(30);
        // More than the receive buffer holds, so the window is closed while these are sent.
        let end = all.len() - cut;
        let sender = thread::spawn(move || {
            sending.send(&all.as_bytes()[..end]);
            (sending, all)
        });
        for number in 0..29 {
            let what = format!("{number}, {cut} bytes left");
            assert_bytes(
                &receiving.response(),
                &response("200 OK", b"content"),
                &what,
            );
        }
        let (mut sending, all) = sender.join().unwrap();
        server.connect().get("");
        sending.send(&all.as_bytes()[end..]);
        let what = format!("the last, {cut} bytes left");
        assert_bytes(
            &receiving.response(),
            &response("200 OK", b"content"),
            &what,
        );
    }
}

#[test]
fn long_head_in_many_segments_is_answered_behind_large_ones() {
    let server = Setup::new(&["-N", "1"]).start();
    server.place(&name("file"), b"content");
    let long = head(&format!("GET /{}", name("file")), 16_000);
    // The beginning comes in the segment of an upload, of which the socket keeps the memory.
    let upload = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n{}",
        name("new"),
        "x".repeat(60_000)
    );
    let mut client = server.connect();
    client.send([upload.as_bytes(), &long.as_bytes()[..9_000]].concat());
    client.final_response().expect("a response to the upload");
    for byte in long.as_bytes()[9_000..].chunks(3) {
        client.send(byte);
    }
    assert_bytes(
        &client.response(),
        &response("200 OK", b"content"),
        "segments",
    );
}

#[test]
fn half_of_a_long_head_does_not_delay_a_stop() {
    let mut server = Setup::new(&["-N", "1", "--drain-timeout", "600"]).start();
    let head = head(&format!("GET /{}", name("file")), 12_000);
    let mut client = server.connect();
    client.send(&head[..11_000]);
    server.connect().get("");
    server.signal(Signal::TERM);
    let (status, _) = server.wait();
    assert!(status.success(), "{status}");
    assert_bytes(&client.rest(), b"", "closed without a response");
}
