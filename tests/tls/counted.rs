//! Handshakes in the metrics.

use std::net::SocketAddr;

use crate::support::message::get;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::status::{ask, metric};
use crate::support::tls::{TlsClient, VERSIONS, config};
use crate::support::wait::eventually;

use super::certificate;

fn start(options: &[&str]) -> (Server, SocketAddr) {
    let mut server = Setup::tls(&[&["--status", "127.0.0.1:0"], options].concat()).start();
    let line = server.line();
    let address = line.strip_prefix("status on http://").unwrap();
    (server, address.parse().unwrap())
}

fn handshakes(status: SocketAddr, version: &str, result: &str) -> f64 {
    let labels = format!("{{version=\"{version}\",result=\"{result}\"}}");
    let name = format!("httpserver_tls_handshakes_total{labels}");
    metric(status, &name).unwrap_or_default()
}

#[test]
fn handshakes_are_counted_by_version_and_result() {
    let (server, status) = start(&["-N", "2"]);
    for (version, name) in VERSIONS.iter().zip(["TLSv1.2", "TLSv1.3"]) {
        // The tickets of the first are in its configuration, for those that follow.
        let config = config(&certificate(&server), version);
        for _ in 0..3 {
            let mut client = TlsClient::connect(server.address(), &config);
            client.send(get(""));
            assert_eq!(client.response().status, 200);
            client.send(get(""));
            assert_eq!(client.response().status, 200);
        }
        eventually("three are counted", || {
            let counts = ["full", "resumed", "failed"].map(|what| handshakes(status, name, what));
            assert!(counts[0] <= 1.0 && counts[1] <= 2.0, "{counts:?}");
            counts[0] + counts[1] >= 3.0
        });
    }
    let text = ask(status, "/status", "*/*");
    let said = "TLS handshakes: 2 full, 4 resumed, 0 failed\n";
    assert!(text.text().contains(said), "{}", text.text());
}

#[test]
fn handshakes_that_are_not_completed_are_counted_as_failed() {
    let (server, status) = start(&["-N", "1", "--head-timeout", "200ms"]);
    // Garbage, a client that leaves, and one that says nothing more.
    for (sent, leaves) in [
        (&b"\x16\x03\x01\x00\x05hello"[..], false),
        (b"\x16\x03", true),
        (b"\x16\x03", false),
    ] {
        let mut client = server.connect();
        client.send(sent);
        if leaves {
            client.reset();
        } else {
            let _ = client.try_rest();
        }
    }
    // Neither of these is a handshake.
    server.connect().reset();
    let mut plain = server.connect();
    plain.send(get(""));
    plain.end_sending();
    plain.rest();
    eventually("three are counted", || {
        handshakes(status, "none", "failed") >= 3.0
    });
    drop(server.connect());
    eventually("nothing is open", || server.connections() == 0);
    let all = ask(status, "/metrics", "*/*");
    let lines = all.text().lines();
    let counted: Vec<_> = lines
        .filter(|line| line.starts_with("httpserver_tls_handshakes_total"))
        .collect();
    let only = "httpserver_tls_handshakes_total{version=\"none\",result=\"failed\"} 3";
    assert_eq!(counted, [only]);
}
