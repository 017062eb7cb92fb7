//! The versions of changes that servers with `--shared` and `--seal` make, and the names of the servers.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use httpserver::change_version::{STRIPES, stripe};

use crate::support::access;
use crate::support::home::Home;
use crate::support::message::name;
use crate::support::seal::{for_each_entry, lines, seal_path};
use crate::support::server::Server;
use crate::support::setup::Setup;

const WEB: &[&str] = &["--web", "--writable", "--shared", "--seal", "-N", "1"];

/// Where the versions begin in the file of the locks, and the bytes of each.
const VERSIONS_AT: u64 = 512;
const RECORD: u64 = 16;

/// A server on this root that records in `log`.
fn server(home: &Home, log: &str) -> Server {
    Setup::at(home, WEB).log(log).start()
}

/// First lines of a log's entries, and their versions.
fn versions(log: &Path) -> Vec<(String, Option<Vec<u64>>)> {
    let mut found = Vec::new();
    for_each_entry(&seal_path(log), |entry| {
        let numbers = entry.version.map(|version| {
            let numbers = version.split(',').map(|number| number.parse().unwrap());
            numbers.collect()
        });
        found.push((entry.first_line.to_owned(), numbers));
    });
    found
}

/// The numbers of changes of one name, in the order of a log.
fn numbers_of(log: &Path, file: &str) -> Vec<u64> {
    let name_of = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    let all = versions(log).into_iter();
    let of_file = all.filter(|(line, _)| name_of(line).as_deref() == Some(file));
    of_file
        .filter_map(|(_, numbers)| Some(numbers?[0]))
        .collect()
}

#[test]
fn each_change_of_a_name_has_the_next_number_whichever_server_makes_it() {
    let home = Home::new();
    let [mut first, mut second] = ["log.txt", "other.txt"].map(|log| server(&home, log));
    for round in 0..5 {
        for server in [&first, &second] {
            let status = server
                .put("/file", "", format!("{round}").as_bytes())
                .status;
            assert!(matches!(status, 201 | 204), "{status}");
            // A request that changes nothing takes no number.
            let refused = server.put("/file", "If-None-Match: *\r\n", b"never");
            assert_eq!(refused.status, 412);
            assert_eq!(server.get("/file").status, 200);
        }
    }
    assert_eq!(second.ask("DELETE /file", "", b"").status, 204);
    first.stop();
    second.stop();
    let [ours, theirs] =
        ["log.txt", "other.txt"].map(|log| numbers_of(&home.path().join(log), "file"));
    let mut all = [&ours[..], &theirs[..]].concat();
    all.sort_unstable();
    let begin = all[0];
    assert_eq!(all, (begin..begin + 11).collect::<Vec<_>>());
    assert!(ours.is_sorted() && theirs.is_sorted());
    assert_eq!((ours.len(), theirs.len()), (5, 6));
    for (line, numbers) in versions(&home.log_path()) {
        let is_change = line.starts_with("PUT ") || line.starts_with("DELETE ");
        assert_eq!(numbers.is_some(), is_change, "{line}");
    }
}

#[test]
fn removal_of_a_directory_has_the_next_number_of_every_stripe() {
    let home = Home::new();
    let mut server = server(&home, "log.txt");
    assert_eq!(server.put("/d/file", "", b"one").status, 201);
    assert_eq!(server.ask("DELETE /d/file", "", b"").status, 204);
    // A directory that is not empty stays, and no number is taken.
    assert_eq!(server.put("/d/e/file", "", b"one").status, 201);
    assert_eq!(server.ask("DELETE /d/", "", b"").status, 409);
    assert_eq!(server.ask("DELETE /d/e/file", "", b"").status, 204);
    assert_eq!(server.ask("DELETE /d/e/", "", b"").status, 204);
    assert_eq!(server.put("/d/file", "", b"two").status, 201);
    server.stop();
    let all = versions(&home.log_path());
    let (_, removal) = all
        .iter()
        .find(|(line, _)| line.starts_with("DELETE d/e/ "))
        .unwrap();
    let removal = removal.clone().unwrap();
    assert_eq!(removal.len(), usize::from(STRIPES));
    let of_file = numbers_of(&home.log_path(), "d/file");
    let in_between = removal[usize::from(stripe(b"d/file"))];
    assert_eq!(of_file, [in_between - 2, in_between - 1, in_between + 1]);
}

#[test]
fn upload_without_a_length_takes_one_number() {
    let options = ["--shared", "--seal", "-N", "1"];
    let home = Home::new();
    let mut server = Setup::at(&home, &options).start();
    for content in [&b""[..], b"some", b""] {
        let mut client = server.connect();
        client.send(format!("PUT /{} HTTP/1.1\r\n\r\n", name(1)));
        client.send(content);
        client.end_sending();
        assert_eq!(client.final_response().unwrap().status, 201);
        client.rest();
    }
    server.stop();
    let numbers = numbers_of(&home.log_path(), &name(1));
    let begin = numbers[0];
    assert_eq!(numbers, [begin, begin + 1, begin + 2]);
}

