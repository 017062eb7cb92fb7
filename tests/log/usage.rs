//! Wrong command lines: one line on stderr, and exit status 2.

use crate::log::{Log, Workdir};

/// The commands, where a row has `{commands}`.
const COMMANDS: &str = "type `check`, `list`, `extract`, `replay`, `history`, `merge`, `stats`, `seal-key`, `checkpoint` or `sign-key`; `httpserver-log --help` explains them";

/// What is typed after `httpserver-log `, and the sentence on stderr.
const WRONG: &[(&str, &str)] = &[
    ("", "a command is missing: {commands}"),
    ("frobnicate", "`frobnicate` is not a command: {commands}"),
    ("log.txt", "`log.txt` is not a command: {commands}"),
    ("help nothing", "`nothing` is not a command: {commands}"),
    (
        "--json",
        "there is no option `--json`; usage: httpserver-log <COMMAND>",
    ),
    (
        "check",
        "<FILE>... is missing; usage: httpserver-log check <FILE>...",
    ),
    (
        "extract",
        "<FILE>... is missing; usage: httpserver-log extract [OPTIONS] <FILE>... <N|NAME>",
    ),
    (
        "replay log.txt",
        "<DIR> is missing; usage: httpserver-log replay [OPTIONS] <FILE>... <DIR>",
    ),
    (
        "sign-key sign.key",
        "--name <NAME> is missing; usage: httpserver-log sign-key --name <NAME> <FILE>",
    ),
    (
        "sign-key",
        "--name <NAME> and <FILE> are missing; usage: httpserver-log sign-key --name <NAME> <FILE>",
    ),
    (
        "seal-key a b",
        "`b` is one argument too many; usage: httpserver-log seal-key [OPTIONS] <STATE>",
    ),
    (
        "list log.txt --jsn",
        "there is no option `--jsn`: did you mean `--json`?",
    ),
    (
        "chek log.txt",
        "`chek` is not a command: did you mean `check`?",
    ),
    (
        "stats log.txt --by hour",
        "`hour` is not a value of `--by <WHAT>`: type day, peer or user",
    ),
    (
        "stats log.txt --by",
        "`--by` needs a value: type `--by <WHAT>`",
    ),
    (
        "history log.txt a --diff 1",
        "`--diff` has too few values: type `--diff <A> <B>`",
    ),
    (
        "history log.txt a --diff 0 1",
        "`0` is not the number of a revision, which is 1 or more",
    ),
    (
        "history log.txt a --diff one two",
        "`one` is not the number of a revision, which is 1 or more",
    ),
    (
        "list log.txt --since -1h",
        "`-1h` is not a time: type 2026-11-27T12:30:00Z (RFC 3339), 2026-11-27, 12:30 (today, in UTC) or 2h (ago)",
    ),
    (
        "replay log.txt d --until #0",
        "`#0` is not `#` and the number of an entry, which is 1 or more",
    ),
    (
        "sign-key sign.key --name a+b",
        "`a+b`: the name of a key must be a word without `+`, such as example.org/log",
    ),
    (
        "check log.txt --verify-key key",
        "--grown-from <FILE> is missing; usage: httpserver-log check --grown-from <FILE> --verify-key <FILE> <FILE>...",
    ),
    (
        "list log.txt -x",
        "there is no option `-x`; usage: httpserver-log list [OPTIONS] <FILE>...",
    ),
    (
        "list log.txt --json --json",
        "`--json` is given twice: type it once",
    ),
    (
        "list log.txt --json=yes",
        "`--json` takes no value, and has `yes`: leave `=yes` out",
    ),
    (
        "list log.txt --name",
        "`--name` needs a value: type `--name <PATTERN>`",
    ),
    (
        "history log.txt a --json --diff 1 2",
        "`--json` and `--diff <A> <B>` exclude each other: type one of them",
    ),
    (
        "check log.txt --against",
        "`--against` needs a value: type `--against <DIR>`",
    ),
    (
        "extract log.txt 1 -o",
        "`--output` needs a value: type `--output <OUT>`",
    ),
    (
        "extract log.txt -1",
        "there is no option `-1`; usage: httpserver-log extract [OPTIONS] <FILE>... <N|NAME>",
    ),
];

