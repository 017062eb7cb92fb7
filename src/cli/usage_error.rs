//! The error of a wrong command line, in one sentence: the typed text and its correction.
//!
//! The parser's own messages have several lines and terms of Rust, so only its findings are used.

use std::error::Error as _;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use thiserror::Error;

use super::environment::{self, EnvironmentError, FromEnvironment};
use super::listener::ListenerSyntaxError;
use super::positionals::PositionalError;
use super::tls::TlsOptionError;
use super::web::TwoCachePoliciesError;
use super::{advice, option};

/// The error of a wrong command line.
#[derive(Debug, Error)]
pub(crate) enum UsageError {
    #[error("there is no option '{option}': {instead}")]
    Unknown { option: String, instead: String },
    #[error("'{value}' is not a value for {option}: {rule}")]
    Value {
        option: String,
        value: String,
        rule: String,
    },
    #[error("{option} needs a value: type {}", quoted(example))]
    MissingValue { option: String, example: String },
    #[error(
        "{option} takes no value, and has '{value}': type a space instead of '=', or leave it out"
    )]
    UnwantedValue { option: String, value: String },
    #[error("{option} is given twice: type it once")]
    Twice { option: String },
    #[error("--{option} needs --{needs}: type both")]
    Needs {
        option: &'static str,
        needs: &'static str,
    },
    #[error("--qr needs an address that other machines can reach: type 0.0.0.0 instead of '{0}'")]
    NothingToDraw(String),
    #[error(transparent)]
    TwoCachePolicies(#[from] TwoCachePoliciesError),
    #[error("a value is not UTF-8: only the names of files and directories may have other bytes")]
    NotUtf8,
    #[error(
        "the value of {0} is not UTF-8: only the names of files and directories may have other bytes"
    )]
    NotUtf8In(String),
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// An error about several options, some of them from the environment.
    #[error("{0}")]
    Together(String),
    #[error(transparent)]
    Positional(#[from] PositionalError),
    #[error(transparent)]
    Listen(#[from] ListenerSyntaxError),
    #[error(transparent)]
    Tls(#[from] TlsOptionError),
    /// An error of the definition itself.
    #[error("{0}")]
    Other(String),
}

impl UsageError {
    /// The parser's finding as a sentence.
    pub(super) fn of(error: &clap::Error, command: &Command) -> Self {
        let option = text(error, ContextKind::InvalidArg);
        let value = text(error, ContextKind::InvalidValue);
        let (Some(option), value) = (option, value.unwrap_or_default()) else {
            return match error.kind() {
                ErrorKind::InvalidUtf8 => Self::NotUtf8,
                _ => Self::other(error),
            };
        };
        let arg = find(command, option);
        let name = arg.map_or_else(|| option.to_owned(), name);
        match error.kind() {
            ErrorKind::UnknownArgument => Self::Unknown {
                option: option.to_owned(),
                instead: advice::instead_of(
                    option,
                    text(error, ContextKind::SuggestedArg),
                    command,
                ),
            },
            // Without a value, and with an empty one.
            ErrorKind::InvalidValue | ErrorKind::ValueValidation if value.is_empty() => {
                Self::MissingValue {
                    example: arg.map_or_else(|| option.to_owned(), option::example),
                    option: name,
                }
            }
            ErrorKind::ValueValidation => Self::Value {
                option: name,
                value: value.escape_debug().to_string(),
                rule: error.source().map_or_else(String::new, ToString::to_string),
            },
            ErrorKind::TooManyValues => Self::UnwantedValue {
                option: name,
                value: value.to_owned(),
            },
            ErrorKind::ArgumentConflict => Self::Twice { option: name },
            _ => Self::other(error),
        }
    }

    /// The same for an option from this variable.
    pub(super) fn in_variable(self, variable: &str) -> Self {
        let variable = variable.to_owned();
        match self {
            Self::Value { value, rule, .. } => Self::Value {
                option: variable,
                value,
                rule,
            },
            Self::NotUtf8 => Self::NotUtf8In(variable),
            other => other,
        }
    }

    /// The same for options from these variables.
    pub(super) fn in_variables(self, set: &[FromEnvironment]) -> Self {
        let message = self.to_string();
        let named = environment::in_variables(&message, set);
        if named == message {
            self
        } else {
            Self::Together(named)
        }
    }

    /// The first line of the parser's message.
    fn other(error: &clap::Error) -> Self {
        let text = error.to_string();
        let line = text.lines().next().unwrap_or_default();
        Self::Other(line.strip_prefix("error: ").unwrap_or(line).to_owned())
    }
}

/// An example in quotes, which has none of the same kind.
fn quoted(example: &str) -> String {
    let quote = if example.contains('\'') { '"' } else { '\'' };
    format!("{quote}{example}{quote}")
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text),
        _ => None,
    }
}

/// The option that the parser names as `--log <FILE>`, or as `-h`.
fn find<'c>(command: &'c Command, named: &str) -> Option<&'c Arg> {
    let dashed = named.split([' ', '=', '[']).next()?;
    command.get_arguments().find(|arg| {
        let is_long = arg
            .get_long()
            .is_some_and(|long| dashed.strip_prefix("--") == Some(long));
        let is_short = || {
            arg.get_short().is_some_and(|short| {
                dashed
                    .strip_prefix('-')
                    .is_some_and(|letter| letter.chars().eq([short]))
            })
        };
        is_long || is_short()
    })
}

/// The name of an option in a sentence: `-l (--log)`.
fn name(arg: &Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(short), Some(long)) => format!("-{short} (--{long})"),
        (Some(short), None) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => arg.get_id().to_string(),
    }
}
