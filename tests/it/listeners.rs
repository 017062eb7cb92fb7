//! Several listeners, Unix domain sockets, and the limit on connections of one client.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use serde_json::json;

use crate::support::access::{ACCESS_LOG, lines, objects};
use crate::support::bytes::assert_bytes;
use crate::support::client::Client;
use crate::support::curl::curl_to;
use crate::support::home::Home;
use crate::support::message::{get, name, put, response};
use crate::support::process::run;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::{GUARD, eventually};

const JSON: [&str; 4] = ["--access-log", ACCESS_LOG, "--access-log-format", "json"];

/// The path of a socket in the home of a server.
fn socket(home: &Home) -> PathBuf {
    home.path().join("socket")
}

/// The address in a line on stdout.
#[track_caller]
fn address(line: &str) -> SocketAddr {
    let address = line.strip_prefix("listening on http://");
    address.and_then(|address| address.parse().ok()).unwrap()
}

/// The whole response to `input` and the end of stream after it.
#[track_caller]
fn exchange(path: &Path, input: impl AsRef<[u8]>) -> Vec<u8> {
    let mut stream = UnixStream::connect(path).unwrap();
    stream.set_read_timeout(Some(GUARD)).unwrap();
    stream.write_all(input.as_ref()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut received = Vec::new();
    stream.read_to_end(&mut received).unwrap();
    received
}

#[test]
fn one_server_has_several_listeners() {
    let options = "--listen 127.0.0.1:0 --listen [::1]:0 --listen unix:socket -N 1";
    let mut server = Setup::new(&options.split(' ').collect::<Vec<_>>()).start();
    server.place(&name("a"), b"content");
    let lines = [server.line(), server.line(), server.line()];
    let second = address(&lines[0]);
    assert_eq!(second.ip(), Ipv4Addr::LOCALHOST);
    assert_eq!(address(&lines[1]).ip(), Ipv6Addr::LOCALHOST);
    assert_eq!(lines[2], "listening on unix:socket");
    let expected = response("200 OK", b"content");
    for address in [server.address(), second, address(&lines[1])] {
        let mut client = Client::connect(address);
        client.send(get(&name("a")));
        assert_bytes(&client.response(), &expected, &address.to_string());
    }
    let url = format!("http://localhost/{}", name("a"));
    let received = curl_to(server.path(), &["--unix-socket", "socket", &url]);
    assert_bytes(&received, &expected, "curl --unix-socket");
    server.stop();
    assert_eq!(server.log_lines().len(), 4);
}

#[test]
fn arguments_need_no_address_beside_listeners() {
    let home = Home::new();
    home.place("a.txt", b"content");
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command
        .args(["--web", "./root", "--listen", "127.0.0.1:0"])
        .current_dir(home.path());
    let mut server = Server::start(home, command);
    assert_eq!(server.get("/a.txt").body, b"content");
    server.stop();
}

#[test]
fn unix_socket_serves_and_stores_like_a_port() {
    let server = Setup::new(&["--listen", "unix:socket", "-N", "1"]).start();
    let path = socket(&server);
    let content = vec![b'x'; 300_000];
    let received = exchange(&path, put(&name("a"), &content));
    assert_bytes(&received, &response("201 Created", b""), "PUT");
    let received = exchange(&path, get(&name("a")));
    assert_bytes(&received, &response("200 OK", &content), "GET");
    let clients: Vec<_> = (0..100).map(|_| UnixStream::connect(&path)).collect();
    let received = exchange(&path, get(&name("a")));
    assert_bytes(
        &received,
        &response("200 OK", &content),
        "GET beside others",
    );
    assert_eq!(clients.len(), 100);
}

#[test]
fn peer_of_a_unix_socket_is_named_unix() {
    let options = [&JSON[..], &["--listen", "unix:socket"]].concat();
    let server = Setup::new(&options).debug().start();
    exchange(&socket(&server), "GET /short HTTP/1.1\r\nHost: a\r\n\r\n");
    let object = &objects(&server, 1)[0];
    let keys = ["peer", "port", "proxy", "client"];
    let found = keys.map(|key| &object[key]);
    assert_eq!(json!(found), json!(["unix", null, null, "unix"]));
    eventually("it is said why", || {
        server.stderr().contains("] unix: GET /short HTTP/1.1: ")
    });
    let options = ["--access-log", ACCESS_LOG, "--listen", "unix:socket", "-vv"];
    let server = Setup::new(&options).start();
    exchange(&socket(&server), get("x"));
    assert!(lines(&server, 1)[0].starts_with("unix - - ["));
    for said in [
        " unix connection 1 opened\n",
        " unix GET /x 400 0 bytes ",
        " unix connection 1 closed after 1 request: ",
    ] {
        eventually(said, || server.stderr().contains(said));
    }
}

#[test]
fn proxies_on_unix_sockets_are_believed_if_they_are_trusted() {
    let field = "X-Forwarded-For: 192.0.2.9\r\n";
    let request = format!("GET /x HTTP/1.1\r\nHost: a\r\n{field}\r\n");
    for (trust, expected) in [("127.0.0.1", "unix"), ("127.0.0.1,unix", "192.0.2.9")] {
        let listen = ["--listen", "unix:socket", "--trust-proxy", trust];
        let server = Setup::new(&[&JSON[..], &listen].concat()).start();
        exchange(&socket(&server), &request);
        assert_eq!(objects(&server, 1)[0]["client"], expected, "{trust}");
    }
}

#[test]
fn proxy_header_is_read_on_the_listener_that_has_it() {
    let options = [
        "--trust-proxy",
        "unix,127.0.0.1",
        "--listen",
        "unix:socket,proxy",
    ];
    let server = Setup::new(&[&JSON[..], &options].concat()).start();
    let header = "PROXY TCP4 192.0.2.1 192.0.2.9 40000 443\r\n";
    let received = exchange(&socket(&server), format!("{header}{}", get("x")));
    assert!(received.starts_with(b"HTTP/1.1 400 "));
    let object = &objects(&server, 1)[0];
    let found = ["peer", "port", "proxy"].map(|key| &object[key]);
    assert_eq!(json!(found), json!(["192.0.2.1", 40_000, "unix"]));
    // The other listener expects HTTP immediately, although its peer is trusted.
    assert!(server.request(get("x")).starts_with(b"HTTP/1.1 400 "));
    let received = exchange(&socket(&server), get("x"));
    assert_eq!(received, b"", "without a header the connection is closed");
}

#[test]
fn socket_has_its_mode_and_is_removed_at_the_end() {
    for (option, mode) in [
        ("unix:socket,mode=660", 0o660),
        ("unix:socket,mode=600", 0o600),
        ("unix:socket", 0o750),
    ] {
        let setup = Setup::new(&["--listen", option]).before("umask 027");
        let mut server = setup.start();
        assert_eq!(server.line(), "listening on unix:socket");
        let path = socket(&server);
        let found = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(found, mode, "{option}: {found:o}");
        server.stop();
        assert!(!path.exists());
    }
}

#[test]
fn abandoned_socket_is_replaced() {
    let setup = |home: &Home| Setup::at(home, &["--listen", "unix:socket"]).unrecorded();
    let home = Home::new();
    let mut first = setup(&home).start();
    first.signal(Signal::KILL);
    first.wait();
    assert!(socket(&home).exists());
    let mut second = setup(&home).start();
    second.line();
    let received = exchange(&socket(&home), get("x"));
    assert!(received.starts_with(b"HTTP/1.1 400 "));
    second.stop();
    assert!(!socket(&home).exists());
}

#[test]
fn socket_that_another_server_made_meanwhile_stays() {
    let mut server = Setup::new(&["--listen", "unix:socket"]).start();
    server.line();
    fs::remove_file(socket(&server)).unwrap();
    let _other = UnixListener::bind(socket(&server)).unwrap();
    server.stop();
    UnixStream::connect(socket(&server)).unwrap();
}

#[test]
fn path_that_cannot_be_listened_on_is_an_error() {
    let home = Home::new();
    let _other = UnixListener::bind(socket(&home)).unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let long = "x".repeat(120);
    for (path, why) in [
        (
            "socket",
            "Address already in use; a server listens there: stop it, or type another path",
        ),
        ("file", "it is not a socket; type another path"),
        (
            "absent/socket",
            "No such file or directory; make its directory first",
        ),
        (
            &long,
            "File name too long; type a path of fewer than 108 bytes",
        ),
    ] {
        let listen = format!("unix:{path}");
        let output = run(&home, &["--listen", &*listen]);
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            said,
            format!("httpserver: cannot listen on {listen}: {why}\n")
        );
        assert!(!output.status.success() && output.stdout.is_empty());
    }
    assert!(home.path().join("file").exists() && socket(&home).exists());
}

