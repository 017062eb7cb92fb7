//! Wrong command lines: one line on stderr, and exit status 2.

use crate::log::{Log, Workdir};

#[test]
fn wrong_command_line_has_one_sentence_and_status_2() {
    const SUBCOMMANDS: &str = "`check`, `list`, `extract`, `replay`, `history`, `merge`, `stats`, `seal-key`, `checkpoint` or `sign-key`; `httpserver-log --help` explains them";
    let workdir = Workdir::new(&Log::default());
    for (typed, expected) in [
        ("", format!("a command is missing: {SUBCOMMANDS}")),
        (
            "frobnicate",
            format!("`frobnicate` is not a command: {SUBCOMMANDS}"),
        ),
        (
            "log.txt",
            format!("`log.txt` is not a command: {SUBCOMMANDS}"),
        ),
        (
            "help nothing",
            format!("`nothing` is not a command: {SUBCOMMANDS}"),
        ),
        (
            "--json",
            "there is no option `--json`; usage: httpserver-log <COMMAND>".into(),
        ),
        (
            "check",
            "<FILE>... is missing; usage: httpserver-log check <FILE>...".into(),
        ),
        (
            "extract",
            "<FILE>... is missing; usage: httpserver-log extract [OPTIONS] <FILE>... <N|NAME>"
                .into(),
        ),
        (
            "replay log.txt",
            "<DIR> is missing; usage: httpserver-log replay [OPTIONS] <FILE>... <DIR>".into(),
        ),
        (
            "sign-key sign.key",
            "--name <NAME> is missing; usage: httpserver-log sign-key --name <NAME> <FILE>".into(),
        ),
        (
            "sign-key",
            "--name <NAME> and <FILE> are missing; usage: httpserver-log sign-key --name <NAME> <FILE>"
                .into(),
        ),
        (
            "seal-key a b",
            "`b` is one argument too many; usage: httpserver-log seal-key [OPTIONS] <STATE>".into(),
        ),
        (
            "list log.txt --jsn",
            "there is no option `--jsn`, but `--json`".into(),
        ),
        (
            "list log.txt -x",
            "there is no option `-x`; usage: httpserver-log list [OPTIONS] <FILE>...".into(),
        ),
        (
            "list log.txt --json --json",
            "`--json` is given twice".into(),
        ),
        (
            "list log.txt --json=yes",
            "`--json` takes no value, `yes` is too much".into(),
        ),
        (
            "list log.txt --name",
            "`--name <PATTERN>` needs a value".into(),
        ),
        (
            "history log.txt a --json --diff 1 2",
            "`--json` does not go with `--diff <A> <B>`".into(),
        ),
        (
            "check log.txt --against",
            "`--against <DIR>` needs a value".into(),
        ),
        (
            "extract log.txt 1 -o",
            "`--output <OUT>` needs a value".into(),
        ),
        (
            "extract log.txt -1",
            "there is no option `-1`; usage: httpserver-log extract [OPTIONS] <FILE>... <N|NAME>"
                .into(),
        ),
    ] {
        let run = workdir.run(typed.split_whitespace());
        assert_eq!(
            (run.status, run.stdout(), &run.stderr[..]),
            (Some(2), "", &format!("httpserver-log: {expected}\n")[..]),
            "{typed}"
        );
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
