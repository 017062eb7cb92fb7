//! The privileges that the process drops at its start: user, files, system calls. The kernel's view of each thread is
//! checked.

use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixStream;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::process::{Signal, geteuid};

use crate::support::home::{Home, NOBODY};
use crate::support::message::name;
use crate::support::process::run;
use crate::support::requirements::{is_there, skip};
use crate::support::seal::key_state;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

/// Of "secret", with bcrypt at its lowest cost.
const QUICK: &str = "$2y$04$kmGGu1XSHjldBVzhe3PSW.o5Gj9XhJ/m/61biZTgBcUT4xXGIfawK";

/// Whether this kernel has Landlock, according to `-v`.
fn has_landlock() -> bool {
    let server = Setup::new(&["-v"]).start();
    let mut said = String::new();
    eventually("the server says what confines it", || {
        said = server.stderr();
        said.starts_with("confined: ") && said.ends_with('\n')
    });
    if said.contains("(Landlock ") {
        return true;
    }
    skip("the kernel has no Landlock");
    false
}

/// A program that makes system calls of a process fail with this error, or return this number, and runs the command appended to it.
fn without(calls: &str, error: &str) -> Command {
    let mut strace = Command::new("strace");
    // With -D the server is the child of the test, which ends it.
    strace.args(["-D", "-f", "-qq", "-o", "trace", "-e", "signal=none"]);
    strace.args(["-e", &format!("trace={calls}")]);
    let outcome = if error.starts_with('E') {
        "error"
    } else {
        "retval"
    };
    strace.args(["-e", &format!("inject={calls}:{outcome}={error}")]);
    strace
}

/// Options with which a server starts all kinds of threads, once it has had a request for each.
const ALL_THREADS: [&str; 17] = [
    "-N",
    "3",
    "-vv",
    "--access-log",
    "access.log",
    "--status",
    "unix:status",
    "--users",
    "users",
    "--seal",
    "--seal-key",
    "key",
    "--web",
    "--writable",
    "--allow-host",
    "a",
    "--ready-file=ready",
];

/// Names of threads that a server with these options has then, besides its workers and the main thread.
const NAMES: [&str; 5] = [
    "companion",
    "line-writer",
    "passwords",
    "prober",
    "seal-key",
];

/// Puts the files that these options name into a home, for this user.
fn place_files(home: &Home, owner: Option<u32>) {
    let users = format!("*::read\nann:{QUICK}\n");
    fs::write(home.path().join("users"), users).unwrap();
    key_state(home);
    for file in ["users", "key"] {
        chown(home.path().join(file), owner, owner).unwrap();
    }
}

/// Has a server with these options start all its threads, and store a file.
#[track_caller]
fn have_all_threads(server: &Server) {
    let login = "Authorization: Basic YW5uOnNlY3JldA==\r\n"; // ann:secret
    let put = server.ask("PUT /new", &format!("{login}Content-Length: 1\r\n"), b"1");
    assert_eq!(put.status, 201);
    assert_eq!(server.get("/new").text(), "1");
    let mut status = UnixStream::connect(server.path().join("status")).unwrap();
    status
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut response = String::new();
    status.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 "), "{response}");
    // A thread that has just started does not have its name yet.
    eventually("all threads have their names", || {
        let names = server.thread_names();
        let count = |wanted: &str| names.iter().filter(|name| *name == wanted).count();
        NAMES.iter().all(|name| count(name) > 0)
            && count("line-writer") == 2
            && server.workers() == 3
    });
}

#[test]
fn every_thread_is_confined() {
    let ours = |field: &str| {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(field));
        line.unwrap().trim_start_matches(':').trim().to_owned()
    };
    for (options, no_new_privs, seccomp) in [
        (&[][..], "1".to_owned(), "2".to_owned()),
        (&["--no-sandbox"], ours("NoNewPrivs"), ours("Seccomp")),
    ] {
        let home = Home::new();
        place_files(&home, None);
        let server = Setup::at(&home, &[&ALL_THREADS[..], options].concat()).start();
        have_all_threads(&server);
        for (field, expected) in [("NoNewPrivs", &no_new_privs), ("Seccomp", &seccomp)] {
            let found = server.of_all_threads(field);
            assert!(
                found.iter().all(|value| value == expected),
                "{field}: {found:?}"
            );
        }
    }
}

