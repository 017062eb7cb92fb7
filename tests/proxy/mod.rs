//! Behind a real nginx and a real `haproxy`: bytes of one client never become part of another client's request.
//!
//! A proxy uses one connection to the server for the requests of many clients. If it and the server differ about
//! where a message ends, one client's request becomes the content or the prefix of another's (RFC 9112 §11.2).

mod cluster;

use std::collections::BTreeSet;

use crate::support::access::{ACCESS_LOG, objects};
use crate::support::message::{get, name, put};
use crate::support::proxy::{Kind, Proxy};
use crate::support::reasons::peers;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;

const CONTENT: &[u8] = b"what the victim asks for";

/// A server with the file that a victim requests, behind each proxy.
fn behind_each(options: &[&str], test: impl Fn(Kind, &Server, &Proxy)) {
    for kind in Kind::ALL {
        let server = Setup::new(options).debug().start();
        server.place(&name("victim"), CONTENT);
        std::fs::create_dir(server.file(&name("directory"))).unwrap();
        if let Some(proxy) = Proxy::start(kind, server.address()) {
            test(kind, &server, &proxy);
        }
    }
}

/// Another client's request, which must have its own response and its own entry in the log.
#[track_caller]
fn check_victim(what: &str, server: &Server, proxy: &Proxy) {
    let entry = format!("GET {} length 0\n", name("victim"));
    let before = server.log().matches(&entry).count();
    let mut victim = proxy.connect();
    victim.send(format!(
        "GET /{} HTTP/1.1\r\nHost: a\r\nCookie: secret\r\nConnection: close\r\n\r\n",
        name("victim")
    ));
    let response = Response::parse(&victim.rest());
    assert_eq!(response.status, 200, "{what}");
    assert_eq!(response.body, CONTENT, "{what}");
    let after = server.log().matches(&entry).count();
    assert_eq!(after, before + 1, "{what}");
}

/// Without this the other tests would show nothing.
#[test]
fn proxies_use_one_connection_for_many_clients() {
    behind_each(&[], |kind, server, proxy| {
        for _ in 0..3 {
            let mut client = proxy.connect();
            client.send(get("refused"));
            client.response();
        }
        let peers = peers(server, "GET /refused HTTP/1.1");
        assert_eq!(peers.len(), 3, "{kind:?}: {peers:?}");
        let connections: BTreeSet<_> = peers.iter().collect();
        assert!(connections.len() < 3, "{kind:?}: {peers:?}");
    });
}

#[test]
fn put_without_length_takes_no_request_of_another_client() {
    let (file, directory) = (name("attack"), name("directory"));
    behind_each(&[], |kind, server, proxy| {
        for (target, status) in [
            (&*file, 201),
            ("short", 400),
            (&*directory, 403),
            (&*file, 201),
        ] {
            for version in ["1.0", "1.1"] {
                let what = format!("{kind:?}: PUT /{target} HTTP/{version}");
                let mut attacker = proxy.connect();
                attacker.send(format!("PUT /{target} HTTP/{version}\r\nHost: a\r\n\r\n"));
                let response = Response::parse(&attacker.response());
                assert_eq!(response.status, status, "{what}");
                // It stays there, as an attacker would.
                check_victim(&what, server, proxy);
                check_victim(&what, server, proxy);
                assert_eq!(server.home().files().get(&file).unwrap(), b"", "{what}");
            }
        }
    });
}

#[test]
fn put_with_length_goes_through_and_leaves_the_connection() {
    behind_each(&[], |kind, server, proxy| {
        for content in [&b"first"[..], b"", b"second"] {
            let mut client = proxy.connect();
            client.send(put(&name("file"), content));
            let response = Response::parse(&client.response());
            assert_eq!(response.status, 201, "{kind:?}");
            assert_eq!(server.content(&name("file")), content, "{kind:?}");
            check_victim("a PUT with a length", server, proxy);
        }
    });
}

