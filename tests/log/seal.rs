//! The findings of `check`: each test alters a log that the real server has written and sealed.

use std::fs;
use std::path::{Path, PathBuf};

use httpserver::seal::chain::Hash;
use httpserver::seal::text::push_chain;

use super::Run;
use crate::support::home::Home;
use crate::support::process::log_tool;
use crate::support::seal::{for_each_entry, seal_path};
use crate::support::setup::Setup;

/// A log and its seal in memory, to be forged.
struct Pair {
    log: Vec<u8>,
    /// Without their line feeds.
    lines: Vec<String>,
    /// Where entries are in the log, as the seal has it at first.
    entries: Vec<(usize, usize)>,
}

impl Pair {
    fn read(log: &Path) -> Self {
        let mut entries = Vec::new();
        for_each_entry(&seal_path(log), |entry| {
            let start = usize::try_from(entry.offset).unwrap();
            entries.push((start, start + usize::try_from(entry.length).unwrap()));
        });
        let seal = fs::read_to_string(seal_path(log)).unwrap();
        Self {
            log: fs::read(log).unwrap(),
            lines: seal.lines().map(str::to_owned).collect(),
            entries,
        }
    }

    fn write(&self, log: &Path) {
        fs::write(log, &self.log).unwrap();
        fs::write(seal_path(log), self.lines.join("\n") + "\n").unwrap();
    }

    /// The bytes of entry `number`.
    fn entry(&self, number: usize) -> Vec<u8> {
        let (start, end) = self.entries[number - 1];
        self.log[start..end].to_vec()
    }

    /// The index of the line of entry `number`.
    fn line(&self, number: usize) -> usize {
        let beginning = format!("{number} ");
        let mut lines = self.lines.iter();
        lines.position(|line| line.starts_with(&beginning)).unwrap()
    }

    fn remove(&mut self, number: usize) {
        let (start, end) = self.entries[number - 1];
        self.log.drain(start..end);
    }

    fn swap(&mut self, number: usize) {
        let (start, middle) = self.entries[number - 1];
        let end = self.entries[number].1;
        self.log[start..end].rotate_left(middle - start);
    }

    /// Changes a line of an entry.
    fn alter_line(&mut self, number: usize, from: &str, to: &str) {
        let line = self.line(number);
        assert!(self.lines[line].contains(from), "{}", self.lines[line]);
        self.lines[line] = self.lines[line].replacen(from, to, 1);
    }

    /// Changes the last digit of an entry's time.
    fn alter_time(&mut self, number: usize) {
        let line = self.line(number);
        let mut words: Vec<_> = self.lines[line].split(' ').map(str::to_owned).collect();
        let time = words[3].trim_end_matches('Z');
        words[3] = if time == "=" {
            ".000000".to_owned()
        } else {
            let (rest, digit) = time.split_at(time.len() - 1);
            let other = if digit == "0" { "1" } else { "0" };
            let end = &words[3][time.len()..];
            format!("{rest}{other}{end}")
        };
        self.lines[line] = words.join(" ");
    }

    /// Recomputes the chain values of all lines.
    fn chain_anew(&mut self) {
        let mut chain = Hash::ZERO;
        for line in &mut self.lines {
            let (text, _) = line.rsplit_once(' ').unwrap();
            chain = chain.chained(text.as_bytes());
            let mut chained = text.as_bytes().to_vec();
            push_chain(&mut chained, &chain);
            chained.pop();
            *line = String::from_utf8(chained).unwrap();
        }
    }
}

/// A home with a sealed log, the state of its key, and the verification key.
fn sealed() -> Home {
    let home = Home::new();
    let made = tool(&home, &["seal-key", "key"]);
    assert_eq!(made.status, Some(0), "{}", made.stderr);
    fs::write(home.path().join("key.txt"), &made.bytes).unwrap();
    serve(&home, &["--log-append"]);
    home
}

/// Has a server make some entries.
fn serve(home: &Home, options: &[&str]) {
    let options = [options, &["--writable", "--seal", "--seal-key", "key"]].concat();
    let mut server = Setup::at(home, &[&["--web"], &options[..]].concat()).start();
    for (target, content) in [
        ("PUT /a.txt", "one"),
        ("PUT /a.txt", "two"),
        ("GET /a.txt", ""),
        ("PUT /sub/b.txt", "another one that is longer"),
        ("PUT /c.txt", "six"),
        ("GET /c.txt", ""),
        ("GET /absent", ""),
        ("DELETE /a.txt", ""),
    ] {
        let fields = format!("Content-Length: {}\r\n", content.len());
        server.ask(target, &fields, content.as_bytes());
    }
    server.stop();
}

