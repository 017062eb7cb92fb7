//! The command line of `httpserver`, which becomes a [`Config`] of plain, validated values.
//!
//! Each group of options has a file with its struct and its [`Group`]; a new option is a field there. [`positionals`]
//! interprets the other arguments. This room opens and starts nothing; it only checks which arguments are directories,
//! and resolves addresses.

mod access_log;
mod address;
mod address_error;
mod advice;
mod arguments;
mod confinement;
mod environment;
mod group;
mod groups;
mod harness;
mod help;
mod hosts;
mod in_force;
mod limits;
mod listen;
mod listener;
mod log;
#[cfg(test)]
mod manual;
mod option;
mod positionals;
mod proxies;
mod serve;
mod status;
mod timeouts;
mod tls;
mod typed;
mod usage_error;
mod users;
mod values;
mod web;

use std::ffi::OsString;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Command, FromArgMatches};

use httpserver::connection::{Timeouts, TrustedProxies};
use httpserver::durable::Durability;
use httpserver::reporting::Detail;
use httpserver::request_log::write::{Mode, Sealing};
use httpserver::resources::Resources;
use httpserver::server::Settings;

use self::environment::FromEnvironment;
use self::group::Requirement;
use self::groups::GROUPS;
use self::in_force::Resolved;
use self::listen::Sockets;
use self::option::is_given;
use self::typed::{Typed, command};
use crate::harness::HarnessConfig;
use crate::systemd::Variable;

pub(crate) use self::access_log::{AccessLog, AccessLogTarget};
pub(crate) use self::confinement::Sandbox;
pub(crate) use self::hosts::names_of_machine;
pub(crate) use self::listener::{ListenerConfig, ListenerPlace, ListenerProtocol};
pub(crate) use self::serve::{Sharing, Verbosity};
pub(crate) use self::tls::Certificate;
pub(crate) use self::usage_error::UsageError;
pub(crate) use self::web::QrCode;

/// The task of a command line.
#[derive(Debug)]
pub(crate) enum Invocation {
    /// Run a server.
    Run(Box<Config>),
    /// Print this text.
    Print(String),
    /// Read a password and print its hash.
    HashPassword,
}

/// The configuration, in plain values.
#[derive(Debug)]
pub(crate) struct Config {
    /// At least one; the listener of the arguments is first.
    pub(crate) listeners: Vec<ListenerConfig>,
    pub(crate) certificate: Option<Certificate>,
    pub(crate) settings: Settings,
    pub(crate) timeouts: Timeouts,
    pub(crate) log: Option<(PathBuf, Mode)>,
    /// How the log is sealed, if it is.
    pub(crate) sealing: Option<Sealing>,
    pub(crate) root: PathBuf,
    pub(crate) durability: Durability,
    pub(crate) sharing: Sharing,
    pub(crate) verbosity: Verbosity,
    pub(crate) qr_code: QrCode,
    /// The lines that are printed on any stderr.
    pub(crate) detail: Option<Detail>,
    pub(crate) access_log: Option<AccessLog>,
    /// The listener of the status, if requested.
    pub(crate) status: Option<ListenerPlace>,
    pub(crate) proxies: Option<TrustedProxies>,
    /// The file of users, if there is one.
    pub(crate) users: Option<PathBuf>,
    /// Bytes of the longest upload.
    pub(crate) max_body: u64,
    /// The processors and the memory that the process may use.
    pub(crate) resources: Resources,
    /// The user of `--user`.
    pub(crate) user: Option<String>,
    pub(crate) sandbox: Sandbox,
    /// For the web dialect; the classic one has none.
    pub(crate) web: Option<httpserver::web::Options>,
    /// The number of responses after which the server stops.
    pub(crate) exit_after: Option<NonZeroUsize>,
    /// The reports for the program that started it.
    pub(crate) harness: HarnessConfig,
}

/// The environment of a command line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'s> {
    /// The environment.
    pub(crate) variables: &'s [Variable],
    /// The names of the sockets that a service manager passes.
    pub(crate) sockets: &'s [String],
}

