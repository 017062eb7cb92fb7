//! DELETE of a directory: only an empty one is removed, and the log records it.

use std::collections::BTreeMap;
use std::fs;

use crate::support::access;
use crate::support::process::log_tool;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{link, write};

fn site() -> Server {
    Setup::web(&["--writable"])
        .files(|root| {
            for directory in ["empty", "slash", "a/b/c", "sp ace", "full", "linked/sub"] {
                fs::create_dir_all(root.join(directory)).unwrap();
            }
            write(root, "full/.hidden", "h");
            write(root, "file", "f");
            link(root, "link", "linked");
            fs::create_dir_all(root.parent().unwrap().join("out/empty")).unwrap();
            link(root, "out", "../out");
        })
        .start()
}

fn delete(site: &Server, target: &str, fields: &str) -> u16 {
    site.ask(&format!("DELETE {target}"), fields, b"").status
}

fn removals(site: &Server) -> Vec<String> {
    let mut lines = site.log_lines();
    lines.retain(|line| line.starts_with("DELETE"));
    lines
}

/// The report of `httpserver-log` on the log and the root.
fn check_against_root(site: &Server) -> String {
    let output = log_tool(site.path(), ["check", "log.txt", "--against", "root"], b"");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn empty_directory_is_removed_and_recorded_with_its_slash() {
    let site = site();
    for (target, status) in [
        ("/empty", 204),
        ("/empty", 404),
        ("/empty/", 404),
        ("/slash/", 204),
        ("/a/b", 409),
        ("/a/b/c/", 204),
        ("//a/./b/", 204),
        ("/a", 204),
        ("/sp%20ace/", 204),
        ("/link/sub/", 204),
    ] {
        assert_eq!(delete(&site, target, ""), status, "{target}");
    }
    assert_eq!(
        removals(&site),
        [
            "DELETE empty/ length 0",
            "DELETE slash/ length 0",
            "DELETE a/b/c/ length 0",
            "DELETE a/b/ length 0",
            "DELETE a/ length 0",
            "DELETE sp%20ace/ length 0",
            "DELETE link/sub/ length 0",
        ]
    );
    assert_eq!(site.names(), ["file", "full", "link", "linked", "out"]);
    assert!(
        site.log_lines()
            .contains(&"FAIL: DELETE a/b HTTP/1.1 --- response 409".to_owned())
    );
    assert!(check_against_root(&site).contains(" 0 differ"));
}

#[test]
fn directory_that_a_client_may_not_remove_stays() {
    let site = site();
    for (target, status, reason) in [
        ("/", 409, "The directory that is served cannot be removed"),
        ("/./", 409, "The directory that is served cannot be removed"),
        ("/full", 409, "The directory is not empty"),
        ("/full/", 409, "The directory is not empty"),
        ("/file/", 409, "The path ends with a slash"),
        ("/file/below/", 404, "nothing at this address"),
        ("/link", 403, "Is not a regular file"),
        ("/link/", 403, "Is not a regular file"),
        ("/out/empty/", 404, "nothing at this address"),
        ("/nothing/", 404, "nothing at this address"),
        ("/.hidden/", 404, "nothing at this address"),
        (
            "/.httpserver-0123456789abcdef/",
            404,
            "nothing at this address",
        ),
        ("/../root/", 400, "A component of the path is .."),
    ] {
        let response = site.ask(&format!("DELETE {target}"), "", b"");
        assert_eq!(response.status, status, "{target}");
        let text = response.text();
        assert!(text.contains(reason), "{target}: {text}");
    }
    assert_eq!(removals(&site), [""; 0]);
    assert!(site.path().join("out/empty").is_dir());
    let read_only = Setup::web(&[]).files(|root| write(root, "d/f", "")).start();
    fs::remove_file(read_only.root().join("d/f")).unwrap();
    assert_eq!(delete(&read_only, "/d/", ""), 405);
}

/// RFC 9110 §13: a directory is there, and has neither an entity tag nor a modification date. Where the removal would
/// not succeed anyway, conditions do not count (§13.2.1).
#[test]
fn conditions_apply_to_removing_a_directory() {
    let site = site();
    for (target, fields, status) in [
        ("/empty/", "If-Match: \"x\"\r\n", 412),
        ("/empty/", "If-None-Match: *\r\n", 412),
        ("/empty/", "If-Match: *\r\nIf-None-Match: *\r\n", 412),
        ("/full/", "If-Match: \"x\"\r\n", 409),
        ("/full/", "If-None-Match: *\r\n", 409),
        ("/nothing/", "If-Match: *\r\n", 404),
        ("/", "If-Match: \"x\"\r\n", 409),
        ("/empty/", "If-Match: *\r\n", 204),
        ("/slash/", "If-None-Match: \"x\"\r\n", 204),
        (
            "/sp%20ace/",
            "If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n",
            204,
        ),
    ] {
        assert_eq!(delete(&site, target, fields), status, "{target} {fields}");
    }
}

/// Also while it is empty: an old log was moved away, and the next is not opened yet.
#[test]
fn directory_of_the_log_stays() {
    let site = Setup::web(&["--writable", "--access-log", "root/seen/access.log"])
        .log("root/logs/log.txt")
        .files(|root| {
            fs::create_dir(root.join("logs")).unwrap();
            fs::create_dir(root.join("seen")).unwrap();
        })
        .start();
    for (directory, log) in [("logs", "log.txt"), ("seen", "access.log")] {
        let target = format!("/{directory}/");
        assert_eq!(delete(&site, &target, ""), 409, "{target}");
        let log = site.root().join(directory).join(log);
        fs::rename(log, site.path().join(directory)).unwrap();
        let response = site.ask(&format!("DELETE {target}"), "", b"");
        assert_eq!(response.status, 409, "{target}");
        let reason = "The server keeps files of its own in this directory";
        assert!(response.text().contains(reason), "{target}");
        assert!(site.root().join(directory).is_dir());
    }
}

#[test]
fn upload_in_progress_keeps_its_directory() {
    let site = site();
    let mut client = site.connect();
    client.send(
        "PUT /empty/new HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n",
    );
    client.response();
    assert_eq!(delete(&site, "/empty/", ""), 409);
    client.send("x");
    assert_eq!(client.final_response().unwrap().status, 201);
    assert_eq!(site.get("/empty/new").text(), "x");
    assert_eq!(delete(&site, "/empty/", ""), 409);
    assert_eq!(delete(&site, "/empty/new", ""), 204);
    assert_eq!(delete(&site, "/empty/", ""), 204);
}

/// No successful upload is lost, even if another client removes its directory at the same instant; and the log has the
/// actual order.
#[test]
fn uploads_and_removals_of_their_directory_do_not_lose_a_file() {
    let site = site();
    std::thread::scope(|scope| {
        for worker in 0..4_u8 {
            let site = &site;
            scope.spawn(move || {
                let file = format!("/race/deep/{worker}");
                for round in 0..40 {
                    assert_eq!(site.put(&file, "", &[worker, round]).status, 201, "{file}");
                    let found = site.get(&file);
                    assert_eq!(
                        (found.status, found.body),
                        (200, vec![worker, round]),
                        "{file}"
                    );
                    assert_eq!(delete(site, &file, ""), 204, "{file}");
                    for directory in ["/race/deep/", "/race"] {
                        let status = delete(site, directory, "");
                        assert!(matches!(status, 204 | 404 | 409), "{directory}: {status}");
                    }
                }
                if worker == 0 {
                    site.put(&file, "", b"last");
                }
            });
        }
    });
    let said = check_against_root(&site);
    assert!(said.contains(" 0 differ"), "{said}");
    let removed = removals(&site);
    let of_directories = removed.iter().filter(|line| line.contains("/ "));
    assert!(of_directories.count() > 0, "{removed:?}");
    let replayed = log_tool(site.path(), ["replay", "log.txt", "rebuilt"], b"");
    assert!(replayed.status.success());
    let rebuilt = crate::support::tree::files(&site.path().join("rebuilt"));
    let expected = BTreeMap::from([("race/deep/0".to_owned(), b"last".to_vec())]);
    assert_eq!(rebuilt, expected);
    assert_eq!(site.get("/race/deep/0").text(), "last");
}

#[test]
fn removal_of_a_directory_has_its_line_in_the_access_log() {
    let site = Setup::web(&["--writable", "--access-log", "access.log"])
        .files(|root| fs::create_dir(root.join("d")).unwrap())
        .start();
    assert_eq!(delete(&site, "/d/", ""), 204);
    let lines = access::lines(&site.home(), 1);
    assert!(
        lines[0].contains("\"DELETE /d/ HTTP/1.1\" 204 "),
        "{lines:?}"
    );
}
