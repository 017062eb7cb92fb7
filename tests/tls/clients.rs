//! Real clients: curl and openssl.

use std::process::Command;

use serde_json::json;

use crate::support::access::{ACCESS_LOG, objects};
use crate::support::bytes::{assert_bytes, noise};
use crate::support::curl::curl_to;
use crate::support::home::Home;
use crate::support::message::{name, response};
use crate::support::process::finish;
use crate::support::requirements::is_there;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

/// Runs curl with the server's certificate, for a target.
#[track_caller]
fn curl(server: &Server, arguments: &[&str], target: &str) -> Vec<u8> {
    let url = format!("https://localhost:{}/{target}", server.address().port());
    let resolve = format!("localhost:{}:127.0.0.1", server.address().port());
    let all = ["--cacert", "cert.pem", "--resolve", &resolve];
    curl_to(server.path(), &[&all, arguments, &[&url]].concat())
}

#[test]
fn curl_gets_and_puts_with_both_versions() {
    for (options, version) in [
        (&["--tls-max", "1.2"][..], "TLSv1.2"),
        (&["--tlsv1.3"], "TLSv1.3"),
    ] {
        let log = ["-N", "1", "--access-log", ACCESS_LOG];
        let server = Setup::tls(&[&log[..], &["--access-log-format", "json"]].concat()).start();
        let content = noise(1, 3_000_000);
        std::fs::write(server.path().join("upload"), &content).unwrap();
        let put = curl(
            &server,
            &[options, &["-T", "upload", "-H", "Expect:"]].concat(),
            &name("a"),
        );
        assert_bytes(&put, &response("201 Created", b""), version);
        assert_bytes(&server.content(&name("a")), &content, version);
        let got = curl(&server, options, &name("a"));
        assert_bytes(&got, &response("200 OK", &content), version);
        for object in objects(&server, 2) {
            assert_eq!(object["tls"], version, "{object}");
        }
        assert_eq!(
            server.log_lines()[0],
            format!("PUT {} length 3000000", name("a"))
        );
    }
}

#[test]
fn curl_uploads_without_a_length_and_waits_for_100() {
    let server = Setup::tls(&["--web", "--writable"]).start();
    let content = noise(2, 500_000);
    std::fs::write(server.path().join("upload"), &content).unwrap();
    for (target, arguments) in [
        (
            "a",
            &["-T", "upload", "-H", "Transfer-Encoding: chunked"][..],
        ),
        ("b", &["-T", "upload", "-H", "Expect: 100-continue"]),
    ] {
        let received = curl(&server, arguments, target);
        let text = String::from_utf8_lossy(&received).into_owned();
        assert!(text.contains("HTTP/1.1 201 Created"), "{text}");
        assert_bytes(&server.content(target), &content, target);
    }
}

#[test]
fn targets_of_https_are_answered_inside_tls() {
    let server = Setup::tls(&["--web"]).start();
    server.place("a.txt", b"content");
    let target = format!("https://localhost:{}/a.txt", server.address().port());
    let received = curl(&server, &["--request-target", &target], "");
    assert!(received.ends_with(b"\r\n\r\ncontent"));
}

#[test]
fn curl_speaks_tls_on_a_unix_socket() {
    let server = Setup::tls(&["--listen", "unix:socket,tls"]).start();
    server.place(&name("a"), b"content");
    let arguments = ["--cacert", "cert.pem", "--unix-socket", "socket"];
    let url = format!("https://localhost/{}", name("a"));
    let received = curl_to(server.path(), &[&arguments[..], &[&url]].concat());
    assert_bytes(&received, &response("200 OK", b"content"), "unix");
}

/// Every client may read; ann, with the password "secret", may store.
const USERS: &str =
    "*::read\nann:$2y$04$kmGGu1XSHjldBVzhe3PSW.o5Gj9XhJ/m/61biZTgBcUT4xXGIfawK:read,create\n";

#[test]
fn curl_logs_in_inside_tls_by_port_and_by_unix_socket() {
    let home = Home::new();
    std::fs::write(home.path().join("users"), USERS).unwrap();
    std::fs::write(home.path().join("upload"), "content").unwrap();
    let options = "--web --writable --allow-host localhost --users users --listen unix:socket,tls";
    let options: Vec<_> = options.split(' ').collect();
    let server = Setup::tls_at(&home, &options).start();
    for (number, (more, user, status)) in [
        (&["--tls-max", "1.2"][..], "ann:secret", "201 Created"),
        (&["--tlsv1.3"], "ann:secret", "201 Created"),
        (&["--unix-socket", "socket"], "ann:secret", "201 Created"),
        (
            &["--unix-socket", "socket"],
            "ann:wrong",
            "401 Unauthorized",
        ),
        (&["--tls-max", "1.2"], "", "401 Unauthorized"),
    ]
    .into_iter()
    .enumerate()
    {
        let login = if user.is_empty() {
            vec![]
        } else {
            vec!["-u", user]
        };
        let arguments = [more, &login, &["-T", "upload"]].concat();
        let target = number.to_string();
        let said = curl(&server, &arguments, &target);
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(said.contains(&format!("HTTP/1.1 {status}")), "{said}");
        assert_eq!(
            server.file(&target).exists(),
            status == "201 Created",
            "{said}"
        );
    }
}