/// Parses a command line, including the program's name, in its environment.
pub(crate) fn read(
    words: impl IntoIterator<Item = OsString>,
    Surroundings { variables, sockets }: Surroundings<'_>,
) -> Result<Invocation, UsageError> {
    let mut command = command();
    let words: Vec<_> = words.into_iter().collect();
    let matches = match command.try_get_matches_from_mut(&words) {
        Ok(matches) => matches,
        Err(error) => {
            return match error.kind() {
                ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
                    Ok(Invocation::Print(error.to_string()))
                }
                _ => Err(UsageError::of(&error, &command)),
            };
        }
    };
    if matches.get_flag("hash_password") {
        return Ok(Invocation::HashPassword);
    }
    for name in environment::unknown(&command, variables) {
        ::log::warn!(
            "{name} is not the variable of an option: 'httpserver --help' explains the names"
        );
    }
    let environment = from_environment(&mut command, variables, &matches)?;
    let program = words.iter().take(1);
    let set = environment.iter().flat_map(|option| &option.words);
    let all = program.chain(set).chain(words.iter().skip(1));
    let matches = command
        .try_get_matches_from_mut(all)
        .map_err(|error| UsageError::of(&error, &command))?;
    check_needs(&command, &matches).map_err(|error| error.in_variables(&environment))?;
    let typed =
        Typed::from_arg_matches(&matches).map_err(|error| UsageError::of(&error, &command))?;
    let (config, resolved) = Config::new(typed, &environment, sockets)
        .map_err(|error| error.in_variables(&environment))?;
    if matches.get_flag("print_config") {
        let table = in_force::table(&command, &matches, &environment, &resolved);
        return Ok(Invocation::Print(table));
    }
    Ok(Invocation::Run(Box::new(config)))
}

/// The options that are in the environment and not on the command line; each has a valid value.
fn from_environment(
    command: &mut Command,
    variables: &[Variable],
    typed: &ArgMatches,
) -> Result<Vec<FromEnvironment>, UsageError> {
    let mut all = environment::options(command, variables)?;
    all.retain(|option| {
        let mut args = command.get_arguments();
        !args.any(|arg| arg.get_id().as_str() == option.id && is_given(arg, typed))
    });
    for option in &all {
        let program = OsString::from("httpserver");
        let words = std::iter::once(&program).chain(&option.words);
        command
            .try_get_matches_from_mut(words)
            .map_err(|error| UsageError::of(&error, command).in_variable(&option.variable))?;
    }
    Ok(all)
}

/// Checks that the options that others depend on are present.
fn check_needs(command: &Command, matches: &ArgMatches) -> Result<(), UsageError> {
    let is_given = |long: &str| {
        let mut args = command.get_arguments();
        args.any(|arg| arg.get_long() == Some(long) && is_given(arg, matches))
    };
    for Requirement { option, needs } in GROUPS.iter().flat_map(|group| group.needs) {
        if is_given(option) && !is_given(needs) {
            return Err(UsageError::Needs { option, needs });
        }
    }
    Ok(())
}

/// Whether a QR code is drawn, which is refused if no other machine can connect.
fn permitted_qr_code(
    web: &web::WebOptions,
    listeners: &[ListenerConfig],
) -> Result<QrCode, UsageError> {
    let qr_code = web.qr_code();
    if qr_code == QrCode::Drawn && listeners.iter().all(ListenerConfig::is_for_this_machine) {
        let names = listeners.iter().map(|listener| listener.place.to_string());
        let names: Vec<_> = names.collect();
        return Err(UsageError::NothingToDraw(names.join(", ")));
    }
    Ok(qr_code)
}

