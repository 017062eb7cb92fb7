//! The log: its bytes, the time of its entries, and its files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::entries::{Entry, parse, replay};
use crate::support::home::Home;
use crate::support::message::{get, last_response, name, put, response};
use crate::support::namespace::in_mount_namespace;
use crate::support::process::run;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::{date, files, link};
use crate::support::wait::eventually;

const NAME: &str = "ABCDEFarqdeXYZxyzf012345-ab";

#[test]
fn entries_are_these_very_bytes() {
    for (content, expected) in [
        (
            &b""[..],
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 0\n\
             ========\n",
        ),
        (
            b"\0",
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 1\n\
             00000000 00\n\
             ========\n",
        ),
        (
            b"nineteen bytes here",
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 19\n\
             00000000 6e 69 6e 65 74 65 65 6e 20 62 79 74 65 73 20 68 65 72 65\n\
             ========\n",
        ),
        (
            b"these are 20 bytes.\n",
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 20\n\
             00000000 74 68 65 73 65 20 61 72 65 20 32 30 20 62 79 74 65 73 2e 0a\n\
             ========\n",
        ),
        (
            b"these are 21 bytes..\xff",
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 21\n\
             00000000 74 68 65 73 65 20 61 72 65 20 32 31 20 62 79 74 65 73 2e 2e\n\
             00000020 ff\n\
             ========\n",
        ),
        (
            b"ehllo; hello again and once more.\n\n",
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 35\n\
             00000000 65 68 6c 6c 6f 3b 20 68 65 6c 6c 6f 20 61 67 61 69 6e 20 61\n\
             00000020 6e 64 20 6f 6e 63 65 20 6d 6f 72 65 2e 0a 0a\n\
             ========\n",
        ),
        (
            b"two rows, twenty of \x0b\x0c\r\n\t them and more.\n",
            "PUT ABCDEFarqdeXYZxyzf012345-ab length 40\n\
             00000000 74 77 6f 20 72 6f 77 73 2c 20 74 77 65 6e 74 79 20 6f 66 20\n\
             00000020 0b 0c 0d 0a 09 20 74 68 65 6d 20 61 6e 64 20 6d 6f 72 65 2e\n\
             ========\n",
        ),
    ] {
        let content = &content[..content.len().min(40)];
        let chunks = match content.len() {
            0 => String::new(),
            length => format!("{length:x}\r\n"),
        };
        let chunked = [
            format!("PUT /{NAME} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}")
                .as_bytes(),
            content,
            if chunks.is_empty() {
                b"0\r\n\r\n"
            } else {
                b"\r\n0\r\n\r\n"
            },
        ]
        .concat();
        let open = [format!("PUT /{NAME} HTTP/1.1\r\n\r\n").as_bytes(), content].concat();
        for (what, request) in [
            ("length", put(NAME, content)),
            ("chunked", chunked),
            ("neither", open),
        ] {
            let mut server = Setup::new(&["-N", "1"]).start();
            let answer = match what {
                "neither" => last_response("201 Created"),
                _ => response("201 Created", b""),
            };
            assert_bytes(&server.exchange(request), &answer, what);
            assert_bytes(server.log().as_bytes(), expected.as_bytes(), what);
            server.stop();
            assert_bytes(
                server.log().as_bytes(),
                expected.as_bytes(),
                "after the end",
            );
        }
    }
}

#[test]
fn an_entry_is_there_when_its_answer_is() {
    let server = Setup::new(&["-N", "8"]).start();
    let mut client = server.connect();
    let mut expected = String::new();
    let content = noise(5, 50_000);
    for round in 0..50 {
        let name = name(round);
        for (request, entry) in [
            (
                get(&name).into_bytes(),
                format!("FAIL: GET {name} HTTP/1.1 --- response 404\n========\n"),
            ),
            (
                put(&name, b"abc"),
                format!("PUT {name} length 3\n00000000 61 62 63\n========\n"),
            ),
            (
                get(&name).into_bytes(),
                format!("GET {name} length 0\n========\n"),
            ),
            (
                get("").into_bytes(),
                "GET / length 0\n========\n".to_owned(),
            ),
        ] {
            client.send(request);
            client.response();
            expected += &entry;
            assert!(server.log() == expected, "after {entry}");
        }
    }
    // One that takes many writes.
    client.send(put(NAME, &content));
    client.response();
    let entries = parse(&server.log()[expected.len()..]);
    assert_eq!(entries, [Entry::Put(NAME.to_owned(), content)]);
}

