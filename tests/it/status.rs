//! `--status`: health, metrics and status on a listener of their own, and the text for SIGUSR2.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::process::Command;

use rustix::process::Signal;
use serde_json::Value;

use crate::support::client::Client;
use crate::support::message::{get, name, put};
use crate::support::process::finish;
use crate::support::requirements::is_there;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::status::{ask, exchange, metric};
use crate::support::wait::{GUARD, eventually};

/// A server in the classic dialect with a status, and the status address.
fn start(options: &[&str]) -> (Server, SocketAddr) {
    let mut server = Setup::new(&[&["--status", "127.0.0.1:0"], options].concat()).start();
    let line = server.line();
    let address = line.strip_prefix("status on http://");
    let address = address.and_then(|address| address.parse().ok());
    (server, address.unwrap_or_else(|| panic!("{line}")))
}

#[test]
fn requests_are_counted_by_method_and_status() {
    let (server, status) = start(&[]);
    server.request(put(&name("a"), b"content"));
    server.request(get(&name("a")));
    server.request(get(&name("a")));
    server.request(get(&name("none")));
    for (labels, count) in [
        ("{method=\"PUT\",status=\"201\"}", 1.0),
        ("{method=\"GET\",status=\"200\"}", 2.0),
        ("{method=\"GET\",status=\"404\"}", 1.0),
    ] {
        let requests = format!("httpserver_requests_total{labels}");
        eventually(&requests, || metric(status, &requests) == Some(count));
    }
    let durations = "httpserver_request_duration_seconds_count{method=\"GET\"}";
    assert_eq!(metric(status, durations), Some(3.0));
    let lookups = ["hits", "misses"].map(|what| {
        let name = format!("httpserver_cache_{what}_total");
        metric(status, &name).unwrap()
    });
    assert!(lookups[0] + lookups[1] >= 2.0, "{lookups:?}");
    let log = server.log();
    let end = Some(f64::from(u32::try_from(log.len()).unwrap()));
    assert_eq!(metric(status, "httpserver_log_end_bytes"), end);
    assert!(!log.contains("metrics"), "{log}");
    assert_eq!(metric(status, "httpserver_workers"), Some(4.0));
    assert!(metric(status, "httpserver_sent_bytes_total").unwrap() > 100.0);
    assert!(metric(status, "httpserver_longest_turn_seconds").unwrap() > 0.0);
}

#[test]
fn open_connections_are_counted_by_what_they_do() {
    let (server, status) = start(&[]);
    let count = |state: &str| {
        metric(
            status,
            &format!("httpserver_connections{{state=\"{state}\"}}"),
        )
    };
    let mut idle = server.connect();
    idle.send(get(&name("none")));
    idle.response();
    eventually("one is idle", || count("idle") == Some(1.0));
    let mut receiving = server.connect();
    receiving.send("GET /");
    eventually("one is receiving", || count("receiving") == Some(1.0));
    drop((idle, receiving));
    eventually("none is open", || {
        count("idle") == Some(0.0) && count("receiving") == Some(0.0)
    });
    let accepted = "httpserver_connections_accepted_total";
    assert_eq!(metric(status, accepted), Some(2.0));
}

#[test]
fn promtool_accepts_the_metrics() {
    if !is_there("promtool") {
        return;
    }
    let (server, status) = start(&[]);
    server.request(put(&name("a"), b"content"));
    let text = ask(status, "/metrics", "*/*");
    let kind = text.field("Content-Type").unwrap();
    assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]);
    let output = finish(promtool, &text.body);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{}", text.text());
    assert_eq!(said, "");
}

