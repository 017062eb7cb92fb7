//! The pool: workers that never wait for clients, limits, bursts, and shutdown.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::client::{Client, raise_descriptors};
use crate::support::message::{get, name, put, response};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

const CREATED: &str = "201 Created";
const OK: &str = "200 OK";

/// `count` connections, each of which has sent `request`.
fn crowd(server: &Server, count: usize, request: impl AsRef<[u8]>) -> Vec<Client> {
    (0..count)
        .map(|_| {
            let mut client = server.connect();
            client.send(&request);
            client
        })
        .collect()
}

/// A PUT that says it is 100 bytes long, with some of them.
fn stalled_put(name: &str) -> String {
    format!("PUT /{name} HTTP/1.1\r\nHost: here\r\nContent-Length: 100\r\n\r\nsome content")
}

#[test]
fn one_worker_serves_a_client_beside_hundreds_of_silent_ones() {
    raise_descriptors();
    let server = Setup::new(&["-N", "1"]).unrecorded().start();
    let large = noise(1, 10 * 1024 * 1024);
    server.place(&name("large"), &large);
    server.request(get(""));
    eventually("no client is connected", || server.connections() == 0);
    let descriptors = server.descriptors();
    let mut idle = crowd(&server, 500, get(""));
    for client in &mut idle {
        client.response();
    }
    let mut slow_heads = crowd(&server, 50, "GET / HTTP/1.1\r\nHo");
    let mut stalled: Vec<_> = (0..20)
        .flat_map(|number| crowd(&server, 1, stalled_put(&name(number))))
        .collect();
    let mut not_reading = crowd(&server, 20, get(&name("large")));
    eventually("all are accepted", || server.connections() == 590);

    let mut client = server.connect();
    for round in 0..100 {
        let content = noise(round, 1024);
        client.send(put(&name("normal"), &content));
        assert_bytes(&client.response(), &response(CREATED, b""), "PUT");
        client.send(get(&name("normal")));
        assert_bytes(&client.response(), &response(OK, &content), "GET");
        let other = server.request(get(&name("normal")));
        assert_bytes(&other, &response(OK, &content), "GET on a new connection");
    }
    assert_eq!(server.workers(), 1);
    let memory = server.resident();
    assert!(memory < 24 * 1024 * 1024, "{memory} bytes");

    // All of them are served after all.
    for client in &mut slow_heads {
        client.send("st: here\r\n\r\n");
        assert_bytes(&client.response(), &response(OK, b""), "a slow head");
    }
    for client in &mut stalled {
        client.send([b'x'; 100 - "some content".len()]);
        assert_bytes(&client.response(), &response(CREATED, b""), "a stalled PUT");
    }
    for client in &mut not_reading {
        assert_bytes(
            &client.response(),
            &response(OK, &large),
            "a client that did not read",
        );
    }
    for client in &mut idle {
        client.send(get(""));
        assert_bytes(
            &client.response(),
            &response(OK, b""),
            "a client that was idle",
        );
    }
    drop((client, idle, slow_heads, stalled, not_reading));
    eventually("no client is connected", || server.connections() == 0);
    // The large file may be kept open, and the worker opens one when it starts.
    eventually("no descriptor is left", || {
        server.descriptors() <= descriptors + 1 + 1
    });
}

#[test]
fn there_are_as_many_workers_as_asked_for() {
    for workers in [1, 2, 17] {
        let number = workers.to_string();
        let server = Setup::new(&["-N", &number]).start();
        eventually("the threads are there", || server.workers() == workers);
        let clients = crowd(&server, 40, get(""));
        for mut client in clients {
            client.response();
        }
        assert_eq!(server.workers(), workers);
    }
}

#[test]
fn a_signal_lets_requests_in_progress_finish() {
    for signal in [Signal::TERM, Signal::INT] {
        // A test that waits for these timeouts hangs.
        let options = [
            "-N",
            "2",
            "--linger-timeout",
            "3600",
            "--drain-timeout",
            "3600",
        ];
        let mut server = Setup::new(&options).start();
        let large = noise(1, 10 * 1024 * 1024);
        server.place(&name("large"), &large);
        let mut idle = crowd(&server, 100, get(""));
        for client in &mut idle {
            client.response();
        }
        let mut fresh = crowd(&server, 5, "");
        let mut uploads: Vec<_> = (0..5)
            .flat_map(|number| crowd(&server, 1, stalled_put(&name(number))))
            .collect();
        let mut downloads = crowd(&server, 5, get(&name("large")));
        for client in &mut downloads {
            assert_bytes(&client.take(8), b"HTTP/1.1", "the beginning");
        }
        // Nothing that they still send can change a response.
        let mut half_heads = crowd(&server, 3, "GET / HT");
        let unwanted = "PUT /no-name HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nsome";
        let mut unwanted = crowd(&server, 3, unwanted);
        for client in &mut unwanted {
            let refused = response("400 Bad Request", b"");
            assert_bytes(&client.response(), &refused, "unwanted content");
        }
        eventually("all are accepted", || server.connections() == 121);
        // The workers have seen what was sent before this.
        for _ in 0..4 {
            server.request(get(""));
        }

        server.signal(signal);
        for client in idle.iter_mut().chain(&mut fresh) {
            assert_bytes(&client.rest(), b"", "idle");
        }
        for client in half_heads.iter_mut().chain(&mut unwanted) {
            assert_bytes(&client.rest(), b"", "no answer is due");
        }
        eventually("the port is closed", || {
            Client::try_connect(server.address()).is_err()
        });
        for (number, client) in uploads.iter_mut().enumerate() {
            let rest = vec![b'x'; 100 - "some content".len()];
            client.send(&rest);
            assert_bytes(&client.rest(), &response(CREATED, b""), "an upload");
            let stored = [b"some content", &rest[..]].concat();
            assert_bytes(&server.content(&name(number)), &stored, "stored");
        }
        for client in &mut downloads {
            let expected = response(OK, &large);
            assert_bytes(&client.rest(), &expected[8..], "a download");
        }
        let (status, _) = server.wait();
        assert_eq!(status.code(), Some(0), "{signal:?}");
        assert_eq!(server.names().len(), 6, "{:?}", server.names());
        assert_eq!(server.log().matches(" length 100\n").count(), 5);
    }
}

