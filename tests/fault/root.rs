//! The root is removed and created again, under different names and with requests in progress.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::message::name;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

const CLASSIC: &[&str] = &["-N", "2"];
const WEB: &[&str] = &["-N", "2", "--web", "--writable", "--listing"];

fn remove_root(home: &Home) {
    fs::remove_dir_all(home.root()).unwrap();
}

fn make_again(home: &Home) {
    remove_root(home);
    fs::create_dir(home.root()).unwrap();
}

/// Waits until the server has found the root that is there now; its name is looked at once a second.
fn wait_until_found(server: &Server) {
    let absent = format!("/{}", name("absent"));
    eventually("the new root is found", || {
        let status = server.get(&absent).status;
        assert!(matches!(status, 404 | 503), "{status}");
        status == 404
    });
}

#[test]
fn root_is_found_again_by_the_name_that_was_typed() {
    for dialect in [CLASSIC, WEB] {
        for (given, directory) in [
            (".", "root"),
            ("root", "."),
            ("link", "."),
            ("../root/", "aside"),
        ] {
            let home = Home::new();
            fs::create_dir(home.path().join("aside")).unwrap();
            symlink("root", home.path().join("link")).unwrap();
            home.place(&name(1), b"old");
            let server = Setup::at(&home, dialect)
                .root(PathBuf::from(given))
                .log(home.log_path())
                .before(&format!("cd {directory}"))
                .start();
            assert_eq!(
                server.get(&format!("/{}", name(1))).text(),
                "old",
                "{given}"
            );
            remove_root(&home);
            assert_eq!(server.get(&format!("/{}", name(1))).status, 503, "{given}");
            fs::create_dir(home.root()).unwrap();
            home.place(&name(1), b"new");
            wait_until_found(&server);
            assert_eq!(
                server.get(&format!("/{}", name(1))).text(),
                "new",
                "{given}"
            );
            assert_eq!(
                server.put(&format!("/{}", name(2)), "", b"2").status,
                201,
                "{given}"
            );
            assert_eq!(home.content(&name(2)), b"2", "{given}");
        }
    }
}

#[test]
fn every_request_for_a_file_is_503_while_there_is_no_root() {
    let file = name(1);
    for (dialect, lines) in [
        (CLASSIC, &["GET", "PUT"][..]),
        (WEB, &["GET", "HEAD", "PUT", "DELETE"]),
    ] {
        let home = Home::new();
        home.place(&file, b"old");
        let server = Setup::at(&home, dialect).start();
        remove_root(&home);
        for method in lines {
            let line = format!("{method} /{file}");
            let response = server.ask(&line, "Content-Length: 0\r\n", b"");
            assert_eq!(response.status, 503, "{line}");
            let entry = format!("FAIL: {line} HTTP/1.1 --- response 503").replace(" /", " ");
            assert!(server.log_lines().contains(&entry), "{line}");
        }
    }
    let home = Home::new();
    let server = Setup::at(&home, WEB).start();
    remove_root(&home);
    for line in [
        "GET /",
        "HEAD /",
        "GET /d/",
        "PUT /d/e/f",
        "DELETE /d/",
        "DELETE /d/f",
    ] {
        let response = server.ask(line, "Content-Length: 0\r\n", b"");
        assert_eq!(response.status, 503, "{line}");
    }
    assert_eq!(server.stderr().matches("was removed").count(), 1);
}