#[test]
fn proxy_header_comes_before_tls() {
    let options = "--proxy-protocol --trust-proxy 127.0.0.1 --access-log-format json --access-log";
    let options: Vec<_> = options.split(' ').chain([ACCESS_LOG]).collect();
    let server = Setup::tls(&options).start();
    server.place(&name("a"), b"content");
    let received = curl(&server, &["--haproxy-protocol"], &name("a"));
    assert_bytes(&received, &response("200 OK", b"content"), "PROXY");
    let object = &objects(&server, 1)[0];
    assert_eq!(
        json!([object["status"], object["tls"]]),
        json!([200, "TLSv1.3"])
    );
}

/// The output of `openssl s_client` with this input.
#[track_caller]
fn s_client(server: &Server, arguments: &[&str], input: &[u8]) -> String {
    let mut command = Command::new("openssl");
    command
        .arg("s_client")
        .args(["-CAfile", "cert.pem", "-connect"]);
    command.arg(server.address().to_string()).args(arguments);
    command.current_dir(server.path());
    let output = finish(command, input);
    [output.stdout, output.stderr]
        .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        .concat()
}

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

#[test]
fn sessions_are_resumed_with_tickets() {
    if !is_there("openssl") {
        return;
    }
    let server = Setup::tls(&[]).start();
    for version in ["-tls1_2", "-tls1_3"] {
        let first = ["-ign_eof", version, "-sess_out", "session"];
        let said = s_client(&server, &first, GET);
        assert!(said.contains("New, TLSv1."), "{said}");
        assert!(said.contains("HTTP/1.1 200 OK"), "{said}");
        let second = ["-ign_eof", version, "-sess_in", "session"];
        let said = s_client(&server, &second, GET);
        assert!(said.contains("Reused, TLSv1."), "{version}: {said}");
        assert!(said.contains("HTTP/1.1 200 OK"), "{said}");
    }
}

#[test]
fn early_data_is_not_offered() {
    if !is_there("openssl") {
        return;
    }
    let server = Setup::tls(&[]).start();
    std::fs::write(server.path().join("early"), GET).unwrap();
    let said = s_client(
        &server,
        &["-ign_eof", "-tls1_3", "-sess_out", "session"],
        GET,
    );
    assert!(said.contains("Max Early Data: 0"), "{said}");
    let second = [
        "-ign_eof",
        "-tls1_3",
        "-sess_in",
        "session",
        "-early_data",
        "early",
    ];
    let said = s_client(&server, &second, GET);
    assert!(!said.contains("Early data was accepted"), "{said}");
    assert_eq!(
        server.log_lines().len(),
        2,
        "nothing was answered twice: {said}"
    );
}

#[test]
fn renegotiation_is_refused() {
    if !is_there("openssl") {
        return;
    }
    let server = Setup::tls(&[]).start();
    // A line with an R asks for it.
    let said = s_client(&server, &["-tls1_2"], b"R\n");
    assert!(said.contains("RENEGOTIATING"), "{said}");
    assert!(!said.contains("HTTP/1.1"), "{said}");
    let refused = [
        "no renegotiation",
        "unexpected message",
        "alert",
        "closed",
        "error",
    ];
    assert!(refused.iter().any(|word| said.contains(word)), "{said}");
    assert_eq!(server.log(), "");
}

#[test]
fn old_versions_and_other_protocols_are_refused() {
    if !is_there("openssl") {
        return;
    }
    let server = Setup::tls(&[]).start();
    for arguments in [
        &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"][..],
        &["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
        &["-alpn", "h2"],
        &["-tls1_2", "-cipher", "AES128-SHA:@SECLEVEL=0"],
    ] {
        let said = s_client(&server, arguments, b"");
        assert!(
            said.contains("no peer certificate available"),
            "{arguments:?}: {said}"
        );
    }
    let said = s_client(&server, &["-alpn", "h2,http/1.1"], b"");
    assert!(said.contains("ALPN protocol: http/1.1"), "{said}");
    assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
}

/// The compressed length could reveal a secret in a response to an attacker whose text is in the same response (BREACH).
#[test]
fn text_is_not_compressed_for_requests_with_credentials() {
    let server = Setup::tls(&["--web", "--compress"])
        .files(|root| std::fs::write(root.join("a.txt"), "a line\n".repeat(1_000)).unwrap())
        .start();
    let is_compressed = |fields: &[&str]| {
        let fields = fields.iter().flat_map(|field| ["-H", field]);
        let received = curl(&server, &fields.collect::<Vec<_>>(), "a.txt");
        String::from_utf8_lossy(&received).contains("\r\nContent-Encoding: gzip\r\n")
    };
    let accepts = "Accept-Encoding: gzip";
    eventually("the text is compressed", || is_compressed(&[accepts]));
    for field in ["Cookie: a=b", "Authorization: Basic YTpi"] {
        assert!(!is_compressed(&[accepts, field]), "{field}");
    }
    assert!(is_compressed(&[accepts]));
}
