//! `merge` and the other commands on logs of several servers of one root, with given versions and times.

use std::fs;

use httpserver::change_version::{ChangeVersion, STRIPES};
use httpserver::seal::line::TornOutcome;
use serde_json::Value;

use super::sealed_log::SealedLog;
use super::{Log, Run, Workdir};
use crate::support::tree::files;

const PEER: &str = "192.0.2.7:40000";

/// A server whose clock is right, and one whose clock is an hour ahead. Both change `a`.
fn servers() -> [SealedLog; 2] {
    let first = SealedLog::of_server("web-1")
        .version(5)
        .put("12:00:01", PEER, 201, "a", b"one")
        .entry("12:00:02", PEER, 200, |log| log.other("GET", "a"))
        .version(7)
        .put("12:00:05", PEER, 204, "a", b"three")
        .version(8)
        .entry("12:00:06", PEER, 204, |log| log.other("DELETE", "a"));
    let second = SealedLog::of_server("web-2")
        .version(6)
        .put("13:00:03", PEER, 204, "a", b"two")
        .version(100)
        .put("13:00:04", PEER, 201, "b", b"bee")
        .version(9)
        .put("13:00:07", PEER, 201, "a", b"four");
    [first, second]
}

/// A directory with the logs `1.txt` and `2.txt`.
fn workdir(servers: &[SealedLog; 2]) -> Workdir {
    let workdir = Workdir::new(&Log::default());
    for (server, log) in servers.iter().zip(["1.txt", "2.txt"]) {
        server.write(&workdir, log, &format!("{log}.seal"));
    }
    workdir
}

#[track_caller]
fn said(run: &Run, status: i32, stderr: &str) {
    assert_eq!(run.status, Some(status), "{}", run.stderr);
    assert!(run.stderr.contains(stderr), "{}", run.stderr);
}

#[test]
fn changes_of_a_name_are_in_the_order_of_versions_although_clocks_differ() {
    let workdir = workdir(&servers());
    let merged = Log::default()
        .put("a", b"one")
        .other("GET", "a")
        .put("a", b"two")
        .put("a", b"three")
        .other("DELETE", "a")
        .put("b", b"bee")
        .put("a", b"four");
    for logs in [["1.txt", "2.txt"], ["2.txt", "1.txt"]] {
        let run = workdir.run([&["merge"][..], &logs].concat());
        said(&run, 0, "");
        assert_eq!(run.stdout(), String::from_utf8_lossy(&merged.0));
    }
    workdir
        .run(["merge", "1.txt", "2.txt", "-o", "all.txt"])
        .says("all.txt: 7 entries of 2 logs\n");
    workdir
        .run(["replay", "all.txt", "one"])
        .says("one: 2 files, 7 bytes, from 7 entries\n");
    workdir
        .run(["replay", "2.txt", "1.txt", "other"])
        .says("other: 2 files, 7 bytes, from 7 entries\n");
    let expected = files(&workdir.path("one"));
    assert_eq!(expected["a"], b"four");
    assert_eq!(files(&workdir.path("other")), expected);
    let run = workdir.run(["check", "1.txt", "2.txt", "--against", "one"]);
    assert_eq!(run.status, Some(0), "{}", run.stdout());
    assert!(
        run.stdout()
            .contains("one: 2 names compared, 0 differ, 0 not in the log\n")
    );
    fs::write(workdir.path("one/b"), "was").unwrap();
    let run = workdir.run(["check", "2.txt", "1.txt", "--against", "one"]);
    assert_eq!(run.status, Some(1), "{}", run.stdout());
    let differs = "one/b: differs at byte 0 (entry 2 of 2.txt stored 3 bytes)\n";
    assert!(run.stdout().contains(differs), "{}", run.stdout());
}

