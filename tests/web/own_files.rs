//! The server's own files do not exist for clients by any method and path: the log, older logs, and uploads in
//! progress.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::journal;
use crate::support::process::run;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, link, write};
use crate::support::wait::eventually;

/// Text that only a log contains.
const ENTRY: &str = "GET / length 0\n========\n";

/// The name under which the log of [`ENTRY`] is kept, which changed at that time.
const KEPT: &str = "access.log.19941106T084937Z";

/// A writable site with its log in the root, an older log, and links to both.
fn site() -> Server {
    let site = Setup::web(&["--writable", "--listing", "--hidden"])
        .log("root/access.log")
        .files(|root| {
            write(root, "access.log", ENTRY);
            date(root, "access.log", 784_111_777);
            fs::hard_link(root.join("access.log"), root.join("kept-hard")).unwrap();
            link(root, "kept-soft", KEPT);
            link(root, "soft", "access.log");
            link(root, "chain", "soft");
            write(root, "access.log.torn", "torn");
            write(root, "page.html", "a page");
            write(root, "access.logs", "no log");
            write(root, "access.log.d/file", "in a directory");
            write(root, "sub/access.log", "another's");
            link(root, "sub/up", "..");
            link(root, "app", "..");
        })
        .start();
    let root = site.root();
    fs::hard_link(root.join("access.log"), root.join("hard")).unwrap();
    site
}

/// Every path to one of the server's own files.
const CONCEALED: &[&str] = &[
    "access.log",
    "%61ccess.log",
    "sub/up/access.log",
    "soft",
    "chain",
    "hard",
    KEPT,
    "sub/up/access.log.19941106T084937Z",
    "kept-soft",
    "kept-hard",
    "access.log.torn",
    // Nothing is there, and nothing may be put there.
    "access.log.1",
    "access.log.20261127T103312Z",
    ".httpserver-0123456789abcdef",
    "sub/.httpserver-x",
    ".httpserver-x/file",
];

/// All files of the root, without what the requests of a test add to the log.
fn files(site: &Server) -> Vec<(String, Vec<u8>)> {
    let files = site.files().into_iter();
    files
        .filter(|(name, _)| !matches!(name.as_str(), "access.log" | "hard"))
        .collect()
}

/// A path as deep as this one, at which nothing is.
fn absent_beside(target: &str) -> String {
    let (directory, _) = target.rsplit_once('/').unwrap();
    let directory = directory.replace(".httpserver-x", "absent");
    format!("{directory}/absent")
}

#[test]
fn no_path_leads_to_a_file_of_the_server() {
    let site = site();
    let before = files(&site);
    for path in CONCEALED {
        let target = format!("/{path}");
        let (get, absent) = (site.get(&target), site.get(&absent_beside(&target)));
        assert_eq!((get.status, absent.status), (404, 404), "GET {path}");
        assert!(get.body == absent.body, "GET {path}: {}", get.text());
        for (field, line) in [
            ("", "HEAD"),
            ("Range: bytes=0-3\r\n", "GET"),
            ("Accept-Encoding: gzip\r\n", "GET"),
            ("If-None-Match: \"x\"\r\n", "GET"),
        ] {
            let response = site.ask(&format!("{line} {target}"), field, b"");
            assert_eq!(response.status, 404, "{line} {path} {field}");
        }
        for fields in ["", "If-None-Match: *\r\n"] {
            let put = site.put(&target, fields, b"mine");
            assert_eq!(put.status, 404, "PUT {path} {fields}");
        }
        let delete = site.ask(&format!("DELETE {target}"), "", b"");
        assert_eq!(delete.status, 404, "DELETE {path}");
    }
    assert_eq!(files(&site), before);
    assert_eq!(journal::read(&site.root().join("access.log")).torn, 0);
}

