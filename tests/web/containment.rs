//! No target, however it is encoded, opens a file outside the root.

use std::fs;
use std::process::Command;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{link, write};
use crate::support::{requirements, strace};

/// The unique contents of files inside and outside.
const INSIDE: &[u8] = b"inside the root";
const OUTSIDE: &[u8] = b"OUTSIDE THE ROOT";

/// A site with many links out of the root.
fn tempting() -> Server {
    tempting_setup().start()
}

fn tempting_setup() -> Setup {
    Setup::web(&["--hidden", "--listing", "--writable"]).files(|root| {
        let home = root.parent().unwrap();
        write(home, "file", OUTSIDE);
        write(home, "dir/file", OUTSIDE);
        write(home, "rootless/file", OUTSIDE);
        write(home, "beyond", OUTSIDE);
        write(home, "dir/beyond", OUTSIDE);
        write(root, "file", INSIDE);
        write(root, "dir/file", INSIDE);
        write(root, "dir/dir/file", INSIDE);
        for (name, target) in [
            ("up", ".."),
            ("upfile", "../file"),
            ("updir", "../dir"),
            ("dir/up", "../.."),
            ("dir/here", ".."),
            ("dir/dir/up", "../../.."),
            ("dir/dir/upfile", "../../../file"),
            ("chain", "dir/up"),
            ("sibling", "../rootless"),
            ("etc", "/etc"),
            ("self", "/proc/self/root"),
            ("around", "../root/file"),
        ] {
            link(root, name, target);
        }
        link(root, "absolute", home.join("file"));
    })
}

/// A component of a path, plain or disguised.
fn component() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "file", "dir", "up", "upfile", "updir", "here", "chain", "sibling", "etc", "passwd",
        "self", "around", "absolute", "..", ".", "", "root", "rootless", "...", "proc", "log",
    ]);
    let disguise = 0..6_u8;
    (name, disguise).prop_map(|(name, disguise)| match disguise {
        0..=2 => name.to_owned(),
        3 => disguised(name),
        4 => name.replace('.', "%2E").replace('u', "%75"),
        _ => format!("{name}%2f.."),
    })
}

/// Every byte as an escape.
fn disguised(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        write!(text, "%{byte:02x}").unwrap();
        text
    })
}

fn target() -> impl Strategy<Value = String> {
    let slash = prop::sample::select(vec!["/", "/", "/", "/", "//", "%2f", "\\", "/./"]);
    prop::collection::vec((slash, component()), 1..7).prop_map(|parts| {
        let path: String = parts
            .into_iter()
            .flat_map(|(slash, component)| [slash.to_owned(), component])
            .collect();
        if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        }
    })
}

#[test]
fn no_target_leads_out_of_the_root() {
    try_targets(&tempting(), 400);
}

/// As under valgrind and before Linux 5.6 (ENOSYS), and in some sandboxes (EPERM).
#[test]
fn no_target_leads_out_of_the_root_without_openat2() {
    if !strace::is_usable() {
        return;
    }
    for error in ["ENOSYS", "EPERM"] {
        let mut strace = Command::new("strace");
        // As a grandchild, so that the server is our child.
        strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-e", "trace=openat2"]);
        strace.args(["-e", &format!("inject=openat2:error={error}")]);
        let site = tempting_setup().under(strace).start();
        try_targets(&site, 100);
        let warnings = site.stderr().matches("openat2(2) cannot be used").count();
        assert_eq!(warnings, 1, "{}", site.stderr());
    }
}

#[test]
fn server_runs_under_valgrind() {
    if !requirements::is_there("valgrind") {
        return;
    }
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--error-exitcode=99"]);
    let mut site = tempting_setup().under(valgrind).start();
    assert_eq!(site.get("/dir/file").body, INSIDE);
    assert_eq!(site.get("/upfile").status, 404);
    assert_eq!(site.put("/new/file", "", INSIDE).status, 201);
    assert_eq!(site.content("new/file"), INSIDE);
    site.stop();
}

fn try_targets(site: &Server, cases: u32) {
    let mut found = 0;
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let result = runner.run(&target(), |target| {
        let get = site.get(&target);
        match get.status {
            200 if get.body == INSIDE => {}
            // A listing; nothing inside has the name that is in the directories outside.
            200 => prop_assert!(
                get.text().contains("<h1") && !get.text().contains("beyond</bdi>"),
                "{target}"
            ),
            301 | 400 | 404 => {}
            other => prop_assert!(false, "{target}: {other}"),
        }
        let contains = |part: &[u8]| get.body.windows(part.len()).any(|window| window == part);
        prop_assert!(!contains(OUTSIDE) && !contains(b"root:x:"), "{target}");
        let put = site.put(&format!("{target}-new"), "", INSIDE);
        prop_assert!(
            matches!(put.status, 201 | 204 | 400 | 403 | 404 | 409),
            "{target}: {}",
            put.status
        );
        Ok(())
    });
    result.unwrap();
    for path in ["file", "dir/file", "dir/dir/file"] {
        found += usize::from(site.get(&format!("/{path}")).body == INSIDE);
    }
    assert_eq!(found, 3);
    // All files of the uploads are inside the root.
    let mut outside: Vec<_> = fs::read_dir(site.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    outside.sort();
    assert_eq!(
        outside,
        [
            "beyond", "dir", "file", "log.txt", "root", "rootless", "stderr"
        ]
    );
    for (directory, count) in [("dir", 2), ("rootless", 1)] {
        let entries = fs::read_dir(site.path().join(directory)).unwrap();
        assert_eq!(entries.count(), count, "{directory}");
    }
    for file in ["file", "dir/file", "rootless/file"] {
        assert_eq!(fs::read(site.path().join(file)).unwrap(), OUTSIDE);
    }
}

/// A served directory is moved out of the root and replaced by a link: its cached files are no longer served.
#[test]
fn file_that_was_once_inside_is_not_served_from_memory() {
    let site = tempting();
    write(&site.root(), "moving/file", INSIDE);
    site.wait_until_stable("moving/file");
    for _ in 0..3 {
        assert_eq!(site.get("/moving/file").body, INSIDE);
    }
    fs::rename(site.root().join("moving"), site.path().join("moved")).unwrap();
    link(&site.root(), "moving", "../moved");
    assert_eq!(site.get("/moving/file").status, 404);
}
