//! The texts of `-h` and `--help`, made from the definition of the options.
//!
//! `-h` is a summary that fits a screen of 24 rows and 80 columns: each of the most used options has a line. `--help`
//! explains all options. No width breaks a name or `A-Z a-z 0-9 - _`: a no-break space stands where a line must not break.

use std::fmt::Write as _;
use std::io;

use clap::{Arg, ArgAction, Args, Command};
use terminal_size::{Width, terminal_size_of};
use textwrap::{Options, WordSeparator, WordSplitter};

use super::group::Group;
use super::groups::GROUPS;
use super::option::{aligned_names, explanation, names, summary};

/// The heading of the options that only print a text.
pub(super) const HEADING: &str = "Help";

/// The characters of a name, with no-break spaces between them.
const NAME: &str = "A-Z\u{a0}a-z\u{a0}0-9\u{a0}-\u{a0}_";

pub(super) const USAGE: &str = "\
Usage: httpserver [OPTIONS] ADDRESS [PORT]
       httpserver --web [OPTIONS] [ROOT] [ADDRESS] [PORT]
";

/// The positional arguments and their forms.
pub(super) const ARGUMENTS: [(&str, &str); 3] = [
    (
        "ADDRESS",
        "An IPv4 or IPv6 address, 'localhost' or another host name, with or without a port: 127.0.0.1, \
         127.0.0.1:8080, [::1]:8080, :8080, http://localhost:8080, https://localhost:8443. At 0.0.0.0, and at :: \
         with IPv6, other machines can connect. [default: 127.0.0.1]",
    ),
    (
        "PORT",
        "A number up to 65535; 0 lets the system choose. [default: 80, with --web 8000; with TLS 443 and 8443]",
    ),
    (
        "ROOT",
        "The directory to serve: an argument that has a '/', such as ./public, or that is a directory. [default: .]",
    ),
];

/// Columns of a line if the width of the terminal is not known.
const COLUMNS: usize = 80;

/// The least and the most columns of a text: longer lines are hard to read.
const NARROWEST: usize = 64;
const WIDEST: usize = 100;

/// Columns before the short name of an option.
const INDENT: usize = 2;

/// Options that only print a text.
#[derive(Debug, Args)]
#[command(next_help_heading = HEADING)]
pub(super) struct HelpOptions {
    /// Print a summary
    #[arg(short = 'h', action = ArgAction::HelpShort)]
    short: Option<bool>,

    /// Print all options, with examples
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,

    /// Print each option with its value and source
    #[arg(long)]
    print_config: bool,

    /// Print the version
    #[arg(short = 'V', long, action = ArgAction::Version)]
    version: Option<bool>,
}

/// Gives a command these texts.
pub(super) fn with_texts(command: Command) -> Command {
    let width = columns().clamp(NARROWEST, WIDEST);
    let (short, long) = (short(&command, width), long(&command, width));
    command
        .term_width(0)
        .help_template("{before-help}")
        .before_help(short)
        .before_long_help(long)
}

/// The columns of the terminal: COLUMNS if it is set, else the width of the terminal on stdout (`tty_ioctl(4)`).
fn columns() -> usize {
    let set = std::env::var("COLUMNS").ok();
    set.and_then(|columns| columns.parse().ok())
        .or_else(|| terminal_size_of(io::stdout()).map(|(Width(columns), _)| columns.into()))
        .unwrap_or(COLUMNS)
}

/// The text of `-h`.
fn short(command: &Command, width: usize) -> String {
    let mut text = format!("{USAGE}\n");
    let rule = format!(
        "GET serves a file, PUT stores one. A name has exactly 27\u{a0}characters of {NAME}; with --web it is any path. PORT \
         is 80, with --web 8000."
    );
    paragraph(&mut text, &rule, "", "", width);
    text.push('\n');
    let shown = |arg: &&Arg| !arg.is_hide_short_help_set();
    let headings = options(command)
        .filter(shown)
        .filter_map(Arg::get_help_heading);
    let heading_width = headings.map(str::len).max().unwrap_or_default() + 2;
    let option_width = options(command)
        .filter(shown)
        .map(|arg| names(arg).len())
        .max()
        .unwrap_or_default()
        + 2;
    let mut other_groups = Vec::new();
    for group in &GROUPS {
        let mut heading = Some(group.heading);
        for arg in options_of(command, group.heading).filter(shown) {
            let margin = format!("{:heading_width$}", heading.take().unwrap_or_default());
            let option = format!("{margin}{:option_width$}", names(arg));
            let indent = " ".repeat(option.len());
            paragraph(&mut text, &summary(arg), &option, &indent, width);
        }
        other_groups.extend(heading.map(unbreakable));
    }
    text.push('\n');
    let more = format!(
        "SIZE is 1000, 64K, 10M or 2G; TIME is 500ms, 10s, 2m or 1h. 'httpserver\u{a0}--help' explains all options, with \
         examples, and has more groups: {}. -V\u{a0}prints the version.",
        other_groups.join(", ")
    );
    paragraph(&mut text, &more, "", "", width);
    text
}

