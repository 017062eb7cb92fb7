//! The seal of the log: a line for each entry, in one chain through restarts and rotations.

use std::fs;
use std::path::Path;
use std::thread;

use httpserver::seal::chain::Hash;
use httpserver::seal::line::TornOutcome;
use httpserver::seal::state::SealState;
use rustix::process::Signal;

use crate::support::bytes::noise;
use crate::support::home::Home;
use crate::support::message::{get, name, put, response};
use crate::support::seal::{for_each_entry, key, key_state, lines, report, seal_path, sound};
use crate::support::setup::Setup;
use crate::support::tree::link;
use crate::support::wait::eventually;

/// Peer, user, status, hash and first line of an entry.
type Told = (String, Option<String>, u16, Option<Hash>, String);

/// The seal's values for each entry of a log.
fn told(log: &Path) -> Vec<Told> {
    let mut all = Vec::new();
    for_each_entry(&seal_path(log), |entry| {
        all.push((
            entry.origin.peer.to_owned(),
            entry.origin.user.map(str::to_owned),
            entry.status,
            entry.hash,
            entry.first_line.to_owned(),
        ));
    });
    all
}

#[test]
fn each_entry_has_a_line_with_client_and_outcome() {
    let mut server = Setup::new(&["--seal"]).start();
    let mut client = server.connect();
    let peer = client.address().to_string();
    client.send(put(&name(1), b"one"));
    client.send(get(&name(1)));
    client.send(get("abcd"));
    client.send(put(&name(1), b""));
    for _ in 0..4 {
        client.response();
    }
    let mut other = server.connect();
    let other_peer = other.address().to_string();
    other.send(format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n",
        name(2)
    ));
    other.response();
    server.stop();
    let row = |peer: &str, status, content: Option<&[u8]>, line: String| {
        (peer.to_owned(), None, status, content.map(Hash::of), line)
    };
    let one = name(1);
    assert_eq!(
        told(&server.log_path()),
        [
            row(&peer, 201, Some(b"one"), format!("PUT {one} length 3")),
            row(&peer, 200, None, format!("GET {one} length 0")),
            row(
                &peer,
                400,
                None,
                "FAIL: GET abcd HTTP/1.1 --- response 400".to_owned()
            ),
            row(&peer, 201, Some(b""), format!("PUT {one} length 0")),
            row(
                &other_peer,
                201,
                Some(b"two"),
                format!("PUT {} length 3", name(2))
            ),
        ]
    );
    let report = sound(&server.log_path());
    assert_eq!((report.entries, report.torn.len()), (5, 0));
    assert_eq!(report.whole_end, server.log().len() as u64);
}

#[test]
fn statuses_of_the_web_dialect_are_those_of_the_responses() {
    let mut server = Setup::web(&["--seal", "--writable", "--listing"]).start();
    let mut expected = Vec::new();
    for (line, fields, content) in [
        ("PUT /a.txt", "Content-Length: 3\r\n", "one"),
        ("PUT /a.txt", "Content-Length: 5\r\n", "three"),
        ("GET /a.txt", "", ""),
        ("GET /a.txt", "Range: bytes=0-0\r\n", ""),
        ("GET /a.txt", "If-None-Match: *\r\n", ""),
        ("GET /", "", ""),
        ("OPTIONS *", "", ""),
        ("HEAD /a.txt", "", ""),
        ("GET /absent", "", ""),
        ("DELETE /a.txt", "", ""),
        ("BREW /a.txt", "", ""),
    ] {
        let response = server.ask(line, fields, content.as_bytes());
        expected.push(response.status);
    }
    assert_eq!(
        expected,
        [201, 204, 200, 206, 304, 200, 204, 200, 404, 204, 501]
    );
    server.stop();
    let told = told(&server.log_path());
    let statuses: Vec<_> = told.iter().map(|(_, _, status, ..)| *status).collect();
    assert_eq!(statuses, expected);
    sound(&server.log_path());
}

#[test]
fn trusted_proxy_names_the_client() {
    let options = ["--seal", "--trust-proxy", "127.0.0.1"];
    let mut server = Setup::web(&options).start();
    server.ask("GET /", "X-Forwarded-For: 192.0.2.7\r\n", b"");
    server.stop();
    assert_eq!(told(&server.log_path())[0].0, "192.0.2.7");
}

#[test]
fn many_clients_have_one_chain() {
    let mut server = Setup::new(&["-N", "4", "--seal"]).start();
    thread::scope(|scope| {
        for client in 0..8_u64 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.connect();
                for round in 0..40 {
                    let length = usize::try_from((client * 40 + round) * 97 % 9_000).unwrap();
                    connection.send(put(&name(client), &noise(round, length)));
                    connection.send(get(&name(client)).repeat(3));
                    for _ in 0..4 {
                        connection.response();
                    }
                }
            });
        }
    });
    server.stop();
    let report = sound(&server.log_path());
    assert_eq!(report.entries, 8 * 40 * 4);
}