fn tool(home: &Home, arguments: &[&str]) -> Run {
    let output = log_tool(home.path(), arguments, b"");
    Run {
        status: output.status.code(),
        bytes: output.stdout,
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs `check` and compares its exit status; returns its output.
#[track_caller]
fn check(home: &Home, arguments: &[&str], status: i32) -> String {
    let run = tool(home, &[&["check"], arguments].concat());
    assert_eq!(
        (run.status, &run.stderr[..]),
        (Some(status), ""),
        "{}",
        run.stdout()
    );
    run.stdout().to_owned()
}

#[test]
fn whole_log_is_proven_except_for_the_listed_gaps() {
    let home = sealed();
    let said = check(&home, &["log.txt"], 0);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 4, "{said}");
    assert!(lines[0].starts_with("log.txt: 8 entries, "), "{said}");
    assert!(
        lines[1].starts_with("log.txt.seal: 8 sealed entries from 2"),
        "{said}"
    );
    assert!(lines[1].ends_with(": nothing was altered"), "{said}");
    assert!(
        lines[2].starts_with("not proven: the origin of the seal: "),
        "{said}"
    );
    assert!(lines[2].ends_with(", which --key verifies"), "{said}");
    assert!(
        lines[3].starts_with("not proven: the end: it could have been cut off"),
        "{said}"
    );
    let said = check(&home, &["log.txt", "--key", "key.txt", "--state", "key"], 0);
    let last = said.lines().last().unwrap();
    assert_eq!(last, "proven: the end: key is of the last line", "{said}");
    assert!(!said.contains("not proven"), "{said}");
    // A directory can be compared, too.
    let said = check(&home, &["log.txt", "--against", "root"], 0);
    assert!(
        said.contains("root: 3 names compared, 0 differ, 0 not in the log\n"),
        "{said}"
    );
}

/// An alteration of a log and its seal, and the output of `check`.
struct Forgery {
    what: &'static str,
    forge: fn(&mut Pair),
    said: &'static [&'static str],
}

const FORGERIES: &[Forgery] = &[
    Forgery {
        what: "content is altered in a superseded version",
        forge: |pair| {
            let (start, end) = pair.entries[0];
            let digit = end - 11;
            assert!(pair.log[start..].starts_with(b"PUT a.txt length 3\n"));
            pair.log[digit] = if pair.log[digit] == b'5' { b'6' } else { b'5' };
        },
        said: &[
            "entry 1 (",
            "PUT a.txt length 3) was altered: its content has SHA-256 ",
        ],
    },
    Forgery {
        what: "a name is altered",
        forge: |pair| {
            let (start, _) = pair.entries[2];
            pair.log[start + 4] = b'b';
        },
        said: &[
            "entry 3 (",
            "was altered: its first line in the log is `GET b.txt length 0`",
        ],
    },
    Forgery {
        what: "a row is broken",
        forge: |pair| {
            let (_, end) = pair.entries[3];
            pair.log[end - 11] = b'x';
        },
        said: &["entry 4 (", "was altered: corrupt entry at byte "],
    },
    Forgery {
        what: "an entry is removed",
        forge: |pair| pair.remove(3),
        said: &["entry 3 (", "GET a.txt length 0) was removed from the log"],
    },
    Forgery {
        what: "an entry and its line are removed",
        forge: |pair| {
            pair.remove(3);
            let line = pair.line(3);
            pair.lines.remove(line);
        },
        said: &["the line of entry 3 was removed from the seal"],
    },
    Forgery {
        what: "two entries are swapped",
        forge: |pair| pair.swap(3),
        said: &["was moved: it is at byte "],
    },
    Forgery {
        what: "two entries of one length are swapped",
        forge: |pair| pair.swap(1),
        said: &["was moved: it is at byte "],
    },
    Forgery {
        what: "two lines are swapped",
        forge: |pair| {
            let (one, other) = (pair.line(3), pair.line(4));
            pair.lines.swap(one, other);
        },
        said: &["entry 3 (", "its line was moved"],
    },
    Forgery {
        what: "an entry is invented",
        forge: |pair| {
            let (start, _) = pair.entries[2];
            let invented = b"DELETE c.txt length 0\n========\n";
            pair.log.splice(start..start, invented.iter().copied());
        },
        said: &[
            "an entry was added to the log at byte ",
            ": `DELETE c.txt length 0`",
        ],
    },
    Forgery {
        what: "an entry is repeated",
        forge: |pair| {
            let (start, _) = pair.entries[2];
            let entry = pair.entry(1);
            pair.log.splice(start..start, entry);
        },
        said: &[
            "an entry was added to the log at byte ",
            ": `PUT a.txt length 3`",
        ],
    },
    Forgery {
        what: "an entry is invented with its line",
        forge: |pair| {
            let (start, end) = pair.entries[7];
            let entry = pair.entry(3);
            pair.log.splice(end..end, entry.iter().copied());
            assert!(pair.log[start..].starts_with(b"DELETE a.txt"));
            let line = pair.lines[pair.line(8)].replacen("8 ", "9 ", 1);
            pair.lines.push(line);
        },
        said: &["entry 9 (", "its line in the seal was altered"],
    },
    Forgery {
        what: "the head of the log is cut",
        forge: |pair| {
            let (start, _) = pair.entries[2];
            pair.log.drain(..start);
        },
        said: &[
            "2 entries were removed from the log: from entry 1 (",
            "to entry 2 (",
        ],
    },
    Forgery {
        what: "the head of both is cut",
        forge: |pair| {
            let (start, _) = pair.entries[2];
            pair.log.drain(..start);
            let line = pair.line(3);
            pair.lines.drain(..line);
        },
        said: &[
            "the head of the seal was cut",
            "the lines of entries 1 to 2 were removed",
        ],
    },
    Forgery {
        what: "a time is altered",
        forge: |pair| pair.alter_time(2),
        said: &["entry 2 (", "its line in the seal was altered"],
    },
    Forgery {
        what: "a peer is altered",
        forge: |pair| pair.alter_line(2, " 127.0.0.1:", " 127.0.0.2:"),
        said: &["entry 2 (", "its line in the seal was altered"],
    },
    Forgery {
        what: "a user is altered",
        forge: |pair| pair.alter_line(2, " 127.0.0.1:", " ann@127.0.0.1:"),
        said: &["entry 2 (", "its line in the seal was altered"],
    },
    Forgery {
        what: "a status is altered",
        forge: |pair| pair.alter_line(2, " 204 ", " 201 "),
        said: &["entry 2 (", "its line in the seal was altered"],
    },
    Forgery {
        what: "the end of the log is cut",
        forge: |pair| {
            let (start, _) = pair.entries[6];
            pair.log.truncate(start);
        },
        said: &[
            "2 entries were cut off the end of the log",
            "from entry 7 (",
            "to entry 8 (",
        ],
    },
    Forgery {
        what: "something no seal holds is among the lines",
        forge: |pair| pair.lines.insert(3, "nothing happened".to_owned()),
        said: &["the seal was altered: line 4 is not one of a seal"],
    },
];

