//! Clients that behave in unusual ways, on real sockets.

use std::fs;
use std::thread;

use rustix::process::{Resource, Signal};

use crate::support::bytes::noise;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::message::{get, name, put};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::strace;
use crate::support::wait::eventually;

/// The invariant after every test: the server serves, and its log and its files agree.
fn check_afterwards(home: &Home, mut server: Server) {
    assert_eq!(
        server.connect().put(&name(99), b"after").unwrap().status,
        201
    );
    assert_eq!(server.connect().get(&name(99)).unwrap().body, b"after");
    server.stop();
    let journal = home.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), home.files());
}

/// The request that must never be seen: it hides in the content of another.
fn hidden() -> String {
    format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
        name(66)
    )
}

/// Requests that two recipients might frame differently (RFC 9112 §11.2), and their answers: each is one request, or
/// refused.
#[rustfmt::skip]
fn ambiguous() -> Vec<(&'static str, String, &'static [u16])> {
    let hidden = hidden();
    let length = hidden.len();
    let chunked = format!("{length:x}\r\n{hidden}\r\n0\r\n\r\n");
    let put = format!("PUT /{} HTTP/1.1\r\nHost: a\r\n", name(1));
    let get = format!("GET /{} HTTP/1.1\r\nHost: a\r\n", name(9));
    vec![
        ("CL.TE", format!("{put}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}"), &[400]),
        ("TE.CL", format!("{put}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunked}"), &[400]),
        ("TE.TE", format!("{put}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n{chunked}"), &[400]),
        ("TE twice", format!("{put}Transfer-Encoding: chunked, chunked\r\n\r\n{chunked}"), &[400]),
        ("TE unknown", format!("{put}Transfer-Encoding: xchunked\r\n\r\n{chunked}"), &[400]),
        ("TE disguised", format!("{put}Transfer-Encoding: \x0bchunked\r\n\r\n{chunked}"), &[400]),
        ("TE with a space", format!("{put}Transfer-Encoding : chunked\r\n\r\n{chunked}"), &[400]),
        ("TE folded", format!("{put}Transfer-Encoding:\r\n chunked\r\n\r\n{chunked}"), &[400]),
        ("TE in HTTP/1.0", format!("PUT /{} HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n{chunked}", name(1)), &[400]),
        ("CL.CL", format!("{put}Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{hidden}"), &[400]),
        ("0.CL (signed)", format!("{put}Content-Length: +{length}\r\n\r\n{hidden}"), &[400]),
        ("CL in a list", format!("{put}Content-Length: 0, {length}\r\n\r\n{hidden}"), &[400]),
        ("0.CL (behind a bare CR)", format!("{put}X: y\rContent-Length: 0\r\n\r\n{hidden}"), &[400]),
        ("0.CL (with a NUL)", format!("{put}Content-Length: 0\0\r\n\r\n{hidden}"), &[400]),
        ("CL too large", format!("{put}Content-Length: 18446744073709551616\r\n\r\n{hidden}"), &[400]),
        ("CL.0 (of a GET)", format!("{get}Content-Length: {length}\r\n\r\n{hidden}{get}\r\n"), &[404, 404]),
        ("TE.0 (of a GET)", format!("{get}Transfer-Encoding: chunked\r\n\r\n{chunked}{get}\r\n"), &[404, 404]),
        ("CL.0 (of a refusal)", format!("DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{hidden}{get}\r\n"), &[500, 404]),
        ("CL.0 (of a bad name)", format!("PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{hidden}{get}\r\n"), &[400, 404]),
        ("CL.0 (of a CONNECT)", format!("CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{hidden}{get}\r\n"), &[500, 404]),
        ("expectation refused", format!("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n{hidden}"), &[400]),
        ("chunk size past its end", format!("{put}Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n{hidden}"), &[400]),
        ("chunk size with a prefix", format!("{put}Transfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n{hidden}"), &[400]),
        ("chunk line with a bare LF", format!("{put}Transfer-Encoding: chunked\r\n\r\n0;\n\r\n{hidden}"), &[400]),
        ("chunk size overflow", format!("{put}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\n{hidden}"), &[400]),
        ("two hosts", format!("{put}Host: b\r\nContent-Length: 0\r\n\r\n{hidden}"), &[400]),
        ("two empty lines", format!("\r\n\r\n{hidden}"), &[400]),
        ("the next version", format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n{hidden}"), &[505]),
    ]
}

#[test]
fn hidden_request_is_not_served() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "2"]).start();
    for (family, raw, expected) in ambiguous() {
        let mut client = server.connect();
        client.send(raw);
        client.end_sending();
        let statuses: Vec<u16> = client
            .final_responses()
            .iter()
            .map(|response| response.status)
            .collect();
        assert_eq!(statuses, expected, "{family}");
        assert_eq!(client.unread(), b"", "{family}");
        let seen = home.root().join(name(66));
        assert!(!seen.exists(), "{family} came through");
    }
    check_afterwards(&home, server);
}

