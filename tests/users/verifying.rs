//! Passwords that take long to verify: other clients do not wait, and a client that guesses does.

use rustix::process::Signal;

use super::{ask, basic, setup};
use crate::support::client::Client;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::tree::write;
use crate::support::wait::eventually;

/// Of "secret", with bcrypt at a cost of 12: it takes longer than any number of small requests.
const SLOW: &str = "$2y$12$5Sn3yIlw51qKw9348upcauPi7od4x8JP6etCL3gh7Pvd2e1JWnCuq";

fn slow(options: &[&str]) -> Server {
    let users = format!("*::read\nann:{SLOW}\n");
    setup(&users, &[&["--web", "-N", "1"], options].concat())
        .files(|root| write(root, "a.txt", "text"))
        .start()
}

fn get(target: &str, fields: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// A connection on which this request was sent.
fn begun(server: &Server, request: &str) -> Client {
    let mut client = server.connect();
    client.send(request);
    client
}

fn status(client: &mut Client) -> Response {
    Response::parse(&client.response())
}

#[test]
fn password_is_verified_while_the_only_worker_serves_others() {
    let server = slow(&[]);
    let mut ann = begun(&server, &get("/ann", &basic("ann:secret")));
    let mut guesser = begun(&server, &get("/guess", &basic("ann:wrong")));
    let mut others: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for _ in 0..5 {
        for other in &mut others {
            other.send(get("/a.txt", ""));
        }
        for other in &mut others {
            assert_eq!(status(other).status, 200);
        }
    }
    assert_eq!(status(&mut ann).status, 404);
    assert_eq!(status(&mut guesser).status, 401);
    // The log has the order in which they were answered.
    let log = server.log();
    let last_other = log.rfind("GET a.txt").unwrap();
    let verified = log.find("FAIL: GET ann").unwrap();
    let wrong = log.find("FAIL: GET guess").unwrap();
    assert!(last_other < verified && verified < wrong, "{log}");
}

#[test]
fn requests_behind_a_password_are_answered_in_their_order() {
    let server = slow(&[]);
    let login = basic("ann:secret");
    let mut client = begun(
        &server,
        &[
            get("/a.txt", ""),
            get("/nothing", &login),
            get("/a.txt", &login),
            get("/a.txt", ""),
        ]
        .concat(),
    );
    let statuses: Vec<_> = (0..4).map(|_| status(&mut client).status).collect();
    assert_eq!(statuses, [200, 404, 200, 200]);
}

/// A flood of wrong passwords costs one hash after the other, and the requests of others none.
#[test]
fn flood_of_wrong_passwords_delays_no_client() {
    let server = slow(&[]);
    let attack = get("/attack", &basic("ann:wrong"));
    let mut flood: Vec<_> = (0..100).map(|_| begun(&server, &attack)).collect();
    let mut normal = server.connect();
    for _ in 0..50 {
        normal.send(get("/a.txt", ""));
        assert_eq!(status(&mut normal).status, 200);
    }
    let mut counts = std::collections::BTreeMap::new();
    for client in &mut flood {
        let response = status(client);
        *counts.entry(response.status).or_insert(0) += 1;
        let waits = response
            .field("Retry-After")
            .map(|wait| wait.parse().unwrap());
        assert_eq!(
            waits.is_some(),
            response.status == 429,
            "{}",
            response.status
        );
        assert!(waits.is_none_or(|wait: u64| (1..=256).contains(&wait)));
    }
    // Few of one client wait at a time.
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), [401, 429]);
    assert!(counts[&401] <= 8, "{counts:?}");
    let log = server.log();
    let normal_end = log.rfind("GET a.txt").unwrap();
    let hashes_before = log[..normal_end].matches("--- response 401").count();
    assert!(hashes_before < counts[&401], "{log}");
}

