//! Timeouts: clients that make the server wait.
//!
//! Only these tests depend on time. A step that must be quick uses a [`Pace`]; if the machine was too slow, the test is
//! repeated.

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

/// A step took so long that the result has no meaning.
struct TooSlow;

/// Steps with a limit on the time between each and the next.
struct Pace {
    most: Duration,
    last: Instant,
}

impl Pace {
    fn new(most: Duration) -> Self {
        let last = Instant::now();
        Self { most, last }
    }

    /// Takes a step, which must succeed if it is quick enough.
    #[track_caller]
    fn step<T>(&mut self, step: impl FnOnce() -> io::Result<T>) -> Result<T, TooSlow> {
        let result = step();
        let took = self.last.elapsed();
        self.last = Instant::now();
        if took < self.most {
            Ok(result.unwrap())
        } else {
            Err(TooSlow)
        }
    }
}

/// Runs a test until it was quick enough.
#[track_caller]
fn repeat_if_slow(test: impl Fn() -> Result<(), TooSlow>) {
    let shown = (0..50).any(|_| test().is_ok());
    assert!(shown, "this machine is too slow for a test of time");
}

/// Checks that `wait` takes no less than the timeout.
#[track_caller]
fn takes_at_least(timeout: Duration, wait: impl FnOnce()) {
    let start = Instant::now();
    wait();
    let waited = start.elapsed();
    assert!(waited >= timeout, "after {waited:?} instead of {timeout:?}");
}

#[test]
fn incomplete_head_is_408() {
    let timeout = Duration::from_millis(400);
    let failure = "FAIL: GET a HTTP/1.1 --- response 408\n========\n";
    repeat_if_slow(|| {
        let server = server(&["--head-timeout", "0.4"]);
        let mut pace = Pace::new(timeout / 2);
        let mut client = server.connect();
        pace.step(|| client.try_send("GET /a HTTP/1.1\r\nHo"))?;
        takes_at_least(timeout / 2, || {
            assert_bytes(&client.rest(), &response(TIMEOUT, b""), "half a head");
        });
        assert_eq!(server.log(), failure);
        // Each byte is progress, but the timeout is for the whole head.
        let mut pace = Pace::new(timeout / 2);
        let mut client = server.connect();
        pace.step(|| client.try_send("GET /a HTTP/1.1\r\nx: "))?;
        takes_at_least(timeout / 2, || {
            let start = Instant::now();
            while client.is_silent() {
                assert!(start.elapsed() < GUARD, "the deadline moves on");
                // The timeout may have expired between these two.
                let _ = client.try_send("y");
                sleep(Duration::from_millis(20));
            }
            assert_bytes(&client.response(), &response(TIMEOUT, b""), "byte by byte");
        });
        // Also for the second request of a connection, from its first byte.
        let mut pace = Pace::new(timeout / 2);
        let mut client = server.connect();
        pace.step(|| client.try_send(get("")))?;
        client.response();
        sleep(timeout);
        takes_at_least(timeout, || {
            client.send("GET /a HTTP/1.1\r\n");
            assert_bytes(&client.rest(), &response(TIMEOUT, b""), "the second head");
        });
        let entries = [failure, failure, "GET / length 0\n========\n", failure];
        assert_eq!(server.log(), entries.concat());
        Ok(())
    });
}

#[test]
fn silent_client_is_closed_without_response() {
    let timeout = Duration::from_millis(300);
    repeat_if_slow(|| {
        let server = server(&["--head-timeout", "0.3"]);
        takes_at_least(timeout, || {
            assert_bytes(&server.connect().rest(), b"", "nothing sent");
        });
        // Nor is an empty line a request (RFC 9112 §2.2).
        let mut pace = Pace::new(timeout / 2);
        let mut client = server.connect();
        pace.step(|| client.try_send("\r\n"))?;
        takes_at_least(timeout / 2, || {
            assert_bytes(&client.rest(), b"", "an empty line sent");
        });
        assert_eq!(server.log(), "");
        Ok(())
    });
}

#[test]
fn idle_connection_is_closed_without_response() {
    let timeout = Duration::from_millis(500);
    repeat_if_slow(|| {
        let server = server(&["--idle-timeout", "0.5"]);
        takes_at_least(timeout, || {
            let mut client = server.connect();
            client.send(get(""));
            assert_bytes(&client.rest(), &response("200 OK", b""), "then the end");
        });
        // Each request restarts the timeout.
        let mut pace = Pace::new(timeout / 2);
        let mut client = server.connect();
        for _ in 0..20 {
            pace.step(|| {
                client.try_send(get(""))?;
                client.try_response()?;
                sleep(Duration::from_millis(50));
                Ok(())
            })?;
        }
        Ok(())
    });
}

#[test]
fn stalled_content_is_408_and_nothing_is_stored() {
    let timeout = Duration::from_millis(500);
    let name = name("stalled");
    let head = format!("PUT /{name} HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\n");
    repeat_if_slow(|| {
        let server = server(&["--body-timeout", "0.5"]);
        let mut client = server.connect();
        takes_at_least(timeout, || {
            client.send(head.clone() + "some");
            assert_bytes(&client.rest(), &response(TIMEOUT, b""), "stalled");
        });
        assert_eq!(server.names(), [""; 0]);
        let failure = format!("FAIL: PUT {name} HTTP/1.1 --- response 408\n========\n");
        assert_eq!(server.log(), failure);
        // More content restarts the timeout.
        let mut client = server.connect();
        client.send(&head);
        let mut pace = Pace::new(timeout / 2);
        for _ in 0..25 {
            pace.step(|| {
                sleep(Duration::from_millis(50));
                client.try_send("1234")
            })?;
        }
        assert_bytes(&client.response(), &response("201 Created", b""), "slow");
        // Discarded content has the same timeout; the response was already sent.
        let mut client = server.connect();
        takes_at_least(timeout, || {
            client.send("GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nsome");
            assert_bytes(&client.rest(), &response("200 OK", b""), "then the end");
        });
        Ok(())
    });
}

#[test]
fn client_that_does_not_read_is_closed() {
    let timeout = Duration::from_millis(500);
    let content = noise(1, 20_000_000);
    let expected = response("200 OK", &content);
    repeat_if_slow(|| {
        let server = server(&["--write-timeout", "0.5"]);
        server.place(&name("large"), &content);
        let mut client = server.connect();
        takes_at_least(timeout, || {
            client.send(get(&name("large")));
            eventually("the request is recorded", || !server.log().is_empty());
            eventually("the server has closed it", || server.connections() == 0);
        });
        let received = client.try_rest().map_or(0, |bytes| bytes.len());
        assert!(received < content.len(), "it was sent after all");
        // Every received byte restarts the timeout.
        let mut client = server.connect();
        client.receive_buffer(64 * 1024);
        let mut received = Vec::new();
        let mut pace = Pace::new(timeout / 2);
        client.send(get(&name("large")));
        for _ in 0..40 {
            received.append(&mut pace.step(|| {
                sleep(Duration::from_millis(40));
                client.try_take(expected.len() / 41)
            })?);
        }
        received.append(&mut client.take(expected.len() - received.len()));
        assert_bytes(&received, &expected, "taken slowly");
        Ok(())
    });
}

#[test]
fn client_that_does_not_close_after_a_refusal_is_closed() {
    let server = server(&["--linger-timeout", "0.3"]);
    let mut client = server.connect();
    takes_at_least(Duration::from_millis(300), || {
        client.send("NONSENSE\r\n\r\n");
        assert_bytes(&client.rest(), &response("400 Bad Request", b""), "refused");
        eventually("the server has closed it", || server.connections() == 0);
    });
}