#[test]
fn every_thread_of_a_server_with_user_is_that_user() {
    if !geteuid().is_root() {
        let output = run(&Home::new(), &["--user", "nobody", "0"]);
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains("only root can become the user 'nobody'"));
        return;
    }
    for (typed, groups) in [
        ("nobody", "65534"),
        ("65534", "65534"),
        ("65534:65533", "65533"),
    ] {
        let home = Home::of_nobody();
        place_files(&home, Some(NOBODY));
        let listen = format!("unix:{}/socket,mode=600", home.path().display());
        let more = ["--user", typed, "--listen", &listen];
        let mut server = Setup::at(&home, &[&ALL_THREADS[..], &more].concat()).start();
        have_all_threads(&server);
        let group = groups.parse().unwrap();
        let ids = |id: u32| [id; 4].map(|id| id.to_string()).join(" ");
        for (field, expected) in [
            ("Uid", ids(NOBODY)),
            ("Gid", ids(group)),
            ("Groups", groups.to_owned()),
            ("CapEff", "0".repeat(16)),
            ("CapPrm", "0".repeat(16)),
        ] {
            let found = server.of_all_threads(field);
            assert!(
                found.iter().all(|value| *value == expected),
                "{field}: {found:?}"
            );
        }
        let home = home.path();
        let own = [
            "root/new",
            "log.txt",
            "log.txt.seal",
            "socket",
            "status",
            "ready",
        ];
        for path in own.map(|name| home.join(name)) {
            let found = fs::symlink_metadata(&path).unwrap();
            let ids = (found.uid(), found.gid());
            assert_eq!(ids, (NOBODY, group), "{}", path.display());
        }
        assert!(server.line().ends_with("/socket"));
        assert!(server.line().ends_with("unix:status"));
        server.stop();
        for name in ["socket", "status", "ready"] {
            assert!(!home.join(name).exists(), "{name}");
        }
    }
}

#[test]
fn server_does_not_start_where_its_user_may_not_open_what_it_needs() {
    let home = Home::new();
    let nobody = run(&home, &["--user", "no such user", "0"]);
    let stderr = String::from_utf8(nobody.stderr).unwrap();
    assert_eq!(
        stderr,
        "httpserver: there is no user 'no such user' on this system\n"
    );
    if !geteuid().is_root() {
        return; // Without root, no other user can be tried.
    }
    // The directory of the test belongs to root.
    let root = home.root();
    let root = root.to_str().unwrap();
    for option in ["--log", "--access-log"] {
        let output = run(
            &home,
            &["--user", "nobody", "--root", root, option, "file", "0"],
        );
        assert_eq!(output.status.code(), Some(1));
        let stderr = String::from_utf8(output.stderr).unwrap();
        let start = "httpserver: as the user 'nobody': cannot ";
        assert!(stderr.starts_with(start), "{stderr}");
        assert!(stderr.ends_with("Permission denied\n"), "{stderr}");
        assert!(!home.path().join("file").exists());
    }
}

#[test]
fn only_root_becomes_another_user() {
    let stderr = Setup::nobody(&["--user", "root"]).refused();
    assert_eq!(
        stderr,
        "httpserver: only root can become the user 'root'; start as root, or as that user\n"
    );
    // A server that is this user already starts.
    if geteuid().is_root() {
        let server = Setup::nobody(&["--user", "nobody"]).start();
        assert_eq!(server.put(&format!("/{}", name(1)), "", b"1").status, 201);
    }
}