#[test]
fn guesser_waits_longer_each_time_and_a_remembered_user_does_not() {
    let server = setup(
        "ann:QUICK\nbob:QUICK\n",
        &["--web", "--trust-proxy", "127.0.0.1"],
    )
    .start();
    let from = |credentials: &str, client: &str| {
        let forwarded = format!("X-Forwarded-For: {client}\r\n");
        ask(&server, "GET /", credentials, &forwarded, b"")
    };
    assert_eq!(from("ann:secret", "192.0.2.1").status, 404);
    let mut wrong = 0;
    let denied = loop {
        let response = from("ann:wrong", "192.0.2.1");
        if response.status != 401 {
            break response;
        }
        wrong += 1;
        assert!(wrong < 100, "it may guess for ever");
    };
    assert_eq!(denied.status, 429);
    assert!(denied.field("Retry-After").is_some());
    assert!(wrong >= 4, "people mistype");
    // The user's own password is remembered; another user's must be verified.
    assert_eq!(from("ann:secret", "192.0.2.1").status, 404);
    assert_eq!(from("bob:secret", "192.0.2.1").status, 429);
    assert_eq!(from("bob:secret", "192.0.2.2").status, 404);
    // A client of IPv6 has a network.
    while from("ann:wrong", "2001:db8::1").status == 401 {}
    assert_eq!(from("ann:wrong", "2001:db8::ffff:2").status, 429);
    assert_eq!(from("ann:wrong", "2001:db8:0:1::1").status, 401);
}

#[test]
fn full_queue_is_503() {
    let server = slow(&["--trust-proxy", "127.0.0.1"]);
    let attack = |number: usize| {
        let forwarded = format!("X-Forwarded-For: 192.0.2.{}\r\n", number % 250);
        get("/attack", &(basic("ann:wrong") + &forwarded))
    };
    let flood: Vec<_> = (0..100)
        .map(|number| begun(&server, &attack(number)))
        .collect();
    eventually("the queue is full", || {
        let log = server.log();
        log.matches("--- response 503").count() >= 30
    });
    // A request without a password does not wait.
    assert_eq!(server.get("/a.txt").status, 200);
    let mut refused = 0;
    for mut client in flood {
        if client.is_silent() {
            continue;
        }
        let response = status(&mut client);
        if response.status == 503 {
            assert_eq!(response.field("Retry-After"), Some("2"));
            refused += 1;
        }
    }
    assert!(refused >= 30, "{refused}");
}

#[test]
fn password_that_is_not_verified_in_time_is_503() {
    let server = slow(&["--head-timeout", "50ms"]);
    let mut client = begun(&server, &get("/a.txt", &basic("ann:secret")));
    let response = status(&mut client);
    assert_eq!(response.status, 503);
    assert!(response.field("Retry-After").is_some());
    // The connection continues, and the later verdict changes nothing.
    client.send(get("/a.txt", ""));
    assert_eq!(status(&mut client).status, 200);
}

#[test]
fn stopping_server_answers_clients_whose_passwords_are_not_verified_yet() {
    // A busy machine may take longer for a password than these last by default.
    let mut server = slow(&["--drain-timeout", "3600", "--head-timeout", "3600"]);
    let login = get("/a.txt", &basic("ann:secret"));
    let mut unread = begun(&server, &get("/a.txt", ""));
    assert_eq!(status(&mut unread).status, 200);
    let mut verifying = begun(&server, &[get("/a.txt", ""), login.clone()].concat());
    // The turn that sends this response has begun to verify the password of the second request.
    assert_eq!(status(&mut verifying).status, 200);
    // This request and the signal are there when the server continues.
    server.signal(Signal::STOP);
    unread.send(login);
    server.signal(Signal::TERM);
    server.signal(Signal::CONT);
    for client in [&mut verifying, &mut unread] {
        assert_eq!(status(client).status, 200);
    }
    let (status, _) = server.wait();
    assert!(status.success(), "{status}");
}

#[test]
fn client_that_leaves_while_its_password_is_verified_is_forgotten() {
    let server = slow(&[]);
    let gone = begun(&server, &get("/a.txt", &basic("ann:wrong")));
    assert_eq!(server.get("/a.txt").status, 200);
    gone.reset();
    let mut next = begun(&server, &get("/a.txt", &basic("ann:secret")));
    assert_eq!(status(&mut next).status, 200);
    drop(next);
    eventually("its connection is closed", || server.connections() == 0);
}