#[test]
fn forgeries_are_named() {
    let home = sealed();
    let original = Pair::read(&home.log_path());
    for Forgery { what, forge, said } in FORGERIES {
        original.write(&home.log_path());
        let mut pair = Pair::read(&home.log_path());
        forge(&mut pair);
        pair.write(&home.log_path());
        let output = check(&home, &["log.txt"], 1);
        for part in *said {
            assert!(output.contains(part), "{what}: no {part:?} in\n{output}");
        }
        // Unchanged parts are not reported as altered.
        assert!(!output.contains("entry 5 ("), "{what}:\n{output}");
        assert!(output.lines().count() <= 8, "{what}:\n{output}");
    }
    original.write(&home.log_path());
    check(&home, &["log.txt"], 0);
}

#[test]
fn recomputed_chain_is_found_with_the_key() {
    let home = sealed();
    let mut pair = Pair::read(&home.log_path());
    pair.alter_line(2, " 127.0.0.1:", " 127.0.0.2:");
    pair.chain_anew();
    pair.write(&home.log_path());
    let said = check(&home, &["log.txt"], 0);
    assert!(
        said.contains("not proven: the origin of the seal"),
        "{said}"
    );
    let said = check(&home, &["log.txt", "--key", "key.txt"], 1);
    let wrong = "something after entry 1, up to entry 2, was altered, and the chain was recomputed";
    assert!(said.contains(wrong), "{said}");
    // The state knows the last chain value.
    let said = check(&home, &["log.txt", "--state", "key"], 1);
    assert!(said.contains("key: the seal was recomputed"), "{said}");
}

