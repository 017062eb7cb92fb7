//! The man pages and the completions of `httpserver-log`, made from the definition of its arguments: a page for the program,
//! and one for each command.
//!
//! It is compiled for tests only, so no program has it. With `PACKAGING_DIR=DIR` the test keeps the files in DIR.

use super::Cli;
use crate::made_files;
use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

/// A page. Its command has the name of the program before its own.
fn page(command: &Command) -> Vec<u8> {
    let mut page = Vec::new();
    // The text after the help has a section of its own here.
    let man = Man::new(command.clone().after_help("").after_long_help(""));
    // Without a date the other words of the title would move to its place.
    let man = man.date(" ").manual("User Commands");
    let man = man.source(concat!("httpserver ", env!("CARGO_PKG_VERSION")));
    man.render_title(&mut page).unwrap();
    man.render_name_section(&mut page).unwrap();
    man.render_synopsis_section(&mut page).unwrap();
    man.render_description_section(&mut page).unwrap();
    man.render_options_section(&mut page).unwrap();
    if command.has_subcommands() {
        man.render_subcommands_section(&mut page).unwrap();
    }
    let mut roff = Roff::new();
    for section in behind_long_help(command).split("\n\n") {
        let (heading, text) = section.split_once(':').unwrap();
        roff.control("SH", [&*heading.to_uppercase()]);
        // Lines are not joined.
        roff.control("nf", []);
        for line in text.trim_matches('\n').lines() {
            roff.text([roman(line)]);
        }
        roff.control("fi", []);
    }
    roff.control("SH", ["SEE ALSO"]);
    let mut others = vec![bold("httpserver"), roman("(1)")];
    if !command.has_subcommands() {
        others.extend([roman(", "), bold("httpserver-log"), roman("(1)")]);
    }
    roff.text(others);
    roff.to_writer(&mut page).unwrap();
    page
}

fn behind_long_help(command: &Command) -> String {
    command.get_after_long_help().unwrap().to_string()
}

#[test]
fn man_pages_and_completions_are_made_from_the_definition() {
    let mut all = Cli::command().disable_help_subcommand(true);
    all.build();
    for (file, script) in made_files::completions(&Cli::definition()) {
        made_files::keep(file.to_str().unwrap(), &script);
    }
    for command in std::iter::once(&all).chain(all.get_subcommands()) {
        let name = command.get_display_name().unwrap_or("httpserver-log");
        let page = page(command);
        made_files::keep(&format!("man/{name}.1"), &page);
        let page = String::from_utf8(page).unwrap().replace("\\-", "-");
        for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let long = arg.get_long().unwrap();
            assert!(page.contains(&format!("--{long}")), "{name}: --{long}");
        }
        let mut lines = page.lines().map(str::trim_start);
        let has_example = lines.any(|line| line.starts_with("httpserver-log "));
        assert!(has_example, "{name}: {page}");
    }
}
