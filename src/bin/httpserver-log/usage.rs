//! The error of a wrong command line, in one sentence: the value, and what to type instead.

use crate::cli::Cli;
use crate::text::one_line;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Error};

/// The sentence for an error of the command line.
pub(crate) fn sentence(error: &Error) -> String {
    let argument = text(error, ContextKind::InvalidArg);
    let value = text(error, ContextKind::InvalidValue);
    match error.kind() {
        ErrorKind::MissingSubcommand => {
            format!("a command is missing: {}", subcommands())
        }
        ErrorKind::InvalidSubcommand => {
            let typed = text(error, ContextKind::InvalidSubcommand);
            format!("`{typed}` is not a command: {}", subcommands())
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            match text(error, ContextKind::SuggestedArg) {
                suggestion if suggestion.is_empty() => {
                    format!("there is no option `{argument}`{}", usage(error))
                }
                suggestion => format!("there is no option `{argument}`, but `{suggestion}`"),
            }
        }
        ErrorKind::UnknownArgument => {
            format!("`{argument}` is one argument too many{}", usage(error))
        }
        ErrorKind::MissingRequiredArgument => {
            let verb = if argument.contains(" and ") {
                "are"
            } else {
                "is"
            };
            format!("{argument} {verb} missing{}", usage(error))
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("`{argument}` needs a value")
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string);
            format!("`{value}` is {}", reason.unwrap_or_default())
        }
        ErrorKind::TooManyValues => format!("`{argument}` takes no value, `{value}` is too much"),
        ErrorKind::ArgumentConflict => match text(error, ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => {
                format!("`{argument}` is given twice")
            }
            prior => format!("`{argument}` does not go with `{prior}`"),
        },
        ErrorKind::InvalidUtf8 => "the number of an entry has digits only".to_owned(),
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            one_line(first.trim_start_matches("error: "))
        }
    }
}

fn subcommands() -> String {
    let command = Cli::command();
    let mut names: Vec<_> = command
        .get_subcommands()
        .map(|subcommand| format!("`{}`", subcommand.get_name()))
        .collect();
    let last = names.pop().unwrap_or_default();
    format!(
        "{} or {last}; `httpserver-log --help` explains them",
        names.join(", ")
    )
}

/// The usage of the subcommand in one line, after a semicolon.
fn usage(error: &Error) -> String {
    let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) else {
        return String::new();
    };
    let usage = usage.to_string();
    let words: Vec<_> = usage.split_whitespace().skip(1).collect();
    format!("; usage: {}", words.join(" "))
}

/// A value of the error, on one line; empty if it has none.
fn text(error: &Error, kind: ContextKind) -> String {
    let text = match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" and "),
        _ => return String::new(),
    };
    one_line(&text)
}
