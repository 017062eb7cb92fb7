//! The man page and the completions of `httpserver`, made from the definition of the options.
//!
//! It is compiled for tests only, so no program has it. With `PACKAGING_DIR=DIR` the test keeps the files in DIR.

use clap::{Arg, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, line_break, roman};

use super::group::Group;
use super::groups::GROUPS;
use super::option::{explanation, names};
use super::typed::command;
use super::{environment, help};
use crate::made_files;

/// The description for `apropos`(1).
const ABOUT: &str = "HTTP/1.1 file server that never waits for a slow client";

const DESCRIPTION: [&str; 3] = [
    "GET serves a file, PUT stores one. A name has exactly 27 characters of A-Z a-z 0-9 - _; with --web it is any path below \
     ROOT. An upload is stored completely or not at all.",
    "With --log every request is recorded, and an upload with all its bytes. httpserver-log(1) reads such logs.",
    "SIZE is a number of bytes, or has a unit: 64K, 10M, 2G (powers of 1024). TIME is a number of seconds, or has a unit: \
     500ms, 10s, 2m, 1h.",
];

const ENVIRONMENT: [(&str, &str); 5] = [
    (
        "HTTPSERVER_...",
        "Each option that does more than print a text is also a variable: --max-body 10M is HTTPSERVER_MAX_BODY=10M. A flag \
         is 1, 0, true or false; an option that may be given several times has a value on each line. The command line wins.",
    ),
    (
        "HTTPSERVER_LISTEN, HTTPSERVER_ROOT",
        "Take the place of the arguments.",
    ),
    (
        "RUST_LOG",
        "The least level of the messages on stderr: error, warn, info, debug or trace.",
    ),
    (
        "LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
        "Sockets that a service manager passes. The server listens on them.",
    ),
    (
        "NOTIFY_SOCKET, WATCHDOG_USEC, WATCHDOG_PID, JOURNAL_STREAM",
        "Where and how often a service manager is notified, and whether stderr is the journal.",
    ),
];

const SIGNALS: [(&str, &str); 4] = [
    (
        "SIGINT, SIGTERM",
        "Stop accepting, finish the requests in progress, and exit. The second one closes all connections immediately.",
    ),
    (
        "SIGHUP",
        "Open the logs again, and read the certificate and the users again.",
    ),
    ("SIGUSR1", "The same."),
    ("SIGUSR2", "Print the status on stderr."),
];

const EXIT_STATUS: [(&str, &str); 2] = [
    (
        "0",
        "The server was stopped, by a signal or by --exit-after or --max-time.",
    ),
    (
        "1",
        "The server did not start. One line on stderr names the value and the cause.",
    ),
];

/// A page of a manual, section by section.
struct Page(Roff);

impl Page {
    fn section(&mut self, heading: &str) {
        self.0.control("SH", [heading]);
    }

    fn paragraph(&mut self, text: impl Into<Vec<Inline>>) {
        self.0.control("PP", []);
        self.0.text(text.into());
    }

    /// A name with its indented description below.
    fn entry(&mut self, name: &str, said: &str) {
        self.0.control("TP", []);
        self.0.text([bold(name)]);
        self.0.text([roman(said)]);
    }

    fn entries(&mut self, heading: &str, entries: &[(&str, &str)]) {
        self.section(heading);
        for (name, said) in entries {
            self.entry(name, said);
        }
    }

    /// A group of options with its description.
    fn options<'a>(
        &mut self,
        heading: &str,
        sentence: &str,
        options: impl Iterator<Item = &'a Arg>,
    ) {
        self.0.control("SS", [heading]);
        self.0.text([roman(sentence)]);
        for arg in options {
            self.entry(&names(arg), &explanation(arg));
        }
    }
}

/// The ways to use the program, one on each line.
fn synopsis() -> Vec<Inline> {
    let uses = help::USAGE.trim_start_matches("Usage:").lines();
    let uses: Vec<_> = uses.map(|line| line.trim().split_once(' ')).collect();
    let mut text = Vec::new();
    for (program, arguments) in uses.into_iter().flatten() {
        if !text.is_empty() {
            text.push(line_break());
        }
        text.extend([bold(program), roman(format!(" {arguments}"))]);
    }
    text
}

fn capitalized(sentence: &str) -> String {
    let (first, rest) = sentence.split_at(1);
    first.to_uppercase() + rest
}

/// The man page.
fn page(command: &Command) -> Vec<u8> {
    let mut text = Vec::new();
    let title = Man::new(command.clone());
    // An empty date would be replaced by the other words of the title.
    title
        .date(" ")
        .manual("User Commands")
        .render_title(&mut text)
        .unwrap();
    let mut page = Page(Roff::new());
    page.section("NAME");
    page.0.text([roman(format!("httpserver - {ABOUT}"))]);
    page.section("SYNOPSIS");
    page.0.text(synopsis());
    page.section("DESCRIPTION");
    for paragraph in DESCRIPTION {
        page.paragraph([roman(paragraph)]);
    }
    page.entries("ARGUMENTS", &help::ARGUMENTS);
    page.paragraph([roman(
        "Arguments and options may stand in any order; the form of an argument says what it is.",
    )]);
    page.section("OPTIONS");
    for Group {
        heading, sentence, ..
    } in &GROUPS
    {
        let sentence = capitalized(sentence);
        page.options(heading, &sentence, help::options_of(command, heading));
    }
    let printing = help::options_of(command, help::HEADING);
    page.options(
        help::HEADING,
        "Options that only print something.",
        printing,
    );
    page.entries("ENVIRONMENT", &ENVIRONMENT);
    page.entries("SIGNALS", &SIGNALS);
    page.entries("EXIT STATUS", &EXIT_STATUS);
    page.section("EXAMPLES");
    for Group { example, does, .. } in &GROUPS {
        page.entry(example, does);
    }
    page.section("SEE ALSO");
    page.0.text([bold("httpserver-log"), roman("(1)")]);
    page.0.to_writer(&mut text).unwrap();
    text
}

#[test]
fn man_page_and_completions_are_made_from_the_definition() {
    let command = command();
    let page = page(&command);
    made_files::keep("man/httpserver.1", &page);
    let page = String::from_utf8(page).unwrap();
    let page = page.replace("\\-", "-").replace("\\*(Aq", "'");
    let completions = made_files::completions(&command);
    for (file, script) in &completions {
        made_files::keep(file.to_str().unwrap(), script);
    }
    for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
        assert!(page.contains(&names(arg)), "{}", names(arg));
        for (file, script) in &completions {
            let script = String::from_utf8_lossy(script);
            let name = arg.get_long().unwrap_or("h");
            assert!(script.contains(name), "{}: {name}", file.display());
        }
    }
}

/// The page has the variable of an option as an example.
#[test]
fn man_page_names_the_variable_of_an_option() {
    let command = command();
    let mut options = command.get_arguments();
    let max_body = options.find(|arg| arg.get_long() == Some("max-body"));
    let variable = environment::variable_of(max_body.unwrap()).unwrap();
    assert!(ENVIRONMENT[0].1.contains(&format!("{variable}=10M")));
}
