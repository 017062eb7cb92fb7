//! Past states of a name and of the directory: `history`, `extract --at`, `replay --until`.

use std::fs;

use serde_json::Value;

use super::sealed_log::SealedLog;
use super::{Log, Workdir};

const PEER: &str = "192.0.2.7:40000";

fn sample() -> SealedLog {
    SealedLog::new()
        .put("12:00:00", PEER, 201, "d/a.txt", b"one\ntwo\nthree\n")
        .entry("12:00:01", PEER, 200, |log| log.other("GET", "d/a.txt"))
        .put(
            "12:00:02",
            "192.0.2.8:1 ann",
            204,
            "d/a.txt",
            b"one\n2\nthree\n",
        )
        .put("12:00:03", PEER, 201, "b.txt", b"other")
        .entry("12:00:04", PEER, 507, |log| {
            log.failed("PUT", "d/a.txt", 507)
        })
        .entry("12:00:05", "unix", 204, |log| {
            log.other("DELETE", "d/a.txt")
        })
        .entry("12:00:06", "unix", 204, |log| log.other("DELETE", "d/"))
        .put("12:00:07", PEER, 201, "d/a.txt", b"again")
}

#[test]
fn history_has_every_revision_and_deletion() {
    sample()
        .in_workdir()
        .run(["history", "log.txt", "d/a.txt"])
        .says(
            "1 1 2026-11-27T12:00:00Z 192.0.2.7 -   201 14 b6285c57e879 PUT d/a.txt\n\
         2 3 2026-11-27T12:00:02Z 192.0.2.8 ann 204 12 bc85caa9b61b PUT d/a.txt\n\
         - 6 2026-11-27T12:00:05Z unix      -   204  - -            DELETE d/a.txt\n\
         - 7 2026-11-27T12:00:06Z unix      -   204  - -            DELETE d/\n\
         3 8 2026-11-27T12:00:07Z 192.0.2.7 -   201  5 b4c9e14061c2 PUT d/a.txt\n",
        );
}

#[test]
fn history_of_a_log_without_a_seal_has_hashes_and_no_times() {
    let workdir = sample().in_workdir();
    fs::remove_file(workdir.path("log.txt.seal")).unwrap();
    let run = workdir.run(["history", "log.txt", "b.txt"]);
    run.says("1 4 - - - ok 5 d9298a10d1b0 PUT b.txt\n");
    let run = workdir.run(["history", "log.txt", "b.txt", "--json"]);
    let object: Value = serde_json::from_str(run.stdout()).unwrap();
    let hash = "d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa";
    assert_eq!(
        (&object["sha256"], &object["revision"]),
        (&hash.into(), &1.into())
    );
}

#[test]
fn history_spans_several_logs() {
    let (first, second) = sample().rotate();
    let second = second.put("13:00:00", PEER, 204, "b.txt", b"newer");
    let workdir = Workdir::new(&Log::default());
    first.write(&workdir, "log.txt.1", "log.txt.seal.1");
    second.write(&workdir, "log.txt", "log.txt.seal");
    let files = ["log.txt.1", "log.txt"];
    let run = workdir.run([&["history"], &files[..], &["b.txt"]].concat());
    let ends: Vec<_> = run
        .stdout()
        .lines()
        .map(|line| line.rsplit_once("PUT").unwrap())
        .collect();
    assert_eq!(ends.len(), 2, "{}", run.stdout());
    assert!(ends[0].0.starts_with("1 4 ") && ends[0].1 == " b.txt in log.txt.1");
    assert!(ends[1].0.starts_with("2 1 ") && ends[1].1 == " b.txt in log.txt");
    let run = workdir.run([&["history"], &files[..], &["b.txt", "--diff", "1", "2"]].concat());
    assert!(run.stdout().contains("-other\n"), "{}", run.stdout());
    assert!(run.stdout().contains("+newer\n"), "{}", run.stdout());
    for (time, expected) in [
        ("2026-11-27T12:59:59Z", "other"),
        ("2026-11-27T13:00:00Z", "newer"),
    ] {
        let run = workdir.run([&["extract"], &files[..], &["--at", time, "b.txt"]].concat());
        run.says(expected);
        let run = workdir.run([&["replay"], &files[..], &["rebuilt", "--until", time]].concat());
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert_eq!(
            fs::read_to_string(workdir.path("rebuilt/b.txt")).unwrap(),
            expected
        );
        assert_eq!(
            fs::read_to_string(workdir.path("rebuilt/d/a.txt")).unwrap(),
            "again"
        );
        fs::remove_dir_all(workdir.path("rebuilt")).unwrap();
    }
    let run = workdir.run([&["replay"], &files[..], &["rebuilt", "--until", "#1"]].concat());
    run.refuses("the number of an entry counts in one log: type one FILE, or a time");
    let run = workdir.run([&["extract"], &files[..], &["1"]].concat());
    run.refuses("the number of an entry counts in one log: type one FILE, or a time");
}

