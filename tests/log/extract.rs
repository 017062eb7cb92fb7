//! `extract`: any version of any file.

use crate::log::{Log, Workdir};
use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;

fn sample() -> Log {
    Log::default()
        .put("a", b"first")
        .other("GET", "a")
        .failed("PUT", "bad", 400)
        .put("a", b"")
        .put("a", &every_byte())
}

/// More than is read at a time.
fn every_byte() -> Vec<u8> {
    (0..=255).cycle().take(50_007).collect()
}

#[test]
fn content_is_written_to_standard_output() {
    let workdir = Workdir::new(&sample());
    for (number, expected) in [("1", &b"first"[..]), ("4", b""), ("5", &every_byte())] {
        let run = workdir.run(["extract", "log.txt", number]);
        assert_eq!(
            (run.status, &run.bytes[..], &run.stderr[..]),
            (Some(0), expected, ""),
            "{number}"
        );
    }
    assert_eq!(
        workdir.run_with(["extract", "-", "5"], &sample().0).bytes,
        every_byte()
    );
}

#[test]
fn content_is_written_to_a_file() {
    let workdir = Workdir::new(&sample());
    fs::write(workdir.path("old"), "old").unwrap();
    symlink("old", workdir.path("link")).unwrap();
    for out in ["new", "old", "link"] {
        workdir.run(["extract", "log.txt", "5", "-o", out]).says("");
        assert_eq!(fs::read(workdir.path(out)).unwrap(), every_byte(), "{out}");
    }
    assert!(
        fs::symlink_metadata(workdir.path("link"))
            .unwrap()
            .is_symlink()
    );
    assert_eq!(
        fs::read_dir(workdir.path(".")).unwrap().count(),
        4,
        "nothing else is left behind"
    );
}

#[test]
fn entry_without_content_is_an_error() {
    let workdir = Workdir::new(&sample());
    for (number, expected) in [
        (
            "2",
            "log.txt: entry 2 is a GET and stored nothing; only a PUT stores bytes",
        ),
        (
            "3",
            "log.txt: entry 3 is a PUT that failed with 400 and stored nothing; only a PUT stores bytes",
        ),
        ("6", "log.txt: there is no entry 6, the last is 5"),
    ] {
        workdir
            .run(["extract", "log.txt", number])
            .refuses(expected);
    }
}

#[test]
fn a_torn_entry_replaces_no_file() {
    let mut log = sample();
    log.0.truncate(log.len() - 1);
    let workdir = Workdir::new(&log);
    fs::write(workdir.path("old"), "old").unwrap();
    let run = workdir.run(["extract", "log.txt", "5", "-o", "old"]);
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr
            .starts_with("httpserver-log: log.txt: torn entry at byte "),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read(workdir.path("old")).unwrap(), b"old");
    assert_eq!(
        fs::read_dir(workdir.path(".")).unwrap().count(),
        2,
        "nothing is left behind"
    );
}

#[test]
fn entry_after_a_torn_one_is_extracted() {
    let workdir = Workdir::new(
        &Log::default()
            .nuls(50)
            .put("a", b"first")
            .raw(b"PUT a length 1\n")
            .nuls(20 + 1)
            .put("b", b"x"),
    );
    assert_eq!(workdir.run(["extract", "log.txt", "1"]).bytes, b"first");
    assert_eq!(workdir.run(["extract", "log.txt", "3"]).bytes, b"x");
}

/// A socket represents devices: with a real device, a mistake in the tool would replace it.
#[test]
fn irregular_file_is_not_replaced() {
    let workdir = Workdir::new(&sample());
    let _socket = UnixListener::bind(workdir.path("socket")).unwrap();
    fs::create_dir(workdir.path("dir")).unwrap();
    for out in ["socket", "dir"] {
        workdir
            .run(["extract", "log.txt", "1", "-o", out])
            .refuses(&format!("{out}: exists and is not a regular file"));
    }
    workdir
        .run(["extract", "log.txt", "1", "-o", "absent/x"])
        .refuses("absent/x: No such file or directory");
}