#[test]
fn wrong_command_line_has_one_sentence_and_status_2() {
    let workdir = Workdir::new(&Log::default());
    for (typed, expected) in WRONG {
        let run = workdir.run(typed.split_whitespace());
        let expected = expected.replace("{commands}", COMMANDS);
        assert_eq!(
            (run.status, run.stdout(), &run.stderr[..]),
            (Some(2), "", &format!("httpserver-log: {expected}\n")[..]),
            "{typed}"
        );
    }
}

#[test]
fn empty_argument_and_other_bytes_than_utf_8_are_named() {
    let workdir = Workdir::new(&Log::default());
    for (typed, expected) in [
        (&["check", ""][..], "an argument is empty: type <FILE>..."),
        (
            &["replay", "log.txt", ""],
            "an argument is empty: type <FILE>...",
        ),
        (
            &["list", "log.txt", "--since", ""],
            "`` is not a time: type ",
        ),
        (&["", "log.txt"], "`` is not a command: type `check`, "),
    ] {
        let run = workdir.run(typed.iter().copied());
        assert_eq!((run.status, run.stdout()), (Some(2), ""), "{typed:?}");
        let expected = format!("httpserver-log: {expected}");
        assert!(run.stderr.starts_with(&expected), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

#[test]
fn no_sentence_has_words_of_the_language() {
    let workdir = Workdir::new(&Log::default());
    let options = "--diff=0 --diff=a --since=0 --until=x --peer=x --by=0 --at=#x --name=[ --user= --key= -x=1";
    for command in [
        "check", "list", "history", "extract", "replay", "merge", "stats",
    ] {
        for option in options.split(' ') {
            let run = workdir.run([command, "log.txt", "a", option]);
            assert!(run.stderr.lines().count() <= 1, "{}", run.stderr);
            for word in [
                "non-zero",
                "digit found",
                "invalid value",
                "required",
                "subcommand",
                "os error",
            ] {
                assert!(!run.stderr.contains(word), "{}", run.stderr);
            }
        }
    }
}

#[test]
fn help_calls_commands_commands() {
    let workdir = Workdir::new(&Log::default());
    for typed in [
        &["--help"][..],
        &["-h"],
        &["help"],
        &["help", "list"],
        &["help", "help"],
    ] {
        let run = workdir.run(typed.iter().copied());
        assert_eq!((run.status, &run.stderr[..]), (Some(0), ""), "{typed:?}");
        assert!(!run.stdout().contains("subcommand"), "{}", run.stdout());
    }
}

#[test]
fn number_of_an_entry_is_a_whole_number_from_1() {
    let workdir = Workdir::new(&Log::default());
    for typed in ["0", "one", "1.5", "99999999999999999999"] {
        let run = workdir.run(["extract", "log.txt", typed]);
        let expected = format!(
            "httpserver-log: `{typed}` is not the number of an entry, which is 1 or more\n"
        );
        assert_eq!((run.status, run.stdout()), (Some(2), ""), "{typed}");
        assert_eq!(run.stderr, expected);
    }
}

#[test]
fn sentence_is_one_line_whatever_was_typed() {
    let workdir = Workdir::new(&Log::default());
    let run = workdir.run(["a\nb\u{1b}"]);
    assert_eq!((run.status, run.stderr.lines().count()), (Some(2), 1));
    assert!(
        run.stderr
            .starts_with("httpserver-log: `a\\nb\\u{1b}` is not"),
        "{}",
        run.stderr
    );
    workdir
        .run(["check", "absent\n"])
        .refuses("absent\\n: No such file or directory");
}
