//! `list` of a sealed log: time, peer and user, and mismatches of log and seal.

use std::fs;

use httpserver::seal::line::TornOutcome;
use serde_json::{Value, json};

use super::sealed_log::SealedLog;
use super::{Log, Run, Workdir};

const PEER: &str = "192.0.2.7:40000";

fn sample() -> SealedLog {
    SealedLog::new()
        .put("12:00:00.123456", PEER, 201, "a.txt", b"one\n")
        .entry("12:00:01", "[2001:db8::1]:81 ann", 304, |log| {
            log.other("GET", "a.txt")
        })
        .entry("12:00:02", "unix", 404, |log| log.failed("GET", "b", 404))
        .entry("12:00:03", "198.51.100.1 a b", 204, |log| {
            log.other("DELETE", "a.txt")
        })
}

/// The objects of `list --json`.
fn objects_of(run: &Run) -> Vec<Value> {
    let lines = run.stdout().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The exit status, whether each entry was found in the seal, and stderr.
fn sealed(workdir: &Workdir) -> (Option<i32>, Vec<Value>, String) {
    let run = workdir.run(["list", "log.txt", "--json"]);
    let found = objects_of(&run)
        .into_iter()
        .map(|object| object["sealed"].clone());
    (run.status, found.collect(), run.stderr)
}

#[test]
fn line_of_a_sealed_entry_has_time_peer_and_user() {
    sample().in_workdir().run(["list", "log.txt"]).says(
        "1 2026-11-27T12:00:00Z 192.0.2.7    -     201 4 PUT    a.txt\n\
         2 2026-11-27T12:00:01Z 2001:db8::1  ann   304 0 GET    a.txt\n\
         3 2026-11-27T12:00:02Z unix         -     404 - GET    b\n\
         4 2026-11-27T12:00:03Z 198.51.100.1 a%20b 204 0 DELETE a.txt\n",
    );
}

#[test]
fn log_whose_seal_was_removed_is_listed_without_it() {
    let workdir = sample().in_workdir();
    fs::remove_file(workdir.path("log.txt.seal")).unwrap();
    workdir.run(["list", "log.txt"]).says(
        "     1            0            4  ok      PUT      a.txt\n\
         \u{20}    2           49            0  ok      GET      a.txt\n\
         \u{20}    3           77            -  404     GET      b\n\
         \u{20}    4          124            0  ok      DELETE   a.txt\n",
    );
}

#[test]
fn json_has_all_that_log_and_seal_hold() {
    let workdir = sample().in_workdir();
    let run = workdir.run(["list", "log.txt", "--json"]);
    let objects = objects_of(&run);
    assert_eq!(
        objects[0],
        json!({
            "number": 1, "offset": 0, "length": 49, "method": "PUT", "name": "a.txt", "bytes": 4,
            "status": 201, "failed": false, "torn": false, "sealed": true, "seal_number": 1,
            "time": "2026-11-27T12:00:00.123456Z", "peer": "192.0.2.7", "port": 40000, "user": null,
            "sha256": "2c8b08da5ce60398e1f19af0e5dccc744df274b826abe585eaba68c525434806",
            "server": null, "version": null,
        })
    );
    assert_eq!(
        (&objects[1]["peer"], &objects[1]["user"]),
        (&json!("2001:db8::1"), &json!("ann"))
    );
    assert_eq!(
        (&objects[2]["peer"], &objects[2]["port"]),
        (&json!("unix"), &Value::Null)
    );
    assert_eq!(
        (&objects[3]["peer"], &objects[3]["user"]),
        (&json!("198.51.100.1"), &json!("a b"))
    );
    let keys = |object: &Value| {
        object
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    fs::remove_file(workdir.path("log.txt.seal")).unwrap();
    let run = workdir.run(["list", "log.txt", "--json"]);
    assert_eq!(keys(&objects_of(&run)[0]), keys(&objects[0]));
}

#[test]
fn entries_before_the_seal_began_have_no_time() {
    let log = Log::default().other("GET", "early");
    let workdir = SealedLog::behind(log)
        .entry("12:00:00", PEER, 200, |log| log.other("GET", "late"))
        .in_workdir();
    workdir.run(["list", "log.txt"]).says(
        "1 -                    -         - ok  0 GET early\n\
         2 2026-11-27T12:00:00Z 192.0.2.7 - 200 0 GET late\n",
    );
}

/// Alters a log or its seal.
type Forge<'f> = &'f dyn Fn(&mut SealedLog);

/// An altered content, name, time; an entry that was removed, added, or moved: no entry gets the time of another.
#[test]
fn entry_that_does_not_match_its_line_is_shown_without_what_the_seal_says() {
    let one = |sealed: SealedLog, time, name| {
        sealed.entry(time, PEER, 200, move |log| log.other("GET", name))
    };
    let whole = || {
        let sealed = one(SealedLog::new(), "12:00:00", "one");
        let sealed = sealed.put("12:00:01", PEER, 201, "put", b"content");
        one(sealed, "12:00:02", "two")
    };
    let entry = |name| Log::default().other("GET", name).0;
    let replace = |bytes: &mut Vec<u8>, from: &str, to: &str| {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(text.contains(from), "{text}");
        *bytes = text.replacen(from, to, 1).into_bytes();
    };
    let rows: [(Forge<'_>, &[bool], &str); 7] = [
        (
            &|sealed| replace(&mut sealed.log.0, "63 6f", "63 6e"),
            &[true, false, true],
            "entry at byte 26: its line in log.txt.seal is that of another content",
        ),
        (
            &|sealed| replace(&mut sealed.log.0, "GET one", "GET eno"),
            &[false, true, true],
            "entry at byte 0: its line in log.txt.seal is that of `GET one length 0`",
        ),
        (
            &|sealed| replace(&mut sealed.seal, "T12:00:01", "T12:00:00"),
            &[true, false, true],
            "entry at byte 26: its line in log.txt.seal was altered, or one before it was removed: the chain breaks there",
        ),
        (
            &|sealed| {
                sealed.log.0.drain(..26);
            },
            &[false, false],
            "entry at byte 0: its line in log.txt.seal is that of `GET one length 0`",
        ),
        (
            &|sealed| {
                sealed.log.0.splice(..0, entry("new"));
            },
            &[false, false, false, false],
            "entry at byte 0: its line in log.txt.seal is that of `GET one length 0`",
        ),
        (
            &|sealed| sealed.log.0.extend(entry("new")),
            &[true, true, true, false],
            "entry at byte 108: log.txt.seal has no line of it",
        ),
        (
            &|sealed| sealed.seal.clear(),
            &[false, false, false],
            "entry at byte 0: log.txt.seal has no line of it",
        ),
    ];
    for (forge, expected, reason) in rows {
        let mut sealed_log = whole();
        forge(&mut sealed_log);
        let (status, found, stderr) = sealed(&sealed_log.in_workdir());
        let found: Vec<_> = found.iter().filter(|found| !found.is_null()).collect();
        let in_log = found
            .iter()
            .take(expected.len())
            .map(|found| **found == true);
        assert_eq!(in_log.collect::<Vec<_>>(), expected, "{stderr}");
        assert_eq!(status, Some(1), "{stderr}");
        let line = format!(
            "httpserver-log: log.txt: {reason}; it is shown without time, peer and user; \
             `httpserver-log check` shows what was altered\n"
        );
        assert!(stderr.contains(&line), "{stderr}");
    }
}

/// The time of a line may be that of the line before, or in its second. If that line is gone, it is not guessed.
#[test]
fn time_that_refers_to_a_removed_line_is_not_shown() {
    let mut log = SealedLog::with_short_times();
    for (time, name) in [
        ("12:00:00.9", "one"),
        ("12:00:01.1", "two"),
        ("12:00:01.2", "three"),
        ("12:00:01.95", "four"),
        ("12:00:01.95", "five"),
        ("12:00:02", "six"),
        ("12:00:02.5", "seven"),
    ] {
        log = log.entry(time, PEER, 200, |log| log.other("GET", name));
    }
    let seal = String::from_utf8(log.seal.clone()).unwrap();
    let lines: Vec<_> = seal.split_inclusive('\n').collect();
    assert!(
        lines[4].contains(" .950000 ") && lines[5].contains(" = "),
        "{seal}"
    );
    let run = log.in_workdir().run(["list", "log.txt", "--json"]);
    let seconds = |object: &Value| object["time"].as_str().unwrap()[17..].to_owned();
    let seconds: Vec<_> = objects_of(&run).iter().map(seconds).collect();
    assert_eq!(
        seconds,
        [
            "00.900000Z",
            "01.100000Z",
            "01.200000Z",
            "01.950000Z",
            "01.950000Z",
            "02.000000Z",
            "02.500000Z"
        ]
    );
    log.seal = [&lines[..2], &lines[3..]].concat().concat().into_bytes();
    let (status, found, stderr) = sealed(&log.in_workdir());
    assert_eq!(
        found,
        [true, false, false, false, false, true, true],
        "{stderr}"
    );
    assert_eq!(status, Some(1), "{stderr}");
    let count = "log.txt: 4 entries do not match their lines in log.txt.seal";
    assert!(stderr.contains(count), "{stderr}");
    // `check` names the removed line, and no other.
    let said = log.in_workdir().run(["check", "log.txt"]);
    let said = said.stdout();
    assert!(
        said.contains("the line of entry 2 was removed from the seal"),
        "{said}"
    );
    assert!(
        !said.contains("its time") && !said.contains("its line"),
        "{said}"
    );
}

#[test]
fn mismatches_are_reported_once_and_counted() {
    let mut many = SealedLog::new();
    for _ in 0..1_000 {
        many = many.entry("12:00:00", PEER, 200, |log| log.other("GET", "a"));
    }
    many.log.0.splice(..0, Log::default().other("GET", "new").0);
    let workdir = many.in_workdir();
    let run = workdir.run(["list", "log.txt"]);
    assert_eq!(
        (run.status, run.stderr.lines().count()),
        (Some(1), 4),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr
            .contains("log.txt: 1001 entries do not match their lines in log.txt.seal\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn torn_entries_are_shown_with_what_the_seal_says() {
    let torn = Log::default().put("torn", b"content");
    let (sealed, bytes) = SealedLog::new()
        .entry("12:00:00", PEER, 200, |log| log.other("GET", "a"))
        .sealed_only("12:00:01", PEER, 201, None, &torn);
    let mut sealed = sealed;
    sealed.log = sealed.log.raw(&bytes[..30]).nuls(bytes.len() - 30);
    let unbegun = Log::default().other("GET", "unbegun");
    for time in ["12:00:02", "12:00:03"] {
        let (with_line, bytes) = sealed.sealed_only(time, PEER, 200, None, &unbegun);
        sealed = with_line;
        sealed.log = sealed.log.nuls(bytes.len());
    }
    let sealed = sealed.entry("12:00:04", PEER, 200, |log| log.other("GET", "b"));
    let (sealed, _) = sealed.sealed_only("12:00:05", PEER, 200, None, &unbegun);
    let run = sealed.in_workdir().run(["list", "log.txt"]);
    assert_eq!(
        (run.status, run.stdout()),
        (
            Some(0),
            "1 2026-11-27T12:00:00Z 192.0.2.7 - 200  0 GET a\n\
             2 2026-11-27T12:00:01Z 192.0.2.7 - torn 7 PUT torn\n\
             - 2026-11-27T12:00:02Z 192.0.2.7 - torn 0 GET unbegun\n\
             - 2026-11-27T12:00:03Z 192.0.2.7 - torn 0 GET unbegun\n\
             3 2026-11-27T12:00:04Z 192.0.2.7 - 200  0 GET b\n\
             - 2026-11-27T12:00:05Z 192.0.2.7 - torn 0 GET unbegun\n"
        )
    );
    assert!(
        run.stderr
            .contains("log.txt: it ends before the last 1 entry of log.txt.seal"),
        "{}",
        run.stderr
    );
}

/// The same request again, where a torn entry was cut off: its time is that of the second.
#[test]
fn entry_in_the_place_of_one_that_was_cut_off_has_its_own_time() {
    let entry = Log::default().other("GET", "a");
    let (sealed, _) = SealedLog::new().sealed_only("12:00:00", "192.0.2.1:1", 200, None, &entry);
    let sealed = sealed
        .torn(1, "13:00:00", TornOutcome::Cut)
        .entry("14:00:00", PEER, 200, |log| log.other("GET", "a"));
    sealed
        .in_workdir()
        .run(["list", "log.txt"])
        .says("1 2026-11-27T14:00:00Z 192.0.2.7 - 200 0 GET a\n");
}

#[test]
fn several_logs_are_listed_one_after_the_other() {
    let first = SealedLog::new().entry("12:00:00", PEER, 200, |log| log.other("GET", "a"));
    let (first, second) = first.rotate();
    let second = second.entry("13:00:00", PEER, 200, |log| log.other("GET", "b"));
    let workdir = Workdir::new(&Log::default());
    first.write(&workdir, "log.txt.1", "log.txt.seal.1");
    second.write(&workdir, "log.txt", "log.txt.seal");
    workdir.run(["list", "log.txt.1", "log.txt"]).says(
        "1 2026-11-27T12:00:00Z 192.0.2.7 - 200 0 GET a\n\
         1 2026-11-27T13:00:00Z 192.0.2.7 - 200 0 GET b\n",
    );
}

#[test]
fn widths_grow_with_what_comes_later() {
    let mut sealed = SealedLog::new();
    for _ in 0..600 {
        sealed = sealed.entry("12:00:00", "192.0.2.7:1", 200, |log| log.other("GET", "a"));
    }
    let sealed = sealed.entry("12:00:00", "[2001:db8::1]:1", 200, |log| {
        log.other("GET", "a")
    });
    let run = sealed.in_workdir().run(["list", "log.txt"]);
    let lines: Vec<_> = run.stdout().lines().collect();
    assert_eq!(lines.len(), 601);
    assert_eq!(lines[0], "  1 2026-11-27T12:00:00Z 192.0.2.7 - 200 0 GET a");
    assert_eq!(
        lines[600],
        "601 2026-11-27T12:00:00Z 2001:db8::1 - 200 0 GET a"
    );
}

#[test]
fn sealed_lines_of_the_classic_dialect_fit_eighty_columns() {
    let name = "ABCDEFarqdeXYZxyzf012345-ab";
    let sealed = SealedLog::new()
        .put("12:00:00", "192.0.2.7:1", 201, name, &[7; 999])
        .entry("12:00:00", "192.0.2.7:1", 200, |log| log.other("GET", name));
    let run = sealed.in_workdir().run(["list", "log.txt"]);
    for line in run.stdout().lines() {
        assert!(line.len() <= 80, "{line}");
    }
}