#[test]
fn unknown_option_of_a_listener_is_an_error() {
    let output = run(&Home::new(), &["--listen", "unix:/x,tsl", "0"]);
    let said = String::from_utf8(output.stderr).unwrap();
    let start = "httpserver: 'unix:/x,tsl' is not a value for --listen: 'tsl' is not an option of a listener";
    assert!(said.starts_with(start), "{said}");
}

/// Whether a connection is answered; if not, it is closed without a response.
#[track_caller]
fn is_answered(client: &mut Client) -> bool {
    client.get(&name("a")).is_some()
}

#[test]
fn client_with_too_many_connections_gets_no_more() {
    let options = [
        "--max-connections-per-client",
        "3",
        "--listen",
        "unix:socket",
    ];
    let server = Setup::new(&[&options[..], &["--listen", "[::1]:0"]].concat());
    let mut server = server.start();
    assert_eq!(server.line(), "listening on unix:socket");
    let other = address(&server.line());
    let mut clients: Vec<_> = (0..3).map(|_| server.connect()).collect();
    assert!(clients.iter_mut().all(is_answered));
    for _ in 0..5 {
        assert!(!is_answered(&mut server.connect()));
    }
    // Another client has its own, and a Unix domain socket is not counted.
    let mut others: Vec<_> = (0..3).map(|_| Client::connect(other)).collect();
    assert!(others.iter_mut().all(is_answered));
    assert!(!is_answered(&mut Client::connect(other)));
    for _ in 0..5 {
        assert!(exchange(&socket(&server), get("x")).starts_with(b"HTTP/1.1 400 "));
    }
    clients.pop();
    eventually("there is room for another", || {
        is_answered(&mut server.connect())
    });
    let said = "127.0.0.1 has 3 connections open, the most allowed for a client; more are closed";
    assert_eq!(server.stderr().matches(said).count(), 1);
}

#[test]
fn trusted_proxy_may_have_many_connections() {
    let options = "--max-connections-per-client 2 --trust-proxy 127.0.0.0/8";
    let server = Setup::new(&options.split(' ').collect::<Vec<_>>()).start();
    let mut clients: Vec<_> = (0..10).map(|_| server.connect()).collect();
    assert!(clients.iter_mut().all(is_answered));
}
