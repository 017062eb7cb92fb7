//! The texts of `-h` and `--help`: kept texts, output on a terminal, and agreement with README.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::home::Home;
use crate::support::process::finish;
use crate::support::terminal::Terminal;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The output for `flag` at this many columns.
fn help(flag: &str, columns: u16) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.arg(flag).env("COLUMNS", columns.to_string());
    let output = finish(command, b"");
    assert!(output.status.success(), "{flag}: {}", output.status);
    assert_eq!(output.stderr, b"", "{flag}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_matches_the_kept_text() {
    for (flag, columns, file) in [
        ("-h", 80, "h-80.txt"),
        ("-h", 120, "h-120.txt"),
        ("--help", 80, "help-80.txt"),
        ("--help", 120, "help-120.txt"),
    ] {
        let path: PathBuf = repository().join("tests/help").join(file);
        let kept = fs::read_to_string(&path).unwrap_or_default();
        let update = format!("COLUMNS={columns} cargo run -- {flag} > tests/help/{file}");
        assert!(
            help(flag, columns) == kept,
            "if the text is right now: {update}\n{}",
            help(flag, columns)
        );
    }
}

#[test]
fn a_summary_fits_a_screen_of_24_rows() {
    let text = help("-h", 80);
    let rows_above_the_prompt = 23;
    assert!(text.lines().count() <= rows_above_the_prompt, "{text}");
    assert!(text.contains("27 characters"), "{text}");
    assert!(text.contains("A-Z a-z 0-9 - _"), "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
}

/// The output of `--help` on a terminal of this many columns.
fn on_terminal(columns: u16) -> String {
    let terminal = Terminal::new(columns);
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.arg("--help").env_remove("COLUMNS");
    command.stdin(Stdio::null()).stdout(terminal.line());
    terminal.run(command).replace("\r\n", "\n")
}

#[test]
fn help_is_as_wide_as_the_terminal() {
    for columns in [72, 80, 90, 100] {
        assert!(on_terminal(columns) == help("--help", columns), "{columns}");
    }
    assert!(on_terminal(300) == help("--help", 100));
}

/// An option with its names, its description, and its default.
#[derive(Debug, PartialEq, Eq)]
struct Entry {
    names: String,
    said: String,
    default: String,
}

/// The options in the text of `--help`, in order.
fn entries_of_help() -> Vec<Entry> {
    let text = help("--help", 100);
    let column = text
        .lines()
        .find(|line| line.starts_with("  -h "))
        .and_then(|line| line.find("Print"))
        .unwrap();
    let mut entries: Vec<(String, String)> = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if !line.starts_with("  -") && !line.starts_with("      -") {
            continue;
        }
        let mut said = line[column..].trim().to_owned();
        while let Some(more) = lines.next_if(|line| line.starts_with(&" ".repeat(column))) {
            said = format!("{said} {}", more.trim());
        }
        entries.push((line[..column].trim().to_owned(), said));
    }
    let entry = |(names, said): (String, String)| match said.split_once(" [default: ") {
        Some((said, default)) => Entry {
            names,
            said: said.to_owned(),
            default: default.strip_suffix(']').unwrap().to_owned(),
        },
        None => Entry {
            names,
            said,
            default: String::new(),
        },
    };
    entries.into_iter().map(entry).collect()
}

/// The options in README's table, in order.
fn entries_of_readme() -> Vec<Entry> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let (_, section) = readme.split_once("\n## Options\n").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `-"));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [names, default, said] = cells[..] else {
            panic!("not three cells: {row}");
        };
        Entry {
            names: names.replace('`', ""),
            said: said.replace('`', ""),
            default: default.replace('`', ""),
        }
    })
    .collect()
}

#[test]
fn readme_has_every_option_as_help_has_it() {
    let (help, readme) = (entries_of_help(), entries_of_readme());
    assert!(help.len() > 20, "{help:?}");
    for entry in &help {
        let names = entry.names.replace(", ", "`, `");
        let quoted = |default: &str| match default {
            "" => String::new(),
            text if text.contains(' ') => text.to_owned(),
            text => format!("`{text}`"),
        };
        let row = format!(
            "| `{names}` | {} | {} |",
            quoted(&entry.default),
            entry.said
        );
        assert!(readme.contains(entry), "README lacks\n{row}");
    }
    assert_eq!(help, readme, "in another order, or more");
}

#[test]
fn each_group_of_help_has_a_sentence_and_an_example() {
    let text = help("--help", 80);
    // The options below "Help:" only print a text.
    let has_options = |section: &&str| {
        let mut lines = section.lines().map(str::trim_start);
        lines.any(|line| line.starts_with('-')) && !section.starts_with("Help:")
    };
    let mut groups = Vec::new();
    for section in text.split("\n\n").filter(has_options) {
        let (group, rest) = section.split_once(": ").unwrap();
        let sentence = rest.split("\n  ").next().unwrap();
        assert!(sentence.contains('.'), "{group}: {sentence}");
        assert!(section.contains("\n  Example: httpserver "), "{group}");
        groups.push(group);
    }
    assert!(groups.len() > 10, "{groups:?}");
    for group in ["Serve", "TLS", "Web", "Users", "Status"] {
        assert!(groups.contains(&group), "{groups:?}");
    }
}

#[test]
fn version_and_help_do_nothing_else() {
    let home = Home::new();
    for flag in ["-h", "--help", "-V", "--version"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
        command.args(["127.0.0.1", "0", "-l", "log.txt", flag]);
        command.current_dir(home.root());
        assert!(finish(command, b"").status.success(), "{flag}");
        assert_eq!(home.names(), [""; 0], "{flag}");
    }
}