/// A client that sends all before it reads has the response nevertheless.
#[test]
fn answer_before_the_end_of_an_upload_is_received() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1", "--max-body", "1000"]).start();
    let long = "x".repeat(20_000);
    for (head, status) in [
        (
            format!(
                "PUT /short HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                50_000_000
            ),
            400,
        ),
        (
            format!(
                "PUT /{} HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                name(1),
                50_000_000
            ),
            413,
        ),
        (
            format!(
                "PUT /{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nf0000000\r\n",
                name(1)
            ),
            413,
        ),
        (
            format!(
                "PUT /{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                name(1)
            ),
            400,
        ),
        (
            format!(
                "DELETE /x HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n",
                50_000_000
            ),
            500,
        ),
        (format!("GET /{long} HTTP/1.1\r\n"), 414),
        (format!("GET / HTTP/1.1\r\nHost: a\r\nX: {long}\r\n"), 431),
        ("\x16\x03\x01 a handshake".to_owned(), 400),
    ] {
        let mut client = server.connect();
        client.send(&head);
        let megabyte = vec![b'y'; 1_000_000];
        // At some point the server has read enough of it.
        for _ in 0..50 {
            if client.try_send(&megabyte).is_err() {
                break;
            }
        }
        assert_eq!(
            client.final_response().map(|response| response.status),
            Some(status),
            "{head:.60}"
        );
    }
    check_afterwards(&home, server);
}

/// A few requests of all kinds, in one stream.
fn sample() -> Vec<u8> {
    let chunked = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        name(2)
    );
    let expecting = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
        name(3)
    );
    [
        put(&name(1), b"one"),
        get(&name(1)).into_bytes(),
        chunked.into_bytes(),
        expecting.into_bytes(),
    ]
    .concat()
}

#[test]
fn request_sent_a_byte_at_a_time_is_answered() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"]).start();
    let sample = sample();
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = server.connect();
                for byte in &sample {
                    client.send([*byte]);
                    thread::yield_now();
                }
                let statuses = [201, 200, 201, 201];
                for status in statuses {
                    assert_eq!(client.final_response().unwrap().status, status);
                }
            });
        }
    });
    check_afterwards(&home, server);
}

/// The client leaves after each byte of the stream: with a reset, with its end of stream, or silently.
#[test]
fn client_that_leaves_at_any_byte_does_no_harm() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "2"]).start();
    let sample = sample();
    server.connect().get("").unwrap();
    let before = server.descriptors();
    for end in 0..=sample.len() {
        let mut resetting = server.connect();
        resetting.send(&sample[..end]);
        resetting.reset();

        let mut ending = server.connect();
        ending.send(&sample[..end]);
        ending.end_sending();
        for response in ending.final_responses() {
            assert!(
                matches!(response.status, 200 | 201 | 400),
                "{end}: {}",
                response.status
            );
        }
        assert_eq!(ending.unread(), b"", "{end}");

        let mut leaving = server.connect();
        leaving.send(&sample[..end]);
        drop(leaving);
    }
    eventually("the descriptors of all that have gone are closed", || {
        server.descriptors() <= before + 6
    });
    check_afterwards(&home, server);
}

/// Resets while a response is sent, and while content is read past.
#[test]
fn reset_during_an_answer_does_no_harm() {
    let home = Home::new();
    home.place(&name(1), &vec![b'z'; 8_000_000]);
    let server = Setup::at(&home, &["-N", "2"]).start();
    for round in 0..50 {
        let mut client = server.connect();
        client.send(get(&name(1)).repeat(3));
        if round % 2 == 0 {
            client.wait_readable();
        }
        client.reset();
        let mut client = server.connect();
        client.send(b"PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc");
        assert_eq!(client.final_response().unwrap().status, 400);
        client.reset();
    }
    fs::remove_file(home.root().join(name(1))).unwrap();
    check_afterwards(&home, server);
}

