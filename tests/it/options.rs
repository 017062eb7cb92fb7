//! The options in the documents: each belongs to this project's programs, or to another program listed here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::options::{help_of_the_server, help_of_the_tool, options_in};
use crate::support::process::finish;
use crate::support::requirements::is_there;

/// Options of other programs that the documents name, by program.
const OF_OTHERS: &[(&str, &[&str])] = &[
    (
        "cargo",
        &[
            "--bench",
            "--bins",
            "--example",
            "--lib",
            "--locked",
            "--no-default-features",
            "--open",
            "--path",
            "--release",
            "--test",
        ],
    ),
    ("benches/instructions", &["--write"]),
    ("certbot", &["--deploy-hook"]),
    ("curl", &["--cacert"]),
    ("dpkg", &["--purge", "--remove"]),
    ("examples/crowd", &["--rate"]),
    ("logagent", &["--config"]),
    ("podman", &["--read-only", "--rm"]),
    ("strace", &["--inject"]),
    ("stress-ng", &["--cpu", "--io", "--timeout"]),
];

const SIDE_BY_SIDE: &str = "benches/beside_nginx/side_by_side.py";

/// The Python program that prints the command line of each case.
const PRINT_COMMANDS: &str = "import side_by_side as bench
for case in bench.CASES: print(*bench.command('ours', case, 'tmp', 'root', 0, 'httpserver', []), sep='\\n')";

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(mut command: Command, arguments: &[&str]) -> String {
    command.args(arguments);
    let output = finish(command, b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

/// The options of `httpserver`, as its help has them.
fn options_of_the_server() -> BTreeSet<String> {
    options_in(&help_of_the_server())
}

/// The options of `httpserver-log`, as the help of its commands has them.
fn options_of_the_tool() -> BTreeSet<String> {
    let (all, commands) = help_of_the_tool();
    let texts = commands.into_iter().map(|(_, text)| text);
    options_in(&(all + &texts.collect::<String>()))
}

/// Python beside the benchmark, without files left in its directory.
fn python() -> Command {
    let mut python = Command::new("python3");
    let directory = repository().join(SIDE_BY_SIDE);
    python.current_dir(directory.parent().unwrap());
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

/// The documents for users and for contributors.
fn documents() -> Vec<PathBuf> {
    let mut directories = vec![repository().to_owned(), repository().join("docs")];
    directories.extend(["examples", "fuzz"].map(|name| repository().join(name)));
    let files = directories
        .iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

#[test]
fn documents_name_only_options_that_exist() {
    if !is_there("python3") {
        return;
    }
    let mut known = options_of_the_server();
    known.append(&mut options_of_the_tool());
    known.append(&mut options_in(&run(
        python(),
        &["side_by_side.py", "--help"],
    )));
    known.extend(
        OF_OTHERS
            .iter()
            .flat_map(|(_, options)| options.iter().map(|option| (*option).to_owned())),
    );
    let mut named = BTreeSet::new();
    for path in documents() {
        let options = options_in(&fs::read_to_string(&path).unwrap());
        let unknown: Vec<_> = options.difference(&known).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
        named.extend(options);
    }
    for (program, options) in OF_OTHERS {
        for option in *options {
            assert!(named.contains(*option), "{program} {option} is not named");
        }
    }
}

#[test]
fn cases_of_the_benchmark_start_the_server_with_options_that_it_has() {
    if !is_there("python3") {
        return;
    }
    let options = options_in(&run(python(), &["-c", PRINT_COMMANDS]));
    assert!(options.contains("--seal"), "{options:?}");
    let known = options_of_the_server();
    let unknown: Vec<_> = options.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn options_are_found_in_text() {
    let text = "`--tls-cert FILE`, --a1=x\n|---|--- -- -v ---b (--seal) a--c --X https://a--d";
    let expected = ["--a1", "--seal", "--tls-cert"].map(str::to_owned);
    assert_eq!(options_in(text), BTreeSet::from(expected));
}
