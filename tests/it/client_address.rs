//! The client's address in the access log: `--trust-proxy`, `--client-address-from` and `--proxy-protocol`.

use serde_json::{Value, json};

use crate::support::access::{ACCESS_LOG, objects};
use crate::support::client::Client;
use crate::support::curl::curl;
use crate::support::message::{get, name};
use crate::support::reasons::said_of;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

const JSON: [&str; 4] = ["--access-log", ACCESS_LOG, "--access-log-format", "json"];

fn start(options: &[&str]) -> Server {
    Setup::new(&[&JSON, options].concat()).debug().start()
}

fn get_with(field: &str) -> String {
    format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n")
}

#[test]
fn client_is_the_hop_before_the_trusted_proxies() {
    let x = "X-Forwarded-For: 192.0.2.7, 192.0.2.9\r\n";
    let forwarded = "Forwarded: for=192.0.2.7, for=\"[2001:db8::9]:1\"\r\n";
    let both = format!("{x}{forwarded}");
    let trust = ["--trust-proxy", "10.0.0.0/8,127.0.0.1"];
    let other = ["--trust-proxy", "10.0.0.0/8"];
    let from = [
        "--trust-proxy",
        "127.0.0.0/8",
        "--client-address-from",
        "forwarded",
    ];
    for (options, fields, expected) in [
        (&[][..], &*both, "127.0.0.1"),
        (&other, &both, "127.0.0.1"),
        (&trust, "", "127.0.0.1"),
        (&trust, &both, "192.0.2.9"),
        (&trust, forwarded, "127.0.0.1"),
        (
            &trust,
            "X-Forwarded-For: 192.0.2.9, 10.1.2.3\r\n",
            "192.0.2.9",
        ),
        (
            &trust,
            "X-Forwarded-For: 192.0.2.9, unknown, 10.1.2.3\r\n",
            "10.1.2.3",
        ),
        (&from, &both, "2001:db8::9"),
        (&from, x, "127.0.0.1"),
    ] {
        let server = start(options);
        let mut client = server.connect();
        let peer = json!([client.address().ip().to_string(), client.address().port()]);
        client.send(get_with(fields));
        client.response();
        let object = &objects(&server, 1)[0];
        assert_eq!(object["client"], json!(expected), "{options:?} {fields}");
        assert_eq!(json!([object["peer"], object["port"]]), peer, "{options:?}");
        assert_eq!(object["proxy"], Value::Null);
    }
}

#[test]
fn client_may_differ_from_request_to_request() {
    let server = start(&["--trust-proxy", "127.0.0.1"]);
    let mut client = server.connect();
    for number in 1..=3 {
        client.send(get_with(&format!("X-Forwarded-For: 192.0.2.{number}\r\n")));
        client.response();
    }
    let objects = objects(&server, 3);
    let clients: Vec<_> = objects.iter().map(|object| &object["client"]).collect();
    assert_eq!(
        json!(clients),
        json!(["192.0.2.1", "192.0.2.2", "192.0.2.3"])
    );
}

#[test]
fn malformed_field_is_ignored_and_reported() {
    let server = start(&["--trust-proxy", "127.0.0.1"]);
    let mut client = server.connect();
    client.send(get_with("X-Forwarded-For: 192.0.2.9, <script>\r\n"));
    client.response();
    assert_eq!(objects(&server, 1)[0]["client"], json!("127.0.0.1"));
    let said = "the field X-Forwarded-For is malformed, and counts as none";
    eventually("it is reported", || server.stderr().contains(said));
}

const PROXY: [&str; 3] = ["--proxy-protocol", "--trust-proxy", "127.0.0.1,10.0.0.0/8"];

/// A header of version 2 with this command, family and rest.
fn binary(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [
        b"\r\n\r\n\0\r\nQUIT\n",
        &[command, family][..],
        &length,
        rest,
    ]
    .concat()
}

#[test]
fn proxy_header_has_the_address_of_the_client() {
    let server = start(&PROXY);
    let four = [192, 0, 2, 1, 192, 0, 2, 9, 0x9C, 0x40, 0x01, 0xBB];
    let extended = [&four[..], &[0x04, 0x80, 0x00], &vec![0; 0x8000]].concat();
    for (header, expected) in [
        (
            b"PROXY TCP4 192.0.2.1 192.0.2.9 40000 443\r\n".to_vec(),
            Some("192.0.2.1"),
        ),
        (
            b"PROXY TCP6 2001:db8::1 ::1 40000 443\r\n".to_vec(),
            Some("2001:db8::1"),
        ),
        (binary(0x21, 0x11, &four), Some("192.0.2.1")),
        (binary(0x21, 0x11, &extended), Some("192.0.2.1")),
        (b"PROXY UNKNOWN\r\n".to_vec(), None),
        (binary(0x20, 0x00, b""), None),
        (binary(0x21, 0x31, &[0; 216]), None),
    ] {
        let mut client = server.connect();
        let address = client.address();
        let request = [&header[..], get("x").as_bytes(), get("y").as_bytes()].concat();
        // In pieces, so that the boundary between header and request is tested.
        for piece in request.chunks(request.len().div_ceil(7)) {
            client.send(piece);
        }
        client.response();
        client.response();
        drop(client);
        let found = objects_of(&server, address, expected);
        let bytes: Vec<_> = found.iter().map(|object| &object["bytes_in"]).collect();
        assert_eq!(json!(bytes), json!([get("x").len(), get("y").len()]));
    }
}