impl Config {
    fn new(
        mut typed: Typed,
        environment: &[FromEnvironment],
        passed: &[String],
    ) -> Result<(Self, Resolved), UsageError> {
        let (positionals, resolved) = arguments::take(&mut typed, environment, passed)?;
        typed.web.check()?;
        let sockets = Sockets {
            names: passed,
            unnamed: typed.unnamed_sockets(passed),
        };
        let proxies = typed.proxies.proxies();
        let certificate = typed.tls.certificate()?;
        let listeners =
            typed
                .listen
                .listeners(positionals.listen, &sockets, &typed.tls, &typed.proxies)?;
        typed.tls.check(&listeners)?;
        let qr_code = permitted_qr_code(&typed.web, &listeners)?;
        let max_body = typed.limits.max_body.unwrap_or(u64::MAX);
        let listened = listeners.iter().filter_map(ListenerConfig::host);
        let hosts: Vec<_> = listened.map(str::to_owned).collect();
        let resources = Resources::find().with_processors(typed.limits.processors);
        let workers = (typed.serve).workers(resources.processors, typed.web.dialect());
        let web = (typed.web).options(max_body, resources.memory, &hosts, typed.users.responses());
        let config = Self {
            listeners,
            certificate,
            settings: Settings {
                workers,
                processors: resources.processors,
                queue: typed.limits.queue,
                max_connections: typed.limits.max_connections,
                client_limit: typed.limits.client_limit(proxies.as_ref()),
                drain: typed.timeouts.drain,
                lifetime: typed.harness.max_time,
            },
            timeouts: typed.timeouts.timeouts(),
            sealing: typed.log.sealing(typed.serve.server_id.take()),
            log: typed.log.log(),
            root: positionals.root.unwrap_or_else(|| PathBuf::from(".")),
            durability: typed.serve.durability(),
            sharing: typed.serve.sharing(),
            verbosity: typed.serve.verbosity(),
            qr_code,
            detail: typed.serve.detail(),
            access_log: typed.access_log.access_log(),
            status: typed.status.place(passed)?,
            proxies,
            users: typed.users.users,
            max_body,
            resources,
            sandbox: typed.confinement.sandbox(),
            user: typed.confinement.user,
            web,
            exit_after: typed.harness.exit_after,
            harness: typed.harness.config(),
        };
        Ok((config, resolved))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(line: &str) -> Config {
        config_with(line, &[])
    }

    /// The same with sockets that are passed.
    fn config_with(line: &str, sockets: &[&str]) -> Config {
        let words = std::iter::once("httpserver").chain(line.split_whitespace());
        let sockets: Vec<_> = sockets.iter().map(ToString::to_string).collect();
        let surroundings = Surroundings {
            variables: &[],
            sockets: &sockets,
        };
        match read(words.map(OsString::from), surroundings) {
            Ok(Invocation::Run(config)) => *config,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// The listeners, each by its first address.
    fn addresses(config: &Config) -> Vec<String> {
        let listeners = config.listeners.iter().map(|listener| &listener.place);
        listeners
            .map(|place| match place {
                ListenerPlace::Internet(listen) => listen.addresses[0].to_string(),
                ListenerPlace::Unix { path, .. } => path.display().to_string(),
                place @ ListenerPlace::Passed { index, .. } => format!("{place} {index}"),
            })
            .collect()
    }

    #[test]
    fn listener_of_the_arguments_comes_first() {
        for (line, expected) in [
            ("8080", &["127.0.0.1:8080"][..]),
            ("--listen :8081 8080", &["127.0.0.1:8080", "127.0.0.1:8081"]),
            ("--listen :8081 --listen unix:a", &["127.0.0.1:8081", "a"]),
            ("--web --listen unix:a /", &["a"]),
            ("--web --listen unix:a / 1", &["127.0.0.1:1", "a"]),
        ] {
            assert_eq!(addresses(&config(line)), expected, "{line}");
        }
    }

    #[test]
    fn sockets_that_are_passed_are_listeners() {
        let sockets = ["web", "status", "web"];
        for (line, expected) in [
            (
                "",
                &["systemd:web 0", "systemd:status 1", "systemd:web 2"][..],
            ),
            (
                "--status systemd:status",
                &["systemd:web 0", "systemd:web 2"],
            ),
            (
                "--web --listen systemd:web",
                &["systemd:status 1", "systemd:web 0", "systemd:web 2"],
            ),
            (
                "--status systemd:status 1",
                &["127.0.0.1:1", "systemd:web 0", "systemd:web 2"],
            ),
        ] {
            let found = addresses(&config_with(line, &sockets));
            assert_eq!(found, expected, "{line}");
        }
    }

    #[test]
    fn proxy_header_is_expected_on_listeners_with_that_option() {
        use httpserver::connection::ProxyProtocol::{NotSpoken, Spoken};
        let listen = "--trust-proxy ::1,unix --listen unix:a,proxy --listen :1";
        for (line, expected) in [
            (format!("{listen} 0"), [NotSpoken, Spoken, NotSpoken]),
            (
                format!("{listen} 0 --proxy-protocol"),
                [Spoken, Spoken, Spoken],
            ),
        ] {
            let config = config(&line);
            let found = config.listeners.iter().map(|one| one.proxy_protocol);
            assert_eq!(found.collect::<Vec<_>>(), expected, "{line}");
        }
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_option_is_in_a_group_and_groups_name_existing_options() {
        let command = command();
        let headings: Vec<_> = GROUPS.iter().map(|group| group.heading).collect();
        for arg in command.get_arguments().filter(|arg| !arg.is_positional()) {
            let heading = arg.get_help_heading().unwrap_or_default();
            let is_known = headings.contains(&heading) || heading == help::HEADING;
            assert!(is_known, "{arg} is in no group");
        }
        for need in GROUPS.iter().flat_map(|group| group.needs) {
            for long in [need.option, need.needs] {
                let is_there = command
                    .get_arguments()
                    .any(|arg| arg.get_long() == Some(long));
                assert!(is_there, "--{long}");
            }
        }
    }

    #[test]
    fn positionals_and_options_come_in_any_order() {
        for line in [
            "-N 8 -l log.txt 127.0.0.1 8080",
            "127.0.0.1 -N 8 8080 -l log.txt",
            "127.0.0.1 8080 --threads 8 --log log.txt",
            "8080 -N8 -llog.txt",
            "-l log.txt localhost -N=8 8080",
            "-N 8 -l log.txt -- 127.0.0.1:8080",
        ] {
            let config = config(line);
            let expected = "127.0.0.1:8080";
            assert_eq!(addresses(&config), [expected], "{line}");
            assert_eq!(config.settings.workers.get(), 8, "{line}");
            let log = Some((PathBuf::from("log.txt"), Mode::Fresh));
            assert_eq!(config.log, log, "{line}");
        }
    }

    #[test]
    fn options_become_plain_values() {
        let plain = config("0");
        assert_eq!(plain.root, PathBuf::from("."));
        assert_eq!(plain.verbosity, Verbosity::Normal);
        assert_eq!(plain.durability, Durability::Kernel);
        assert_eq!(plain.max_body, u64::MAX);
        assert_eq!(plain.settings.queue.get(), 1024);
        assert_eq!(plain.settings.drain.as_secs(), 10);
        assert_eq!(plain.timeouts.idle.as_secs(), 60);
        let all = config(
            "-q --durable --root / --max-body 10M --queue 7 --max-connections 9 --idle-timeout 2m \
             --drain-timeout 500ms -l log.txt --log-append 0",
        );
        assert_eq!(all.root, PathBuf::from("/"));
        assert_eq!(all.verbosity, Verbosity::Quiet);
        assert_eq!(all.durability, Durability::Storage);
        assert_eq!(all.max_body, 10 << 20);
        assert_eq!(all.settings.queue.get(), 7);
        assert_eq!(all.settings.max_connections.map(usize::from), Some(9));
        assert_eq!(all.settings.drain.as_millis(), 500);
        assert_eq!(all.timeouts.idle.as_secs(), 120);
        assert_eq!(all.log, Some((PathBuf::from("log.txt"), Mode::Append)));
    }

    #[test]
    fn the_root_of_a_site_is_an_argument_or_an_option() {
        for line in ["--web /", "--web --root /", "/ 8000 --web"] {
            let config = config(line);
            assert_eq!(config.root, PathBuf::from("/"), "{line}");
            assert!(config.web.is_some(), "{line}");
        }
    }

    /// The command lines in the `sh` blocks of a page that begin with `start`, without their comments.
    fn lines_of<'t>(page: &'t str, start: &'t str) -> impl Iterator<Item = &'t str> {
        let blocks = page.split("\n```sh\n").skip(1);
        let lines = blocks.flat_map(|rest| rest.lines().take_while(|line| *line != "```"));
        lines.filter_map(move |line| {
            let line = line.strip_prefix(start)?;
            Some(line.split_once("  #").map_or(line, |(line, _)| line).trim())
        })
    }

    #[test]
    fn the_examples_of_readme_and_help_are_understood() {
        let readme = include_str!("../../README.md");
        let installed = lines_of(readme, "httpserver ");
        let built = lines_of(readme, "cargo run --release -- ");
        let all: Vec<_> = installed.chain(built).collect();
        assert!(all.len() >= 3, "{all:?}");
        let help = GROUPS.map(|group| group.example.strip_prefix("httpserver ").unwrap());
        for line in all.into_iter().chain(help) {
            // The server is not started, so nothing is opened.
            config(line);
        }
    }

    #[test]
    fn the_first_example_of_readme_makes_the_directory_that_it_serves() {
        let readme = include_str!("../../README.md");
        let made = lines_of(readme, "mkdir -p ").next().unwrap();
        let first = lines_of(readme, "cargo run --release -- ").next().unwrap();
        let config = config(first);
        assert_eq!(config.root, PathBuf::from(made));
        assert!(config.root.is_absolute());
        let (log, _) = config.log.unwrap();
        assert!(log.is_absolute() && !log.starts_with(&config.root));
    }
}
