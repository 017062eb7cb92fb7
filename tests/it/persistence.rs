//! Persistent connections: reuse after a request, pipelining, and the end of a connection.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::client::Client;
use crate::support::message::{get, name, put, response};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::{SetOnDrop, eventually};

const OK: &str = "200 OK";
const BAD_REQUEST: &str = "400 Bad Request";

fn server(options: &[&str]) -> Server {
    Setup::new(&[&["-N", "1"], options].concat())
        .unrecorded()
        .start()
}

/// Whether another request on this connection is answered.
fn persists(client: &mut Client) -> bool {
    // A server that closes the connection may do so before this is sent.
    let sent = client.try_send(get(""));
    sent.is_ok()
        && client
            .try_response()
            .is_ok_and(|received| received == response(OK, b""))
}

#[test]
fn a_connection_persists_by_version_host_and_wish() {
    let server = server(&[]);
    for (rest, is_kept) in [
        ("HTTP/1.1\r\nHost: here", true),
        ("HTTP/1.1\r\nHost:", true),
        ("HTTP/1.1\r\nHost: here\r\nConnection: keep-alive", true),
        ("HTTP/1.1\r\nHost: here\r\nConnection: upgrade", true),
        ("HTTP/1.1\r\nHost: here\r\nConnection: closed", true),
        ("HTTP/1.1\r\nHost: here\r\nConnection: close", false),
        ("HTTP/1.1\r\nHost: here\r\nConnection: CLOSE", false),
        ("HTTP/1.1\r\nHost: here\r\nConnection: x, close", false),
        (
            "HTTP/1.1\r\nHost: here\r\nConnection: x\r\nConnection: close",
            false,
        ),
        (
            "HTTP/1.1\r\nHost: here\r\nConnection: keep-alive, close",
            false,
        ),
        ("HTTP/1.2\r\nHost: here", true),
        ("HTTP/1.1", false),
        ("HTTP/1.1\r\nConnection: keep-alive", true),
        ("HTTP/1.0", false),
        ("HTTP/1.0\r\nHost: here", false),
        ("HTTP/1.0\r\nConnection: keep-alive", true),
        ("HTTP/1.0\r\nConnection: Keep-Alive", true),
        ("HTTP/1.0\r\nConnection: keep-alive, close", false),
    ] {
        let mut client = server.connect();
        for (method, target, expected) in [
            ("GET", String::new(), response(OK, b"")),
            ("GET", name("absent"), response("404 Not Found", b"")),
            ("GET", "short".to_owned(), response(BAD_REQUEST, b"")),
            (
                "POST",
                String::new(),
                response("500 Internal Server Error", b""),
            ),
        ] {
            let request = format!("{method} /{target} {rest}\r\n\r\n");
            client.send(&request);
            assert_bytes(&client.response(), &expected, &request);
            assert_eq!(persists(&mut client), is_kept, "{request}");
            if !is_kept {
                client = server.connect();
            }
        }
    }
}