#[test]
fn list_and_history_have_that_order_and_name_the_server() {
    let workdir = workdir(&servers());
    let run = workdir.run(["list", "2.txt", "1.txt", "--json"]);
    said(&run, 0, "");
    let lines = run
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let found: Vec<_> = lines
        .map(|object: Value| {
            let text = |key: &str| object[key].as_str().unwrap_or("-").to_owned();
            format!(
                "{} {} {} {} {}",
                text("log"),
                text("server"),
                text("version"),
                text("method"),
                text("name")
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "1.txt web-1 5 PUT a",
            "1.txt web-1 - GET a",
            "2.txt web-2 6 PUT a",
            "1.txt web-1 7 PUT a",
            "1.txt web-1 8 DELETE a",
            "2.txt web-2 100 PUT b",
            "2.txt web-2 9 PUT a",
        ]
    );
    let run = workdir.run(["history", "2.txt", "1.txt", "a"]);
    said(&run, 0, "");
    let logs: Vec<_> = run
        .stdout()
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(logs, ["1.txt", "2.txt", "1.txt", "1.txt", "2.txt"]);
    // By the time of each server's own clock.
    let run = workdir.run([
        "extract",
        "1.txt",
        "2.txt",
        "--at",
        "2026-11-27 12:00:05",
        "a",
    ]);
    assert_eq!((run.status, run.stdout()), (Some(0), "three"));
    let run = workdir.run([
        "replay",
        "1.txt",
        "2.txt",
        "then",
        "--until",
        "2026-11-27 13:00:03",
    ]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(!workdir.path("then/a").exists() && !workdir.path("then/b").exists());
}

#[test]
fn missing_versions_are_reported() {
    let [first, second] = servers();
    let third = SealedLog::of_server("web-3")
        .version(10)
        .put("12:00:09", PEER, 201, "a", b"five")
        .version(11)
        .put("12:00:10", PEER, 201, "a", b"six");
    let workdir = workdir(&[first, third]);
    second.write(&workdir, "other.txt", "other.txt.seal");
    let hole =
        "version 6 is missing between entry 1 of 1.txt and entry 3 of 1.txt: a log was not given,";
    for arguments in [
        &["merge", "1.txt", "2.txt"][..],
        &["merge", "1.txt", "2.txt", "-o", "all.txt"],
        &["replay", "1.txt", "2.txt", "d"],
        &["list", "1.txt", "2.txt"],
        &["history", "1.txt", "2.txt", "a"],
        &["extract", "1.txt", "2.txt", "a", "--at", "2026-11-27 14:00"],
    ] {
        let run = workdir.run(arguments);
        said(&run, 1, hole);
        said(
            &run,
            1,
            "version 9 is missing between entry 4 of 1.txt and entry 1 of 2.txt",
        );
    }
    let run = workdir.run(["check", "1.txt", "2.txt"]);
    assert_eq!(run.status, Some(1));
    assert!(run.stdout().contains(hole), "{}", run.stdout());
    said(
        &workdir.run(["merge", "1.txt", "2.txt", "other.txt"]),
        0,
        "",
    );
    assert_eq!(
        workdir.run(["check", "other.txt", "1.txt", "2.txt"]).status,
        Some(0)
    );
}

#[test]
fn two_changes_of_one_version_are_named() {
    let [first, second] = servers();
    let second = second.version(7).put("13:00:08", PEER, 204, "a", b"forged");
    let workdir = workdir(&[first, second]);
    for command in ["merge", "list", "check"] {
        let run = workdir.run([command, "1.txt", "2.txt"]);
        let conflict = "entry 3 of 1.txt and entry 4 of 2.txt have the same version 7: ";
        said(&run, 1, conflict);
    }
}

#[test]
fn logs_that_have_no_order_are_refused() {
    let [first, _] = servers();
    let unshared = SealedLog::of_server("web-2").put("12:00:03", PEER, 201, "a", b"two");
    let workdir = workdir(&[first, unshared]);
    let reason = "2.txt: entry 1 has no version in the seal, so its place among the entries of other servers is not known: ";
    said(&workdir.run(["merge", "1.txt", "2.txt"]), 1, reason);
    said(&workdir.run(["replay", "1.txt", "2.txt", "d"]), 1, reason);
    assert!(!workdir.path("d").exists());
    let unnamed = SealedLog::new()
        .version(6)
        .put("12:00:03", PEER, 201, "a", b"two");
    unnamed.write(&workdir, "unnamed.txt", "unnamed.txt.seal");
    fs::write(workdir.path("bare.txt"), &Log::default().put("a", b"x").0).unwrap();
    for (log, reason) in [
        ("unnamed.txt", "its seal names no server (--server-id)"),
        ("bare.txt", "it has no seal, bare.txt.seal"),
    ] {
        let run = workdir.run(["merge", "1.txt", "2.txt", log]);
        said(
            &run,
            1,
            &format!(
                "cannot order the entries of {log} among those of 'web-1' and 'web-2': {reason}"
            ),
        );
    }
    for logs in [
        &["1.txt"][..],
        &["1.txt", "1.txt"],
        &["bare.txt", "unnamed.txt"],
    ] {
        let run = workdir.run([&["merge"][..], logs].concat());
        said(
            &run,
            1,
            "merge needs the logs of several servers, and seals with their names",
        );
    }
    let run = workdir.run(["merge", "1.txt", "2.txt", "1.txt"]);
    said(&run, 1, "1.txt and 1.txt are the same log");
}

#[test]
fn change_that_was_altered_is_not_put_in_order() {
    let workdir = workdir(&servers());
    let log = fs::read_to_string(workdir.path("2.txt")).unwrap();
    fs::write(
        workdir.path("2.txt"),
        log.replacen("74 77 6f", "74 77 6e", 1),
    )
    .unwrap();
    let run = workdir.run(["replay", "1.txt", "2.txt", "d"]);
    said(
        &run,
        1,
        "2.txt: the entry at byte 0 has no version in the seal",
    );
    assert!(!workdir.path("d").exists());
    // A change that is only in the seal.
    let [first, second] = servers();
    let (second, _) = second.version(10).sealed_only(
        "13:00:09",
        PEER,
        204,
        None,
        &Log::default().other("DELETE", "a"),
    );
    let second = second.version(11).put("13:00:10", PEER, 201, "a", b"x");
    let first = first.version(12).put("12:00:11", PEER, 204, "a", b"y");
    let workdir = self::workdir(&[first, second]);
    let run = workdir.run(["replay", "1.txt", "2.txt", "d"]);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(!workdir.path("d").exists());
}

#[test]
fn removal_of_a_directory_comes_between_the_changes_below_it() {
    let all = |number| ChangeVersion::Directory(Box::new([number; STRIPES as usize]));
    let first = SealedLog::of_server("web-1")
        .version(1)
        .put("12:00:00", PEER, 201, "d/f", b"one")
        .with_version(all(3))
        .entry("12:00:05", PEER, 204, |log| log.other("DELETE", "d/"));
    // Its clock is behind.
    let second = SealedLog::of_server("web-2")
        .version(2)
        .entry("11:00:01", PEER, 204, |log| log.other("DELETE", "d/f"))
        .version(4)
        .put("11:00:02", PEER, 201, "d/f", b"two")
        .version(4)
        .put("11:00:03", PEER, 201, "d/g", b"gee");
    let workdir = workdir(&[first, second]);
    let run = workdir.run(["list", "1.txt", "2.txt"]);
    said(&run, 0, "");
    let names: Vec<_> = run
        .stdout()
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap())
        .collect();
    assert_eq!(names, ["d/f", "d/f", "d/", "d/f", "d/g"]);
}

#[test]
fn torn_and_cut_off_entries_are_left_out_and_not_reported_missing() {
    let [first, second] = servers();
    let torn = Log::default().put("a", b"never");
    let (first, _) = first
        .version(10)
        .sealed_only("12:00:07", PEER, 204, None, &torn);
    let first = first
        .torn(5, "12:00:08", TornOutcome::Cut)
        .version(12)
        .put("12:00:09", PEER, 204, "a", b"six");
    let (mut second, bytes) = second
        .version(11)
        .sealed_only("13:00:08", PEER, 204, None, &torn);
    second.log = second.log.raw(&bytes[..bytes.len() - 12]).nuls(12);
    let second = second.version(13).put("13:00:09", PEER, 204, "a", b"seven");
    let workdir = workdir(&[first, second]);
    let run = workdir.run(["merge", "1.txt", "2.txt", "-o", "all.txt"]);
    said(&run, 0, "2.txt: left out: torn entry at byte ");
    assert_eq!(run.stdout(), "all.txt: 9 entries of 2 logs\n");
    let run = workdir.run(["replay", "1.txt", "2.txt", "d"]);
    said(&run, 0, "2.txt: skipped: torn entry at byte ");
    assert_eq!(files(&workdir.path("d"))["a"], b"seven");
}

#[test]
fn rotated_logs_of_a_server_are_taken_in_any_order() {
    let [first, second] = servers();
    let (old, new) = second.rotate();
    let new = new.version(10).put("13:00:20", PEER, 204, "a", b"last");
    let workdir = workdir(&[first, new]);
    old.write(&workdir, "2.txt.1", "2.txt.seal.1");
    for logs in [["2.txt.1", "1.txt", "2.txt"], ["2.txt", "2.txt.1", "1.txt"]] {
        let run = workdir.run([&["merge"][..], &logs].concat());
        said(&run, 0, "");
        assert!(
            run.stdout().ends_with("6c 61 73 74\n========\n"),
            "{}",
            run.stdout()
        );
        assert_eq!(
            workdir.run([&["check"][..], &logs].concat()).status,
            Some(0)
        );
    }
}