#[test]
fn promtool_accepts_the_alerting_rules() {
    if !is_there("promtool") {
        return;
    }
    let rules = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/alerts.yml");
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "rules", rules]);
    let output = finish(promtool, b"");
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn page_has_a_strict_policy_and_needs_nothing_else() {
    let (_server, status) = start(&[]);
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/status.css", "text/css; charset=utf-8"),
        ("/status.js", "text/javascript; charset=utf-8"),
    ] {
        let response = ask(status, path, "*/*");
        assert_eq!(response.status, 200);
        assert_eq!(response.field("Content-Type"), Some(kind));
        let policy = response.field("Content-Security-Policy").unwrap();
        assert!(policy.starts_with("default-src 'none';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        let text = response.text().replace("http://www.w3.org/2000/svg", "");
        assert!(!text.contains("://"), "{path}");
    }
}

#[test]
fn openmetrics_is_sent_to_a_client_that_asks_for_it() {
    let (_server, status) = start(&[]);
    let response = ask(
        status,
        "/metrics",
        "application/openmetrics-text;version=1.0.0",
    );
    let kind = response.field("Content-Type").unwrap();
    assert_eq!(
        kind,
        "application/openmetrics-text; version=1.0.0; charset=utf-8"
    );
    assert!(response.text().ends_with("\n# EOF\n"));
}

#[test]
fn status_is_text_or_json() {
    let (server, status) = start(&[]);
    server.request(put(&name("a"), b"content"));
    let text = ask(status, "/status", "*/*");
    assert!(text.text().contains(": serving, for "), "{}", text.text());
    eventually("the request is counted", || {
        let json = ask(status, "/status", "application/json");
        let json: Value = serde_json::from_slice(&json.body).unwrap();
        json["requests"]["total"] == 1 && json["workers"]["total"] == 4
    });
}

#[test]
fn server_is_healthy_until_its_root_is_gone() {
    let (server, status) = start(&[]);
    let health = ask(status, "/healthz", "*/*");
    assert_eq!((health.status, health.text()), (200, "ok\n"));
    assert!(server.names().is_empty());
    fs::remove_dir(server.root()).unwrap();
    eventually("the server is not healthy", || {
        let health = ask(status, "/healthz", "*/*");
        health.status == 503 && health.text() == "the root was removed\n"
    });
}

#[test]
fn server_that_may_not_write_to_its_root_is_not_healthy() {
    let mut server = Setup::nobody(&["--status", "127.0.0.1:0"]).start();
    let line = server.line();
    let status = line
        .strip_prefix("status on http://")
        .unwrap()
        .parse()
        .unwrap();
    server.permit_root(0o555);
    eventually("the server is not healthy", || {
        let health = ask(status, "/healthz", "*/*");
        health.status == 503
            && health
                .text()
                .starts_with("nothing can be written to the root: Permission denied")
    });
    server.permit_root(0o755);
    eventually("it is again", || {
        ask(status, "/healthz", "*/*").status == 200
    });
}

#[test]
fn server_that_drains_is_not_healthy() {
    let (mut server, status) = start(&[]);
    let mut upload = server.connect();
    let request = put(&name("a"), b"content");
    let (first, last) = request.split_at(request.len() - 1);
    upload.send(first);
    let receiving = "httpserver_connections{state=\"receiving\"}";
    eventually("content is awaited", || {
        metric(status, receiving) == Some(1.0)
    });
    server.signal(Signal::TERM);
    eventually("the server drains", || {
        let health = ask(status, "/healthz", "*/*");
        health.status == 503 && health.text() == "the server is stopping\n"
    });
    assert_eq!(metric(status, "httpserver_draining"), Some(1.0));
    upload.send(last);
    assert_eq!(upload.final_response().unwrap().status, 201);
    let (ended, _) = server.wait();
    assert!(ended.success());
}

#[test]
fn slow_clients_of_the_status_delay_no_other() {
    let (server, status) = start(&["-N", "1"]);
    let slow: Vec<_> = (0..100)
        .map(|number| {
            let mut client = Client::connect(status);
            let _ = client.try_send(&b"GET /metrics HTTP/1.1\r\nX: "[..number % 20]);
            client
        })
        .collect();
    for _ in 0..10 {
        assert_eq!(ask(status, "/healthz", "*/*").status, 200);
        assert_eq!(
            Response::parse(&server.request(get(&name("a")))).status,
            404
        );
    }
    drop(slow);
}

#[test]
fn hostile_clients_of_the_status_are_refused() {
    let (_server, status) = start(&[]);
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}", "x".repeat(20_000));
    for (request, expected) in [
        ("\x16\x03\x01\x02", 400),
        ("GET /metrics HTTP/1.1\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET /../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (
            "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            405,
        ),
        (&long, 431),
    ] {
        let response = exchange(status, request);
        assert_eq!(response.status, expected, "{request:.60}");
        assert_eq!(response.field("Connection"), Some("close"));
    }
}

#[test]
fn status_may_be_on_a_unix_domain_socket() {
    let mut server = Setup::new(&["--status", "unix:status,mode=600"]).start();
    assert_eq!(server.line(), "status on unix:status");
    let mut stream = UnixStream::connect(server.home().path().join("status")).unwrap();
    stream.set_read_timeout(Some(GUARD)).unwrap();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    assert_eq!(Response::parse(&received).status, 200);
    server.stop();
    assert!(!server.home().path().join("status").exists());
}

#[test]
fn sigusr2_prints_the_status_on_stderr() {
    for (arguments, requests) in [
        (&[][..], "requests: not counted; --status counts them\n"),
        (&["-v"], "requests: 0 (0 failed by the server); "),
    ] {
        let mut server = Setup::new(arguments).start();
        server.signal(Signal::USR2);
        eventually("the status is on stderr", || {
            server.stderr().contains("log: 0 bytes")
        });
        let said = server.stderr();
        assert!(said.contains(": serving, for "), "{said}");
        assert!(said.contains(requests), "{said}");
        assert!(server.is_alive());
        server.stop();
    }
}

/// The thread of the status also ends if the server cannot report that it is ready.
#[test]
fn server_with_a_status_that_cannot_start_ends() {
    let options = ["--status", "127.0.0.1:0", "--ready-fd", "9"];
    let said = Setup::new(&options).before("exec 9>/dev/full").refused();
    assert!(
        said.contains("cannot use descriptor 9 of --ready-fd: No space left on device"),
        "{said}"
    );
}