#[test]
fn removed_codes_are_found_with_the_key() {
    let home = sealed();
    let mut pair = Pair::read(&home.log_path());
    let is_code = |line: &&String| line.starts_with("mac ");
    let codes = pair.lines.iter().filter(is_code).count();
    pair.lines.retain(|line| !line.starts_with("mac 2 "));
    pair.chain_anew();
    pair.write(&home.log_path());
    let said = check(&home, &["log.txt", "--key", "key.txt"], 1);
    assert!(
        said.contains("those of the keys 2 to 2 are missing"),
        "{said}"
    );
    // The codes of the last lines are missing, too.
    let last = pair.lines.pop().unwrap();
    assert!(last.starts_with("mac "), "{last}");
    pair.write(&home.log_path());
    let said = check(&home, &["log.txt", "--key", "key.txt"], 1);
    assert!(
        said.contains("the last 1 line has no authentication code"),
        "{said}"
    );
    pair.lines.retain(|line| !line.starts_with("mac "));
    pair.chain_anew();
    pair.write(&home.log_path());
    let said = check(&home, &["log.txt", "--key", "key.txt"], 1);
    assert!(
        said.contains("log.txt.seal: there are no authentication codes"),
        "{said}"
    );
    let said = check(&home, &["log.txt"], 0);
    assert!(
        said.contains("not proven: the origin of the seal: it has no"),
        "{said}"
    );
    assert!(codes > 5, "{codes}");
}

/// Three files of one log, oldest first.
fn three_files() -> (Home, [String; 3]) {
    let home = sealed();
    for name in ["log.txt.2", "log.txt.1"] {
        serve(&home, &[]);
        let kept: Vec<_> = home.kept_logs().into_keys().collect();
        let kept = kept
            .iter()
            .filter(|suffix| suffix.len() > 10 && !suffix.starts_with("seal"));
        let [suffix] = &kept.collect::<Vec<_>>()[..] else {
            panic!("one is kept")
        };
        let path = |name: &str| home.path().join(name);
        let seal = name.replace("log.txt", "log.txt.seal");
        fs::rename(path(&format!("log.txt.{suffix}")), path(name)).unwrap();
        fs::rename(path(&format!("log.txt.seal.{suffix}")), path(&seal)).unwrap();
    }
    let names = ["log.txt.2", "log.txt.1", "log.txt"];
    (home, names.map(str::to_owned))
}

#[test]
fn files_that_follow_each_other_are_verified_together() {
    let (home, [first, second, third]) = three_files();
    let proof = ["--key", "key.txt", "--state", "key"];
    // In whatever order they are named.
    for files in [[&first, &second, &third], [&third, &first, &second]] {
        let files = files.map(String::as_str);
        let said = check(&home, &[&files[..], &proof].concat(), 0);
        assert!(said.contains("proven: the end"), "{said}");
        assert!(!said.contains("not proven"), "{said}");
    }
    let said = check(&home, &[&first, &third], 1);
    let missing = "log.txt: does not continue log.txt.2: 1 file is missing in between";
    assert!(said.contains(missing), "{said}");
    // The newest pair is gone.
    let said = check(&home, &[&first, &second], 0);
    assert!(
        said.contains("not proven: anything after log.txt.1: the log continues in log.txt"),
        "{said}"
    );
    let said = check(&home, &[&first, &second, "--state", "key"], 1);
    assert!(
        said.contains("the end was cut off, or the newest files are missing"),
        "{said}"
    );
    let said = check(&home, &[&third], 0);
    assert!(
        said.contains("not proven: what is before log.txt: 2 files of the seal"),
        "{said}"
    );
    // The end of one in the middle is cut.
    let path = home.path().join(&second);
    let seal = home.path().join("log.txt.seal.1");
    let lines = fs::read_to_string(&seal).unwrap();
    let lines: Vec<_> = lines.lines().collect();
    fs::write(&seal, lines[..lines.len() - 2].join("\n") + "\n").unwrap();
    assert!(path.exists());
    let said = check(&home, &[&first, &second, &third], 1);
    assert!(
        said.contains("log.txt: does not continue log.txt.1: 2 lines were cut off its end"),
        "{said}"
    );
}

/// Log, seal and state as they are, to be put back.
fn copies(home: &Home) -> Vec<(PathBuf, Vec<u8>)> {
    let names = ["log.txt", "log.txt.seal", "key"];
    let paths = names.map(|name| home.path().join(name));
    paths
        .map(|path| (path.clone(), fs::read(&path).unwrap()))
        .into()
}

