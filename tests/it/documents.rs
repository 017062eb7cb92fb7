//! Runs the commands in README and the other pages, and compares their output with the pages.
//!
//! A block `sh` has commands; a block `console` has commands behind `$ `, each followed by its output. The blocks of a
//! page run in order, in a network of their own, in which every port is free. Those with `sh` run in a directory of their
//! own, which has a file `public/a.txt`; those with `console` run as in another terminal, which stays where it was. A
//! command that starts a server runs beside the later ones; `cargo run --release --` starts the program that is tested.
//! A block that cannot run here states this in its first line, and is listed here.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::home::Home;
use crate::support::namespace::in_network_namespace;
use crate::support::process::finish;
use crate::support::requirements::is_there;
use crate::support::tree::write;

/// The beginning of the first line of a block that is not run.
const NOT_RUN: &str = "# not run by the tests: ";

/// The blocks that are not run: page and second line.
const LEFT_OUT: &[(&str, &str)] = &[
    ("README.md", "printf 'ann:%s"),
    ("README.md", "cargo build --release"),
    ("README.md", "podman build"),
    ("README.md", "cargo test  "),
    ("examples/README.md", "cargo build --release"),
];

/// Languages of blocks that hold no commands.
const OTHER_LANGUAGES: [&str; 9] = [
    "text",
    "logrotate",
    "log",
    "hex",
    "rows",
    "abnf",
    "combined",
    "json",
    "rust",
];

/// The specification of the log has logs in front of its commands, with which another test runs them.
const SPECIFICATION: &str = "docs/log-format.md";

/// The beginning of a command.
const PROGRAMS: [&str; 6] = [
    "$ ",
    "httpserver ",
    "httpserver-log ",
    "cargo ",
    "curl ",
    "mkdir ",
];

/// Starts servers, and stops one if a later server needs its port.
const SERVERS: &str = r#"
    home=$PWD
    servers=() count=0
    stop() { kill "${servers[@]}"; wait "${servers[@]}"; servers=(); }
    launch() {
        started="$home/.started.$((++count))"
        : >"$started"
        (cd "$home" && exec "$@") >"$started" 2>&1 & server=$!
        until grep -q '^listening on ' "$started"; do
            kill -0 $server 2>/dev/null || return 1
        done
        servers+=($server)
    }
    start() {
        launch "$@" || { grep -q 'in use' "$started" && stop && launch "$@"; } || { cat "$started"; exit 1; }
    }
    ip link set lo up
    trap stop EXIT
"#;

/// A fenced block of a page.
#[derive(Debug, PartialEq, Eq)]
struct Block {
    /// Counted from 1; that of its fence.
    line: usize,
    language: String,
    text: String,
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// README, the page of the examples, and what is in `docs`.
fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned(), "examples/README.md".to_owned()];
    for entry in fs::read_dir(repository().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_page = Path::new(&name).extension() == Some("md".as_ref());
        pages.extend(is_page.then(|| format!("docs/{name}")));
    }
    pages.sort();
    pages
}

fn page(name: &str) -> String {
    fs::read_to_string(repository().join(name)).unwrap()
}

/// The fenced blocks of a page, and the numbers of indented lines that are commands.
fn blocks(page: &str) -> (Vec<Block>, Vec<usize>) {
    let (mut blocks, mut indented) = (Vec::<Block>::new(), Vec::new());
    let mut is_open = false;
    for (line, text) in (1..).zip(page.lines()) {
        if let Some(language) = text.trim_start().strip_prefix("```") {
            if !is_open {
                blocks.push(Block {
                    line,
                    language: language.to_owned(),
                    text: String::new(),
                });
            }
            is_open = !is_open;
        } else if is_open {
            blocks.last_mut().unwrap().text.extend([text, "\n"]);
        } else if let Some(text) = text.strip_prefix("    ")
            && PROGRAMS.iter().any(|program| text.starts_with(program))
        {
            indented.push(line);
        }
    }
    assert!(!is_open, "a block does not end");
    (blocks, indented)
}

/// A line of a shell script: a server is started beside it.
fn script_line(command: &str) -> String {
    match command.strip_prefix("cargo run --release -- ") {
        Some(arguments) => format!("start httpserver {arguments}\n"),
        None if command.starts_with("httpserver ") => format!("start {command}\n"),
        None => format!("{command}\n"),
    }
}

/// The bash script for a block; it prints a transcript, which also shows a failure without output.
fn script(block: &Block) -> String {
    let mut script = String::new();
    if block.language == "console" {
        for command in block
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("$ "))
        {
            let shown = format!("$ {command}").replace('\'', r"'\''");
            script.extend(["printf '%s\\n' '", &shown, "'\n", &script_line(command)]);
        }
        return script;
    }
    script += "other_terminal=$PWD; cd \"$home\"\n";
    for command in block.text.lines() {
        script.extend([&script_line(command), "test $? = 0 || echo failed\n"]);
    }
    script + "cd \"$other_terminal\"\n"
}

