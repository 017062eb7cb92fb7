//! The texts of one option: its names, its value, its default, and its description.

use std::borrow::Cow;

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use super::groups::GROUPS;

/// The placeholder for the value of an option.
pub(super) fn value_name(arg: &Arg) -> Option<&str> {
    if !arg.get_action().takes_values() {
        return None;
    }
    arg.get_value_names()?
        .first()
        .map(clap::builder::Str::as_str)
}

/// An option with all its names: `-l, --log FILE`.
pub(super) fn names(arg: &Arg) -> String {
    let names = match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short}, --{long}"),
        (Some(short), None) => format!("-{short}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    };
    names + &value(arg)
}

/// The same in a column, with room for the short name where there is none.
pub(super) fn aligned_names(arg: &Arg) -> String {
    let room = if arg.get_short().is_some() {
        ""
    } else {
        "    "
    };
    format!("{room}{}", names(arg))
}

/// An option as typed: `-l FILE`, or `--root DIR` if it has no short name.
pub(super) fn usage(arg: &Arg) -> String {
    dashed(arg) + &value(arg)
}

/// The shortest name of an option.
fn dashed(arg: &Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    }
}

/// An option with an example value: `-N 8` or `--max-body 10M`; as [`usage`] if an example would mislead.
pub(super) fn example(arg: &Arg) -> String {
    let value = match value_name(arg) {
        Some("N") => "8",
        Some("SIZE") => "10M",
        Some("TIME") => "10s",
        _ => return usage(arg),
    };
    format!("{} {value}", dashed(arg))
}

/// The value of an option with a space before it, in quotes if a shell needs them.
fn value(arg: &Arg) -> String {
    match value_name(arg) {
        None => String::new(),
        Some(name) if name.contains(' ') => format!(" '{name}'"),
        Some(name) => format!(" {name}"),
    }
}

/// The first sentence of an option's description, with its default.
pub(super) fn summary(arg: &Arg) -> String {
    let said = arg.get_help().map(ToString::to_string).unwrap_or_default();
    match default(arg) {
        Some(default) => format!("{said} [default: {default}]"),
        None => said,
    }
}

/// The whole description of an option, followed by its default.
pub(super) fn explanation(arg: &Arg) -> String {
    let said = arg.get_long_help().or_else(|| arg.get_help());
    let sentences: Vec<_> = said
        .map(ToString::to_string)
        .unwrap_or_default()
        .split("\n\n")
        .map(|part| part.trim_end_matches('.').to_owned() + ".")
        .collect();
    let said = sentences.join(" ");
    match default(arg) {
        Some(default) => format!("{said} [default: {default}]"),
        None => said,
    }
}

/// The default value or behaviour.
pub(super) fn default(arg: &Arg) -> Option<Cow<'_, str>> {
    match arg.get_default_values() {
        [default] if arg.get_action().takes_values() => Some(default.to_string_lossy()),
        _ => GROUPS
            .iter()
            .flat_map(|group| group.defaults)
            .find(|default| arg.get_long() == Some(default.option))
            .map(|default| Cow::Borrowed(default.holds)),
    }
}

/// Whether the parsed words give this option a value; its default does not count.
pub(super) fn is_given(arg: &Arg, matches: &ArgMatches) -> bool {
    let id = arg.get_id().as_str();
    match arg.get_action() {
        ArgAction::SetTrue => matches.get_flag(id),
        _ => !matches!(
            matches.value_source(id),
            None | Some(ValueSource::DefaultValue)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_shown_as_they_are_typed() {
        struct Row {
            long: &'static str,
            names: &'static str,
            usage: &'static str,
            example: &'static str,
        }
        let command = super::super::command();
        let find = |long: &str| {
            let mut found = command.get_arguments();
            found.find(|arg| arg.get_long() == Some(long)).unwrap()
        };
        for row in [
            Row {
                long: "threads",
                names: "-N, --threads N",
                usage: "-N N",
                example: "-N 8",
            },
            Row {
                long: "log",
                names: "-l, --log FILE",
                usage: "-l FILE",
                example: "-l FILE",
            },
            Row {
                long: "listing",
                names: "--listing",
                usage: "--listing",
                example: "--listing",
            },
            Row {
                long: "max-body",
                names: "--max-body SIZE",
                usage: "--max-body SIZE",
                example: "--max-body 10M",
            },
            Row {
                long: "header",
                names: "--header 'NAME: VALUE'",
                usage: "--header 'NAME: VALUE'",
                example: "--header 'NAME: VALUE'",
            },
        ] {
            let arg = find(row.long);
            assert_eq!(names(arg), row.names);
            assert_eq!(usage(arg), row.usage);
            assert_eq!(example(arg), row.example);
        }
    }
}
