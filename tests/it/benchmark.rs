//! The benchmark beside nginx, as README runs it, but short and without its peers. Its figures are not checked.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::home::Home;
use crate::support::process::finish;
use crate::support::requirements::is_there;

/// Runs one case of the benchmark for a second. The path of `server` is relative to the directory of the programs.
fn side_by_side<S: AsRef<OsStr>>(home: &Home, server: &str, more: &[S]) -> Output {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(repository.join("benches/beside_nginx/side_by_side.py"));
    let programs = Path::new(env!("CARGO_BIN_EXE_httpserver")).parent();
    command.current_dir(programs.unwrap()).env_remove("LWAN");
    command.args(["--server", server, "--case", "get-1k-c4", "--peers"]);
    command.args(["--rounds", "1", "--seconds", "1", "--dir"]);
    command.arg(home.root()).args(more);
    finish(command, b"")
}

#[test]
fn benchmark_measures_the_given_server() {
    if !(is_there("python3") && is_there("wrk")) {
        return;
    }
    let home = Home::new();
    let summary = home.path().join("summary");
    let more = ["--", "--summary", summary.to_str().unwrap()];
    let output = side_by_side(&home, "httpserver", &more);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = stdout.split_whitespace().collect();
    let [case, who, rate, "req/s", cpu, "cpu-us/req", "p99", _] = words[..] else {
        panic!("{stdout}");
    };
    assert_eq!([case, who], ["get-1k-c4", "ours"]);
    for figure in [rate, cpu] {
        assert!(figure.parse::<f64>().is_ok(), "{stdout}");
    }
    // The server's own count confirms the requests.
    let summary: Value = serde_json::from_str(&fs::read_to_string(summary).unwrap()).unwrap();
    let requests = summary["requests"].as_u64().unwrap();
    assert!(requests > 0, "{summary}");
    assert_eq!(summary["by_status"]["200"], requests, "{summary}");
    assert_eq!(fs::read_dir(home.root()).unwrap().count(), 0);
}

#[test]
fn benchmark_without_a_server_ends_with_one_line() {
    if !is_there("python3") {
        return;
    }
    let home = Home::new();
    // The last one is a directory.
    for server in ["absent", "/dev/null", ".."] {
        let output = side_by_side::<&str>(&home, server, &[]);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!(
            "--server {server}: no program is there; 'cargo build --release' makes target/release/httpserver\n"
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
        assert_eq!(output.stdout, b"");
    }
}

#[test]
fn benchmark_names_what_a_peer_lacks() {
    if !(is_there("python3") && is_there("wrk")) {
        return;
    }
    let home = Home::new();
    // No distribution has lwan, so the variable LWAN names it; here it is not set.
    let output = side_by_side(&home, "httpserver", &["--peers", "lwan"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "lwan (LWAN names its binary) is not there, and is needed\n"
    );
    assert_eq!(output.stdout, b"");
    assert_eq!(fs::read_dir(home.root()).unwrap().count(), 0);
}