#[test]
fn a_listing_has_no_files_of_the_server() {
    let site = site();
    let names = |target: &str| {
        let listing = site.ask(
            &format!("GET {target}"),
            "Accept: application/json\r\n",
            b"",
        );
        let data: serde_json::Value = serde_json::from_str(listing.text()).unwrap();
        let entries = data["entries"].as_array().unwrap().iter();
        entries
            .map(|entry| entry["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let visible = ["access.log.d", "app", "sub", "access.logs", "page.html"];
    for target in ["/", "/sub/up/"] {
        let mut found = names(target);
        found.retain(|name| name != "app");
        let mut expected: Vec<_> = visible.into_iter().filter(|name| *name != "app").collect();
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{target}");
    }
    assert_eq!(names("/sub/"), ["up", "access.log"]);
    let page = site.get("/");
    assert!(!page.text().contains("./access.log\""), "{}", page.text());
    assert!(!page.text().contains("hard"), "{}", page.text());
}

#[test]
fn names_that_only_look_like_a_log_are_served() {
    let site = site();
    for (target, content) in [
        ("/access.logs", "no log"),
        ("/access.log.d/file", "in a directory"),
        ("/sub/access.log", "another's"),
    ] {
        assert_eq!(site.get(target).text(), content, "{target}");
        assert_eq!(site.put(target, "", b"new").status, 204, "{target}");
    }
    assert_eq!(site.put("/sub/access.log.1", "", b"new").status, 201);
    assert_eq!(site.put("/access.log.e/file", "", b"new").status, 201);
}

/// A log with this name in the root, beside these files: the response to a GET of `target` contains no entry of it.
fn assert_no_entry(log: &str, options: &[&str], files: &[(&str, &str)], target: &str) {
    let site = Setup::web(options)
        .log(Path::new("root").join(log))
        .files(|root| {
            for (path, content) in files {
                write(root, path, content);
            }
        })
        .start();
    for _ in 0..3 {
        for fields in [
            "",
            "Accept: text/html\r\n",
            "Accept-Encoding: gzip, br, zstd\r\n",
        ] {
            let response = site.ask(&format!("GET {target}"), fields, b"");
            let body = String::from_utf8_lossy(&response.body);
            assert!(!body.contains("========"), "{log} for {target}: {body}");
            assert_eq!(
                response.field("Content-Encoding"),
                None,
                "{log} for {target}"
            );
        }
    }
    assert!(site.root().join(log).metadata().unwrap().len() > 0);
}

#[test]
fn the_log_is_not_the_page_for_absent_files() {
    assert_no_entry("404.html", &[], &[], "/absent");
}

#[test]
fn the_log_is_no_index() {
    assert_no_entry("index.html", &["--listing"], &[], "/");
    assert_no_entry("index.html", &[], &[], "/");
}

#[test]
fn the_log_is_no_precompressed_sibling() {
    for log in ["page.html.gz", "page.html.br", "page.html.zst"] {
        assert_no_entry(log, &[], &[("page.html", "a page")], "/page.html");
    }
}

#[test]
fn a_fallback_that_is_the_log_stops_the_start() {
    let home = Home::new();
    write(&home.root(), "app.html", ENTRY);
    link(&home.root(), "soft.html", "app.html");
    for fallback in ["app.html", "soft.html"] {
        let arguments = [
            "--web",
            "--spa",
            fallback,
            "-l",
            "root/app.html",
            "--root",
            "root",
            "0",
        ];
        let output = run(&home, &arguments);
        let line = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{line}");
        assert!(
            line.contains(fallback) && line.contains("the server"),
            "{line}"
        );
        // It is still where it was.
        assert_eq!(home.content("app.html"), ENTRY.as_bytes());
        assert_eq!(home.names(), ["app.html", "soft.html"]);
    }
}

/// The server has made a new log: `path` is another file than `old`.
fn wait_for_new_log(path: &Path, old: u64) {
    eventually("there is a new log", || {
        fs::metadata(path).is_ok_and(|found| found.ino() != old)
    });
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

/// A client that has the 100 response for an upload of one byte, and has not sent the byte.
#[track_caller]
fn stalled(site: &Server, target: &str, fields: &str) -> Client {
    let mut client = site.connect();
    client.send(format!(
        "PUT {target} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n{fields}\r\n"
    ));
    let interim = client.response();
    assert!(
        interim.starts_with(b"HTTP/1.1 100 "),
        "{}",
        interim.escape_ascii()
    );
    client
}

#[test]
fn an_upload_does_not_take_the_place_of_the_log_during_a_rotation() {
    let site = site();
    let log = site.root().join("access.log");
    let old = inode(&log);
    fs::rename(&log, site.root().join("access.log.1")).unwrap();
    // No file has the name now, but it still belongs to the log.
    assert_eq!(site.put("/access.log", "", b"x").status, 404);
    assert!(!log.exists());
    site.signal(Signal::HUP);
    wait_for_new_log(&log, old);
    let new = inode(&log);
    assert_eq!(site.put("/access.log", "", b"x").status, 404);
    assert_eq!(site.get("/access.log.1").status, 404);
    assert_eq!(inode(&log), new);
    assert_eq!(journal::read(&log).torn, 0);
}

/// The name is checked at the commit of the upload: its directory was not the log's when the upload began.
#[test]
fn an_upload_that_began_in_a_directory_before_it_was_the_logs_is_refused() {
    for fields in ["", "If-None-Match: *\r\n"] {
        let site = Setup::web(&["--writable"])
            .log("root/logs/access.log")
            .files(|root| fs::create_dir(root.join("logs")).unwrap())
            .start();
        let log = site.root().join("logs/access.log");
        let old = inode(&log);
        fs::rename(site.root().join("logs"), site.root().join("old")).unwrap();
        fs::create_dir(site.root().join("logs")).unwrap();
        let mut client = stalled(&site, "/logs/access.log", fields);
        site.signal(Signal::HUP);
        wait_for_new_log(&log, old);
        let new = inode(&log);
        client.send("x");
        assert_eq!(client.final_response().unwrap().status, 404, "{fields}");
        assert_eq!(inode(&log), new, "{fields}");
        eventually("requests are recorded there", || {
            site.get("/");
            fs::metadata(&log).unwrap().len() > 0
        });
    }
}

/// The file is checked at the commit of the upload: it was not the log when the upload began.
#[test]
fn an_upload_does_not_replace_the_log_under_a_new_name() {
    let site = site();
    let log = site.root().join("access.log");
    let mut client = stalled(&site, "/moved", "");
    let inode_before = inode(&log);
    fs::rename(&log, site.root().join("moved")).unwrap();
    client.send("x");
    assert_eq!(client.final_response().unwrap().status, 404);
    assert_eq!(inode(&site.root().join("moved")), inode_before);
    assert_eq!(site.ask("DELETE /moved", "", b"").status, 404);
    assert_eq!(site.get("/moved").status, 404);
}

#[test]
fn file_of_another_program_in_the_place_of_the_log_is_not_written_to() {
    let site = site();
    let log = site.root().join("access.log");
    fs::rename(&log, site.root().join("access.log.1")).unwrap();
    fs::write(&log, "shopping list\n").unwrap();
    site.signal(Signal::HUP);
    eventually("it is reported", || {
        site.stderr().contains("stays in its old file")
    });
    site.get("/absent");
    assert_eq!(fs::read_to_string(&log).unwrap(), "shopping list\n");
    let old = fs::read_to_string(site.root().join("access.log.1")).unwrap();
    assert!(
        old.ends_with("FAIL: GET absent HTTP/1.1 --- response 404\n========\n"),
        "{old}"
    );
    for target in ["/access.log", "/access.log.1"] {
        assert_eq!(site.get(target).status, 404, "{target}");
    }
}

/// Every path that leads to the access log or takes its names.
const ACCESS_LOGS: &[&str] = &[
    "requests.log",
    "sub/up/requests.log",
    "soft-requests",
    "hard-requests",
    "requests.log.1",
    "requests.log.2.gz",
];

/// A writable site with its access log in the root, and its request log in the root or none.
fn site_with_access_log(setup: Setup) -> Server {
    let site = setup
        .files(|root| {
            write(root, "requests.log", "old\n");
            write(root, "requests.log.1", "older\n");
            write(root, "sub/requests.log", "another's");
            link(root, "soft-requests", "requests.log");
            link(root, "sub/up", "..");
        })
        .start();
    let root = site.root();
    fs::hard_link(root.join("requests.log"), root.join("hard-requests")).unwrap();
    site
}

#[track_caller]
fn check_access_log_is_concealed(site: &Server) {
    for path in ACCESS_LOGS {
        let target = format!("/{path}");
        assert_eq!(site.get(&target).status, 404, "GET {path}");
        assert_eq!(site.put(&target, "", b"mine").status, 404, "PUT {path}");
        let delete = site.ask(&format!("DELETE {target}"), "", b"");
        assert_eq!(delete.status, 404, "DELETE {path}");
    }
    assert_eq!(site.get("/sub/requests.log").body, b"another's");
    let listing = site.ask("GET /", "Accept: application/json\r\n", b"");
    assert!(!listing.text().contains("requests"), "{}", listing.text());
}

#[test]
fn no_path_leads_to_the_access_log() {
    let options = [
        "--writable",
        "--listing",
        "--access-log",
        "root/requests.log",
    ];
    for setup in [
        Setup::web(&options),
        Setup::web(&options).unrecorded(),
        Setup::web(&options).log("root/access.log"),
    ] {
        let site = site_with_access_log(setup);
        check_access_log_is_concealed(&site);
        // So it is after a rotation, with the new file and its links.
        let (log, rotated) = (site.file("requests.log"), site.file("requests.log.1"));
        fs::rename(&log, &rotated).unwrap();
        site.signal(Signal::HUP);
        eventually("it is opened again", || log.exists());
        fs::remove_file(site.file("hard-requests")).unwrap();
        fs::hard_link(&log, site.file("hard-requests")).unwrap();
        eventually("all of it is concealed", || {
            site.get("/hard-requests").status == 404
        });
        check_access_log_is_concealed(&site);
        // A thread of its own writes lines, so responses do not show that they are there.
        eventually("the old file has its lines", || {
            let lines = fs::read_to_string(&rotated).unwrap();
            lines.starts_with("old\n127.0.0.1 - - [")
        });
    }
}

#[test]
fn access_log_cannot_be_the_fallback() {
    let home = Home::new();
    let options = ["--web", "root", "0", "--spa", "x", "--access-log", "root/x"];
    fs::write(home.file("x"), "").unwrap();
    let output = run(&home, &options);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("httpserver: cannot serve 'x' of --spa"),
        "{stderr}"
    );
    assert_eq!(output.status.code(), Some(1));
}