#[test]
fn cut_end_and_older_state_are_found_with_the_state_or_a_checkpoint() {
    let home = sealed();
    let made = tool(
        &home,
        &["sign-key", "sign.key", "--name", "example.org/log"],
    );
    fs::write(home.path().join("sign.pub"), &made.bytes).unwrap();
    let checkpoint = |name: &str| {
        let made = tool(&home, &["checkpoint", "log.txt", "--sign-key", "sign.key"]);
        assert_eq!(made.status, Some(0), "{}", made.stderr);
        fs::write(home.path().join(name), &made.bytes).unwrap();
    };
    checkpoint("old");
    let before = copies(&home);
    serve(&home, &["--log-append"]);
    checkpoint("new");
    let signed = ["--verify-key", "sign.pub"];
    let said = check(
        &home,
        &["log.txt", "--grown-from", "old", signed[0], signed[1]],
        0,
    );
    assert!(said.contains("proven: since old ("), "{said}");
    assert!(!said.contains("signature"), "{said}");
    let said = check(&home, &["log.txt", "--grown-from", "old"], 0);
    assert!(
        said.contains("not proven: the signature of the checkpoint"),
        "{said}"
    );

    // The state is rolled back.
    let newer = copies(&home);
    fs::write(&before[2].0, &before[2].1).unwrap();
    let said = check(&home, &["log.txt", "--state", "key"], 1);
    assert!(
        said.contains("behind the seal: the server runs or was killed, or an older state"),
        "{said}"
    );
    // The end of log and seal is cut.
    fs::write(&newer[2].0, &newer[2].1).unwrap();
    for (path, content) in &before[..2] {
        fs::write(path, content).unwrap();
    }
    let said = check(&home, &["log.txt"], 0);
    assert!(said.contains("not proven: the end"), "{said}");
    let said = check(&home, &["log.txt", "--state", "key"], 1);
    assert!(
        said.contains("key: the end was cut off, or the newest files are missing"),
        "{said}"
    );
    // All three are rolled back: only a checkpoint kept elsewhere shows it.
    fs::write(&before[2].0, &before[2].1).unwrap();
    check(&home, &["log.txt", "--state", "key", "--key", "key.txt"], 0);
    let said = check(&home, &["log.txt", "--grown-from", "new"], 1);
    assert!(
        said.contains("new: the end was cut off, or the newest files are missing"),
        "{said}"
    );
    // And the other entries that are written then.
    serve(&home, &["--log-append"]);
    serve(&home, &["--log-append"]);
    let said = check(
        &home,
        &["log.txt", "--grown-from", "new", "--key", "key.txt"],
        1,
    );
    assert!(said.contains("new: the seal was recomputed"), "{said}");

    // A checkpoint that was changed, or signed with another key.
    let note = fs::read_to_string(home.path().join("old")).unwrap();
    fs::write(
        home.path().join("old"),
        note.replacen("entries 8", "entries 9", 1),
    )
    .unwrap();
    let run = tool(
        &home,
        &[
            "check",
            "log.txt",
            "--grown-from",
            "old",
            signed[0],
            signed[1],
        ],
    );
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (Some(1), "httpserver-log: old: its signature is wrong\n")
    );
}

#[test]
fn altered_seal_gets_no_checkpoint() {
    let home = sealed();
    tool(&home, &["sign-key", "sign.key", "--name", "a"]);
    let mut pair = Pair::read(&home.log_path());
    pair.alter_line(2, " 127.0.0.1:", " 127.0.0.2:");
    pair.write(&home.log_path());
    let run = tool(&home, &["checkpoint", "log.txt", "--sign-key", "sign.key"]);
    assert_eq!((run.status, run.stdout()), (Some(1), ""));
    assert!(
        run.stderr
            .starts_with("httpserver-log: log.txt.seal: entry 2 (")
            && run.stderr.contains("its line in the seal was altered"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_log_without_a_seal_is_not_called_proven() {
    let home = sealed();
    fs::rename(seal_path(&home.log_path()), home.path().join("gone")).unwrap();
    for proof in [["--key", "key.txt"], ["--state", "key"]] {
        let run = tool(&home, &["check", "log.txt", proof[0], proof[1]]);
        assert_eq!(run.status, Some(1));
        let said = "httpserver-log: log.txt: there is no seal, log.txt.seal\n";
        assert_eq!(run.stderr, said);
    }
}

#[test]
fn keys_are_made_once_and_only_their_owner_may_read_them() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::new();
    let made = tool(&home, &["seal-key", "key", "--qr"]);
    let said = made.stdout();
    let key = said.lines().next().unwrap();
    assert!(key.starts_with("seal-key-1:") && key.len() == 75, "{said}");
    assert!(said.lines().count() > 10, "{said}");
    let state = home.path().join("key");
    let content = fs::read_to_string(&state).unwrap();
    assert_eq!(
        fs::metadata(&state).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let again = tool(&home, &["seal-key", "key"]);
    assert_eq!(
        (again.status, again.stdout(), &again.stderr[..]),
        (
            Some(1),
            "",
            "httpserver-log: key: it exists, and a key in it would be lost: type a name that is free\n"
        )
    );
    assert_eq!(fs::read_to_string(&state).unwrap(), content);
}
