//! `--since`, `--until`, `--peer`, `--user` and `--name` of `list` and `stats`, and `stats --by`.

use std::fs;

use serde_json::{Value, json};

use super::sealed_log::SealedLog;
use super::{Log, Workdir};

fn sample() -> SealedLog {
    SealedLog::new()
        .put(
            "2026-11-26T23:59:59.999999",
            "192.0.2.7:40000 ann",
            201,
            "notes/a.txt",
            b"one",
        )
        .entry("2026-11-27T00:00:00", "192.0.2.7:40000", 200, |log| {
            log.other("GET", "notes/a.txt")
        })
        .put(
            "2026-11-27T12:00:00.5",
            "[2001:db8::1]:81 bob",
            204,
            "notes/b c.txt",
            b"second",
        )
        .entry("2026-11-27T12:00:01", "unix ann", 404, |log| {
            log.failed("GET", "absent", 404)
        })
        .entry("2026-11-28T00:00:00", "198.51.100.9", 304, |log| {
            log.other("GET", "notes/a.txt")
        })
}

/// The numbers in the output of `list`, its exit status, and stderr.
fn numbers(workdir: &Workdir, arguments: &[&str]) -> (Vec<u64>, Option<i32>, String) {
    let run = workdir.run([&["list", "log.txt", "--json"], arguments].concat());
    let number = |line: &str| {
        let object: Value = serde_json::from_str(line).unwrap();
        object["number"].as_u64().unwrap()
    };
    (
        run.stdout().lines().map(number).collect(),
        run.status,
        run.stderr,
    )
}

#[test]
fn options_select_entries() {
    let workdir = sample().in_workdir();
    for (arguments, expected) in [
        (&["--since", "2026-11-27"][..], &[2, 3, 4, 5][..]),
        (&["--until", "2026-11-26"], &[1]),
        (
            &["--since", "2026-11-27", "--until", "2026-11-27"],
            &[2, 3, 4],
        ),
        (&["--until", "2026-11-27T12:00:00Z"], &[1, 2, 3]),
        (&["--until", "2026-11-27T12:00:00.4Z"], &[1, 2]),
        (&["--since", "2026-11-27T13:00:01+01:00"], &[4, 5]),
        (&["--since", "2026-11-27 12:00"], &[3, 4, 5]),
        (&["--until", "2026-11-27 12:00"], &[1, 2, 3, 4]),
        (&["--since", "2026-11-29"], &[]),
        (&["--peer", "192.0.2.7"], &[1, 2]),
        (&["--peer", "192.0.2.0/24", "--peer", "unix"], &[1, 2, 4]),
        (&["--peer", "2001:db8::/32"], &[3]),
        (&["--user", "ann"], &[1, 4]),
        (&["--user", "-"], &[2, 5]),
        (&["--user", "ann", "--user", "bob"], &[1, 3, 4]),
        (&["--name", "notes/*"], &[1, 2, 3, 5]),
        (&["--name", "notes/b c.txt"], &[3]),
        (&["--name", "**/a.*", "--name", "absent"], &[1, 2, 4, 5]),
        (&["--name", "*"], &[4]),
        (&["--user", "ann", "--failed"], &[4]),
        (&["--peer", "192.0.2.7", "--since", "2026-11-27"], &[2]),
    ] {
        let found = numbers(&workdir, arguments);
        assert_eq!(
            found,
            (expected.to_vec(), Some(0), String::new()),
            "{arguments:?}"
        );
    }
}

#[test]
fn time_can_be_given_as_how_long_ago() {
    // No test runs for a thousand weeks, and none of these times is so long ago.
    let workdir = sample().in_workdir();
    assert_eq!(numbers(&workdir, &["--since", "1000w"]).0, [1, 2, 3, 4, 5]);
    assert_eq!(
        numbers(&workdir, &["--until", "1000w ago"]).0,
        [] as [u64; 0]
    );
}

#[test]
fn options_that_need_a_seal_say_so_where_there_is_none() {
    let workdir = sample().in_workdir();
    fs::remove_file(workdir.path("log.txt.seal")).unwrap();
    for (option, value) in [
        ("--since", "2h"),
        ("--until", "12:00"),
        ("--peer", "192.0.2.7"),
        ("--user", "ann"),
    ] {
        for command in ["list", "stats"] {
            workdir.run([command, "log.txt", option, value]).refuses(&format!(
                "{option} needs the seal of log.txt, which has times, peers and users: there is no log.txt.seal"
            ));
        }
    }
    workdir.run(["stats", "log.txt", "--by", "day"]).refuses(
        "--by needs the seal of log.txt, which has times, peers and users: there is no log.txt.seal",
    );
    workdir.run(["list", "-", "--since", "2h"]).refuses(
        "--since needs the seal of -, which has times, peers and users: only a file has one",
    );
    assert_eq!(numbers(&workdir, &["--name", "notes/*"]).0, [1, 2, 3, 5]);
}

