//! Options from the environment: `--max-body 10M` is also `HTTPSERVER_MAX_BODY=10M`.
//!
//! A variable becomes the equivalent words of a command line, so that each value is checked by the same rules. An
//! option on the command line wins over its variable. The caller passes the environment.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use clap::{Arg, ArgAction, Command};
use thiserror::Error;

use crate::systemd::Variable;

/// The prefix of the variables' names.
const PREFIX: &str = "HTTPSERVER_";

/// The long names of options that only print something.
const PRINTING: [&str; 2] = ["hash-password", "print-config"];

/// An option that comes from the environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FromEnvironment {
    /// The identifier of the option.
    pub(super) id: String,
    pub(super) variable: String,
    /// The equivalent words.
    pub(super) words: Vec<OsString>,
}

/// The value of the variable of a flag is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum EnvironmentError {
    #[error("'{value}' is not a value for {variable}: it must be 1, 0, true or false")]
    Flag { variable: String, value: String },
    #[error(
        "'{value}' is not a value for {variable}: it must be a number from 0 to 9, true or false"
    )]
    Count { variable: String, value: String },
}

/// The name of the variable for an option; `None` for those that only print something.
pub(super) fn variable_of(arg: &Arg) -> Option<String> {
    match arg.get_action() {
        ArgAction::Set | ArgAction::Append | ArgAction::SetTrue | ArgAction::Count => {
            let name = arg.get_long().filter(|long| !PRINTING.contains(long))?;
            Some(named_after(name))
        }
        _ => None,
    }
}

/// The name of the variable for an option with this long name.
fn named_after(long: &str) -> String {
    PREFIX.to_owned() + &long.to_ascii_uppercase().replace('-', "_")
}

/// The options that variables set, in the order of the definition. An empty variable sets nothing.
pub(super) fn options(
    command: &Command,
    variables: &[Variable],
) -> Result<Vec<FromEnvironment>, EnvironmentError> {
    let mut found = Vec::new();
    for arg in command.get_arguments() {
        let Some(variable) = variable_of(arg) else {
            continue;
        };
        let set = variables.iter().find(|(name, _)| *name == *variable);
        let Some((_, value)) = set.filter(|(_, value)| !value.is_empty()) else {
            continue;
        };
        let words = words(arg, &variable, value)?;
        if !words.is_empty() {
            found.push(FromEnvironment {
                id: arg.get_id().to_string(),
                variable,
                words,
            });
        }
    }
    Ok(found)
}

/// A message that names an option by its variable if the value comes from the variable.
pub(super) fn in_variables(message: &str, set: &[FromEnvironment]) -> String {
    let mut named = String::new();
    let mut rest = message;
    while let Some(at) = rest.find("--") {
        let (before, option) = rest.split_at(at);
        let is_of_name = |c: char| c.is_ascii_lowercase() || c == '-';
        let end = option.find(|c| !is_of_name(c)).unwrap_or(option.len());
        let (name, after) = option.split_at(end);
        let of_option = |set: &&FromEnvironment| set.variable == named_after(&name[2..]);
        named.push_str(before);
        named.push_str(set.iter().find(of_option).map_or(name, |set| &set.variable));
        rest = after;
    }
    named + rest
}

/// Unknown variables with the prefix, except those that Kubernetes sets for a service of this name.
pub(super) fn unknown(command: &Command, variables: &[Variable]) -> Vec<String> {
    let known: Vec<_> = command.get_arguments().filter_map(variable_of).collect();
    let names = variables.iter().map(|(name, _)| name.to_string_lossy());
    let ours = names.filter(|name| name.starts_with(PREFIX));
    let unknown = ours.filter(|name| !known.iter().any(|known| known == name));
    let mut unknown: Vec<_> = unknown
        .filter(|name| !is_of_kubernetes(&name[PREFIX.len()..]))
        .map(std::borrow::Cow::into_owned)
        .collect();
    unknown.sort();
    unknown
}

/// `PORT`, `PORT_80_TCP_ADDR`, `SERVICE_HOST` and the like, also for a service with a name that begins with
/// `httpserver-`.
fn is_of_kubernetes(name: &str) -> bool {
    let name = format!("_{name}_");
    name.contains("_PORT_") || name.contains("_SERVICE_")
}