#[test]
fn sealed_logs_in_the_wrong_order_are_refused() {
    let (first, second) = sample().rotate();
    let (second, third) = second
        .put("13:00:00", PEER, 204, "b.txt", b"newer")
        .rotate();
    let workdir = Workdir::new(&Log::default());
    first.write(&workdir, "log.txt.2", "log.txt.seal.2");
    second.write(&workdir, "log.txt.1", "log.txt.seal.1");
    third.write(&workdir, "log.txt", "log.txt.seal");
    let commands = [
        &["replay", "LOGS", "rebuilt"][..],
        &["extract", "--at", "2026-11-28", "LOGS", "b.txt"],
        &["history", "LOGS", "b.txt"],
    ];
    let given = |command: &[&'static str], logs: &[&'static str]| -> Vec<_> {
        let mut words = command.to_vec();
        let at = words.iter().position(|word| *word == "LOGS").unwrap();
        words.splice(at..=at, logs.iter().copied());
        words
    };
    for command in commands {
        for (logs, older, newer) in [
            (&["log.txt", "log.txt.1"][..], "log.txt.1", "log.txt"),
            (
                &["log.txt.1", "log.txt.2", "log.txt"],
                "log.txt.2",
                "log.txt.1",
            ),
            (
                &["log.txt.2", "log.txt", "log.txt.1"],
                "log.txt.1",
                "log.txt",
            ),
        ] {
            workdir.run(given(command, logs)).refuses(&format!(
                "{older} is older than {newer} by their seals: type the oldest log first"
            ));
            assert!(!workdir.path("rebuilt").exists());
        }
        let run = workdir.run(given(command, &["log.txt.2", "log.txt.1", "log.txt"]));
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let _ = fs::remove_dir_all(workdir.path("rebuilt"));
    }
    // Without a seal, the user is responsible for the order.
    fs::remove_file(workdir.path("log.txt.seal.1")).unwrap();
    let run = workdir.run(["replay", "log.txt", "log.txt.1", "rebuilt"]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
}

#[test]
fn two_revisions_are_compared_as_diff_does() {
    let workdir = sample().in_workdir();
    let run = workdir.run(["history", "log.txt", "d/a.txt", "--diff", "1", "2"]);
    run.says(
        "--- d/a.txt\trevision 1 2026-11-27T12:00:00Z\n\
         +++ d/a.txt\trevision 2 2026-11-27T12:00:02Z\n\
         @@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n",
    );
    workdir
        .run(["history", "log.txt", "d/a.txt", "--diff", "2", "2"])
        .says("");
    workdir
        .run(["history", "log.txt", "d/a.txt", "--diff", "1", "4"])
        .refuses("`d/a.txt` has no revision 4, the last is 3");
    workdir
        .run(["history", "log.txt", "absent"])
        .refuses("nothing was stored or deleted under `absent`");
}

#[test]
fn only_texts_are_compared() {
    let workdir = SealedLog::new()
        .put("12:00:00", PEER, 201, "a", b"text")
        .put("12:00:01", PEER, 204, "a", b"\xff\xfe")
        .put("12:00:02", PEER, 204, "a", b"a\0b")
        .in_workdir();
    for (revision, reason) in [
        ("2", "is not text in UTF-8"),
        ("3", "is not text: it has a NUL byte"),
    ] {
        workdir
            .run(["history", "log.txt", "a", "--diff", "1", revision])
            .refuses(&format!(
                "`a`: revision {revision} {reason}; `httpserver-log extract` writes it to a file"
            ));
    }
}

#[test]
fn name_holds_at_a_time_what_was_stored_last() {
    let workdir = sample().in_workdir();
    for (at, name, expected) in [
        ("2026-11-27T12:00:00Z", "d/a.txt", "one\ntwo\nthree\n"),
        ("2026-11-27T12:00:01.999Z", "d/a.txt", "one\ntwo\nthree\n"),
        ("2026-11-27T12:00:04Z", "d/a.txt", "one\n2\nthree\n"),
        ("2026-11-27", "d/a.txt", "again"),
        ("#3", "d/a.txt", "one\n2\nthree\n"),
        ("#4", "b.txt", "other"),
    ] {
        workdir
            .run(["extract", "log.txt", "--at", at, name])
            .says(expected);
    }
    for (at, name, reason) in [
        (
            "2026-11-27T11:00:00Z",
            "d/a.txt",
            "`d/a.txt` was not stored up to then",
        ),
        (
            "2026-11-27T12:00:05Z",
            "d/a.txt",
            "`d/a.txt` was deleted by entry 6 at 2026-11-27T12:00:05.000000Z",
        ),
        (
            "2026-11-27T12:00:06Z",
            "d/other",
            "`d/other` was deleted by entry 7 at 2026-11-27T12:00:06.000000Z",
        ),
        ("#9", "b.txt", "log.txt: there is no entry 9, the last is 8"),
    ] {
        workdir
            .run(["extract", "log.txt", "--at", at, name])
            .refuses(reason);
    }
    fs::remove_file(workdir.path("log.txt.seal")).unwrap();
    workdir
        .run(["extract", "log.txt", "--at", "#3", "d/a.txt"])
        .says("one\n2\nthree\n");
    workdir.run(["extract", "log.txt", "--at", "2h", "d/a.txt"]).refuses(
        "--at needs the seal of log.txt, which has times, peers and users: there is no log.txt.seal",
    );
}

#[test]
fn directory_is_rebuilt_as_it_was() {
    let workdir = sample().in_workdir();
    let read = |name: &str| fs::read_to_string(workdir.path(&format!("then/{name}"))).ok();
    for (until, a, b) in [
        ("2026-11-27T11:59:59Z", None, None),
        ("2026-11-27T12:00:02Z", Some("one\n2\nthree\n"), None),
        ("#3", Some("one\n2\nthree\n"), None),
        (
            "2026-11-27T12:00:04Z",
            Some("one\n2\nthree\n"),
            Some("other"),
        ),
        ("#6", None, Some("other")),
        ("2026-11-27T12:00:06Z", None, Some("other")),
        ("2026-11-27T12:00", Some("again"), Some("other")),
    ] {
        let run = workdir.run(["replay", "log.txt", "then", "--until", until]);
        assert_eq!((run.status, &run.stderr[..]), (Some(0), ""), "{until}");
        assert_eq!(
            (read("d/a.txt").as_deref(), read("b.txt").as_deref()),
            (a, b),
            "{until}"
        );
        fs::remove_dir_all(workdir.path("then")).unwrap();
    }
    workdir
        .run(["replay", "log.txt", "then", "--until", "#9"])
        .refuses("log.txt: there is no entry 9, the last is 8");
    assert!(!workdir.path("then").exists());
}

/// A forged time must not decide what a directory held.
#[test]
fn directory_is_not_rebuilt_where_times_do_not_match() {
    let mut sealed = sample();
    let seal = String::from_utf8(sealed.seal).unwrap();
    sealed.seal = seal.replacen("T12:00:03", "T12:30:03", 1).into_bytes();
    let workdir = sealed.in_workdir();
    let reason = "log.txt: the time of the entry at byte 188 is not known: it does not match the seal; \
                  `httpserver-log check` shows what was altered";
    let time = "2026-11-27T12:00:04Z";
    workdir
        .run(["replay", "log.txt", "then", "--until", time])
        .refuses(reason);
    workdir
        .run(["extract", "log.txt", "--at", time, "b.txt"])
        .refuses(reason);
    assert!(!workdir.path("then").exists());
    // Earlier entries are known.
    let before = "2026-11-27T12:00:01Z";
    workdir
        .run(["extract", "log.txt", "--at", before, "d/a.txt"])
        .says("one\ntwo\nthree\n");
}

#[test]
fn entries_before_the_seal_began_are_older_than_it() {
    let log = Log::default().put("a", b"early");
    let workdir = SealedLog::behind(log)
        .put("12:00:00", PEER, 204, "a", b"late")
        .in_workdir();
    for (at, expected) in [
        ("2026-11-27T11:00:00Z", "early"),
        ("2026-11-27T12:00:00Z", "late"),
    ] {
        workdir
            .run(["extract", "log.txt", "--at", at, "a"])
            .says(expected);
    }
    let run = workdir.run(["extract", "log.txt", "--at", "2026-11-26", "a"]);
    run.refuses(
        "log.txt: the time of the entry at byte 0 is not known: it was made before the log was sealed, at \
         2026-11-27T00:00:00.000000Z",
    );
}