#[test]
fn wrong_values_are_refused_in_one_sentence() {
    let workdir = sample().in_workdir();
    for (option, value, reason) in [
        (
            "--since",
            "yesterday",
            "not a time: type 2026-11-27T12:30:00Z (RFC 3339), 2026-11-27, 12:30 (today, in UTC) or 2h (ago)",
        ),
        (
            "--peer",
            "192.0.2.7:80",
            "neither an address (192.0.2.7, without a port) nor a network (192.0.2.0/24) nor unix",
        ),
    ] {
        let run = workdir.run(["list", "log.txt", option, value]);
        let expected = format!("httpserver-log: `{value}` is {reason}\n");
        assert_eq!((run.status, run.stderr), (Some(2), expected));
    }
}

/// An entry whose line was altered is not taken for one of its time, nor silently left out.
#[test]
fn entry_that_does_not_match_the_seal_is_not_selected_by_time() {
    let mut sealed = sample();
    let seal = String::from_utf8(sealed.seal).unwrap();
    sealed.seal = seal.replacen("T12:00:00.5", "T13:00:00.5", 1).into_bytes();
    let (found, status, stderr) = numbers(&sealed.in_workdir(), &["--since", "2026-11-27"]);
    assert_eq!((found, status), (vec![2, 4, 5], Some(1)), "{stderr}");
    assert!(stderr.contains("the chain breaks there"), "{stderr}");
    let left_out =
        "log.txt: 1 entry was left out: no line of the seal has their time, peer and user\n";
    assert!(stderr.contains(left_out), "{stderr}");
}

#[test]
fn entries_before_the_seal_began_are_left_out_and_counted() {
    let log = Log::default().other("GET", "early").other("GET", "early");
    let workdir = SealedLog::behind(log)
        .entry("12:00:00", "192.0.2.7:1", 200, |log| {
            log.other("GET", "late")
        })
        .in_workdir();
    let (found, status, stderr) = numbers(&workdir, &["--peer", "192.0.2.7"]);
    assert_eq!((found, status), (vec![3], Some(0)), "{stderr}");
    let left_out =
        "log.txt: 2 entries were left out: no line of the seal has their time, peer and user\n";
    assert!(stderr.contains(left_out), "{stderr}");
}

#[test]
fn statistics_are_of_what_is_selected_and_have_the_statuses_of_the_seal() {
    let workdir = sample().in_workdir();
    workdir
        .run([
            "stats",
            "log.txt",
            "--since",
            "2026-11-27",
            "--until",
            "2026-11-27",
        ])
        .says(
            "log.txt: 3 entries, 151 bytes\n\
             \n\
             \u{20}   requests  status  method\n\
             \u{20}          1  200     GET\n\
             \u{20}          1  404     GET\n\
             \u{20}          1  204     PUT\n\
             \n\
             stored   6 bytes\n\
             largest  6 bytes, entry 3, notes/b%20c.txt\n\
             names    2\n\
             torn     0\n",
        );
}

#[test]
fn requests_are_counted_by_day_peer_and_user() {
    let workdir = sample().in_workdir();
    let title = "    requests    failed  torn   uploads           stored  ";
    for (by, lines) in [
        (
            "day",
            &[
                "           1         0     0         1                3  2026-11-26\n",
                "           3         1     0         1                6  2026-11-27\n",
                "           1         0     0         0                0  2026-11-28\n",
            ][..],
        ),
        (
            "peer",
            &[
                "           2         0     0         1                3  192.0.2.7\n",
                "           1         0     0         0                0  198.51.100.9\n",
                "           1         0     0         1                6  2001:db8::1\n",
                "           1         1     0         0                0  unix\n",
            ],
        ),
        (
            "user",
            &[
                "           2         0     0         0                0  -\n",
                "           2         1     0         1                3  ann\n",
                "           1         0     0         1                6  bob\n",
            ],
        ),
    ] {
        let expected = format!("{title}{by}\n{}", lines.concat());
        workdir
            .run(["stats", "log.txt", "--by", by])
            .says(&expected);
    }
    let run = workdir.run([
        "stats", "log.txt", "--by", "user", "--json", "--user", "bob",
    ]);
    let found: Value = serde_json::from_str(run.stdout()).unwrap();
    let expected = json!({ "by": "user", "groups": [
        { "key": "bob", "requests": 1, "failed": 0, "torn": 0, "uploads": 1, "stored": 6 },
    ] });
    assert_eq!(found, expected);
}

#[test]
fn statistics_of_several_logs_are_summed_up() {
    let workdir = sample().in_workdir();
    let (first, second) = sample().rotate();
    first.write(&workdir, "log.txt.1", "log.txt.seal.1");
    let second = second.entry("12:00:00", "192.0.2.7:1", 200, |log| log.other("GET", "a"));
    second.write(&workdir, "log.txt", "log.txt.seal");
    let run = workdir.run(["stats", "log.txt.1", "log.txt"]);
    assert!(
        run.stdout().starts_with("2 logs: 6 entries, "),
        "{}",
        run.stdout()
    );
}
