//! `list` and `stats`: the output for entries.

use crate::log::{Log, Workdir};

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
fn each_entry_has_one_aligned_line() {
    Workdir::new(&sample()).run(["list", "log.txt"]).says(
        "     1            0           36  ok      PUT      ABCDEFarqdeXYZxyzf012345-ab\n\
         \u{20}    2          177            0  ok      GET      ABCDEFarqdeXYZxyzf012345-ab\n\
         \u{20}    3          227            -  400     GET      abcd\n\
         \u{20}    4          277            0  ok      GET      /\n\
         \u{20}    5          301            1  ok      PUT      a%20b/100%25\n\
         \u{20}    6          348            -  500     BREW     coffee\n",
    );
}

#[test]
fn columns_are_aligned_whatever_the_names() {
    let log = Log::default()
        .put("a", &[7; 1000])
        .put(&"n/".repeat(500), b"")
        .put("\u{202e}\u{1f980}", b"")
        .other("GET", "a");
    let run = Workdir::new(&log).run(["list", "log.txt"]);
    let lines: Vec<_> = run.stdout().lines().collect();
    for (line, method) in lines.iter().zip(["PUT", "PUT", "PUT", "GET"]) {
        assert_eq!(line.find(method), Some(42), "{line}");
        assert_eq!(line.as_bytes()[50], b' ');
        assert_ne!(line.as_bytes()[51], b' ');
    }
    assert_eq!(lines.len(), 4);
}

#[test]
fn decoded_names_are_text_with_control_characters_escaped() {
    let log = Log::default()
        .put("caf\u{e9}/a b.txt", b"")
        .put("\u{1b}[2Jgone\n", b"")
        .failed("GET", "caf%C3%A9\u{202e}", 404);
    let workdir = Workdir::new(&log);
    workdir.run(["list", "log.txt", "--decoded"]).says(
        "     1            0            0  ok      PUT      caf\u{e9}/a b.txt\n\
         \u{20}    2           42            0  ok      PUT      \\x1b[2Jgone\\n\n\
         \u{20}    3           78            -  404     GET      caf\u{e9}\\u{202e}\n",
    );
    let run = workdir.run(["list", "log.txt", "--decoded", "--json"]);
    let decoded: Vec<_> = run
        .stdout()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["decoded"].clone())
        .collect();
    assert_eq!(
        decoded,
        ["caf\u{e9}/a b.txt", "\u{1b}[2Jgone\n", "caf\u{e9}\u{202e}"]
    );
}

/// A script that counts the list has the same result as `stats`.
#[test]
fn methods_are_the_same_in_list_and_stats() {
    let log = sample().failed("PROPFIND", "x", 500).failed("-", "-", 408);
    let workdir = Workdir::new(&log);
    let mut of_list = std::collections::BTreeMap::new();
    for line in workdir.run(["list", "log.txt"]).stdout().lines() {
        let cells: Vec<_> = line.split_whitespace().collect();
        *of_list
            .entry((cells[4].to_owned(), cells[3].to_owned()))
            .or_insert(0_u64) += 1;
    }
    let run = workdir.run(["stats", "log.txt"]);
    let of_stats = run
        .stdout()
        .lines()
        .skip(3)
        .take_while(|line| !line.is_empty())
        .map(|line| {
            let cells: Vec<_> = line.split_whitespace().collect();
            let key = (cells[2].to_owned(), cells[1].to_owned());
            (key, cells[0].parse::<u64>().unwrap())
        })
        .collect();
    assert_eq!(of_list, of_stats);
}

#[test]
fn torn_entries_have_their_lines() {
    let log = Log::default()
        .raw(b"PUT a length 3\n000")
        .nuls(24)
        .nuls(7)
        .other("GET", "b");
    Workdir::new(&log).run(["list", "log.txt"]).says(
        "     1            0            3  torn    PUT      a\n\
         \u{20}    -           42            -  torn    -        -\n\
         \u{20}    2           49            0  ok      GET      b\n",
    );
}

#[test]
fn json_has_one_object_per_line() {
    let run = Workdir::new(&sample().nuls(3)).run(["list", "log.txt", "--json"]);
    let lines: Vec<serde_json::Value> = run
        .stdout()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(
        lines[0],
        serde_json::json!({
            "number": 1, "offset": 0, "length": 177, "method": "PUT", "name": NAME, "bytes": 36,
            "status": "ok", "failed": false, "torn": false, "sealed": null, "seal_number": null, "time": null,
            "peer": null, "port": null, "user": null, "sha256": null, "server": null, "version": null,
        })
    );
    assert_eq!(
        lines[2],
        serde_json::json!({
            "number": 3, "offset": 227, "length": 50, "method": "GET", "name": "abcd", "bytes": null,
            "status": 400, "failed": true, "torn": false, "sealed": null, "seal_number": null, "time": null,
            "peer": null, "port": null, "user": null, "sha256": null, "server": null, "version": null,
        })
    );
    assert_eq!(
        lines[6],
        serde_json::json!({
            "number": null, "offset": 401, "length": 3, "method": null, "name": null, "bytes": null,
            "status": "torn", "failed": false, "torn": true, "sealed": null, "seal_number": null, "time": null,
            "peer": null, "port": null, "user": null, "sha256": null, "server": null, "version": null,
        })
    );
}

#[test]
fn filters_select_entries() {
    let workdir = Workdir::new(&sample());
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
        let run = workdir.run([&["list", "log.txt"], arguments].concat());
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
    let run = Workdir::new(&sample().raw(b"x")).run(["list", "log.txt"]);
    assert_eq!((run.status, run.stdout().lines().count()), (Some(1), 6));
    assert_eq!(
        run.stderr,
        "httpserver-log: log.txt: corrupt entry at byte 401: expected a header line at byte 401, found `x`\n"
    );
}

#[test]
fn stats_are_a_table() {
    Workdir::new(&sample().raw(b"PUT "))
        .run(["stats", "log.txt"])
        .says(
            "log.txt: 6 entries, 405 bytes\n\
         \n\
         \u{20}   requests  status  method\n\
         \u{20}          1  500     BREW\n\
         \u{20}          2  ok      GET\n\
         \u{20}          1  400     GET\n\
         \u{20}          2  ok      PUT\n\
         \n\
         stored   37 bytes\n\
         largest  36 bytes, entry 1, ABCDEFarqdeXYZxyzf012345-ab\n\
         names    3\n\
         torn     1\n",
        );
}

#[test]
fn stats_are_one_json_object() {
    let workdir = Workdir::new(&sample());
    let run = workdir.run_with(["stats", "-", "--json"], &sample().0);
    let found: serde_json::Value = serde_json::from_str(run.stdout()).unwrap();
    let expected = serde_json::json!({
        "entries": 6, "torn": 0, "bytes": 401, "stored": 37, "names": 3,
        "largest": { "name": NAME, "length": 36, "number": 1 },
        "requests": [
            { "method": "BREW", "status": 500, "requests": 1 },
            { "method": "GET", "status": "ok", "requests": 2 },
            { "method": "GET", "status": 400, "requests": 1 },
            { "method": "PUT", "status": "ok", "requests": 2 },
        ],
    });
    assert_eq!(found, expected);
}
