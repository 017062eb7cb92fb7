//! HTTP on a TLS port, TLS on an HTTP port, and the redirect between them.

use std::net::SocketAddr;

use crate::support::client::Client;
use crate::support::curl::curl_to;
use crate::support::home::Home;
use crate::support::message::{get, name};
use crate::support::process::run;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tls::TlsClient;
use crate::support::wait::eventually;

use super::{config_of, connect};

/// The address in the next line on stdout.
#[track_caller]
fn next_address(server: &mut Server) -> SocketAddr {
    let line = server.line();
    let address = line
        .rsplit_once('/')
        .and_then(|(_, address)| address.parse().ok());
    address.unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn plain_http_on_a_port_for_tls_gets_an_explanation() {
    for options in [&[][..], &["--web"]] {
        let server = Setup::tls(options).start();
        for (request, entry) in [
            (get("a"), "FAIL: GET a HTTP/1.1 --- response 400"),
            (
                "HEAD /b HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
                "FAIL: HEAD b HTTP/1.1 --- response 400",
            ),
            (
                "PUT /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc".to_owned(),
                "FAIL: PUT c HTTP/1.1 --- response 400",
            ),
        ] {
            let mut client = server.connect();
            // In pieces, so that the first byte comes alone.
            client.send(&request[..1]);
            client.send(&request[1..]);
            client.end_sending();
            let received = client.rest();
            let response = Response::parse(&received);
            assert_eq!(response.status, 400);
            assert_eq!(response.field("Content-Type"), Some("text/plain"));
            if request.starts_with("HEAD") {
                assert_eq!(response.body, b"");
            } else {
                let text = "This port speaks HTTPS: type https:// instead of http://.\n";
                assert_eq!(response.body, text.as_bytes());
            }
            assert_eq!(server.log_lines().last().unwrap(), entry);
        }
        // It serves others.
        let mut client = connect(&server);
        client.send(get(""));
        client.response();
    }
}

#[test]
fn garbage_on_a_port_for_tls_is_closed() {
    let server = Setup::tls(&["-N", "1"]).start();
    for garbage in [
        &b"\x16\x03\x01\x00\x05hello"[..],
        b"\x16garbage that is no record of TLS",
        b"\x16\x03\x01\xff\xff",
        b"\x80\x2e\x01\x03\x01",
        b"\x00\x00\x00\x00",
        b"\r\n\r\n\r\n",
    ] {
        let mut client = server.connect();
        client.send(garbage);
        client.end_sending();
        let _ = client.try_rest();
    }
    let mut client = connect(&server);
    client.send(get(""));
    assert_eq!(client.response().status, 200);
}

#[test]
fn tls_on_a_port_for_http_is_reported_once() {
    let home = Home::new();
    crate::support::tls::Certificate::new(&["localhost"]).place(home.path());
    let server = Setup::at(&home, &[]).start();
    for _ in 0..3 {
        let mut client = TlsClient::connect(server.address(), &config_of(&home));
        assert!(client.has_ended());
    }
    let said = " speaks TLS on a port for HTTP: type http:// there, or --tls-cert here";
    eventually("it is reported", || server.stderr().contains(said));
    assert_eq!(server.stderr().matches(said).count(), 1);
    for line in server.log_lines() {
        assert!(
            line.starts_with("FAIL: ") && line.ends_with(" response 400"),
            "{line}"
        );
    }
}

#[test]
fn http_is_redirected_to_https() {
    let mut server = Setup::tls(&["--redirect-http", "127.0.0.1:0"]).start();
    let port = server.address().port();
    let plain = next_address(&mut server);
    server.place(&name("a"), b"content");
    for (request, status, location) in [
        (
            "GET /x?y=z HTTP/1.1\r\nHost: localhost:80\r\n",
            301,
            "localhost",
        ),
        ("HEAD /x?y=z HTTP/1.1\r\nHost: [::1]\r\n", 301, "[::1]"),
        (
            "PUT /x?y=z HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n",
            308,
            "a.example",
        ),
        (
            "DELETE /x?y=z HTTP/1.1\r\nHost: a.example\r\n",
            308,
            "a.example",
        ),
    ] {
        let mut client = Client::connect(plain);
        client.send(format!("{request}\r\n{request}\r\n"));
        for _ in 0..2 {
            let response = Response::parse(&client.response());
            assert_eq!(response.status, status, "{request}");
            let expected = format!("https://{location}:{port}/x?y=z");
            assert_eq!(response.field("Location"), Some(&*expected));
        }
    }
    for request in [
        "GET / HTTP/1.0\r\n\r\n",
        "garbage\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut client = Client::connect(plain);
        client.send(request);
        assert_eq!(Response::parse(&client.rest()).status, 400, "{request}");
    }
    assert_eq!(server.log(), "", "what is not served is not recorded");
    // A client that follows gets the file, and stores one.
    std::fs::write(server.path().join("upload"), "more").unwrap();
    for (arguments, target, end) in [
        (&[][..], name("a"), "content"),
        (&["-T", "upload"], name("b"), "\r\n\r\n"),
    ] {
        let url = format!("http://localhost:{}/{target}", plain.port());
        let follow = ["-4", "--cacert", "cert.pem", "-L", &url];
        let received = curl_to(server.path(), &[arguments, &follow].concat());
        let text = String::from_utf8_lossy(&received).into_owned();
        assert!(text.ends_with(end), "{text}");
    }
    assert_eq!(server.content(&name("b")), b"more");
}

/// Nothing of a host can lead a client elsewhere than to what stands before its port.
#[test]
fn odd_hosts_are_not_redirected() {
    let mut server = Setup::tls(&["--redirect-http", "127.0.0.1:0"]).start();
    let plain = next_address(&mut server);
    let long = "a".repeat(9_000);
    for (host, status) in [
        ("a b", 400),
        ("good.example@evil.example", 400),
        ("good.example/evil", 400),
        ("good.example?evil", 400),
        ("good.example#evil", 400),
        ("good.example\\evil", 400),
        ("a:80:80", 400),
        ("a:x", 400),
        ("a:-1", 400),
        ("[::1", 400),
        ("::1", 400),
        ("[::1]evil.example", 400),
        ("<script>", 400),
        ("a\"b", 400),
        ("\u{e4}.example", 400),
        ("a, b", 400),
        ("a\r\nHost: b", 400),
        (&long, 301),
        ("EXAMPLE.com.", 301),
        ("xn--4ca.example:443", 301),
        ("under_score.example", 301),
    ] {
        let mut client = Client::connect(plain);
        client.send(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        client.end_sending();
        let response = Response::parse(&client.rest());
        let (shown, location) = (host.get(..40).unwrap_or(host), response.field("Location"));
        assert_eq!(response.status, status, "{shown}: {location:?}");
        if let Some(location) = location {
            let name = host.split(':').next().unwrap();
            assert!(location.starts_with(&format!("https://{name}:")), "{shown}");
        }
    }
    assert_eq!(server.log(), "");
}

#[test]
fn contradictory_command_lines_are_refused() {
    let home = Home::new();
    let tls = "--tls-cert a --tls-key b";
    for (line, said) in [
        ("--tls-cert a 0", "--tls-cert needs --tls-key: type both"),
        ("--tls-key a 0", "--tls-key needs --tls-cert: type both"),
        (
            "https://localhost:0",
            "'https://localhost:0' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed",
        ),
        (
            "--listen :0,tls",
            "'--listen :0,tls' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed",
        ),
        (
            "--listen https://localhost",
            "'--listen https://localhost' needs a certificate: type --tls-cert and --tls-key, too, or --tls-self-signed",
        ),
        (
            &format!("{tls} --tls-self-signed c 0"),
            "--tls-cert and --tls-self-signed both name a certificate: type one of them",
        ),
        (
            &format!("{tls} http://localhost:0"),
            "there is a certificate, and no listener has TLS: type ',tls' after a --listen, or an address without 'http://'",
        ),
        (
            "--redirect-http :0 0",
            "--redirect-http needs a port with TLS to redirect to: type an address, or --listen ADDRESS:PORT,tls",
        ),
        (
            &format!("{tls} --redirect-http :0 --listen unix:a,tls"),
            "--redirect-http needs a port with TLS to redirect to: type an address, or --listen ADDRESS:PORT,tls",
        ),
        (
            &format!("{tls} --redirect-http :0,tls 0"),
            "--redirect-http has no TLS: type SPEC without ',tls'",
        ),
        (
            "--cert a --key b 0",
            "there is no option '--cert': type '--tls-cert FILE --tls-key FILE', or '--tls-self-signed DIR' without a certificate",
        ),
    ] {
        let output = run(&home, &line.split(' ').collect::<Vec<_>>());
        let found = String::from_utf8(output.stderr).unwrap();
        assert_eq!(found, format!("httpserver: {said}\n"), "{line}");
    }
}
