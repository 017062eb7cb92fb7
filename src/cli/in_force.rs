//! The output of `--print-config`: each option with its value and source.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::environment::{FromEnvironment, variable_of};
use super::option;
use super::positionals::DialectChoice;
use super::serve::Threads;

/// The values of the positional arguments and their defaults.
pub(super) struct Resolved {
    pub(super) root: ValueInForce,
    pub(super) listeners: Vec<ValueInForce>,
}

/// A value and its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ValueInForce {
    pub(super) value: String,
    pub(super) source: ValueOrigin,
}

/// The source of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ValueOrigin {
    Default,
    Environment(String),
    CommandLine,
}

/// The arguments, and the root.
pub(super) struct Arguments<'a> {
    pub(super) count: usize,
    /// The root of an argument or the option.
    pub(super) root: Option<&'a Path>,
    pub(super) root_of_option: Option<&'a Path>,
    pub(super) root_of_variable: Option<&'a Path>,
    /// The passed sockets that no option names.
    pub(super) passed: Vec<String>,
    /// The listening address, from an argument or by default.
    pub(super) listen: Option<String>,
}

impl Resolved {
    /// `listeners` are those of the option.
    pub(super) fn new<'l>(
        arguments: Arguments<'_>,
        listeners: impl Iterator<Item = &'l str>,
        environment: &[FromEnvironment],
    ) -> Self {
        let source = |id: &str, otherwise| {
            let mut set = environment.iter().filter(|option| option.id == id);
            set.next().map_or(otherwise, |option| {
                ValueOrigin::Environment(option.variable.clone())
            })
        };
        let root = match (arguments.root, arguments.root_of_variable) {
            (Some(root), _) => ValueInForce::new(root.as_os_str(), ValueOrigin::CommandLine),
            (None, Some(root)) => {
                ValueInForce::new(root.as_os_str(), source("root", ValueOrigin::Default))
            }
            (None, None) => ValueInForce::new(".".as_ref(), ValueOrigin::Default),
        };
        let is_root_argument = arguments.root.is_some() && arguments.root_of_option.is_none();
        let of_address = arguments.count - usize::from(is_root_argument);
        let first = match of_address {
            0 => ValueOrigin::Default,
            _ => ValueOrigin::CommandLine,
        };
        let first = arguments
            .listen
            .map(|value| ValueInForce::new(value.as_ref(), first));
        let passed = arguments.passed.iter().map(|value| {
            let source = ValueOrigin::Environment("LISTEN_FDS".to_owned());
            ValueInForce::new(value.as_ref(), source)
        });
        let others = source("listen", ValueOrigin::CommandLine);
        let others = listeners.map(|spec| ValueInForce::new(spec.as_ref(), others.clone()));
        Self {
            root,
            listeners: first.into_iter().chain(passed).chain(others).collect(),
        }
    }
}

impl ValueInForce {
    pub(super) fn new(value: &OsStr, source: ValueOrigin) -> Self {
        let value = shown(value);
        Self { value, source }
    }
}

impl ValueOrigin {
    fn text(&self) -> &str {
        match self {
            Self::Default => "default",
            Self::Environment(variable) => variable,
            Self::CommandLine => "command line",
        }
    }
}

/// The source of this option's value.
fn source(arg: &Arg, matches: &ArgMatches, environment: &[FromEnvironment]) -> ValueOrigin {
    let id = arg.get_id();
    if !option::is_given(arg, matches) {
        return ValueOrigin::Default;
    }
    match environment.iter().find(|option| option.id == id.as_str()) {
        Some(option) => ValueOrigin::Environment(option.variable.clone()),
        None => ValueOrigin::CommandLine,
    }
}

/// A table with a row for each value.
pub(super) fn table(
    command: &Command,
    matches: &ArgMatches,
    environment: &[FromEnvironment],
    resolved: &Resolved,
) -> String {
    let mut rows = Vec::new();
    for arg in command.get_arguments() {
        if variable_of(arg).is_none() {
            continue;
        }
        let long = arg.get_long().unwrap_or_default();
        match long {
            "root" => rows.push((long, resolved.root.clone())),
            "threads" if !option::is_given(arg, matches) => {
                let dialect = if matches.get_flag("web") {
                    DialectChoice::Web
                } else {
                    DialectChoice::Classic
                };
                let value = Threads::by_default(dialect).to_string();
                let source = ValueOrigin::Default;
                rows.push((long, ValueInForce { value, source }));
            }
            "listen" => rows.extend(resolved.listeners.iter().map(|row| (long, row.clone()))),
            _ => {
                let source = source(arg, matches, environment);
                rows.extend(values(arg, matches).into_iter().map(|value| {
                    let source = source.clone();
                    (long, ValueInForce { value, source })
                }));
            }
        }
    }
    let width =
        |text: fn(&(&str, ValueInForce)) -> usize| rows.iter().map(text).max().unwrap_or_default();
    let (names, values) = (
        width(|(name, _)| name.len()),
        width(|(_, row)| row.value.chars().count()),
    );
    let mut text = String::new();
    for (name, ValueInForce { value, source }) in &rows {
        let _ = writeln!(text, "{name:names$}  {value:values$}  {}", source.text());
    }
    text
}

/// The values of an option, or the text for none.
fn values(arg: &Arg, matches: &ArgMatches) -> Vec<String> {
    let id = arg.get_id().as_str();
    let values: Vec<_> = match arg.get_action() {
        ArgAction::SetTrue => vec![matches.get_flag(id).to_string()],
        ArgAction::Count => vec![matches.get_count(id).to_string()],
        _ => {
            let raw = matches.get_raw(id).into_iter().flatten();
            raw.map(shown).collect()
        }
    };
    if values.is_empty() {
        let default = option::default(arg);
        vec![default.map_or_else(|| "none".to_owned(), std::borrow::Cow::into_owned)]
    } else {
        values
    }
}

/// A value on one line.
fn shown(value: &OsStr) -> String {
    let text = value.to_string_lossy();
    text.chars().fold(String::new(), |mut shown, c| {
        if c.is_control() {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
        shown
    })
}