/// The text of `--help`.
fn long(command: &Command, width: usize) -> String {
    let mut text = String::new();
    let about = format!(
        "A thread-pool HTTP/1.1 file server. GET serves a file, PUT stores one. Its name has exactly 27\u{a0}characters of \
         {NAME}; with --web it is any path below ROOT."
    );
    paragraph(&mut text, &about, "", "", width);
    let _ = write!(text, "\n{USAGE}\n");
    let column = INDENT
        + options(command)
            .map(|arg| aligned_names(arg).len())
            .max()
            .unwrap_or_default()
        + 2;
    text.push_str("Arguments, in any order:\n");
    for (name, said) in ARGUMENTS {
        entry(&mut text, name, said, column, width);
    }
    for Group {
        heading,
        sentence,
        example,
        does,
        ..
    } in &GROUPS
    {
        text.push('\n');
        paragraph(&mut text, &format!("{heading}: {sentence}"), "", "", width);
        for arg in options_of(command, heading) {
            entry(
                &mut text,
                &aligned_names(arg),
                &explanation(arg),
                column,
                width,
            );
        }
        let _ = writeln!(text, "  Example: {example}");
        paragraph(&mut text, does, "           ", "           ", width);
    }
    let _ = writeln!(text, "\n{HEADING}:");
    for arg in options_of(command, HEADING) {
        entry(
            &mut text,
            &aligned_names(arg),
            &explanation(arg),
            column,
            width,
        );
    }
    text.push('\n');
    let log = "Each option may also be set by a variable: --max-body 10M is HTTPSERVER_MAX_BODY=10M. The command line \
               wins. Set RUST_LOG=debug to see more on stderr.";
    paragraph(&mut text, log, "", "", width);
    text
}

fn options(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional())
}

pub(super) fn options_of<'c>(
    command: &'c Command,
    heading: &'c str,
) -> impl Iterator<Item = &'c Arg> {
    options(command).filter(move |arg| arg.get_help_heading() == Some(heading))
}

/// An option or argument with its description beside it.
fn entry(text: &mut String, name: &str, said: &str, column: usize, width: usize) {
    let first = format!("{:column$}", format!("{:INDENT$}{name}", ""));
    paragraph(text, said, &first, &" ".repeat(column), width);
}

/// A paragraph in lines of at most `width` columns. No line ends at a no-break space, which is printed as a space.
fn paragraph(text: &mut String, said: &str, first: &str, others: &str, width: usize) {
    let options = Options::new(width)
        .initial_indent(first)
        .subsequent_indent(others)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .break_words(false);
    let filled = textwrap::fill(&said.replace("[default: ", "[default:\u{a0}"), options);
    text.push_str(&filled.replace('\u{a0}', " "));
    text.push('\n');
}

fn unbreakable(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_width_breaks_a_name_or_is_exceeded() {
        let command = super::super::command();
        for width in NARROWEST..=WIDEST {
            for text in [short(&command, width), long(&command, width)] {
                assert!(text.contains("27 characters"), "{width}: {text}");
                assert!(text.contains("A-Z a-z 0-9 - _"), "{width}: {text}");
                for line in text.lines().filter(|line| !line.starts_with("  Example: ")) {
                    assert!(line.chars().count() <= width, "{width}: {line}");
                    assert_eq!(line.trim_end(), line);
                }
            }
        }
    }

    #[test]
    fn a_summary_of_80_columns_fits_a_screen() {
        let command = super::super::command();
        let rows_above_the_prompt = 23;
        let text = short(&command, 80);
        assert!(text.lines().count() <= rows_above_the_prompt, "{text}");
    }
}
