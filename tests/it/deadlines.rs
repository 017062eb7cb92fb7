//! Deadlines: what becomes of a client that lets the server wait.

use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::bytes::{assert_bytes, noise};
use crate::support::message::{get, name, response};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::{GUARD, eventually};

const TIMEOUT: &str = "408 Request Timeout";

fn server(options: &[&str]) -> Server {
    Setup::new(&[&["-N", "1"], options].concat()).start()
}

/// How long `wait` takes, which must be no less than what the option said.
#[track_caller]
fn takes_at_least(patience: Duration, wait: impl FnOnce()) {
    let start = Instant::now();
    wait();
    let waited = start.elapsed();
    assert!(
        waited >= patience,
        "after {waited:?} instead of {patience:?}"
    );
}

/// Tries something that pauses `times` times by calling what it is given, and must go well if no time between two
/// pauses was longer than `most`; where one was, the machine was too slow to show anything, and it is tried again.
#[track_caller]
fn at_intervals(
    pause: Duration,
    times: u32,
    most: Duration,
    mut attempt: impl FnMut(&mut dyn Iterator<Item = ()>) -> io::Result<()>,
) {
    for _ in 0..20 {
        let mut longest = Duration::ZERO;
        let mut last = Instant::now();
        let result = attempt(&mut (0..times).map(|_| {
            sleep(pause);
            longest = longest.max(last.elapsed());
            last = Instant::now();
        }));
        if longest.max(last.elapsed()) < most {
            return result.unwrap();
        }
    }
    panic!("this machine is too slow for a test of time");
}

#[test]
fn a_head_that_is_not_complete_in_time_is_408() {
    let patience = Duration::from_millis(400);
    let server = server(&["--head-timeout", "0.4", "--idle-timeout", "60"]);
    let failure = "FAIL: GET a HTTP/1.1 --- response 408\n========\n";
    let mut client = server.connect();
    takes_at_least(patience, || {
        client.send("GET /a HTTP/1.1\r\nHo");
        assert_bytes(&client.rest(), &response(TIMEOUT, b""), "half a head");
    });
    assert_eq!(server.log(), failure);
    // Each byte is progress, but the deadline is for the whole head.
    let mut client = server.connect();
    takes_at_least(patience, || {
        client.send("GET /a HTTP/1.1\r\nx: ");
        let start = Instant::now();
        while client.is_silent() {
            assert!(start.elapsed() < GUARD, "the deadline moves on");
            client.send("y");
            sleep(Duration::from_millis(20));
        }
        assert_bytes(&client.response(), &response(TIMEOUT, b""), "byte by byte");
    });
    // Also for the second request of a connection, from its first byte.
    let mut client = server.connect();
    client.send(get(""));
    client.response();
    sleep(patience);
    takes_at_least(patience, || {
        client.send("GET /a HTTP/1.1\r\n");
        assert_bytes(&client.rest(), &response(TIMEOUT, b""), "the second head");
    });
    assert_eq!(
        server.log(),
        [failure, failure, "GET / length 0\n========\n", failure].concat()
    );
}

#[test]
fn who_sends_nothing_is_left_without_a_word() {
    let server = server(&["--head-timeout", "0.3", "--idle-timeout", "600"]);
    takes_at_least(Duration::from_millis(300), || {
        assert_bytes(&server.connect().rest(), b"", "nothing sent");
    });
    // Nor is an empty line a request (RFC 9112 §2.2).
    takes_at_least(Duration::from_millis(300), || {
        let mut client = server.connect();
        client.send("\r\n");
        assert_bytes(&client.rest(), b"", "an empty line sent");
    });
    assert_eq!(server.log(), "");
}

#[test]
fn an_idle_connection_is_closed_without_a_word() {
    let patience = Duration::from_millis(500);
    let server = server(&["--idle-timeout", "0.5", "--head-timeout", "60"]);
    takes_at_least(patience, || {
        let mut client = server.connect();
        client.send(get(""));
        assert_bytes(&client.rest(), &response("200 OK", b""), "then the end");
    });
    // Each request begins the time anew.
    at_intervals(Duration::from_millis(50), 20, patience / 2, |pauses| {
        let mut client = server.connect();
        for () in pauses {
            client.try_send(get(""))?;
            client.try_response()?;
        }
        Ok(())
    });
}

#[test]
fn content_that_stalls_is_408_and_stores_nothing() {
    let patience = Duration::from_millis(500);
    let server = server(&["--body-timeout", "0.5"]);
    let name = name("stalled");
    let head = format!("PUT /{name} HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n");
    let mut client = server.connect();
    takes_at_least(patience, || {
        client.send(head.clone() + "some");
        assert_bytes(&client.rest(), &response(TIMEOUT, b""), "stalled");
    });
    assert_eq!(server.names(), [""; 0]);
    assert_eq!(
        server.log(),
        format!("FAIL: PUT {name} HTTP/1.1 --- response 408\n========\n")
    );
    // Some more begins the time anew.
    at_intervals(Duration::from_millis(50), 25, patience / 2, |pauses| {
        let mut client = server.connect();
        client.send(&head);
        for () in pauses {
            client.try_send("1234")?;
        }
        let received = client.try_response()?;
        if received == response("201 Created", b"") {
            Ok(())
        } else {
            Err(io::Error::other(received.escape_ascii().to_string()))
        }
    });
    // Content that nobody wants has the same deadline; its answer was given.
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nsome");
    takes_at_least(patience, || {
        assert_bytes(&client.rest(), &response("200 OK", b""), "then the end");
    });
}

#[test]
fn who_does_not_read_is_left() {
    let patience = Duration::from_millis(500);
    let server = server(&["--write-timeout", "0.5"]);
    let content = noise(1, 20_000_000);
    server.place(&name("large"), &content);
    server.request(get(""));
    eventually("nobody is connected", || server.connections() == 0);
    let mut client = server.connect();
    takes_at_least(patience, || {
        client.send(get(&name("large")));
        eventually("it is accepted", || server.connections() == 1);
        eventually("the server has closed it", || server.connections() == 0);
    });
    let received = client.try_rest().map_or(0, |bytes| bytes.len());
    assert!(received < content.len(), "it was sent after all");
    // Every bit that is taken begins the time anew.
    at_intervals(Duration::from_millis(40), 40, patience / 2, |pauses| {
        let mut client = server.connect();
        client.receive_buffer(64 * 1024);
        client.send(get(&name("large")));
        let expected = response("200 OK", &content);
        let mut received = Vec::new();
        for () in pauses {
            received.append(&mut client.try_take(expected.len() / 41)?);
        }
        received.append(&mut client.try_take(expected.len() - received.len())?);
        assert_bytes(&received, &expected, "taken slowly");
        Ok(())
    });
}

#[test]
fn who_does_not_close_after_a_refusal_is_left() {
    let server = server(&["--linger-timeout", "0.3"]);
    let mut client = server.connect();
    takes_at_least(Duration::from_millis(300), || {
        client.send("NONSENSE\r\n\r\n");
        assert_bytes(&client.rest(), &response("400 Bad Request", b""), "refused");
        eventually("the server has closed it", || server.connections() == 0);
    });
}
