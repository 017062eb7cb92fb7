//! `check`: sound, torn and corrupt logs, and directories beside them.

use crate::log::{Log, Workdir};
use crate::support::deep::{DeepTree, LEVELS};
use crate::support::process::limited_log_tool;
use std::fs;
use std::os::unix::fs::symlink;

fn sample() -> Log {
    Log::default()
        .put("a", b"first")
        .put("sub/b", &[7; 100])
        .other("GET", "a")
        .failed("GET", "x", 400)
        .put("a", b"second")
}

#[test]
fn sound_log_has_a_summary_and_status_0() {
    let log = sample();
    let workdir = Workdir::new(&log);
    workdir.run(["check", "log.txt"]).says(&format!(
        "log.txt: 5 entries, {} bytes, no gap, no overlap\n",
        log.len()
    ));
    let expected = format!("-: 5 entries, {} bytes, no gap, no overlap\n", log.len());
    workdir.run_with(["check", "-"], &log.0).says(&expected);
}

#[test]
fn empty_log_is_sound() {
    Workdir::new(&Log::default())
        .run(["check", "log.txt"])
        .says("log.txt: 0 entries, 0 bytes, no gap, no overlap\n");
}

#[test]
fn torn_entries_are_listed_and_the_rest_is_checked() {
    let log = Log::default()
        .other("GET", "a")
        .raw(b"PUT a length 21\n000")
        .nuls(87)
        .other("GET", "b")
        .nuls(5)
        .other("GET", "c")
        .raw(b"GET ");
    let workdir = Workdir::new(&log);
    let run = workdir.run(["check", "log.txt"]);
    assert_eq!((run.status, &run.stderr[..]), (Some(1), ""));
    assert_eq!(
        run.stdout(),
        "log.txt: torn entry at byte 24: expected row offset 00000000 at byte 43, found NUL bytes up to byte 130 (entry 2, PUT a length 21)\n\
         log.txt: torn entry at byte 154: expected the first line of an entry at byte 154, found NUL bytes up to byte 159\n\
         log.txt: torn entry at byte 183: expected a name at byte 187, found the end of the file\n\
         log.txt: 3 entries whole, 3 torn, 187 bytes\n"
    );
}

#[test]
fn a_corrupt_entry_ends_the_check() {
    let mut log = sample();
    let at = log.0.windows(2).position(|two| two == b" 6").unwrap() + 1;
    log.0[at] = b'G';
    let workdir = Workdir::new(&log);
    workdir.run(["check", "log.txt"]).refuses(&format!(
        "log.txt: corrupt entry at byte 0: expected a lower-case hex digit in row 00000000 at byte {at}, found `G`"
    ));
}

#[test]
fn equal_directory_has_no_difference() {
    let workdir = Workdir::new(&sample().put("gone", b"x").other("DELETE", "gone"));
    fs::create_dir_all(workdir.path("d/sub")).unwrap();
    fs::write(workdir.path("d/a"), "second").unwrap();
    fs::write(workdir.path("d/sub/b"), [7; 100]).unwrap();
    fs::rename(workdir.path("log.txt"), workdir.path("d/log.txt")).unwrap();
    fs::write(workdir.path("d/sub/old"), "older than the log").unwrap();
    let run = workdir.run(["check", "d/log.txt", "--against", "d"]);
    assert_eq!((run.status, &run.stderr[..]), (Some(0), ""));
    let (_, of_dir) = run.stdout().split_once('\n').unwrap();
    assert_eq!(
        of_dir,
        "d/sub/old: note: not in the log\nd: 3 names compared, 0 differ, 1 not in the log\n"
    );
}

