//! `list` and `stats`: what is shown of entries.

use crate::log::{Desk, Log};

const NAME: &str = "ABCDEFarqdeXYZxyzf012345-ab";

fn sample() -> Log {
    Log::default()
        .put(NAME, b"ehllo; hello again; and once more.\n\n")
        .other("GET", NAME)
        .failed("GET", "abcd", 400)
        .other("GET", "")
        .put("a b/100%", b"x")
        .failed("BREW", "coffee", 500)
}

#[test]
fn one_aligned_line_per_entry() {
    Desk::new(&sample()).run(["list", "log.txt"]).says(
        "     1            0  PUT      ABCDEFarqdeXYZxyzf012345-ab           36  ok\n\
         \u{20}    2          177  GET      ABCDEFarqdeXYZxyzf012345-ab            0  ok\n\
         \u{20}    3          227  GET      abcd                                   -  400\n\
         \u{20}    4          277  GET      /                                      0  ok\n\
         \u{20}    5          301  PUT      a%20b/100%25                           1  ok\n\
         \u{20}    6          348  BREW     coffee                                 -  500\n",
    );
}

#[test]
fn torn_entries_have_their_lines() {
    let log = Log::default()
        .raw(b"PUT a length 3\n000")
        .nuls(24)
        .nuls(7)
        .other("GET", "b");
    Desk::new(&log).run(["list", "log.txt"]).says(
        "     1            0  PUT      a                                      3  torn\n\
         \u{20}    -           42  -        -                                      -  torn\n\
         \u{20}    2           49  GET      b                                      0  ok\n",
    );
}

#[test]
fn json_lines() {
    let run = Desk::new(&sample().nuls(3)).run(["list", "log.txt", "--json"]);
    let lines: Vec<serde_json::Value> = run
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[0],
        serde_json::json!({
            "number": 1, "offset": 0, "kind": "PUT", "name": NAME, "length": 36, "status": "ok", "failed": false,
        })
    );
    assert_eq!(
        lines[2],
        serde_json::json!({
            "number": 3, "offset": 227, "kind": "GET", "name": "abcd", "length": null, "status": 400, "failed": true,
        })
    );
    assert_eq!(
        lines[6],
        serde_json::json!({
            "number": null, "offset": 401, "kind": null, "name": null, "length": null, "status": "torn", "failed": false,
        })
    );
}

#[test]
fn filters() {
    let desk = Desk::new(&sample());
    for (arguments, expected) in [
        (&["--name", NAME][..], &[1, 2][..]),
        (&["--name", "abcd"], &[3]),
        (&["--name", "a b/100%"], &[5]),
        (&["--name", "a%20b/100%25"], &[5]),
        (&["--name", "nobody"], &[]),
        (&["--failed"], &[3, 6]),
        (&["--failed", "--name", "abcd"], &[3]),
        (&["--failed", "--name", NAME], &[]),
    ] {
        let run = desk.run([&["list", "log.txt"], arguments].concat());
        let numbers: Vec<u64> = run
            .stdout()
            .lines()
            .map(|line| line.split_whitespace().next().unwrap().parse().unwrap())
            .collect();
        assert_eq!(numbers, expected, "{arguments:?}");
    }
}

#[test]
fn a_corrupt_entry_ends_the_list() {
    let run = Desk::new(&sample().raw(b"x")).run(["list", "log.txt"]);
    assert_eq!((run.status, run.stdout().lines().count()), (Some(1), 6));
    assert_eq!(
        run.stderr,
        "httpserver-log: log.txt: corrupt entry at byte 401: expected a header line at byte 401, found `x`\n"
    );
}

#[test]
fn stats_as_a_table() {
    Desk::new(&sample().raw(b"PUT "))
        .run(["stats", "log.txt"])
        .says(
            "log.txt: 6 entries, 405 bytes\n\
         \n\
         kind     status  requests\n\
         GET      ok             2\n\
         GET      400            1\n\
         PUT      ok             2\n\
         other    500            1\n\
         \n\
         stored   37 bytes\n\
         largest  36 bytes, entry 1, ABCDEFarqdeXYZxyzf012345-ab\n\
         names    3\n\
         torn     1\n",
        );
}

#[test]
fn stats_as_json() {
    let desk = Desk::new(&sample());
    let run = desk.run_with(["stats", "-", "--json"], &sample().0);
    let found: serde_json::Value = serde_json::from_str(run.stdout()).unwrap();
    let expected = serde_json::json!({
        "entries": 6, "torn": 0, "bytes": 401, "stored": 37, "names": 3,
        "largest": { "name": NAME, "length": 36, "number": 1 },
        "requests": [
            { "kind": "GET", "status": "ok", "requests": 2 },
            { "kind": "GET", "status": 400, "requests": 1 },
            { "kind": "PUT", "status": "ok", "requests": 2 },
            { "kind": "other", "status": 500, "requests": 1 },
        ],
    });
    assert_eq!(found, expected);
}