/// Removes the differences between runs and between versions of curl.
fn comparable(text: &str) -> String {
    let text = text.replace('\r', "");
    let text = text.replace("HTTP/1.1 100 Continue\n\n", "");
    let lines = text.lines().map(|line| match line.split_once(": ") {
        Some((name @ ("Date" | "Last-Modified" | "ETag"), _)) => format!("{name}\n"),
        _ => format!("{line}\n"),
    });
    lines.collect::<Vec<_>>().concat()
}

#[test]
fn commands_of_pages_print_what_stands_there() {
    if !(is_there("curl") && is_there("ip")) {
        return;
    }
    for name in pages().iter().filter(|name| *name != SPECIFICATION) {
        let (blocks, _) = blocks(&page(name));
        let run: Vec<_> = blocks
            .iter()
            .filter(|block| ["sh", "console"].contains(&block.language.as_str()))
            .filter(|block| !block.text.starts_with(NOT_RUN))
            .collect();
        if run.is_empty() {
            continue;
        }
        let home = Home::new();
        let demo = home.path().join("demo");
        let demo = demo.to_str().unwrap();
        let socket = home.path().join("socket");
        let socket = socket.to_str().unwrap();
        write(&home.root(), "public/a.txt", "hello\n");
        let mut whole = SERVERS.to_owned();
        for block in &run {
            let number = block.line.to_string();
            let commands = script(block)
                .replace("/tmp/demo", demo)
                .replace("/run/httpserver.sock", socket);
            whole.extend(["echo '\x01", &number, "'\n", &commands]);
        }
        let path = home.path().join("script");
        fs::write(&path, whole).unwrap();
        let arguments = [path.to_str().unwrap()];
        let Some(mut command) = in_network_namespace("exec bash \"$0\" 2>&1", &arguments) else {
            return;
        };
        let program = PathBuf::from(env!("CARGO_BIN_EXE_httpserver"));
        let paths = std::env::var("PATH").unwrap();
        let paths = format!("{}:{paths}", program.parent().unwrap().display());
        command.current_dir(home.root()).env("PATH", paths);
        let output = finish(command, b"");
        let transcript = String::from_utf8(output.stdout).unwrap();
        let transcript = transcript.replace(demo, "/tmp/demo");
        for block in run {
            let begin = format!("\x01{}\n", block.line);
            let (_, printed) = transcript
                .split_once(&begin)
                .unwrap_or_else(|| panic!("{name} line {}: not reached\n{transcript}", block.line));
            let (printed, _) = printed.split_once('\x01').unwrap_or((printed, ""));
            let expected = match block.language.as_str() {
                "console" => comparable(&block.text),
                _ => String::new(),
            };
            assert_eq!(comparable(printed), expected, "{name} line {}", block.line);
        }
    }
}

#[test]
fn every_block_is_run_or_says_why_not() {
    let mut left_out = Vec::new();
    for name in pages() {
        let (blocks, indented) = blocks(&page(&name));
        assert!(
            indented.is_empty(),
            "{name}, line {indented:?}: commands stand in a block ```sh or ```console"
        );
        for block in blocks {
            let is_run = ["sh", "console"].contains(&block.language.as_str());
            let at = format!("{name} line {}", block.line);
            let language = block.language.as_str();
            assert!(
                is_run || OTHER_LANGUAGES.contains(&language),
                "{at}: what is '{language}'?"
            );
            if is_run && block.text.starts_with(NOT_RUN) {
                left_out.push((
                    name.clone(),
                    block.text.lines().nth(1).unwrap_or_default().to_owned(),
                ));
            }
        }
    }
    assert_eq!(left_out.len(), LEFT_OUT.len(), "{left_out:#?}");
    for ((page, line), (expected_page, start)) in left_out.iter().zip(LEFT_OUT) {
        assert!(
            page == expected_page && line.starts_with(start),
            "{left_out:#?}"
        );
    }
}

#[test]
fn blocks_and_indented_commands_are_found() {
    let page = "a\n```sh\nb\n\nc\n```\n    curl x\n    text\n```console\n$ d\n    $ e\n```\n";
    let block = |line, language: &str, text: &str| Block {
        line,
        language: language.to_owned(),
        text: text.to_owned(),
    };
    let expected = vec![
        block(2, "sh", "b\n\nc\n"),
        block(9, "console", "$ d\n    $ e\n"),
    ];
    assert_eq!(blocks(page), (expected, vec![7]));
}
