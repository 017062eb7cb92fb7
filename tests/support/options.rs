//! The options of both programs: those that a text names, and those that help or a man page explains.

use std::collections::BTreeSet;
use std::process::Command;

use crate::support::process::finish;

/// The long options in a text.
pub(crate) fn options_in(text: &str) -> BTreeSet<String> {
    let is_letter = |c: char| c.is_ascii_lowercase() || c == '-';
    let words = text.split(|c: char| !is_letter(c) && !c.is_ascii_alphanumeric());
    let options = words.filter(|word| {
        word.strip_prefix("--")
            .is_some_and(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
    });
    options.map(str::to_owned).collect()
}

/// The names of one option, `-q` and `--quiet`.
pub(crate) type OptionNames = BTreeSet<String>;

/// The names at the start of a line such as `-l, --log FILE`.
fn names(line: &str) -> OptionNames {
    let words = line.split([' ', ',', '=']).filter(|word| !word.is_empty());
    let is_name = |word: &&str| {
        let name = word.trim_start_matches('-');
        word.starts_with('-') && name.starts_with(|c: char| c.is_ascii_alphabetic())
    };
    words.take_while(is_name).map(str::to_owned).collect()
}

/// The options that the text of help explains, each with its names.
pub(crate) fn explained_in_help(text: &str) -> BTreeSet<OptionNames> {
    // The description of an option is further to the right.
    let is_of_option = |line: &&str| {
        ["  -", "      -"]
            .iter()
            .any(|start| line.starts_with(start))
    };
    let lines = text.lines().filter(is_of_option);
    lines.map(|line| names(line.trim())).collect()
}

/// The options that a man page explains, each with its names.
pub(crate) fn explained_in_man_page(text: &str) -> BTreeSet<OptionNames> {
    let text = text.replace("\\-", "-");
    let headings = text
        .split("\n.TP\n")
        .skip(1)
        .filter_map(|entry| entry.lines().next());
    let plain = headings.map(|line| {
        ["\\fB", "\\fI", "\\fR"]
            .iter()
            .fold(line.to_owned(), |line, font| line.replace(font, ""))
    });
    plain
        .map(|line| names(&line))
        .filter(|names| !names.is_empty())
        .collect()
}

/// The output of a program for these arguments, with nothing on stderr.
pub(crate) fn printed(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments);
    let output = finish(command, b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    assert_eq!(stderr, "", "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The help of `httpserver`.
pub(crate) fn help_of_the_server() -> String {
    printed(env!("CARGO_BIN_EXE_httpserver"), &["--help"])
}

/// The help of `httpserver-log`, and that of each of its commands with its name.
pub(crate) fn help_of_the_tool() -> (String, Vec<(String, String)>) {
    let help = |arguments: &[&str]| printed(env!("CARGO_BIN_EXE_httpserver-log"), arguments);
    let all = help(&["--help"]);
    let (_, commands) = all.split_once("Commands:\n").unwrap();
    let commands = commands.lines().take_while(|line| !line.is_empty());
    let names = commands.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let names = names.filter(|name| !["", "help"].contains(name));
    let texts: Vec<_> = names
        .map(|name| (name.to_owned(), help(&[name, "--help"])))
        .collect();
    assert!(texts.len() > 7, "{all}");
    (all, texts)
}