fn write(path: &Path, bytes: &[u8], at: u64) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

/// The name of the damage, the damage to the file of the locks, and a part of the report on stderr.
type Damage<'d> = (&'d str, fn(&Path), Option<&'d str>);

#[test]
fn numbers_never_go_back_whatever_becomes_of_their_file() {
    let at = VERSIONS_AT + u64::from(stripe(b"file")) * RECORD;
    assert_eq!(at, VERSIONS_AT + 27 * RECORD, "the cases below have this");
    let rows: [Damage<'_>; 5] = [
        ("nothing", |_| {}, None),
        (
            "one byte",
            |path| write(path, &[0xA5; 8], VERSIONS_AT + 27 * RECORD + 8),
            Some("is damaged"),
        ),
        (
            "zeros",
            |path| write(path, &[0; 16], VERSIONS_AT + 27 * RECORD),
            Some("went back"),
        ),
        (
            "an end",
            |path| {
                let file = OpenOptions::new().write(true).open(path).unwrap();
                file.set_len(VERSIONS_AT + 27 * RECORD + 5).unwrap();
            },
            Some("is damaged"),
        ),
        (
            "no file",
            |path| fs::remove_file(path).unwrap(),
            Some("went back"),
        ),
    ];
    for (what, damage, said) in rows {
        let home = Home::new();
        let mut server = server(&home, "log.txt");
        assert_eq!(server.put("/file", "", b"one").status, 201, "{what}");
        damage(&home.file(".httpserver-lock"));
        assert_eq!(server.put("/file", "", b"two").status, 204, "{what}");
        assert_eq!(server.put("/file", "", b"three").status, 204, "{what}");
        // A server that starts later also continues the count.
        let mut other = self::server(&home, "other.txt");
        assert_eq!(other.put("/file", "", b"four").status, 204, "{what}");
        server.stop();
        other.stop();
        let stderr = server.stderr();
        let found = stderr.contains("the version of stripe 27 in .httpserver-lock ");
        assert_eq!(found, said.is_some(), "{what}: {stderr}");
        assert!(
            said.is_none_or(|said| stderr.contains(said)),
            "{what}: {stderr}"
        );
        let mut numbers = numbers_of(&home.log_path(), "file");
        numbers.extend(numbers_of(&home.path().join("other.txt"), "file"));
        assert!(numbers[0] < numbers[1], "{what}: {numbers:?}");
        assert_eq!(
            numbers[1..],
            [numbers[1], numbers[1] + 1, numbers[1] + 2],
            "{what}"
        );
    }
}

#[test]
fn server_is_called_by_its_name_in_the_seal_and_in_the_access_log() {
    let home = Home::new();
    let json = ["--access-log", "access.log", "--access-log-format", "json"];
    let options = [WEB, &["--server-id", "web-1.example"], &json].concat();
    let mut server = Setup::at(&home, &options).start();
    assert_eq!(server.put("/file", "", b"one").status, 201);
    assert_eq!(access::objects(&home, 1)[0]["server"], "web-1.example");
    server.stop();
    let begin = &lines(&seal_path(&home.log_path()))[0];
    assert!(begin.ends_with(" log.txt web-1.example"), "{begin}");
}

#[test]
fn log_of_a_server_is_not_continued_under_another_name() {
    let home = Home::new();
    let named = |name: &'static str| [WEB, &["--log-append", "--server-id", name]].concat();
    let mut server = Setup::at(&home, &named("web-1")).start();
    assert_eq!(server.put("/file", "", b"one").status, 201);
    server.stop();
    let refused = Setup::at(&home, &named("web-2")).refused();
    let reason = "its server is called 'web-1', and this one is called 'web-2'; use that --server-id, or start a new log";
    assert!(refused.contains(reason), "{refused}");
    let refused = Setup::at(&home, &[WEB, &["--log-append"]].concat()).refused();
    assert!(refused.contains("and this one has no name"), "{refused}");
    Setup::at(&home, &named("web-1")).start().stop();
    for name in ["a b", "-", "caf\u{e9}"] {
        let refused =
            Setup::at(&home, &[WEB, &[&format!("--server-id={name}")]].concat()).refused();
        assert!(
            refused.contains("begin with a letter or a digit"),
            "{refused}"
        );
    }
    let refused = Setup::at(&home, &["--server-id", "web-1"]).refused();
    assert!(refused.contains("--seal"), "{refused}");
}