#[test]
fn ten_thousand_pipelined_requests_are_answered() {
    let home = Home::new();
    home.place(&name(1), &noise(1, 1_000));
    let server = Setup::at(&home, &["-N", "1"]).start();
    let (mut sending, mut client) = server.connect().split();
    thread::scope(|scope| {
        scope.spawn(move || {
            for _ in 0..100 {
                sending.send(get(&name(1)).repeat(100));
            }
            sending.end_sending();
        });
        let answers = client.final_responses();
        assert_eq!(answers.len(), 10_000);
        assert!(
            answers
                .iter()
                .all(|response| response.status == 200 && response.body == noise(1, 1_000))
        );
    });
    fs::remove_file(home.root().join(name(1))).unwrap();
    check_afterwards(&home, server);
}

/// Clients that send requests and never read responses keep no other client waiting, even with one worker, and cost little.
#[test]
fn clients_that_never_read_keep_no_other_waiting() {
    let home = Home::new();
    home.place(&name(1), &noise(1, 16_000));
    home.place(&name(2), &vec![b'z'; 30_000_000]);
    let server = Setup::at(&home, &["-N", "1"]).start();
    let flood = get(&name(1)).repeat(20_000);
    let deaf: Vec<Client> = (0..20)
        .map(|number| {
            let mut client = server.connect();
            if number % 2 == 0 {
                // More than the socket takes: the server has stopped reading.
                client.send_until_blocked(&flood);
            } else {
                client.send(get(&name(2)));
                client.end_sending();
            }
            client
        })
        .collect();
    for _ in 0..50 {
        assert_eq!(server.connect().get(&name(1)).unwrap().body.len(), 16_000);
    }
    // Each may keep a worker's input and some output.
    let most = 20 * 256 * 1024 + 40 * 1024 * 1024;
    let resident = server.resident();
    assert!(resident < most, "{resident} bytes");
    // No client sends or reads, so the server does nothing.
    server.wait_until_idle();
    drop(deaf);
    fs::remove_file(home.root().join(name(1))).unwrap();
    fs::remove_file(home.root().join(name(2))).unwrap();
    check_afterwards(&home, server);
}

/// 100 (Continue) in all the wrong places.
#[test]
fn misplaced_expectations_are_handled() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"]).start();
    let put = format!("PUT /{} HTTP/1.1\r\nHost: a\r\n", name(1));
    let rows: &[(&str, String, &[u16])] = &[
        (
            "content at once",
            format!("{put}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nhi"),
            &[201],
        ),
        (
            "no content",
            format!("{put}Expect: 100-continue\r\nContent-Length: 0\r\n\r\n"),
            &[201],
        ),
        (
            "twice",
            format!(
                "{put}Expect: 100-continue\r\nExpect: 100-CONTINUE\r\nContent-Length: 2\r\n\r\nhi"
            ),
            &[201],
        ),
        (
            "something else",
            format!("{put}Expect: 200-ok\r\nContent-Length: 2\r\n\r\nhi"),
            &[417],
        ),
        (
            "in HTTP/1.0",
            format!(
                "PUT /{} HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
                name(1)
            ),
            &[201],
        ),
        (
            "of a GET",
            format!(
                "GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n{}",
                get("")
            ),
            &[200, 200],
        ),
        (
            "given up",
            format!("{put}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n"),
            &[400],
        ),
        (
            "no length",
            format!("{put}Expect: 100-continue\r\n\r\nuntil the end"),
            &[201],
        ),
        (
            "chunked",
            format!(
                "{put}Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n{}",
                get("")
            ),
            &[201, 200],
        ),
    ];
    for (what, raw, expected) in rows {
        let mut client = server.connect();
        client.send(raw);
        client.end_sending();
        let statuses: Vec<u16> = client
            .final_responses()
            .iter()
            .map(|response| response.status)
            .collect();
        assert_eq!(statuses, *expected, "{what}");
    }
    check_afterwards(&home, server);
}

