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
            format!("a command is missing: {}", commands())
        }
        ErrorKind::InvalidSubcommand => {
            let typed = text(error, ContextKind::InvalidSubcommand);
            match text(error, ContextKind::SuggestedSubcommand) {
                similar if similar.is_empty() => {
                    format!("`{typed}` is not a command: {}", commands())
                }
                similar => format!("`{typed}` is not a command: did you mean `{similar}`?"),
            }
        }
        ErrorKind::UnknownArgument if argument.starts_with('-') => {
            match text(error, ContextKind::SuggestedArg) {
                similar if similar.is_empty() => {
                    format!("there is no option `{argument}`{}", usage(error))
                }
                similar => format!("there is no option `{argument}`: did you mean `{similar}`?"),
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
        ErrorKind::InvalidValue
        | ErrorKind::WrongNumberOfValues
        | ErrorKind::ValueValidation
        | ErrorKind::TooManyValues => value_sentence(error, &argument, &value),
        ErrorKind::ArgumentConflict => match text(error, ContextKind::PriorArg) {
            prior if prior.is_empty() || prior == argument => {
                format!("`{argument}` is given twice: type it once")
            }
            prior => format!("`{argument}` and `{prior}` exclude each other: type one of them"),
        },
        ErrorKind::InvalidUtf8 => {
            "a value is not UTF-8: only the names of files may have other bytes".to_owned()
        }
        _ => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or_default();
            one_line(first.trim_start_matches("error: "))
        }
    }
}

/// The sentence for an error of a value.
fn value_sentence(error: &Error, argument: &str, value: &str) -> String {
    match error.kind() {
        ErrorKind::InvalidValue if value.is_empty() && argument.starts_with('-') => {
            let name = argument.split(' ').next().unwrap_or_default();
            format!("`{name}` needs a value: type `{argument}`")
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            format!("an argument is empty: type {argument}")
        }
        ErrorKind::InvalidValue => {
            let values = text(error, ContextKind::ValidValue);
            format!("`{value}` is not a value of `{argument}`: type {values}")
        }
        ErrorKind::WrongNumberOfValues => {
            let name = argument.split(' ').next().unwrap_or_default();
            format!("`{name}` has too few values: type `{argument}`")
        }
        ErrorKind::ValueValidation => {
            let reason = std::error::Error::source(error).map(ToString::to_string);
            format!("`{value}` is {}", reason.unwrap_or_default())
        }
        _ => {
            format!("`{argument}` takes no value, and has `{value}`: leave `={value}` out")
        }
    }
}

fn commands() -> String {
    let command = Cli::command();
    let names = command.get_subcommands();
    let names: Vec<_> = names.map(|one| format!("`{}`", one.get_name())).collect();
    let names = one_of(&names);
    format!("type {names}; `httpserver-log --help` explains them")
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(texts: &[String]) -> String {
    match texts {
        [others @ .., last] if !others.is_empty() => format!("{} or {last}", others.join(", ")),
        _ => texts.concat(),
    }
}

/// The usage of the command in one line, after a semicolon.
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
        Some(ContextValue::Strings(texts)) if kind == ContextKind::InvalidArg => {
            texts.join(" and ")
        }
        Some(ContextValue::Strings(texts)) if kind == ContextKind::ValidValue => one_of(texts),
        // Of several that are similar, the last is the most similar.
        Some(ContextValue::Strings(texts)) => texts.last().cloned().unwrap_or_default(),
        _ => return String::new(),
    };
    one_line(&text)
}