#[test]
fn a_signal_cuts_no_answer_of_busy_connections() {
    let mut server = Setup::new(&["-N", "2"]).start();
    let content = noise(1, 100_000);
    server.place(&name("file"), &content);
    let answered = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let mut client = server.connect();
                loop {
                    // Four at a time, so that there are always some that the server has not looked at.
                    let sent = client.try_send(get(&name("file")).repeat(4));
                    for _ in 0..4 {
                        let Ok(received) = client.try_response() else {
                            assert!(client.unread().is_empty(), "an answer is cut");
                            return;
                        };
                        assert_bytes(&received, &response(OK, &content), "whole");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                    if sent.is_err() {
                        return;
                    }
                }
            });
        }
        eventually("they are busy", || answered.load(Ordering::Relaxed) > 200);
        server.signal(Signal::TERM);
    });
    let (status, _) = server.wait();
    assert_eq!(status.code(), Some(0));
    let entries = server.log().matches("========\n").count();
    assert!(
        entries >= answered.into_inner(),
        "an answer without an entry"
    );
}

#[test]
fn a_request_that_came_before_the_signal_is_answered() {
    let mut server = Setup::new(&["-N", "1"]).unrecorded().start();
    let mut clients = crowd(&server, 100, get(""));
    for client in &mut clients {
        client.response();
    }
    // When the server continues, it finds the signal, and requests on connections that it treats as idle.
    server.signal(Signal::STOP);
    for client in &mut clients {
        client.send(get(""));
    }
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    for client in &mut clients {
        assert_bytes(&client.rest(), &response(OK, b""), "sent before the signal");
    }
    let (status, _) = server.wait();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn second_signal_ends_the_server_at_once() {
    let mut server = Setup::new(&["-N", "1", "--drain-timeout", "3600"]).start();
    let mut client = server.connect();
    client.send(stalled_put(&name("cut")));
    eventually("it is accepted", || server.connections() == 1);
    server.request(get(""));
    server.signal(Signal::TERM);
    eventually("the port is closed", || {
        Client::try_connect(server.address()).is_err()
    });
    assert!(client.is_silent());
    server.signal(Signal::INT);
    let (status, _) = server.wait();
    assert_eq!(status.code(), Some(0));
    // The end, or a reset.
    assert_bytes(&client.try_rest().unwrap_or_default(), b"", "no answer");
    assert_eq!(server.names(), [""; 0]);
    let failure = format!(
        "FAIL: PUT {} HTTP/1.1 --- response 503\n========\n",
        name("cut")
    );
    assert_eq!(
        server.log(),
        "GET / length 0\n========\n".to_owned() + &failure
    );
}

#[test]
fn requests_in_progress_are_cut_off_after_drain_timeout() {
    let mut server = Setup::new(&["-N", "1", "--drain-timeout", "0.3"]).start();
    let client = crowd(&server, 1, stalled_put(&name("cut")));
    eventually("it is accepted", || server.connections() == 1);
    server.request(get(""));
    server.stop();
    assert_eq!(server.names(), [""; 0]);
    drop(client);
}

#[test]
fn at_the_limit_the_connection_that_is_idle_for_longest_is_closed() {
    let server = Setup::new(&["-N", "1", "--max-connections", "4"]).start();
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = server.connect();
        client.send(get(""));
        client.response();
        clients.push(client);
    }
    // The first is now the one that was busy last.
    clients[0].send(get(""));
    clients[0].response();
    let mut fifth = server.connect();
    fifth.send(get(""));
    assert_bytes(&fifth.response(), &response(OK, b""), "the fifth");
    assert_bytes(&clients[1].rest(), b"", "the one that was idle for longest");
    for number in [0, 2, 3] {
        clients[number].send(get(""));
        assert_bytes(&clients[number].response(), &response(OK, b""), "another");
    }
    assert_eq!(server.connections(), 4);
}