#[test]
fn each_difference_is_named() {
    let log = Log::default()
        .put("changed", b"0123456789")
        .put("deleted", b"x")
        .other("DELETE", "deleted")
        .put("dir", b"x")
        .put("link", b"secret")
        .put("long", b"0123456789")
        .put("missing", b"x")
        .put("same", b"same")
        .put("short", b"0123456789")
        .put("../up", b"x");
    let workdir = Workdir::new(&log);
    fs::create_dir_all(workdir.path("d/dir")).unwrap();
    fs::write(workdir.path("secret"), "secret").unwrap();
    symlink(workdir.path("secret"), workdir.path("d/link")).unwrap();
    for (name, content) in [
        ("changed", "0123x56789"),
        ("deleted", "x"),
        ("long", "0123456789+"),
        ("same", "same"),
        ("short", "012345678"),
    ] {
        fs::write(workdir.path("d").join(name), content).unwrap();
    }
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert_eq!((run.status, &run.stderr[..]), (Some(1), ""));
    let (_, of_dir) = run.stdout().split_once('\n').unwrap();
    assert_eq!(
        of_dir,
        "d/../up: the name would leave the directory (entry 10 stored 1 byte)\n\
         d/changed: differs at byte 4 (entry 1 stored 10 bytes)\n\
         d/deleted: still there (entry 3 deleted it)\n\
         d/dir: is a directory (entry 4 stored 1 byte)\n\
         d/link: a symbolic link leads out of the directory, or in circles (entry 5 stored 6 bytes)\n\
         d/long: goes on at byte 10 (entry 6 stored 10 bytes)\n\
         d/missing: missing (entry 7 stored 1 byte)\n\
         d/short: ends at byte 9 (entry 9 stored 10 bytes)\n\
         d: 9 names compared, 8 differ, 0 not in the log\n"
    );
}

/// Contents larger than what is read at a time, equal but for their last byte.
#[test]
fn a_large_file_is_compared_to_its_end() {
    let mut content = vec![1; 100_003];
    let workdir = Workdir::new(&Log::default().put("a", &content));
    fs::create_dir(workdir.path("d")).unwrap();
    fs::write(workdir.path("d/a"), &content).unwrap();
    assert_eq!(
        workdir.run(["check", "log.txt", "--against", "d"]).status,
        Some(0)
    );
    content[100_002] = 2;
    fs::write(workdir.path("d/a"), &content).unwrap();
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert!(
        run.stdout()
            .contains("d/a: differs at byte 100002 (entry 1 stored 100003 bytes)"),
        "{}",
        run.stdout()
    );
}

#[test]
fn a_torn_entry_is_mentioned_where_its_name_differs() {
    let workdir = Workdir::new(&Log::default().put("a", b"old").raw(b"PUT a length 3\n"));
    fs::create_dir(workdir.path("d")).unwrap();
    fs::write(workdir.path("d/a"), "new").unwrap();
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert_eq!(run.status, Some(1));
    let expected =
        "d/a: differs at byte 0 (entry 1 stored 3 bytes); the torn entry at byte 42 names it too\n";
    assert!(run.stdout().contains(expected), "{}", run.stdout());
}

#[test]
fn against_needs_a_file_and_a_directory() {
    let workdir = Workdir::new(&sample());
    workdir.run(["check", "-", "--against", "."]).refuses(
        "-: --against reads the log twice, which standard input does not allow: type a file",
    );
    let run = workdir.run(["check", "log.txt", "--against", "absent"]);
    assert_eq!(
        (run.status, &run.stderr[..]),
        (
            Some(1),
            "httpserver-log: absent: No such file or directory\n"
        )
    );
}

/// As many descriptors as for any other tree, and no path that is longer than a path may be.
#[test]
fn depth_of_the_directory_costs_no_descriptors() {
    let workdir = Workdir::new(&Log::default().put("a", b"first"));
    fs::create_dir(workdir.path("d")).unwrap();
    fs::write(workdir.path("d/a"), "first").unwrap();
    let deep = DeepTree::new(&workdir.path("d"));
    deep.place("bottom");
    let arguments = ["check", "log.txt", "--against", "d"];
    let output = limited_log_tool(&workdir.path(""), &arguments, "ulimit -n 12");
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert_eq!((output.status.code(), &stderr[..]), (Some(0), ""));
    let (_, of_dir) = stdout.split_once('\n').unwrap();
    let bottom = "d/".repeat(LEVELS + 1);
    assert_eq!(
        of_dir,
        format!(
            "{bottom}bottom: note: not in the log\nd: 1 name compared, 0 differ, 1 not in the log\n"
        )
    );
}