#[test]
fn connection_that_is_closed_after_an_answer_ends_cleanly() {
    let server = server(&[]);
    server.place(&name("file"), &noise(1, 100_000));
    for target in [String::new(), name("file"), name("absent")] {
        for rest in [
            "HTTP/1.0",
            "HTTP/1.1",
            "HTTP/1.1\r\nHost: here\r\nConnection: close",
        ] {
            let mut client = server.connect();
            client.send(format!("GET /{target} {rest}\r\n\r\n"));
            let received = client.response();
            assert!(received.starts_with(b"HTTP/1.1 "));
            assert_bytes(&client.rest(), b"", "after the answer");
        }
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = server(&[]);
    let sizes = [0, 1, 20_000, 300, 0, 100_000, 16_384, 5, 3_000_000, 7];
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for (number, size) in sizes.into_iter().enumerate() {
        let (name, content) = (name(number), noise(number as u64, size));
        server.place(&name, &content);
        requests.extend_from_slice(get(&name).as_bytes());
        expected.extend_from_slice(&response(OK, &content));
    }
    let mut client = server.connect();
    client.send(&requests);
    assert_bytes(&client.take(expected.len()), &expected, "ten at once");
    // The same again on the same connection, and with an end to it.
    client.send(&requests);
    client.end_sending();
    assert_bytes(&client.rest(), &expected, "ten at once, then the end");
}

#[test]
fn pipelined_uploads_take_effect_in_order() {
    let server = server(&[]);
    let name = name("again");
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for version in 0..50 {
        let content = noise(version, 100);
        requests.extend_from_slice(&put(&name, &content));
        requests.extend_from_slice(get(&name).as_bytes());
        expected.extend_from_slice(&response("201 Created", b""));
        expected.extend_from_slice(&response(OK, &content));
    }
    assert_bytes(&server.exchange(requests), &expected, "100 requests");
}

#[test]
fn requests_may_be_split_anywhere() {
    let server = server(&[]);
    let name = name("split");
    let requests = [&put(&name, b"content")[..], get(&name).as_bytes()].concat();
    let expected = [response("201 Created", b""), response(OK, b"content")].concat();
    let chunked = format!(
        "PUT /{name} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n4;x\r\ncont\r\n3\r\nent\r\n0\r\nA: b\r\n\r\n"
    );
    let chunked = [chunked.as_bytes(), get(&name).as_bytes()].concat();
    let mut between = server.connect();
    let mut client = server.connect();
    for requests in [requests, chunked] {
        for at in 1..requests.len() {
            let (one, other) = requests.split_at(at);
            client.send(one);
            // The only worker has seen the first part before it answers this.
            between.send(get(""));
            between.response();
            client.send(other);
            let what = format!("split behind {}", one.escape_ascii());
            assert_bytes(&client.take(expected.len()), &expected, &what);
        }
    }
}

#[test]
fn empty_lines_before_a_request_are_passed_over() {
    let server = server(&[]);
    let mut client = server.connect();
    for before in ["\r\n", "\n", ""] {
        client.send(before);
        client.send(get(""));
        assert_bytes(
            &client.response(),
            &response(OK, b""),
            &before.escape_debug().to_string(),
        );
    }
    client.send("GET / HTTP/1.1\nHost: here\n\n");
    assert_bytes(&client.response(), &response(OK, b""), "bare line feeds");
}

#[test]
fn client_that_has_ended_its_side_is_answered() {
    let server = server(&[]);
    let content = noise(1, 3_000_000);
    server.place(&name("large"), &content);
    assert_bytes(
        &server.exchange(get(&name("large"))),
        &response(OK, &content),
        "GET",
    );
    assert_bytes(
        &server.exchange(put(&name("put"), &content)),
        &response("201 Created", b""),
        "PUT",
    );
    assert_bytes(&server.content(&name("put")), &content, "stored");
    assert_bytes(
        &server.exchange("GET / HTT"),
        &response(BAD_REQUEST, b""),
        "half a request",
    );
    assert_bytes(&server.exchange(""), b"", "nothing");
}

#[test]
fn a_refusal_arrives_though_the_client_goes_on_sending() {
    let server = server(&["--max-body", "100"]);
    let body = vec![b'x'; 1_900_000];
    for (head, status) in [
        (
            "PUT /short HTTP/1.1\r\nHost: here\r\nContent-Length: 10000000\r\n\r\n",
            BAD_REQUEST,
        ),
        (
            "PUT /short HTTP/1.1\r\nHost: here\r\nContent-Length: 1900001\r\nConnection: close\r\n\r\n",
            BAD_REQUEST,
        ),
        (
            &format!(
                "PUT /{} HTTP/1.1\r\nHost: here\r\nContent-Length: 10000000\r\n\r\n",
                name("long")
            ),
            "413 Content Too Large",
        ),
        (
            &format!(
                "PUT /{} HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{:101}",
                name("chunked"),
                ""
            ),
            "413 Content Too Large",
        ),
        (
            "POST / HTTP/1.1\r\nHost: here\r\nContent-Length: 10000000\r\n\r\n",
            "500 Internal Server Error",
        ),
        ("NONSENSE\r\n\r\n", BAD_REQUEST),
    ] {
        let mut client = server.connect();
        client.send(head);
        eventually("it is refused", || !client.is_silent());
        // Everything that follows is received, and no reset overtakes the response.
        for part in body.chunks(50_000) {
            client.send(part);
        }
        client.end_sending();
        assert_bytes(&client.rest(), &response(status, b""), head);
    }
}

#[test]
fn content_of_what_is_not_an_upload_is_read_past() {
    let server = server(&[]);
    let long = "x".repeat(100_000);
    for request in [
        "GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
        "GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 18\r\n\r\nGET / HTTP/1.1\r\n\r\n"
            .to_owned(),
        "GET / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
            .to_owned(),
        format!("GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 100000\r\n\r\n{long}"),
        format!(
            "GET / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\n186A0\r\n{long}\r\n0\r\n\r\n"
        ),
    ] {
        let mut client = server.connect();
        let shown = &request[..request.len().min(100)];
        client.send(&request);
        client.send(get("short"));
        assert_bytes(&client.response(), &response(OK, b""), shown);
        assert_bytes(
            &client.response(),
            &response(BAD_REQUEST, b""),
            "the request after the content",
        );
        assert!(client.is_silent());
    }
    // With more than that, the connection is closed.
    let mut client = server.connect();
    client.send("GET / HTTP/1.1\r\nHost: here\r\nContent-Length: 4000000\r\n\r\n");
    assert_bytes(&client.rest(), &response(OK, b""), "4 MB of content");
}

#[test]
fn a_client_that_pipelines_without_end_does_not_keep_others_waiting() {
    let server = server(&[]);
    let address = server.address();
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let flood = Client::connect(address);
        let (mut sending, mut receiving) = flood.split();
        let _flooding = SetOnDrop(&done);
        let (done, answered) = (&done, &answered);
        scope.spawn(move || {
            let many = get("").repeat(1000);
            while !done.load(Ordering::Relaxed) {
                sending.send(&many);
            }
            sending.end_sending();
        });
        scope.spawn(move || {
            while receiving.try_response().is_ok() {
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        eventually("the flood is on", || {
            answered.load(Ordering::Relaxed) > 1000
        });
        let mut client = server.connect();
        for _ in 0..20 {
            client.send(get(&name("absent")));
            assert_bytes(
                &client.response(),
                &response("404 Not Found", b""),
                "in the flood",
            );
        }
        let before = answered.load(Ordering::Relaxed);
        eventually("the flood goes on", || {
            answered.load(Ordering::Relaxed) > before
        });
    });
}

#[test]
fn broken_connections_cost_nothing() {
    let server = server(&[]);
    let content = noise(1, 10_000_000);
    server.place(&name("large"), &content);
    server.request(get(""));
    eventually("no client is connected", || server.connections() == 0);
    for _ in 0..10 {
        for request in [
            get(&name("large")),
            get(&name("large")).repeat(3),
            "GET / HT".to_owned(),
        ] {
            let mut client = server.connect();
            client.send(&request);
            client.reset();
            let mut client = server.connect();
            client.send(&request);
            if request.len() > 20 {
                client.take(100_000);
            }
            client.reset();
        }
    }
    eventually("no client is connected", || server.connections() == 0);
    assert_bytes(
        &server.request(get(&name("large"))),
        &response(OK, &content),
        "a client that stays",
    );
    assert_eq!(server.stderr(), "");
}