/// The directory is served, not its name: a link that is given another target is followed when the old one is gone.
#[test]
fn link_that_is_changed_is_followed_once_its_old_target_is_removed() {
    for dialect in [CLASSIC, WEB] {
        let home = Home::new();
        let file = format!("/{}", name(1));
        for release in ["1", "2"] {
            let directory = home.path().join(release);
            fs::create_dir(&directory).unwrap();
            fs::write(directory.join(name(1)), release).unwrap();
        }
        let current = home.path().join("current");
        symlink("1", &current).unwrap();
        let server = Setup::at(&home, dialect).root(current.clone()).start();
        assert_eq!(server.get(&file).text(), "1");
        symlink("2", home.path().join("next")).unwrap();
        fs::rename(home.path().join("next"), &current).unwrap();
        assert_eq!(server.get(&file).text(), "1");
        assert_eq!(server.get(&format!("/{}", name("absent"))).status, 404);
        fs::remove_dir_all(home.path().join("1")).unwrap();
        assert_eq!(server.get(&file).text(), "2");
    }
}

/// A client in the middle of an upload.
fn uploading(server: &Server, framing: &str, first: &str) -> Client {
    let mut client = server.connect();
    let head = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\n{framing}\r\nExpect: 100-continue\r\n\r\n",
        name(1)
    );
    client.send(head);
    let asked = Response::parse(&client.response());
    assert_eq!(asked.status, 100);
    client.send(first);
    client
}

#[test]
fn upload_whose_root_is_removed_is_refused_and_leaves_nothing() {
    let refusal = format!("FAIL: PUT {} HTTP/1.1 --- response 503", name(1));
    for dialect in [CLASSIC, WEB] {
        for (framing, first, rest) in [
            ("Content-Length: 6", "abc", "def"),
            ("Content-Length: 6", "", "abcdef"),
            (
                "Transfer-Encoding: chunked",
                "3\r\nabc\r\n",
                "3\r\ndef\r\n0\r\n\r\n",
            ),
        ] {
            for change in [remove_root, make_again] {
                let home = Home::new();
                let server = Setup::at(&home, dialect).start();
                let mut client = uploading(&server, framing, first);
                if !first.is_empty() {
                    eventually("content is staged", || server.staged() == [3]);
                }
                change(&home);
                client.send(rest);
                assert_eq!(client.final_response().unwrap().status, 503, "{framing}");
                assert_eq!(server.log_lines(), [&*refusal], "{framing}");
                if home.root().exists() {
                    assert_eq!(server.names(), [""; 0], "{framing}");
                    wait_until_found(&server);
                    let again = server.put(&format!("/{}", name(1)), "", b"again");
                    assert_eq!(again.status, 201, "{framing}");
                    assert_eq!(home.content(&name(1)), b"again");
                }
                assert_eq!(home.journal().torn, 0);
            }
        }
    }
}

/// Another server that starts on the new root detects the first, and removes nothing.
#[test]
fn new_root_is_locked_as_the_old_one_was() {
    let left = ".httpserver-0123456789abcdef";
    for dialect in [CLASSIC, WEB] {
        let home = Home::new();
        let first = Setup::at(&home, dialect).start();
        make_again(&home);
        wait_until_found(&first);
        home.place(left, b"of an older release, which locks no files");
        let mut second = Setup::at(&home, dialect).log("other.txt").start();
        assert!(home.names().contains(&left.to_owned()));
        // Without a server that has the root, it is removed.
        second.stop();
        drop(first);
        let _third = Setup::at(&home, dialect).log("third.txt").start();
        assert!(!home.names().contains(&left.to_owned()));
    }
}

/// No server sees the staged files of another, in any order of starts and stops.
#[test]
fn upload_survives_servers_that_start_and_end_on_the_same_root() {
    for dialect in [CLASSIC, WEB] {
        let home = Home::new();
        let first = Setup::at(&home, dialect).start();
        let mut client = uploading(&first, "Content-Length: 6", "abc");
        eventually("it is staged", || first.staged() == [3]);
        assert_eq!(home.names(), [""; 0]);
        for log in ["second.txt", "third.txt"] {
            Setup::at(&home, dialect).log(log).start().stop();
        }
        client.send("def");
        assert_eq!(client.final_response().unwrap().status, 201);
        assert_eq!(home.content(&name(1)), b"abcdef");
        assert_eq!(home.names(), [name(1)]);
    }
}