/// Changes that `check` cannot find, as its help says, and changes that it finds.
#[test]
fn check_finds_the_changes_that_its_help_names() {
    const LOG: &str = "PUT a length 2\n00000000 68 69\n========\nDELETE b length 0\n========\n\
        FAIL: GET x HTTP/1.1 --- response 404\n========\n";
    let entries: Vec<_> = LOG.split_inclusive("========\n").collect();
    let check = |log: &str| {
        let workdir = Workdir::new(&Log::default().raw(log.as_bytes()));
        workdir.run(["check", "log.txt"]).status
    };
    assert_eq!(check(LOG), Some(0));
    for (from, to) in [
        (" 68", " 78"),
        ("PUT a", "PUT c"),
        ("DELETE b", "GET b"),
        ("DELETE b", "PUT b"),
        ("GET x", "PUT x"),
        ("GET x", "GET y"),
        ("1.1", "1.0"),
        ("404", "599"),
        (entries[0], ""),
        (entries[2], ""),
        (entries[1], &entries[1].repeat(2)),
        (entries[1], &entries[0].repeat(3)),
    ] {
        assert_eq!(check(&LOG.replacen(from, to, 1)), Some(0), "{from} -> {to}");
    }
    for (from, to) in [
        (" 68", " 6g"),
        (" 68", " 6A"),
        (" 68", ""),
        ("length 2", "length 3"),
        ("length 2", "length 02"),
        ("length 0", "length 1"),
        ("00000000", "00000001"),
        ("\n========", "========"),
        ("========", "======="),
        ("PUT a", "GET a"),
        ("PUT a", "PUT a%41"),
        ("404", "200"),
        ("FAIL:", "fail:"),
        ("404\n========\n", "404\n"),
        (" 69\n", " 69 00\n"),
        ("HTTP/1.1", "HTTP /1.1"),
    ] {
        assert_eq!(check(&LOG.replacen(from, to, 1)), Some(1), "{from} -> {to}");
    }
}

/// A server removes what another left unfinished. A reader is not a server.
#[test]
fn check_and_replay_leave_unfinished_uploads_alone() {
    const UNFINISHED: &str = ".httpserver-0123456789abcdef";
    let workdir = Workdir::new(&Log::default().put("a", b"first"));
    fs::create_dir(workdir.path("d")).unwrap();
    fs::write(workdir.path("d").join(UNFINISHED), "half").unwrap();
    workdir
        .run(["replay", "log.txt", "d", "--force"])
        .says("d: 1 file, 5 bytes, from 1 entry\n");
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert_eq!(run.status, Some(0), "{}", run.stdout());
    assert!(workdir.path("d").join(UNFINISHED).exists());
    assert_eq!(fs::read_dir(workdir.path("d")).unwrap().count(), 2);
}

#[test]
fn deleted_name_of_a_dangling_link_is_still_there() {
    let workdir = Workdir::new(&Log::default().put("a", b"x").other("DELETE", "a"));
    fs::create_dir(workdir.path("d")).unwrap();
    symlink("nowhere", workdir.path("d/a")).unwrap();
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stdout()
            .contains("d/a: still there (entry 2 deleted it)\n"),
        "{}",
        run.stdout()
    );
}

#[test]
fn deleted_directory_that_is_there_and_empty_differs() {
    let log = Log::default()
        .other("DELETE", "gone/")
        .other("DELETE", "empty/")
        .other("DELETE", "file/")
        .other("DELETE", "full/")
        .other("DELETE", "made/")
        .put("made/f", b"")
        .other("DELETE", "made/f");
    let workdir = Workdir::new(&log);
    for directory in ["d/empty", "d/full", "d/made"] {
        fs::create_dir_all(workdir.path(directory)).unwrap();
    }
    for file in ["d/file", "d/full/f"] {
        fs::write(workdir.path(file), "").unwrap();
    }
    let run = workdir.run(["check", "log.txt", "--against", "d"]);
    assert_eq!(run.status, Some(1));
    let expected = "d/empty: the empty directory is still there (entry 2 deleted it)\n\
        d/file: still there (entry 3 deleted it)\n\
        d/full/f: note: not in the log\n\
        d: 6 names compared, 2 differ, 1 not in the log\n";
    assert!(run.stdout().ends_with(expected), "{}", run.stdout());
}