#[test]
fn failed_request_cannot_forge_an_entry() {
    for (request, line) in [
        (
            &b"GET /abcd HTTP/1.1\r\n\r\n"[..],
            "GET abcd HTTP/1.1 --- response 400",
        ),
        (
            b"GET /abcd HTTP/1.0\r\n\r\n",
            "GET abcd HTTP/1.0 --- response 400",
        ),
        (
            b"GET /abcd HTTP/1.7\r\n\r\n",
            "GET abcd HTTP/1.7 --- response 400",
        ),
        (
            b"DELETE /abcd HTTP/1.1\r\n\r\n",
            "DELETE abcd HTTP/1.1 --- response 500",
        ),
        (
            b"POST / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1 --- response 500",
        ),
        (b"PUT / HTTP/1.1\r\n\r\n", "PUT / HTTP/1.1 --- response 400"),
        (
            b"GET //x HTTP/1.1\r\n\r\n",
            "GET /x HTTP/1.1 --- response 400",
        ),
        (
            b"GET http://h/x HTTP/1.1\r\n\r\n",
            "GET x HTTP/1.1 --- response 400",
        ),
        (
            b"OPTIONS * HTTP/1.1\r\n\r\n",
            "OPTIONS * HTTP/1.1 --- response 500",
        ),
        (b"GET / HTTP/2.0\r\n\r\n", "GET / HTTP/2.0 --- response 505"),
        (b"GARBAGE\r\n\r\n", "GARBAGE - - --- response 400"),
        (b"GET /a\r\n\r\n", "GET a - --- response 400"),
        (b"GET  HTTP/1.1\r\n\r\n", "GET - HTTP/1.1 --- response 400"),
        (
            b"GET /a b c HTTP/1.1\r\n\r\n",
            "GET a%20b%20c HTTP/1.1 --- response 400",
        ),
        (
            b"GET /\x01\x7f\x80\xff HTTP/1.1\r\n\r\n",
            "GET %01%7F%80%FF HTTP/1.1 --- response 400",
        ),
        (
            b"GET /a\r========\rPUT HTTP/1.1\r\n\r\n",
            "GET a%0D========%0DPUT HTTP/1.1 --- response 400",
        ),
        (
            b"GET /a%0a======== HTTP/1.1\r\n\r\n",
            "GET a%0a======== HTTP/1.1 --- response 400",
        ),
        (
            b"G\x00T /a HTTP/1.1\r\n\r\n",
            "G%00T a HTTP/1.1 --- response 400",
        ),
        (b"GET /a HT\x1bTP\r\n\r\n", "GET a HT%1BTP --- response 400"),
        (
            b"GET /a\n========\nPUT x length 0\n\n",
            "GET a - --- response 400",
        ),
        // The stream ends within the head.
        (
            b"GET /abcd HTTP/1.1\r\nHo",
            "GET abcd HTTP/1.1 --- response 400",
        ),
        (b"GET /abcd HTT", "GET abcd - --- response 400"),
        (b"GET /ab", "GET - - --- response 400"),
        (b"GE", "- - - --- response 400"),
        (
            b"PUT /abcd HTTP/1.1\r\nContent-Length: x\r\n\r\n",
            "PUT abcd HTTP/1.1 --- response 400",
        ),
    ] {
        let server = Setup::new(&["-N", "1"]).start();
        let what = request.escape_ascii().to_string();
        let received = server.exchange(request);
        let status = line.rsplit(' ').next().unwrap();
        let expected = format!("HTTP/1.1 {status} ");
        assert!(
            received.starts_with(expected.as_bytes()),
            "{what}: {}",
            received.escape_ascii()
        );
        let expected = format!("FAIL: {line}\n========\n");
        assert_bytes(server.log().as_bytes(), expected.as_bytes(), &what);
    }
}

#[test]
fn silent_client_is_not_recorded() {
    let server = Setup::new(&[]).start();
    for nothing in ["", "\r\n", "\n"] {
        assert_bytes(&server.exchange(nothing), b"", "nothing");
    }
    server.request(get(""));
    assert_eq!(server.log(), "GET / length 0\n========\n");
}