#[test]
fn at_the_limit_a_client_waits_if_no_connection_is_idle() {
    let server = Setup::new(&["-N", "1", "--max-connections", "4"]).start();
    let mut busy: Vec<_> = (0..4)
        .flat_map(|number| crowd(&server, 1, stalled_put(&name(number))))
        .collect();
    eventually("the uploads are accepted", || server.connections() == 4);
    let mut waiting = crowd(&server, 3, get(&name("absent")));
    eventually("accepting has paused", || {
        server.stderr().contains("most allowed")
    });
    assert_eq!(server.connections(), 4);
    assert!(waiting.iter().all(Client::is_silent));
    for client in &mut waiting {
        let mut upload = busy.remove(0);
        upload.send([b'x'; 100 - "some content".len()]);
        assert_bytes(&upload.response(), &response(CREATED, b""), "an upload");
        assert_bytes(
            &client.response(),
            &response("404 Not Found", b""),
            "a client that waited",
        );
    }
    assert_eq!(server.stderr().lines().count(), 1, "it is said once");
}

#[test]
fn all_clients_are_served_with_few_descriptors() {
    let server = Setup::new(&["-N", "4"]).descriptors(64).start();
    let content = noise(1, 100_000);
    server.place(&name("file"), &content);
    // They stay connected until the server closes them.
    let gets = crowd(&server, 200, get(&name("file")));
    for mut client in gets {
        assert_bytes(&client.response(), &response(OK, &content), "GET");
    }
    // Each is one segment, so that it arrives whole: an upload that is waited for keeps a descriptor.
    let content = &content[..1_000];
    let puts: Vec<_> = (0..200)
        .flat_map(|number| crowd(&server, 1, put(&name(number), content)))
        .collect();
    for mut client in puts {
        assert_bytes(&client.response(), &response(CREATED, b""), "PUT");
    }
    assert_eq!(server.names().len(), 201);
}

#[test]
fn soft_limit_on_descriptors_is_raised_to_the_hard_one() {
    let server = Setup::new(&["-N", "1"]).descriptors_at_first(40).start();
    let mut clients = crowd(&server, 100, "GET / HTTP/1.1\r\nHo");
    eventually("all are accepted", || server.connections() == 100);
    for client in &mut clients {
        client.send("st: here\r\n\r\n");
        assert_bytes(&client.response(), &response(OK, b""), "one of a hundred");
    }
}

#[test]
fn server_without_descriptors_neither_spins_nor_ends() {
    // Told to keep more connections than there can be.
    let options = ["-N", "2", "--max-connections", "1000"];
    let server = Setup::new(&options).descriptors(64).start();
    let mut stalled = crowd(&server, 100, "GET / HTTP/1.1\r\nHo");
    eventually("it is said that descriptors are short", || {
        server
            .stderr()
            .contains("cannot accept connections for now")
    });
    server.wait_until_idle();
    for client in &mut stalled {
        client.send("st: here\r\nConnection: close\r\n\r\n");
        assert_bytes(&client.rest(), &response(OK, b""), "served in the end");
    }
    assert_eq!(server.stderr().lines().count(), 1, "{}", server.stderr());
}

#[test]
fn a_storm_of_short_connections_is_served() {
    let server = Setup::new(&["-N", "4"]).start();
    let content = noise(1, 1024);
    server.place(&name("file"), &content);
    server.request(get(&name("file")));
    eventually("no client is connected", || server.connections() == 0);
    let descriptors = server.descriptors();
    let request = format!(
        "GET /{} HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n",
        name("file")
    );
    let expected = response(OK, &content);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..250 {
                    let mut client = server.connect();
                    client.send(&request);
                    assert_bytes(&client.rest(), &expected, "in the storm");
                }
            });
        }
    });
    // The cache keeps the file open, and each worker opens one when it starts.
    eventually("no descriptor is left", || {
        server.descriptors() <= descriptors + 1 + 4
    });
    assert_eq!(server.log().matches("========\n").count(), 2001);
}

#[test]
fn a_burst_of_connections_is_not_refused() {
    raise_descriptors();
    let server = Setup::new(&["-N", "1"]).unrecorded().start();
    let somaxconn = std::fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let count = somaxconn.trim().parse::<usize>().unwrap().min(600);
    // The server does not accept while it is stopped, so all of them are in the backlog.
    server.signal(Signal::STOP);
    let mut clients = crowd(&server, count, get(""));
    server.signal(Signal::CONT);
    for client in &mut clients {
        assert_bytes(&client.response(), &response(OK, b""), "in the burst");
    }
}

#[test]
fn queue_of_one_connection_serves_all() {
    let server = Setup::new(&["-N", "2", "--queue", "1"])
        .unrecorded()
        .start();
    let content = noise(1, 300_000);
    server.place(&name("file"), &content);
    let mut clients = crowd(&server, 100, get(&name("file")).repeat(5));
    for client in &mut clients {
        for _ in 0..5 {
            assert_bytes(&client.response(), &response(OK, &content), "one of 500");
        }
    }
}