#[test]
fn files_of_root_are_refused_to_a_user_by_name() {
    if !geteuid().is_root() {
        return; // Without root, no other user can be tried.
    }
    for (option, file, cause) in [
        ("--log", "log", "cannot open the log log: Permission denied"),
        (
            "--access-log",
            "access.log",
            "cannot open the access log access.log: Permission denied",
        ),
        (
            "--users",
            "users",
            "cannot read the users in 'users': Permission denied",
        ),
    ] {
        let home = Home::of_nobody();
        let path = home.path().join(file);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        let options = ["--user", "nobody", "--log-append", option, file];
        let options = if option == "--log" {
            &options[..]
        } else {
            &[&options[..2], &options[3..]].concat()
        };
        let stderr = Setup::at(&home, options).unrecorded().refused();
        let expected = format!("httpserver: as the user 'nobody': {cause}\n");
        assert_eq!(stderr, expected);
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}

/// Whether a server serves the successor of its removed root if the successor is a link out of its reach.
fn serves_what_is_elsewhere(option: &str) -> bool {
    let (home, elsewhere) = (Home::new(), Home::new());
    elsewhere.place(&name(1), b"elsewhere");
    let link = home.path().join("link");
    symlink("root", &link).unwrap();
    let options = ["-N", "1", option];
    let options = &options[..if option.is_empty() { 2 } else { 3 }];
    let server = Setup::at(&home, options).root(link.clone()).start();
    fs::remove_file(&link).unwrap();
    symlink(elsewhere.root(), &link).unwrap();
    fs::remove_dir_all(home.root()).unwrap();
    let mut status = 0;
    eventually("the root is looked for", || {
        status = server.get(&format!("/{}", name(1))).status;
        let stderr = server.stderr();
        status == 200 || stderr.contains("cannot be served: Permission denied")
    });
    status == 200
}

#[test]
fn directory_elsewhere_is_refused_by_the_kernel() {
    assert!(serves_what_is_elsewhere("--no-sandbox"));
    if has_landlock() {
        assert!(!serves_what_is_elsewhere(""));
    }
}

/// A server that reopens its log after the log's name has become a link out of its reach.
fn reopened_elsewhere(options: &[&str], trace: &str) -> (Server, Home) {
    let elsewhere = Home::new();
    let mut strace = Command::new("strace");
    strace.args([
        "-D",
        "-f",
        "-qq",
        "-o",
        trace,
        "-e",
        "trace=openat",
        "-e",
        "signal=none",
    ]);
    let server = Setup::new(options).under(strace).start();
    let log = server.log_path();
    fs::remove_file(&log).unwrap();
    symlink(elsewhere.log_path(), &log).unwrap();
    server.signal(Signal::HUP);
    (server, elsewhere)
}

#[test]
fn log_elsewhere_is_refused_by_the_kernel() {
    if !is_there("strace") || !has_landlock() {
        return;
    }
    let (server, elsewhere) = reopened_elsewhere(&[], "trace");
    let trace = server.path().join("trace");
    eventually("the log is refused", || {
        let trace = fs::read_to_string(&trace).unwrap();
        let lines: Vec<_> = trace.lines().collect();
        lines.iter().enumerate().any(|(number, call)| {
            // If another thread makes a call meanwhile, the result is on the thread's next line.
            let thread = call.split(' ').next().unwrap();
            let is_whole = !call.contains("<unfinished");
            let mut rest = lines[number + 1..].iter();
            let result = if is_whole {
                Some(call)
            } else {
                rest.find(|line| line.starts_with(thread))
            };
            call.contains("\"log.txt\", O_RDWR|O_CREAT")
                && result.is_some_and(|line| line.contains("= -1 EACCES"))
        })
    });
    assert!(!elsewhere.log_path().exists());
    eventually("stderr says so", || {
        server.stderr().contains("Permission denied")
    });
    let (_server, elsewhere) = reopened_elsewhere(&["--no-sandbox"], "trace");
    eventually("the log is made", || elsewhere.log_path().exists());
}

#[test]
fn root_in_the_home_directory_is_not_found_again_and_all_else_works() {
    if !has_landlock() {
        return;
    }
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"])
        .before(&format!("export HOME={}", home.path().display()))
        .unrecorded()
        .start();
    assert_eq!(server.put(&format!("/{}", name(1)), "", b"1").status, 201);
    fs::remove_dir_all(home.root()).unwrap();
    fs::create_dir(home.root()).unwrap();
    assert_eq!(server.get(&format!("/{}", name(1))).status, 503);
    let root = home.root();
    let warning = format!(
        "the root {} exists again, but cannot be served: Permission denied (os error 13); start the server again",
        root.display()
    );
    eventually("a warning says so once", || {
        server.get(&format!("/{}", name(1)));
        server.stderr().matches(&warning).count() == 1
    });
}

/// The files that SIGHUP reopens are replaced by those of another release behind a link.
#[test]
fn everything_that_hang_up_opens_again_may_be_another_file_by_then() {
    let home = Home::new();
    let at = |name: &str| home.path().join(name);
    let users = |name: &str| format!("*::none\n{name}:{QUICK}:read\n");
    for (release, user) in [("1", "ann"), ("2", "bob")] {
        fs::create_dir_all(at("releases").join(release)).unwrap();
        fs::write(at("releases").join(release).join("users"), users(user)).unwrap();
    }
    fs::create_dir(at("logs")).unwrap();
    symlink("releases/1", at("current")).unwrap();
    home.place("file", b"content");
    key_state(&home);
    let options = [
        "-N",
        "2",
        "--web",
        "--users",
        "current/users",
        "--access-log",
        "logs/access.log",
        "--seal",
        "--seal-key",
        "key",
    ];
    let server = Setup::at(&home, &options).log("logs/log").start();
    let status = |user: &str| {
        let login = STANDARD.encode(format!("{user}:secret"));
        let login = format!("Authorization: Basic {login}\r\n");
        server.ask("GET /file", &login, b"").status
    };
    assert_eq!((status("ann"), status("bob")), (200, 401));
    symlink("releases/2", at("next")).unwrap();
    fs::rename(at("next"), at("current")).unwrap();
    for log in ["log", "log.seal", "access.log"] {
        fs::rename(at("logs").join(log), at("logs").join(format!("{log}.1"))).unwrap();
    }
    server.signal(Signal::HUP);
    eventually("the users are those of the other file", || {
        status("bob") == 200
    });
    assert_eq!(status("ann"), 401);
    for log in ["log", "log.seal", "access.log"] {
        eventually("each log is another file", || {
            fs::read_to_string(at("logs").join(log)).is_ok_and(|text| !text.is_empty())
        });
    }
    // And once more, by a file of the same name.
    fs::write(at("releases/2/new"), users("eve")).unwrap();
    fs::rename(at("releases/2/new"), at("releases/2/users")).unwrap();
    server.signal(Signal::HUP);
    eventually("the users are those of the new file", || {
        status("eve") == 200
    });
    let stderr = server.stderr();
    assert!(!stderr.contains("denied"), "{stderr}");
}

#[test]
fn read_only_site_cannot_write_into_its_root_and_its_log_can() {
    let server = Setup::web(&["--listing", "-v"])
        .files(|root| fs::write(root.join("a"), "a").unwrap())
        .start();
    assert_eq!(server.get("/a").text(), "a");
    assert_eq!(server.get("/").status, 200);
    fs::rename(server.log_path(), server.path().join("log.txt.1")).unwrap();
    server.signal(Signal::HUP);
    eventually("a new log is there", || server.log_path().exists());
}

#[test]
fn server_starts_where_a_container_refuses_to_confine_it() {
    if !is_there("strace") {
        return;
    }
    for (calls, error, said) in [
        // The first call asks for the version.
        (
            "landlock_create_ruleset",
            "1:when=1",
            "not files (no Landlock 2)",
        ),
        ("seccomp", "EINVAL", "not system calls (no seccomp)"),
        (
            "landlock_create_ruleset",
            "ENOSYS",
            "not files (no Landlock 2)",
        ),
        (
            "landlock_create_ruleset",
            "EOPNOTSUPP",
            "not files (no Landlock 2)",
        ),
        (
            "landlock_restrict_self",
            "EPERM",
            "not files (no Landlock 2)",
        ),
    ] {
        let server = Setup::new(&["-v"]).under(without(calls, error)).start();
        assert_eq!(server.put(&format!("/{}", name(1)), "", b"1").status, 201);
        let stderr = server.stderr();
        assert!(
            stderr.starts_with("confined: ") && stderr.contains(said),
            "{calls}: {stderr}"
        );
        assert!(
            !stderr.contains("WARN") && !stderr.contains("ERROR"),
            "{stderr}"
        );
    }
}