#[test]
fn an_old_log_is_kept_under_the_time_of_its_last_change() {
    let home = Home::new();
    let stamp = "20261127T103312Z";
    fs::create_dir(home.path().join(format!("log.txt.{stamp}-3"))).unwrap();
    let mut expected = BTreeMap::new();
    // A name that is taken is passed over, also by what is not a file.
    for (round, suffix) in ["", "-2", "-4"].into_iter().enumerate() {
        let mut server = Setup::at(&home, &[]).start();
        assert_eq!(
            (home.log().as_str(), home.kept_logs()),
            ("", expected.clone())
        );
        server.request(get(&round.to_string()));
        server.stop();
        expected.insert(format!("{stamp}{suffix}"), home.log());
        date(home.path(), "log.txt", 1_795_775_592);
        // An empty log is not kept.
        if round == 0 {
            let mut server = Setup::at(&home, &[]).start();
            server.stop();
            let mut server = Setup::at(&home, &[]).start();
            server.stop();
            assert_eq!(home.kept_logs(), expected);
        }
    }
    let _server = Setup::at(&home, &[]).start();
    assert_eq!(home.kept_logs(), expected);
    let logs: BTreeSet<_> = expected.values().collect();
    assert_eq!(logs.len(), 3, "each is another");
}

#[test]
fn a_log_behind_symlinks_is_kept_in_its_own_directory() {
    let home = Home::new();
    let disk = home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    link(home.path(), "log.txt", "second");
    link(home.path(), "second", "disk/real.log");
    for round in 0..3 {
        let mut server = Setup::at(&home, &["-N", "1"]).start();
        server.request(get(&round.to_string()));
        server.stop();
    }
    for name in ["log.txt", "second"] {
        assert!(home.path().join(name).is_symlink(), "{name}");
    }
    let mut names: Vec<_> = files(&disk).into_keys().collect();
    names.sort();
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(names[0], "real.log");
    assert!(
        names
            .iter()
            .skip(1)
            .all(|name| name.starts_with("real.log.2")),
        "{names:?}"
    );
    let beside = fs::read_dir(home.path()).unwrap().count();
    assert_eq!(beside, 5, "root, stderr, disk and two links");
    // So does a rotation.
    let server = Setup::at(&home, &["--log-append"]).start();
    fs::rename(disk.join("real.log"), disk.join("real.log.1")).unwrap();
    server.signal(Signal::HUP);
    eventually("there is a new log", || disk.join("real.log").exists());
    assert!(home.path().join("log.txt").is_symlink());
}

#[test]
fn unusable_log_is_refused_before_anything_is_touched() {
    let home = Home::new();
    let fifo = home.path().join("fifo");
    rustix::fs::mkfifoat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
    )
    .unwrap();
    link(home.path(), "soft", "fifo");
    link(home.path(), "out", "/dev/stdout");
    let null = fs::metadata("/dev/null").unwrap().ino();
    for (log, words) in [
        ("/dev/null", "not a regular file"),
        ("/dev/stdout", "not a regular file"),
        ("/dev/stderr", "not a regular file"),
        ("/dev/fd/1", "not a regular file"),
        ("/proc/self/fd/1", "not a regular file"),
        ("/proc/self/status", "not a regular file"),
        ("fifo", "not a regular file"),
        ("soft", "not a regular file"),
        ("out", "not a regular file"),
        ("root", "it is a directory"),
        ("root/", "it is a directory"),
        ("absent/log", "No such file"),
        ("-", "standard output"),
    ] {
        for option in ["-q", "--log-append"] {
            let output = run(&home, &["0", "--root", "root", option, "-l", log]);
            let line = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(1), "{log}: {line}");
            assert!(line.contains(log) && line.contains(words), "{log}: {line}");
            assert_eq!(line.lines().count(), 1, "{log}: {line}");
            assert_eq!(output.stdout, b"", "{log}");
        }
    }
    assert_eq!(fs::metadata("/dev/null").unwrap().ino(), null);
    assert!(home.names().is_empty() && fs::symlink_metadata(&fifo).is_ok());
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 4);
}