/// In any of these, the server never sees a request that the proxy did not see.
#[test]
fn ambiguous_messages_hide_no_request() {
    let smuggled = String::from_utf8(put(&name("smuggled"), b"x")).unwrap();
    let length = smuggled.len();
    let chunk = format!("{length:x}\r\n{smuggled}\r\n0\r\n\r\n");
    let put = format!("PUT /{} HTTP/1.1\r\nHost: a\r\n", name("file"));
    let get = "GET / HTTP/1.1\r\nHost: a\r\n";
    let messages = [
        format!("{put}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        format!("{put}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"),
        format!("{put}Transfer-Encoding: xchunked\r\n\r\n{smuggled}"),
        format!("{put}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n{chunk}"),
        format!("{put}Transfer-Encoding : chunked\r\n\r\n{chunk}"),
        format!("{put}Content-Length: +0\r\n\r\n{smuggled}"),
        format!("{put}Content-Length: 0\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
        format!("{put}Content-Length : {length}\r\n\r\n{smuggled}"),
        format!("{put}Transfer-Encoding: chunked\r\n\r\n0;\r\n\r\n{smuggled}"),
        format!("{put}Transfer-Encoding: chunked\r\n\r\n1;a=\"\r\nx\r\n0\r\n\r\n{smuggled}"),
        format!("{put}Transfer-Encoding: chunked\r\n\r\n1;\nx\r\n0\r\n\r\n{smuggled}"),
        format!("{put}Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
        format!("{get}Content-Length: {length}\r\n\r\n{smuggled}"),
        format!("{get}Transfer-Encoding: chunked\r\n\r\n{chunk}"),
        format!("{get}X: y\r{smuggled}"),
        format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{smuggled}"),
    ];
    // haproxy passes the client's host name on, and nginx names its own upstream.
    let hosts = ["--allow-host", "a", "--allow-host", "files"];
    let web = [&["--web", "--writable"], &hosts[..]].concat();
    for options in [&[][..], &web] {
        behind_each(options, |kind, server, proxy| {
            for message in &messages {
                let what = format!("{kind:?}: {options:?} {}", message.escape_debug());
                let mut attacker = proxy.connect();
                // The message alone: nothing behind it that the proxy itself would take for a request.
                let _ = attacker.try_send(message);
                check_victim(&what, server, proxy);
            }
        });
    }
}

#[test]
fn access_log_has_the_clients_of_proxies() {
    const JSON: [&str; 4] = ["--access-log", ACCESS_LOG, "--access-log-format", "json"];
    let options = [&JSON[..], &["--trust-proxy", "127.0.0.1"]].concat();
    behind_each(&options, |kind, server, proxy| {
        let mut client = proxy.connect();
        client.send(format!(
            "GET /{} HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.9\r\n\r\n",
            name("victim")
        ));
        client.response();
        // Its own client is trusted, too, so the one before counts.
        let object = &objects(server, 1)[0];
        assert_eq!(object["client"], "192.0.2.9", "{kind:?}: {object}");
        assert_eq!(object["peer"], "127.0.0.1", "{kind:?}");
    });
}

#[test]
fn haproxy_passes_the_client_on_with_the_proxy_protocol() {
    for version in [1, 2] {
        let options = ["--access-log", ACCESS_LOG, "--access-log-format", "json"];
        let options = [
            &options[..],
            &["--trust-proxy", "127.0.0.1", "--proxy-protocol"],
        ]
        .concat();
        let server = Setup::new(&options).start();
        let Some(proxy) = Proxy::start(Kind::Header(version), server.address()) else {
            return;
        };
        let mut client = proxy.connect();
        client.send(get("x").repeat(2));
        client.response();
        client.response();
        let peer = client.address();
        for object in objects(&server, 2) {
            assert_eq!(object["peer"], peer.ip().to_string(), "{object}");
            assert_eq!(object["port"], peer.port(), "{object}");
            assert!(object["proxy"].is_string(), "{object}");
        }
        // Neither its checks of the server nor its header are anything to speak of.
        assert_eq!(server.stderr(), "");
    }
}