/// A log with one entry of a server that has ended.
fn with_one_entry(options: &[&str]) -> Home {
    let mut server = Setup::new(options).start();
    server.request(get(""));
    server.stop();
    server.home()
}

#[test]
fn seal_is_continued_with_its_log() {
    let home = with_one_entry(&["--seal"]);
    for entries in 2..5 {
        let mut server = Setup::at(&home, &["--seal", "--log-append"]).start();
        server.request(get(""));
        server.stop();
        let report = sound(&home.log_path());
        assert_eq!(report.entries, entries);
        assert_eq!(home.kept_logs().keys().collect::<Vec<_>>(), ["seal"]);
    }
}

#[test]
fn kept_log_takes_its_seal_with_it_and_the_next_continues_it() {
    let home = with_one_entry(&["--seal"]);
    for file in 2..4 {
        let mut server = Setup::at(&home, &["--seal"]).start();
        server.request(get(""));
        server.stop();
        let beginning = sound(&home.log_path()).beginning.unwrap();
        assert_eq!((beginning.file, &beginning.name[..]), (file, "log.txt"));
    }
    let mut ends = Vec::new();
    for suffix in home
        .kept_logs()
        .keys()
        .filter(|suffix| !suffix.starts_with("seal"))
    {
        let kept = |before: &str| home.path().join(format!("log.txt{before}.{suffix}"));
        let report = report(&kept(""), &kept(".seal"), None);
        assert_eq!(
            (&report.findings[..], report.next.as_deref()),
            (&[][..], Some("log.txt"))
        );
        let beginning = report.beginning.unwrap();
        ends.push((beginning.file, beginning.previous, report.tip));
    }
    ends.sort_by_key(|(file, ..)| *file);
    let last = sound(&home.log_path()).beginning.unwrap();
    let [(1, zero, first), (2, continued, second)] = ends[..] else {
        panic!("{ends:?}")
    };
    assert_eq!((zero, continued), (Hash::ZERO, first.chain));
    assert_eq!((last.previous, last.lines), (second.chain, second.lines));
    assert_eq!(last.identity, first.identity);
}

#[test]
fn a_log_without_entries_is_continued_not_kept() {
    let home = Home::new();
    for _ in 0..3 {
        Setup::at(&home, &["--seal"]).start().stop();
        sound(&home.log_path());
        assert_eq!(home.kept_logs().keys().collect::<Vec<_>>(), ["seal"]);
    }
}

#[test]
fn a_log_that_was_not_sealed_is_sealed_from_here_on() {
    let home = with_one_entry(&[]);
    let before = home.log().len() as u64;
    let mut server = Setup::at(&home, &["--seal", "--log-append"]).start();
    server.request(get(""));
    server.stop();
    let report = sound(&home.log_path());
    assert_eq!(
        (report.entries, report.beginning.unwrap().start),
        (1, before)
    );
}

#[test]
fn rotation_waits_until_log_and_seal_have_other_names() {
    let mut server = Setup::new(&["--seal"]).start();
    let (log, seal) = (server.log_path(), seal_path(&server.log_path()));
    let home = server.home();
    let other = |suffix: &str| home.path().join(format!("log.txt{suffix}"));
    server.request(get("1"));
    // An upload without a place in the log before the rotation.
    let mut slow = server.connect();
    slow.send(format!("PUT /{} HTTP/1.1\r\nHost: a\r\n\r\nslow", name(1)));
    slow.response();
    fs::rename(&log, other(".1")).unwrap();
    server.signal(Signal::HUP);
    eventually("half a rotation is a warning", || {
        server.stderr().contains("only the log was renamed")
    });
    server.request(get("2"));
    assert!(!log.exists());
    fs::rename(&seal, other(".seal.1")).unwrap();
    eventually("there is a new seal", || {
        fs::metadata(&seal).is_ok_and(|seal| seal.len() > 0)
    });
    server.request(get("3"));
    slow.end_sending();
    slow.rest();
    server.stop();
    let old = report(&other(".1"), &other(".seal.1"), None);
    let new = sound(&log);
    assert_eq!((&old.findings[..], old.entries), (&[][..], 2));
    assert_eq!(old.next.as_deref(), Some("log.txt"));
    assert_eq!(new.entries, 2);
    let beginning = new.beginning.unwrap();
    assert_eq!((beginning.file, beginning.lines), (2, old.tip.lines));
    assert_eq!(beginning.previous, old.tip.chain);
    let put = format!("PUT {} length 4", name(1));
    assert_eq!(told(&log)[1].4, put);
}

