//! Every option also has a variable, and `--print-config` shows the values in force.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::home::Home;
use crate::support::message::{get, name, response};
use crate::support::process::finish;
use crate::support::server::Server;

/// A command in a directory of its own, with these variables.
fn command(home: &Home, variables: &[(&str, &str)], arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.args(arguments).current_dir(home.path());
    command.envs(variables.iter().copied());
    command
}

#[track_caller]
fn run(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    finish(command(&Home::new(), variables, arguments), b"")
}

/// The values in force: option, value and source of each line of `--print-config`.
#[track_caller]
fn in_force(variables: &[(&str, &str)], arguments: &[&str]) -> Vec<[String; 3]> {
    let output = run(variables, &[&["--print-config"], arguments].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    assert_eq!(stderr, "");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines = stdout.lines().map(|line| {
        let cells: Vec<_> = line.split("  ").map(str::trim).collect();
        let cells: Vec<_> = cells.into_iter().filter(|cell| !cell.is_empty()).collect();
        let [option, value, source] = cells[..] else {
            panic!("not three columns: {line}");
        };
        [option.to_owned(), value.to_owned(), source.to_owned()]
    });
    lines.collect()
}

/// The rows of one option, as `VALUE from SOURCE`.
fn rows(all: &[[String; 3]], option: &str) -> Vec<String> {
    let rows = all.iter().filter(|[name, ..]| name == option);
    rows.map(|[_, value, source]| format!("{value} from {source}"))
        .collect()
}

/// The options of `--help` that do more than print, by their long names, each with its placeholder.
fn options_of_help() -> BTreeMap<String, Option<String>> {
    let output = run(&[], &["--help"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let mut options = BTreeMap::new();
    for line in text
        .lines()
        .filter(|line| line.starts_with("  -") || line.starts_with("      --"))
    {
        let names = line.trim().split("  ").next().unwrap();
        let Some((_, long)) = names.split_once("--") else {
            continue;
        };
        let (long, value) = match long.split_once(' ') {
            Some((long, value)) => (long, Some(value.to_owned())),
            None => (long, None),
        };
        if !["help", "version", "print-config", "hash-password"].contains(&long) {
            options.insert(long.to_owned(), value);
        }
    }
    options
}

fn variable(option: &str) -> String {
    format!("HTTPSERVER_{}", option.to_uppercase().replace('-', "_"))
}

/// A value that an option takes.
fn value(option: &str, placeholder: Option<&str>) -> &'static str {
    match (option, placeholder) {
        ("listen", _) => "0.0.0.0:1,tls",
        ("redirect-http", _) => "0.0.0.0:2",
        ("status", _) => "127.0.0.1:3",
        ("client-address-from", _) => "forwarded",
        ("access-log-format", _) => "json",
        ("trust-proxy", _) => "10.0.0.0/8",
        ("spa", _) => "index.html",
        ("verbose", _) => "2",
        (_, None) => "true",
        (_, Some("N")) => "7",
        (_, Some("SIZE")) => "11",
        (_, Some("TIME")) => "13s",
        (_, Some("'NAME: VALUE'")) => "X-A: b",
        (_, Some("EXT=TYPE")) => "log=text/plain",
        (_, Some("GLOB=VALUE")) => "*.css=no-cache",
        (_, Some("NAME")) => "files.example",
        (_, Some(_)) => "a-file",
    }
}

#[test]
fn every_option_of_help_can_be_set_by_its_variable() {
    let options = options_of_help();
    assert!(options.len() > 30, "{options:?}");
    // Two certificates cannot be set at once.
    for certificate in [&["tls-cert", "tls-key"][..], &["tls-self-signed"]] {
        let is_set = |option: &str| {
            let is_certificate = ["tls-cert", "tls-key", "tls-self-signed"].contains(&option);
            !is_certificate || certificate.contains(&option)
        };
        let set: Vec<_> = options
            .iter()
            .filter(|(option, _)| is_set(option))
            .map(|(option, placeholder)| (variable(option), value(option, placeholder.as_deref())))
            .collect();
        let set: Vec<_> = set
            .iter()
            .map(|(name, value)| (name.as_str(), *value))
            .collect();
        let all = in_force(&set, &[]);
        for (option, placeholder) in &options {
            let value = value(option, placeholder.as_deref());
            let expected = if is_set(option) {
                format!("{value} from {}", variable(option))
            } else {
                "none from default".to_owned()
            };
            assert_eq!(rows(&all, option), [expected], "{option}");
        }
        let mut shown: Vec<_> = all.iter().map(|[option, ..]| option.clone()).collect();
        shown.sort();
        assert!(shown.iter().eq(options.keys()), "{shown:?}");
    }
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let readme = readme.unwrap();
    for option in options.keys() {
        assert!(readme.contains(&format!("`--{option}")), "--{option}");
    }
}

#[test]
fn each_value_says_where_it_comes_from() {
    let set = [
        ("HTTPSERVER_THREADS", "8"),
        ("HTTPSERVER_QUEUE", "9"),
        ("HTTPSERVER_LISTEN", "127.0.0.1:1\nunix:a,mode=600\n"),
        ("HTTPSERVER_ROOT", "/srv"),
        ("HTTPSERVER_WEB", "1"),
        ("HTTPSERVER_HEADER", "A: b\nC: d"),
        ("HTTPSERVER_LOG", ""),
    ];
    let all = in_force(&set, &["-N", "3", "--header", "E: f"]);
    for (option, expected) in [
        ("threads", &["3 from command line"][..]),
        ("queue", &["9 from HTTPSERVER_QUEUE"]),
        (
            "listen",
            &[
                "127.0.0.1:1 from HTTPSERVER_LISTEN",
                "unix:a,mode=600 from HTTPSERVER_LISTEN",
            ],
        ),
        ("root", &["/srv from HTTPSERVER_ROOT"]),
        ("web", &["true from HTTPSERVER_WEB"]),
        ("header", &["E: f from command line"]),
        ("log", &["none from default"]),
        ("max-body", &["no limit from default"]),
        ("idle-timeout", &["60s from default"]),
        ("listing", &["false from default"]),
        ("verbose", &["0 from default"]),
    ] {
        assert_eq!(rows(&all, option), expected, "{option}");
    }
    // Arguments are options, too.
    let all = in_force(&set, &["/tmp", "127.0.0.1:5"]);
    assert_eq!(rows(&all, "root"), ["/tmp from command line"]);
    assert_eq!(rows(&all, "listen"), ["127.0.0.1:5 from command line"]);
    let all = in_force(&set, &["/tmp"]);
    assert_eq!(rows(&all, "root"), ["/tmp from command line"]);
    assert_eq!(rows(&all, "listen").len(), 2);
    let all = in_force(&[], &["--web", "/tmp"]);
    assert_eq!(rows(&all, "listen"), ["127.0.0.1:8000 from default"]);
    assert_eq!(rows(&all, "threads"), ["auto from default"]);
    let all = in_force(&[], &["--web"]);
    assert_eq!(rows(&all, "root"), [". from default"]);
    assert_eq!(rows(&in_force(&[], &["80"]), "threads"), ["4 from default"]);
}

#[test]
fn printing_the_options_opens_no_file() {
    let home = Home::new();
    let arguments = ["--print-config", "-l", "log.txt", "127.0.0.1", "1"];
    let output = finish(command(&home, &[], &arguments), b"");
    assert!(output.status.success());
    assert!(!home.log_path().exists());
}

#[test]
fn server_starts_from_the_environment_alone() {
    let home = Home::new();
    home.place(&name("here"), b"served");
    let set = [
        ("HTTPSERVER_LISTEN", "127.0.0.1:0"),
        ("HTTPSERVER_ROOT", "root"),
        ("HTTPSERVER_LOG", "log.txt"),
        ("HTTPSERVER_EXIT_AFTER", "1"),
    ];
    let mut server = Server::start(home.clone(), command(&home, &set, &[]));
    assert_eq!(
        server.request(get(&name("here"))),
        response("200 OK", b"served")
    );
    assert!(server.wait().0.success());
    assert_eq!(
        home.log(),
        format!("GET {} length 0\n========\n", name("here"))
    );
}

#[test]
fn errors_name_the_variable() {
    for (set, arguments, message) in [
        (
            &[("HTTPSERVER_THREADS", "many")][..],
            &["0"][..],
            "'many' is not a value for HTTPSERVER_THREADS: it must be a whole number, such as 8, or auto",
        ),
        (
            &[("HTTPSERVER_WEB", "yes")],
            &["0"],
            "'yes' is not a value for HTTPSERVER_WEB: it must be 1, 0, true or false",
        ),
        (
            &[("HTTPSERVER_VERBOSE", "very")],
            &["0"],
            "'very' is not a value for HTTPSERVER_VERBOSE: it must be a number from 0 to 9, true or false",
        ),
        (
            &[("HTTPSERVER_LISTEN", "127.0.0.1:1\nnowhere")],
            &[],
            "'nowhere' is not a value for HTTPSERVER_LISTEN: it has no port: type one after the address, as in \
             'nowhere:8080'",
        ),
        (
            &[("HTTPSERVER_LOG_APPEND", "1")],
            &["0"],
            "HTTPSERVER_LOG_APPEND needs --log: type both",
        ),
        (
            &[("HTTPSERVER_TLS_CERT", "a"), ("HTTPSERVER_TLS_KEY", "b")],
            &["0", "--tls-self-signed", "c"],
            "HTTPSERVER_TLS_CERT and --tls-self-signed both name a certificate: type one of them",
        ),
        (
            &[("HTTPSERVER_LISTEN", "unix:a,tls")],
            &[],
            "'HTTPSERVER_LISTEN unix:a,tls' needs a certificate: type --tls-cert and --tls-key, too, or \
             --tls-self-signed",
        ),
    ] {
        let output = run(set, arguments);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("httpserver: {message}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
    // The command line wins, and the variable is ignored.
    let all = in_force(&[("HTTPSERVER_THREADS", "many")], &["-N", "3", "0"]);
    assert_eq!(rows(&all, "threads"), ["3 from command line"]);
}

#[test]
fn unknown_variable_is_a_warning_and_those_of_kubernetes_are_not() {
    let kubernetes = [
        ("HTTPSERVER_SERVICE_HOST", "10.0.0.1"),
        ("HTTPSERVER_SERVICE_PORT", "80"),
        ("HTTPSERVER_PORT", "tcp://10.0.0.1:80"),
        ("HTTPSERVER_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("HTTPSERVER_PORT_80_TCP_ADDR", "10.0.0.1"),
    ];
    assert!(!in_force(&kubernetes, &["0"]).is_empty());
    let output = run(&[("HTTPSERVER_THREAD", "8")], &["--print-config", "0"]);
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    let expected = "HTTPSERVER_THREAD is not the variable of an option: 'httpserver --help' explains the names\n";
    assert!(stderr.ends_with(expected), "{stderr}");
}
