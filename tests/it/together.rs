//! Requests that arrive together, so that their entries are written together.

use rustix::process::Signal;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::message::{get, name, put, response};
use crate::support::setup::Setup;

#[test]
fn every_request_has_its_entry_before_its_answer() {
    let server = Setup::new(&["-N", "1"]).start();
    let content = noise(6, 1000);
    let names: Vec<_> = (0..40).map(name).collect();
    let mut clients: Vec<_> = names.iter().map(|_| server.connect()).collect();
    for name in &names {
        server.place(name, &content);
    }
    for name in &names {
        server.wait_until_stable(name);
    }
    for (client, name) in clients.iter_mut().zip(&names) {
        client.send(get(name));
        assert_bytes(
            &client.response(),
            &response("200 OK", &content),
            "the first",
        );
    }
    // All of them are ready before the worker looks.
    server.signal(Signal::STOP);
    for (client, name) in clients.iter_mut().zip(&names) {
        client.send(get(name));
    }
    server.signal(Signal::CONT);
    for (client, name) in clients.iter_mut().zip(&names).rev() {
        assert_bytes(&client.response(), &response("200 OK", &content), name);
        let entry = format!("GET {name} length 0\n========\n");
        assert_eq!(server.log().matches(&entry).count(), 2, "{name}");
    }
}

/// Pending entries do not change the order of one connection's requests in the log.
#[test]
fn entries_of_a_connection_are_in_the_order_of_its_requests() {
    let server = Setup::new(&["-N", "1"]).start();
    let mut clients: Vec<_> = (0..20).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(get(""));
        client.response();
    }
    server.signal(Signal::STOP);
    let mut expected = Vec::new();
    for (number, client) in clients.iter_mut().enumerate() {
        let (own, absent) = (name(number), name(1000 + number));
        let bad = format!("{own}-no-name");
        client.send(
            [
                put(&own, b"1"),
                get(&own).into(),
                get(&bad).into(),
                get(&own).into(),
                get(&absent).into(),
                get(&own).into(),
                put(&own, b"2"),
                get(&own).into(),
                b"nonsense\r\n\r\n".to_vec(),
            ]
            .concat(),
        );
        let put = |content: u8| format!("PUT {own} length 1\n00000000 {content:02x}\n========\n");
        let read = format!("GET {own} length 0\n========\n");
        let fail = |what: &str| format!("FAIL: {what} --- response 40");
        expected.push((
            number,
            [
                put(b'1'),
                read.clone(),
                fail(&format!("GET {bad} HTTP/1.1")),
                read.clone(),
                fail(&format!("GET {absent} HTTP/1.1")),
                read.clone(),
                put(b'2'),
                read,
            ],
        ));
    }
    server.signal(Signal::CONT);
    for client in &mut clients {
        client.rest();
    }
    let log = server.log();
    assert_eq!(log.matches("FAIL: nonsense").count(), clients.len());
    for (number, entries) in expected {
        let own = [name(number), name(1000 + number)];
        let mut found = log
            .split_inclusive("========\n")
            .filter(|entry| own.iter().any(|name| entry.contains(name)));
        for entry in entries {
            let found = found.next().unwrap_or_default();
            assert!(found.starts_with(entry.as_str()), "{number}: {found}");
        }
        assert_eq!(found.next(), None);
    }
}