/// The two requests of a connection from `address` with a PROXY header for `source`.
#[track_caller]
fn objects_of(server: &Server, address: std::net::SocketAddr, source: Option<&str>) -> Vec<Value> {
    let expected = match source {
        Some(source) => json!([source, 40_000, address.to_string(), source]),
        None => json!(["127.0.0.1", address.port(), null, "127.0.0.1"]),
    };
    let mut found = Vec::new();
    eventually("both lines are there", || {
        let text = std::fs::read_to_string(server.path().join(ACCESS_LOG)).unwrap();
        let objects = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let keys = ["peer", "port", "proxy", "client"];
        found = objects
            .filter(|object| json!(keys.map(|key| &object[key])) == expected)
            .collect();
        found.len() == 2
    });
    found
}

#[test]
fn field_and_header_go_together() {
    let server = start(&PROXY);
    let mut client = server.connect();
    let request = get_with("X-Forwarded-For: 192.0.2.9\r\n");
    client.send(format!("PROXY TCP4 10.0.0.7 127.0.0.1 5 80\r\n{request}"));
    client.response();
    // The peer of the connection is not trusted.
    let mut client = server.connect();
    client.send(format!("PROXY TCP4 192.0.2.1 127.0.0.1 5 80\r\n{request}"));
    client.response();
    let objects = objects(&server, 2);
    let found = objects
        .iter()
        .map(|object| json!([object["peer"], object["client"]]));
    let expected = [
        json!(["10.0.0.7", "192.0.2.9"]),
        json!(["192.0.2.1", "192.0.2.1"]),
    ];
    assert_eq!(found.collect::<Vec<_>>(), expected);
}

#[test]
fn malformed_header_closes_and_is_reported() {
    let server = start(&PROXY);
    for (input, why) in [
        (
            get("x").into_bytes(),
            "it does not begin with a PROXY header",
        ),
        (
            b"PROXY TCP4 192.0.2.1\r\n".to_vec(),
            "the line of its PROXY header has no protocol, two addresses and two ports",
        ),
        (
            [&b"PROXY UNKNOWN "[..], &[b'x'; 200]].concat(),
            "the line of its PROXY header is longer than 107 bytes",
        ),
        (
            binary(0x21, 0x11, b"short"),
            "its PROXY header has 5 bytes of addresses, fewer than its family needs",
        ),
        (
            binary(0x2F, 0x11, b""),
            "its PROXY header has the unspecified bytes 2f 11",
        ),
        (
            b"PROXY TCP4 ".to_vec(),
            "it ends before its PROXY header does",
        ),
    ] {
        let mut client = server.connect();
        let address = client.address();
        client.send(&input);
        client.end_sending();
        assert!(client.try_rest().unwrap_or_default().is_empty(), "{why}");
        assert_eq!(
            said_of(&server, address),
            [format!("the connection is closed: {why}")]
        );
    }
    assert_eq!(server.log(), "", "none of it is a request");
}

#[test]
fn a_proxy_that_only_connects_is_no_error() {
    let server = start(&PROXY);
    let mut client = server.connect();
    client.end_sending();
    assert!(client.rest().is_empty());
    assert_eq!(server.stderr(), "");
}

#[test]
fn silent_proxy_is_closed_in_time() {
    let server = start(&[&PROXY[..], &["--head-timeout", "100ms"]].concat());
    for begun in ["", "PROXY TCP4 192.0.2.1 "] {
        let mut client = server.connect();
        client.send(begun);
        assert!(client.rest().is_empty());
    }
    assert_eq!(server.log(), "");
}

#[test]
fn clients_that_are_not_proxies_send_no_header() {
    let server = start(&["--proxy-protocol", "--trust-proxy", "192.0.2.0/24"]);
    server.request(get("x"));
    let mut client = server.connect();
    client.send(format!(
        "PROXY TCP4 192.0.2.1 192.0.2.9 40000 443\r\n{}",
        get("x")
    ));
    assert!(client.response().starts_with(b"HTTP/1.1 400 "));
    let objects = objects(&server, 2);
    assert!(
        objects
            .iter()
            .all(|object| object["client"] == json!("127.0.0.1"))
    );
}

#[test]
fn curl_speaks_the_proxy_protocol() {
    let server = start(&PROXY);
    server.place(&name("a"), b"content");
    let received = curl(&server, &["--haproxy-protocol"], &name("a"));
    assert!(received.ends_with(b"\r\n\r\ncontent"));
    let object = &objects(&server, 1)[0];
    assert_eq!(
        json!([object["peer"], object["status"]]),
        json!(["127.0.0.1", 200])
    );
}

/// A client is identified by its address in any notation.
#[test]
fn address_of_ipv4_in_ipv6_form_is_that_of_ipv4() {
    let options = [&JSON[..], &["--trust-proxy", "127.0.0.1"]].concat();
    let setup = Setup::new(&options).on(std::net::Ipv6Addr::UNSPECIFIED);
    let server = setup.start();
    let port = server.address().port();
    let Ok(mut client) = Client::try_connect(([127, 0, 0, 1], port).into()) else {
        return; // the system keeps them apart (bindv6only)
    };
    client.send(get_with("X-Forwarded-For: ::ffff:192.0.2.9\r\n"));
    client.response();
    assert_eq!(objects(&server, 1)[0]["client"], json!("192.0.2.9"));
}