#[test]
fn a_log_that_is_a_mount_point_is_continued() {
    let script = "touch \"$0\" && mount --bind \"$0\" \"$1\" && shift && exec \"$@\"";
    let home = Home::new();
    let real = home.path().join("real");
    fs::write(home.log_path(), "").unwrap();
    fs::write(&real, "GET / length 0\n========\n").unwrap();
    for round in 2..4 {
        let paths = [real.to_str().unwrap(), home.log_path().to_str().unwrap()].map(str::to_owned);
        let Some(mounted) = in_mount_namespace(script, &[&paths[0], &paths[1]]) else {
            return;
        };
        let mut server = Setup::at(&home, &[]).under(mounted).start();
        server.request(get(""));
        let log = fs::read_to_string(&real).unwrap();
        assert_eq!(log, "GET / length 0\n========\n".repeat(round));
        assert!(
            server.stderr().contains("mount point"),
            "{}",
            server.stderr()
        );
        server.stop();
    }
    assert_eq!(home.kept_logs(), BTreeMap::new());
}

#[test]
fn a_log_is_continued_with_log_append() {
    let mut server = Setup::new(&["--log-append"]).start();
    let home = server.home();
    server.request(put(NAME, b"a"));
    server.stop();
    let mut server = Setup::at(&home, &["--log-append"]).start();
    assert_eq!(home.kept_logs(), BTreeMap::new());
    server.request(get(NAME));
    let expected =
        format!("PUT {NAME} length 1\n00000000 61\n========\nGET {NAME} length 0\n========\n");
    assert_eq!(home.log(), expected);
    server.stop();
    assert_eq!(home.log(), expected);
}

#[test]
fn after_a_signal_entries_go_to_the_file_that_the_path_names_then() {
    for signal in [Signal::HUP, Signal::USR1] {
        let server = Setup::new(&["-N", "2"]).start();
        let rotated = server.path().join("rotated");
        server.request(get("1"));
        // An upload that begins before the signal.
        let mut slow = server.connect();
        slow.send(
            "PUT /ABCDEFarqdeXYZxyzf012345-ab HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\n\r\n",
        );
        fs::rename(server.log_path(), &rotated).unwrap();
        server.request(get("2"));
        server.signal(signal);
        eventually("there is a new log", || server.log_path().exists());
        server.request(get("3"));
        slow.send("x");
        slow.response();
        let old = fs::read_to_string(&rotated).unwrap();
        let failure = |name| format!("FAIL: GET {name} HTTP/1.1 --- response 400\n========\n");
        assert_eq!(old, failure("1") + &failure("2"), "{signal:?}");
        let put = format!("PUT {NAME} length 1\n00000000 78\n========\n");
        assert_eq!(server.log(), failure("3") + &put, "{signal:?}");
    }
}

#[test]
fn a_signal_without_a_rename_changes_nothing() {
    let mut server = Setup::new(&["-N", "2"]).start();
    let mut client = server.connect();
    for _ in 0..20 {
        server.signal(Signal::HUP);
        client.send(get(""));
        client.response();
    }
    server.stop();
    assert_eq!(server.log(), "GET / length 0\n========\n".repeat(20));
    assert_eq!(server.stderr(), "");
}

/// The requests of one client, with the answers and the entries they must have.
fn mixed_requests(client: usize) -> Vec<(Vec<u8>, Vec<u8>, Entry)> {
    let ok = |content: &[u8]| response("200 OK", content);
    (0..50)
        .map(|round| {
            let seed = (client * 50 + round) as u64;
            match round % 5 {
                // Names that clients share, so that uploads meet.
                0 | 1 => {
                    let length = usize::try_from(seed * 7919 % 3000).unwrap();
                    let length = if round == 25 { 200_000 } else { length };
                    let (name, content) = (name(seed / 5 % 10), noise(seed, length));
                    let request = put(&name, &content);
                    (
                        request,
                        response("201 Created", b""),
                        Entry::Put(name, content),
                    )
                }
                2 => (
                    get(NAME).into_bytes(),
                    ok(b"served"),
                    Entry::Get(NAME.to_owned()),
                ),
                3 => (get("").into_bytes(), ok(b""), Entry::Get("/".to_owned())),
                _ => {
                    let name = name(format!("absent-{seed}"));
                    let failure = format!("FAIL: GET {name} HTTP/1.1 --- response 404");
                    (
                        get(&name).into_bytes(),
                        response("404 Not Found", b""),
                        Entry::Failure(failure),
                    )
                }
            }
        })
        .collect()
}