#[test]
fn torn_entries_are_named_by_the_next_server() {
    let home = with_one_entry(&["--seal"]);
    let mut server = Setup::at(&home, &["--seal", "--log-append"]).start();
    server.request(put(&name(1), &noise(1, 100)));
    let torn_at = home.log().len();
    server.request(put(&name(2), &noise(2, 100)));
    let whole = home.log().len();
    server.request(get(""));
    server.request(get("4"));
    server.stop();
    // The log after a kill: an incomplete entry, and two that are cut off, one of them begun.
    let mut log = fs::read(home.log_path()).unwrap();
    log[torn_at + 70..whole].fill(0);
    log.truncate(log.len() - 60);
    fs::write(home.log_path(), &log).unwrap();
    let mut seal = fs::read(seal_path(&home.log_path())).unwrap();
    seal.extend_from_slice(b"6 123 4");
    fs::write(seal_path(&home.log_path()), &seal).unwrap();

    let mut server = Setup::at(&home, &["--seal", "--log-append"]).start();
    server.request(get("5"));
    server.stop();
    let report = sound(&home.log_path());
    let torn: Vec<_> = report
        .torn
        .iter()
        .map(|torn| (torn.entry.number, torn.place))
        .collect();
    // No complete entry follows the first.
    let cut = Some(TornOutcome::Cut);
    assert_eq!(torn, [(3, cut), (4, cut), (5, cut)]);
    assert_eq!(report.entries, 6);
    assert!(
        server
            .stderr()
            .contains("before it had written all of its entries: 3 are torn, the first is entry 3")
    );
    let torn = fs::read(home.path().join("log.txt.torn")).unwrap();
    assert_eq!(torn, log[torn_at..]);
    let told = told(&home.log_path());
    assert_eq!(told[5].4, "FAIL: GET 5 HTTP/1.1 --- response 400");
}

#[test]
fn torn_entries_with_whole_ones_behind_stay() {
    let home = with_one_entry(&["--seal"]);
    let mut server = Setup::at(&home, &["--seal", "--log-append"]).start();
    let torn_at = home.log().len();
    server.request(put(&name(1), &noise(1, 100)));
    let whole = home.log().len();
    server.request(get("3"));
    server.stop();
    let mut log = fs::read(home.log_path()).unwrap();
    log[torn_at..whole].fill(0);
    fs::write(home.log_path(), &log).unwrap();
    for round in 0..2 {
        let mut server = Setup::at(&home, &["--seal", "--log-append"]).start();
        server.request(get("4"));
        server.stop();
        let report = sound(&home.log_path());
        let [torn] = &report.torn[..] else {
            panic!("{:?}", report.torn)
        };
        assert_eq!(
            (torn.entry.number, torn.place),
            (2, Some(TornOutcome::Left))
        );
        let named = lines(&seal_path(&home.log_path()));
        let named = named
            .iter()
            .filter(|line| line.starts_with("torn "))
            .count();
        assert_eq!((named, report.entries), (1, 4 + round));
    }
}

#[test]
fn an_altered_log_is_not_continued() {
    let home = with_one_entry(&["--seal"]);
    let log = home.log();
    fs::write(home.log_path(), log.replace("GET /", "GET x")).unwrap();
    let options = ["--seal", "--log-append"];
    let refused = Setup::at(&home, &options).refused();
    assert!(refused.contains("entry 1 ("), "{refused}");
    assert!(
        refused.contains("was altered: its first line in the log is `GET x length 0`"),
        "{refused}"
    );
    assert_eq!(
        home.log(),
        log.replace("GET /", "GET x"),
        "it is left as it is"
    );
}

#[test]
fn seal_and_key_are_concealed_from_clients() {
    let log = "ABCDEFGHIJKLMNOPQRSTUVWXlog";
    let home = Home::new();
    let state = home.root().join(name("key"));
    fs::rename(key_state(&home), &state).unwrap();
    let state = state.to_str().unwrap().to_owned();
    let mut server = Setup::at(&home, &["--seal", "--seal-key", &state])
        .log(Path::new("root").join(log))
        .files(|root| {
            link(root, &name("soft"), "ABCDEFGHIJKLMNOPQRSTUVWXlog.seal");
        })
        .start();
    fs::hard_link(
        server.file(&format!("{log}.seal")),
        server.file(&name("hard")),
    )
    .unwrap();
    let forbidden = response("403 Forbidden", b"");
    for name in [log, &name("soft"), &name("hard"), &name("key")] {
        assert_eq!(server.request(get(name)), forbidden, "GET {name}");
        let received = server.exchange(put(name, b"mine"));
        assert!(received.starts_with(b"HTTP/1.1 403 "), "PUT {name}");
    }
    server.stop();
    sound(&server.file(log));

    let server = Setup::web(&["--seal", "--writable", "--hidden", "--listing"])
        .log("root/a.log")
        .start();
    for target in [
        "/a.log.seal",
        "/a.log.seal.1",
        "/a.log.seal.20261127T103312Z",
    ] {
        assert_eq!(server.get(target).status, 404, "{target}");
        assert_eq!(server.put(target, "", b"mine").status, 404, "{target}");
    }
    let listing = server.get("/").body;
    assert!(!String::from_utf8_lossy(&listing).contains("a.log"));
}

