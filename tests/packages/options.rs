//! No option is forgotten: each is explained by `--help` and the man page, is completed by shells, and is in a test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::packages::{made, repository};
use crate::support::options::{
    OptionNames, explained_in_help, explained_in_man_page, help_of_the_server, help_of_the_tool,
};

/// Tests that list all options, or look for them, are not about any.
const LISTS: [&str; 3] = [
    "tests/it/options.rs",
    "tests/packages/options.rs",
    "tests/support/options.rs",
];

/// The sources of tests below a directory.
fn sources(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.append(&mut sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs")
            && !LISTS.iter().any(|list| path.ends_with(list))
        {
            found.push(path);
        }
    }
    found
}

/// The words that tests in these directories have outside of comments.
fn words_of_tests(directories: &[&str]) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for directory in directories {
        for path in sources(&repository().join("tests").join(directory)) {
            let text = fs::read_to_string(&path).unwrap();
            let code = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            for line in code {
                let is_of_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
                words.extend(line.split(|c| !is_of_word(c)).map(str::to_owned));
            }
        }
    }
    words
}

/// The variable of an option.
fn variable(name: &str) -> String {
    let name = name.trim_start_matches('-');
    format!("HTTPSERVER_{}", name.to_ascii_uppercase().replace('-', "_"))
}

fn man_page(name: &str) -> BTreeSet<OptionNames> {
    let path = made().join("man").join(name);
    explained_in_man_page(&fs::read_to_string(path).unwrap())
}

/// Those that no test has, by any of their names.
fn untested(options: &BTreeSet<OptionNames>, words: &BTreeSet<String>) -> Vec<OptionNames> {
    let is_tested = |names: &&OptionNames| {
        let mut names = names.iter();
        names.any(|name| words.contains(name) || words.contains(&variable(name)))
    };
    let untested = options.iter().filter(|names| !is_tested(names));
    untested.cloned().collect()
}

#[test]
fn server_has_the_same_options_in_help_man_page_and_tests() {
    let help = explained_in_help(&help_of_the_server());
    assert!(help.len() > 50, "{help:?}");
    let page = man_page("httpserver.1");
    let difference: Vec<_> = help.symmetric_difference(&page).collect();
    assert!(difference.is_empty(), "{difference:?}");
    let directories = ["it", "web", "users", "tls", "proxy", "fault"];
    let untested = untested(&help, &words_of_tests(&directories));
    assert!(untested.is_empty(), "no test has these: {untested:?}");
}

#[test]
fn log_tool_has_the_same_options_in_help_man_pages_and_tests() {
    let (all, commands) = help_of_the_tool();
    let words = words_of_tests(&["log"]);
    let pages = std::iter::once(("httpserver-log.1".to_owned(), all));
    let of_commands = commands.into_iter().map(|(name, text)| {
        let page = format!("httpserver-log-{name}.1");
        (page, text)
    });
    for (page, text) in pages.chain(of_commands) {
        let help = explained_in_help(&text);
        let explained = man_page(&page);
        let difference: Vec<_> = help.symmetric_difference(&explained).collect();
        assert!(difference.is_empty(), "{page}: {difference:?}");
        let untested = untested(&help, &words);
        assert!(
            untested.is_empty(),
            "no test has these of {page}: {untested:?}"
        );
    }
}

#[test]
fn option_without_a_test_is_found() {
    let words = ["--log", "-q", "HTTPSERVER_ROOT", "--seal-key"].map(str::to_owned);
    let help = "Options:\n  -l, --log FILE  Record\n  -q, --quiet  Print\n      --root DIR  Serve\n      \
                --seal  Seal\n                  --web is prose\n";
    let options = explained_in_help(help);
    assert_eq!(options.len(), 4, "{options:?}");
    let found = untested(&options, &BTreeSet::from(words));
    assert_eq!(found, [BTreeSet::from(["--seal".to_owned()])]);
    let page = ".SH OPTIONS\n.TP\n\\fB\\-l, \\-\\-log FILE\\fR\nRecord\n.TP\n\\fB\\-\\-against\\fR \\fI<DIR>\\fR\nCompare\n.TP\n\\fBROOT\\fR\nx\n";
    let explained = explained_in_man_page(page);
    assert_eq!(explained.len(), 2, "{explained:?}");
    assert!(explained.contains(&BTreeSet::from(["--against".to_owned()])));
}