#[test]
fn chunks_of_one_byte_are_stored_and_endless_extensions_refused() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"]).start();
    let head = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        name(1)
    );
    for (what, chunks, status) in [
        (
            "chunks of one byte",
            "1\r\na\r\n".repeat(200_000) + "0\r\n\r\n",
            201,
        ),
        (
            "one long extension",
            format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(5_000)),
            400,
        ),
        (
            "many extensions",
            "1;x=y\r\na\r\n".repeat(2_000) + "0\r\n\r\n",
            400,
        ),
        (
            "an endless extension",
            format!("1;{}", "x".repeat(10_000_000)),
            400,
        ),
        (
            "many trailers",
            format!("0\r\n{}\r\n", "a: b\r\n".repeat(200)),
            431,
        ),
        (
            "an endless trailer",
            format!("0\r\na: {}", "x".repeat(10_000_000)),
            431,
        ),
        (
            "zeros",
            format!("{}1\r\na\r\n0\r\n\r\n", "0".repeat(100_000)),
            400,
        ),
    ] {
        let mut client = server.connect();
        client.send(&head);
        // The server may have seen enough before the end.
        let _ = client.try_send(chunks.as_bytes());
        assert_eq!(
            client.final_response().map(|response| response.status),
            Some(status),
            "{what}"
        );
    }
    check_afterwards(&home, server);
}

/// Without descriptors uploads are refused and connections wait; once there are descriptors, both continue.
#[test]
fn server_without_descriptors_recovers() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "2"]).start();
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"old").unwrap().status, 201);
    // In the middle of a request it is not closed to make room for another.
    let request = put(&name(1), b"new");
    client.send(&request[..30]);
    server.allow_descriptors(0);
    client.send(&request[30..]);
    assert_eq!(client.final_response().unwrap().status, 503);
    // A cached file needs no descriptor. An idle connection stays while no other needs its place, even if the server
    // looks for new connections, which it does whenever it wakes.
    fs::rename(home.log_path(), home.path().join("moved")).unwrap();
    for wakes in 1..=2 {
        server.signal(Signal::HUP);
        eventually("the server reports that there is no new log", || {
            server.stderr().matches("stays in its old file").count() == wakes
        });
    }
    fs::rename(home.path().join("moved"), home.log_path()).unwrap();
    assert_eq!(client.get("").unwrap().status, 200);
    let mut other = server.connect();
    assert_eq!(other.get("").unwrap().status, 200);
    assert_eq!(client.final_response(), None);
    // Many clients at once may displace each other, but the server survives.
    let flood: Vec<Client> = (0..30).map(|_| server.connect()).collect();
    server.limit(Resource::Nofile, 1024);
    drop((other, flood));
    check_afterwards(&home, server);
}

/// When silent clients take all places, a client that sends a request gets one of them.
#[test]
fn server_at_its_connection_limit_recovers() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1", "--max-connections", "8"]).start();
    let idle: Vec<Client> = (0..8).map(|_| server.connect()).collect();
    for _ in 0..20 {
        assert_eq!(server.connect().get("").unwrap().status, 200);
    }
    let closed = idle.iter().filter(|client| !client.is_silent());
    assert!(closed.count() >= 1);
    check_afterwards(&home, server);
}

/// Each part of a request is acknowledged when it is received, since Nagle's algorithm may hold back the next until
/// then; and if that fails, nothing else does.
#[test]
fn request_sent_in_parts_is_answered() {
    if !strace::is_usable() {
        return;
    }
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"]).start();
    let mut client = server.connect();
    assert_eq!(client.get("").unwrap().status, 200);
    let injection = server.inject(server.only_worker(), "setsockopt", "error=EIO");
    let whole = put(&name(1), b"content");
    let mut rest = &whole[..];
    for part in 1..=4 {
        let (sent, left) = rest.split_at(whole.len() / 4 - part);
        client.send(sent);
        eventually("the part is acknowledged", || injection.count() == part);
        rest = left;
    }
    client.send(rest);
    assert_eq!(client.final_response().unwrap().status, 201);
    // Not one that comes whole, which the response acknowledges.
    assert_eq!(client.get(&name(1)).unwrap().body, b"content");
    assert_eq!(injection.end(), 4);
    check_afterwards(&home, server);
}