fn send_all(server: &Server, requests: &[(Vec<u8>, Vec<u8>, Entry)]) {
    let mut client = server.connect();
    for (request, expected, _) in requests {
        client.send(request);
        assert_bytes(&client.response(), expected, "of 64 clients");
    }
}

#[test]
fn entries_tile_the_log_and_are_those_that_were_asked_for() {
    let mut server = Setup::at(&Home::fast(), &["-N", "8"]).start();
    server.place(NAME, b"served");
    let clients: Vec<_> = (0..64).map(mixed_requests).collect();
    thread::scope(|scope| {
        for requests in &clients {
            let server = &server;
            scope.spawn(move || send_all(server, requests));
        }
    });
    let entries = parse(&server.log());
    let mut sorted = entries.clone();
    sorted.sort();
    let mut expected: Vec<_> = clients
        .into_iter()
        .flatten()
        .map(|(_, _, entry)| entry)
        .collect();
    expected.sort();
    assert_eq!(sorted.len(), expected.len());
    assert!(sorted == expected, "other entries than those asked for");
    // A journal: the last entry of each name is the state of the store.
    let files = replay(&entries);
    assert_eq!(files.len(), 10);
    for (name, content) in files {
        assert_bytes(&server.content(&name), &content, &name);
    }
    let before = server.log();
    server.stop();
    assert!(server.log() == before, "the log changed at the end");
}

/// Uploads one small file after the other until the server is gone; returns the number of responses.
fn upload_until_killed(server: &Server, client: usize, answered: &AtomicUsize) -> usize {
    let mut connection = server.connect();
    for number in 0.. {
        let name = name(format!("{client}-{number}"));
        let sent = connection.try_send(put(&name, &name.as_bytes()[19..]));
        match sent.and_then(|()| connection.try_response()) {
            Ok(received) => assert_bytes(&received, &response("201 Created", b""), "PUT"),
            Err(_) => return number,
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    unreachable!("it was not killed")
}

#[test]
fn answered_requests_survive_a_kill() {
    let server = Setup::new(&["-N", "4"]).start();
    let answered = AtomicUsize::new(0);
    let counts: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|client| {
                let (server, answered) = (&server, &answered);
                scope.spawn(move || upload_until_killed(server, client, answered))
            })
            .collect();
        eventually("hundreds are answered", || {
            answered.load(Ordering::Relaxed) > 500
        });
        server.signal(Signal::KILL);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .collect()
    });
    let home = server.home();
    drop(server);
    let next = Setup::at(&home, &["--log-append"]).start();
    let log = home.log();
    for (client, count) in counts.into_iter().enumerate() {
        for number in 0..count {
            let name = name(format!("{client}-{number}"));
            let content = &name.as_bytes()[19..];
            assert_bytes(&home.content(&name), content, "stored");
            let mut entry = format!("PUT {name} length 8\n00000000");
            for byte in content {
                write!(entry, " {byte:02x}").unwrap();
            }
            entry += "\n========\n";
            assert!(log.contains(&entry), "no entry of {name}");
        }
    }
    assert!(
        home.names().iter().all(|name| name.len() == 27),
        "an upload was left behind"
    );
    assert!(log.ends_with("========\n"), "a torn entry at its end");
    next.request(get(""));
    assert_eq!(home.log(), log + "GET / length 0\n========\n");
}

#[test]
fn a_torn_entry_at_the_end_of_a_log_is_kept_aside() {
    let home = Home::new();
    let whole = "GET / length 0\n========\n";
    let torn = "PUT ABCDEFarqdeXYZxyzf012345-ab length 2\n00000000 61";
    fs::write(home.log_path(), format!("{whole}{torn}")).unwrap();
    let server = Setup::at(&home, &["--log-append"]).start();
    server.request(get(""));
    assert_eq!(home.log(), whole.repeat(2));
    assert_eq!(
        fs::read_to_string(home.path().join("log.txt.torn")).unwrap(),
        torn
    );
    assert!(server.stderr().contains("log.txt.torn"), "it is not said");
}

#[test]
fn other_file_than_a_log_is_not_continued() {
    let home = Home::new();
    fs::write(home.log_path(), "shopping list\nbread\n").unwrap();
    let output = run(&home, &["0", "-l", "log.txt", "--log-append"]);
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert!(
        line.contains("log.txt") && line.lines().count() == 1,
        "{line}"
    );
    assert_eq!(home.log(), "shopping list\nbread\n");
}