/// The state of the key is a new file whenever it is written. The inode number of an old one may be that of an upload, for
/// which a hard link stands here.
#[test]
fn file_that_was_the_state_of_the_key_is_concealed_no_longer() {
    let home = Home::new();
    let state = key_state(&home);
    let server = Setup::at(&home, &["--seal", "--seal-key", "key"]).start();
    let length = fs::metadata(&state).unwrap().len();
    fs::hard_link(&state, server.file(&name("old"))).unwrap();
    let forbidden = response("403 Forbidden", b"");
    assert_eq!(server.request(get(&name("old"))), forbidden);
    // That request replaced the state, and the key in the old file is overwritten.
    let erased = response("200 OK", &vec![0; usize::try_from(length).unwrap()]);
    eventually("the old file is none of the server's", || {
        server.request(get(&name("old"))) == erased
    });
}

#[test]
fn each_group_of_lines_has_a_code_under_a_key_of_its_own() {
    let home = Home::new();
    let state = key_state(&home);
    let options = ["--seal", "--seal-key", "key", "--log-append"];
    for round in 1..4_u64 {
        let mut server = Setup::at(&home, &options).start();
        for _ in 0..5 {
            server.request(get(""));
        }
        server.stop();
        let report = report(&home.log_path(), &seal_path(&home.log_path()), Some(key()));
        assert_eq!((&report.findings[..], report.entries), (&[][..], 5 * round));
        assert_eq!(report.verified_codes, report.codes);
        assert_eq!(report.lines_after_code, 0);
        let state = SealState::parse(&fs::read_to_string(&state).unwrap()).unwrap();
        assert_eq!((state.tip, state.key.epoch()), (report.tip, report.codes));
    }
}

#[test]
fn key_is_stepped_forward_through_the_seal_after_a_kill() {
    let home = Home::new();
    let state = key_state(&home);
    let first = fs::read(&state).unwrap();
    let options = ["--seal", "--seal-key", "key", "--log-append"];
    let mut server = Setup::at(&home, &options).start();
    for _ in 0..5 {
        server.request(get(""));
    }
    server.stop();
    // As if no later state had reached the disk.
    fs::write(&state, first).unwrap();
    let mut server = Setup::at(&home, &options).start();
    server.request(get(""));
    server.stop();
    let report = report(&home.log_path(), &seal_path(&home.log_path()), Some(key()));
    assert_eq!((&report.findings[..], report.entries), (&[][..], 6));
    assert_eq!(report.verified_codes, report.codes);
}

#[test]
fn a_seal_that_ends_before_its_key_is_not_continued() {
    let home = Home::new();
    key_state(&home);
    let options = ["--seal", "--seal-key", "key", "--log-append"];
    let mut server = Setup::at(&home, &options).start();
    let entry = home.log().len();
    server.request(get(""));
    let (log, seal) = (home.log(), fs::read(seal_path(&home.log_path())).unwrap());
    server.request(get(""));
    server.stop();
    assert!(home.log().len() > log.len() && log.len() > entry);
    fs::write(home.log_path(), log).unwrap();
    fs::write(seal_path(&home.log_path()), seal).unwrap();
    let refused = Setup::at(&home, &options).refused();
    assert!(
        refused.contains("the end of the seal was cut off"),
        "{refused}"
    );
}

#[test]
fn other_file_than_the_state_of_a_key_is_refused() {
    let home = Home::new();
    let options = ["--seal", "--seal-key", "key"];
    let refused = Setup::at(&home, &options).refused();
    assert!(
        refused.contains("cannot use key as the state of a sealing key"),
        "{refused}"
    );
    fs::write(home.path().join("key"), "secret").unwrap();
    let refused = Setup::at(&home, &options).refused();
    assert!(
        refused.contains("`httpserver-log seal-key` makes"),
        "{refused}"
    );
    assert!(!home.log_path().exists(), "nothing is touched");
}
