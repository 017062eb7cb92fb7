//! Credentials from clients: right, wrong and malformed ones, and the user in the logs.

use std::process::Command;

use super::{THREE, ask, basic, setup, write_users};
use crate::support::curl::curl;
use crate::support::home::Home;
use crate::support::process::finish;
use crate::support::requirements::skip;
use crate::support::response::Response;
use crate::support::setup::Setup;
use crate::support::tree::write;
use crate::support::wait::eventually;

#[test]
fn curl_logs_in() {
    let site = setup("ann:QUICK\nb\u{f8}b:ARGON\n", &["--web", "--writable"])
        .files(|root| write(root, "a.txt", "text"))
        .start();
    for (user, status) in [
        ("ann:secret", 200),
        ("b\u{f8}b:secret", 200),
        ("ann:Secret", 401),
        ("eve:secret", 401),
    ] {
        let response = Response::parse(&curl(&site, &["-u", user], "a.txt"));
        assert_eq!(response.status, status, "{user}");
    }
    // It sends the password when it is asked for it only.
    let asked = curl(&site, &["-u", "ann:secret", "--anyauth"], "a.txt");
    let asked = String::from_utf8(asked).unwrap();
    assert!(
        asked.starts_with("HTTP/1.1 401 ") && asked.ends_with("text"),
        "{asked}"
    );
    let home = site.home();
    let file = home.path().join("upload");
    write(home.path(), "upload", vec![b'x'; 3_000_000]);
    let stored = curl(
        &site,
        &["-u", "ann:secret", "-T", file.to_str().unwrap()],
        "new.bin",
    );
    assert!(String::from_utf8_lossy(&stored).contains("HTTP/1.1 201 "));
    assert_eq!(site.content("new.bin").len(), 3_000_000);
}

#[test]
fn malformed_credentials_have_a_status_each() {
    for options in [&[][..], &["--web"]] {
        let server = setup(THREE, options).start();
        for (field, status) in [
            (basic("ann:secret"), 200),
            (basic("ann:wrong"), 401),
            (basic("nobody:secret"), 401),
            (basic(":secret"), 401),
            (basic("ann:"), 401),
            (basic(b"ann:\xff"), 401),
            ("Authorization: Bearer secret\r\n".to_owned(), 401),
            (basic("ann"), 400),
            (basic("ann:sec\0ret"), 400),
            (basic("an\nn:secret"), 400),
            ("Authorization: Basic !\r\n".to_owned(), 400),
            (basic("ann:secret").repeat(2), 400),
            (basic(format!("ann:{}", "x".repeat(9_000))), 401),
            (basic(format!("ann:{}", "x".repeat(13_000))), 431),
        ] {
            let line = if options.is_empty() {
                "GET /"
            } else {
                "OPTIONS *"
            };
            let response = server.ask(line, &field, b"");
            let status = if status == 200 && line == "OPTIONS *" {
                204
            } else {
                status
            };
            assert_eq!(response.status, status, "{options:?} {field:.60}");
            let is_challenge = response.field("WWW-Authenticate").is_some();
            assert_eq!(is_challenge, status == 401, "{field:.60}");
        }
    }
}

#[test]
fn name_of_a_user_is_logged_only_with_the_right_password() {
    let server = setup(THREE, &["--access-log", "access", "--web"]).start();
    for credentials in ["", "ann:secret", "ann:wrong", "eve:secret", "bob:secret"] {
        ask(&server, "GET /nothing", credentials, "", b"");
    }
    let mut users = Vec::new();
    eventually("five lines are written", || {
        let text = std::fs::read_to_string(server.home().path().join("access"));
        let text = text.unwrap_or_default();
        let user = |line: &str| line.split(' ').nth(2).unwrap_or_default().to_owned();
        users = text.lines().map(user).collect();
        users.len() == 5
    });
    users.sort();
    assert_eq!(users, ["-", "-", "-", "ann", "bob"]);
}

#[test]
fn users_of_htpasswd_log_in() {
    // It has no option for its version.
    if Command::new("htpasswd").output().is_err() {
        skip("htpasswd is not there");
        return;
    }
    let home = Home::new();
    let file = home.path().join("users");
    let long = "x".repeat(72);
    for (name, password) in [("ann", "secret"), ("long", &*long)] {
        let mut htpasswd = Command::new("htpasswd");
        htpasswd.args(["-b", "-B", "-C", "4"]);
        if !file.exists() {
            htpasswd.arg("-c");
        }
        let done = htpasswd.arg(&file).args([name, password]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    }
    let server = Setup::at(&home, &["--users", "users"]).start();
    for (credentials, status) in [
        ("ann:secret".to_owned(), 200),
        ("ann:wrong".to_owned(), 401),
        (format!("long:{long}"), 200),
        // bcrypt would not look at the last byte.
        (format!("long:{long}x"), 401),
    ] {
        assert_eq!(
            ask(&server, "GET /", &credentials, "", b"").status,
            status,
            "{credentials}"
        );
    }
}

#[test]
fn password_may_have_colons_and_letters_of_any_alphabet() {
    for (name, password) in [
        ("ann", "a:b::c:"),
        (
            "b\u{f8}b",
            "p\u{e4}ssw\u{f6}rd \u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{1f511}",
        ),
        ("\u{738b}", ":"),
    ] {
        let home = Home::new();
        let mut hashing = Command::new(env!("CARGO_BIN_EXE_httpserver"));
        hashing.arg("--hash-password");
        let hash = finish(hashing, format!("{password}\n").as_bytes());
        let hash = String::from_utf8(hash.stdout).unwrap();
        write_users(&home, &format!("{name}:{hash}"));
        let server = Setup::at(&home, &["--users", "users"]).start();
        let credentials = format!("{name}:{password}");
        assert_eq!(ask(&server, "GET /", &credentials, "", b"").status, 200);
        let received = curl(&server, &["-u", &credentials], "");
        assert_eq!(Response::parse(&received).status, 200, "{name}");
        let longer = format!("{credentials}:");
        assert_eq!(ask(&server, "GET /", &longer, "", b"").status, 401);
    }
}

#[test]
fn file_of_a_hundred_thousand_users_is_read() {
    let home = Home::new();
    let line = |number| format!("user-{number}:QUICK:read:/{number}\r\n");
    let users: String = (0..100_000).map(line).collect();
    write_users(&home, &format!("\u{feff}{users}"));
    let server = Setup::at(&home, &["--users", "users", "--web"]).start();
    for (user, target, status) in [
        ("user-0:secret", "/0", 404),
        ("user-99999:secret", "/99999/x", 404),
        ("user-99999:secret", "/0", 403),
        ("user-100000:secret", "/0", 401),
    ] {
        let response = ask(&server, &format!("GET {target}"), user, "", b"");
        assert_eq!(response.status, status, "{user} {target}");
    }
}

#[test]
fn hash_that_is_printed_logs_in() {
    let home = Home::new();
    let mut hashing = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    hashing.arg("--hash-password");
    let hash = finish(hashing, b"two words\n");
    let hash = String::from_utf8(hash.stdout).unwrap();
    assert!(
        hash.starts_with("$argon2id$") && hash.ends_with('\n'),
        "{hash}"
    );
    assert_eq!(hash.lines().count(), 1);
    write_users(&home, &format!("ann:{hash}"));
    let server = Setup::at(&home, &["--users", "users"]).start();
    assert_eq!(ask(&server, "GET /", "ann:two words", "", b"").status, 200);
    assert_eq!(ask(&server, "GET /", "ann:two", "", b"").status, 401);
}