/// The equivalent words.
fn words(arg: &Arg, variable: &str, value: &OsStr) -> Result<Vec<OsString>, EnvironmentError> {
    let option = format!("--{}", arg.get_long().unwrap_or_default());
    let with = |value: &[u8]| OsString::from_vec([option.as_bytes(), b"=", value].concat());
    let shown = || value.to_string_lossy().escape_debug().to_string();
    let variable = || variable.to_owned();
    Ok(match arg.get_action() {
        // The option can be given several times: one value on each line.
        ArgAction::Append => {
            let lines = value.as_bytes().split(|byte| *byte == b'\n');
            let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
            lines.filter(|line| !line.is_empty()).map(with).collect()
        }
        ArgAction::SetTrue => match value.to_str() {
            Some("1" | "true") => vec![option.into()],
            Some("0" | "false") => Vec::new(),
            _ => {
                return Err(EnvironmentError::Flag {
                    variable: variable(),
                    value: shown(),
                });
            }
        },
        ArgAction::Count => {
            let count = match value.as_bytes() {
                b"true" => 1,
                b"false" => 0,
                [digit @ b'0'..=b'9'] => usize::from(digit - b'0'),
                _ => {
                    return Err(EnvironmentError::Count {
                        variable: variable(),
                        value: shown(),
                    });
                }
            };
            vec![option.into(); count]
        }
        _ => vec![with(value.as_bytes())],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(set: &[(&str, &str)]) -> Vec<Variable> {
        let owned = set
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        owned.collect()
    }

    #[test]
    fn variables_become_the_words_of_their_options() {
        let command = super::super::command();
        for (variable, value, expected) in [
            ("HTTPSERVER_THREADS", "8", &["--threads=8"][..]),
            ("HTTPSERVER_MAX_BODY", "10M", &["--max-body=10M"]),
            ("HTTPSERVER_LOG", "", &[]),
            ("HTTPSERVER_WEB", "1", &["--web"]),
            ("HTTPSERVER_WEB", "true", &["--web"]),
            ("HTTPSERVER_WEB", "0", &[]),
            ("HTTPSERVER_WEB", "false", &[]),
            ("HTTPSERVER_VERBOSE", "2", &["--verbose", "--verbose"]),
            ("HTTPSERVER_VERBOSE", "true", &["--verbose"]),
            ("HTTPSERVER_VERBOSE", "0", &[]),
            (
                "HTTPSERVER_HEADER",
                "\nA: b\r\n\nC: d\n",
                &["--header=A: b", "--header=C: d"],
            ),
            ("HTTPSERVER_HELP", "1", &[]),
            ("HTTPSERVER_VERSION", "1", &[]),
            ("HTTPSERVER_PRINT_CONFIG", "1", &[]),
            ("HTTPSERVER_HASH_PASSWORD", "1", &[]),
            ("httpserver_threads", "8", &[]),
        ] {
            let found = options(&command, &variables(&[(variable, value)])).unwrap();
            let words: Vec<_> = found.iter().flat_map(|option| &option.words).collect();
            assert_eq!(words, expected, "{variable}={value}");
        }
    }

    #[test]
    fn messages_name_the_variables_that_are_set() {
        let command = super::super::command();
        let set = [("HTTPSERVER_LOG", "a"), ("HTTPSERVER_LISTEN", "unix:a")];
        let set = options(&command, &variables(&set)).unwrap();
        for (message, expected) in [
            ("--log", "HTTPSERVER_LOG"),
            (
                "--log-append and --log: x",
                "--log-append and HTTPSERVER_LOG: x",
            ),
            ("'--listen a' or -- b", "'HTTPSERVER_LISTEN a' or -- b"),
            ("--web", "--web"),
            ("a -- b --", "a -- b --"),
            ("", ""),
        ] {
            assert_eq!(in_variables(message, &set), expected);
        }
    }

    #[test]
    fn flags_are_1_0_true_or_false() {
        let command = super::super::command();
        for value in ["yes", "TRUE", "2", "-1", " 1", "1\n"] {
            for variable in ["HTTPSERVER_WEB", "HTTPSERVER_VERBOSE"] {
                let found = options(&command, &variables(&[(variable, value)]));
                if (variable, value) != ("HTTPSERVER_VERBOSE", "2") {
                    let error = found.unwrap_err().to_string();
                    assert!(error.contains(variable), "{error}");
                }
            }
        }
    }

    #[test]
    fn variables_of_kubernetes_are_no_mistakes() {
        let command = super::super::command();
        for (variable, is_mistake) in [
            ("HTTPSERVER_THREADS", false),
            ("HTTPSERVER_THREAD", true),
            ("HTTPSERVER_", true),
            ("HTTPSERVER_threads", true),
            ("HTTPSERVER_HELP", true),
            ("HTTPSERVER", false),
            ("XHTTPSERVER_A", false),
            ("HTTPSERVER_PORT", false),
            ("HTTPSERVER_PORT_8080_TCP", false),
            ("HTTPSERVER_PORT_8080_TCP_PROTO", false),
            ("HTTPSERVER_PORT_8080_TCP_ADDR", false),
            ("HTTPSERVER_SERVICE_HOST", false),
            ("HTTPSERVER_SERVICE_PORT", false),
            ("HTTPSERVER_SERVICE_PORT_HTTP", false),
            ("HTTPSERVER_BLUE_SERVICE_HOST", false),
            ("HTTPSERVER_BLUE_PORT", false),
            ("HTTPSERVER_PORTS", true),
        ] {
            let found = unknown(&command, &variables(&[(variable, "x")]));
            assert_eq!(!found.is_empty(), is_mistake, "{variable}");
        }
    }

    #[test]
    fn no_variable_of_ours_is_one_of_kubernetes() {
        let command = super::super::command();
        let ours: Vec<_> = command.get_arguments().filter_map(variable_of).collect();
        assert!(ours.len() > 30, "{ours:?}");
        for variable in ours {
            assert!(!is_of_kubernetes(&variable[PREFIX.len()..]), "{variable}");
        }
    }
}
