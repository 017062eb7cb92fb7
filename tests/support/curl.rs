//! curl, as a person would call it.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::support::process::finish;
use crate::support::server::Server;

/// Runs `curl -si ARGUMENTS URL` for a target of the server, and returns what it prints; it must succeed.
#[track_caller]
pub(crate) fn curl<S: AsRef<OsStr>>(server: &Server, arguments: &[S], target: &str) -> Vec<u8> {
    curl_reading(server, arguments, target, b"")
}

/// The same with `input` on its stdin, for `-T -`.
#[track_caller]
pub(crate) fn curl_reading<S: AsRef<OsStr>>(
    server: &Server,
    arguments: &[S],
    target: &str,
    input: &[u8],
) -> Vec<u8> {
    let mut command = without_settings();
    command.args(["--path-as-is", "-si"]).args(arguments);
    command.arg(format!("http://{}/{target}", server.address()));
    run(command, input)
}

/// Runs `curl -sS --fail ARGUMENTS` in a directory, and returns what it prints; it must succeed.
#[track_caller]
pub(crate) fn curl_in<S: AsRef<OsStr>>(directory: &Path, arguments: &[S]) -> String {
    let mut command = without_settings();
    command.args(["-sS", "--fail"]).args(arguments);
    command.current_dir(directory);
    String::from_utf8(run(command, b"")).unwrap()
}

/// Runs `curl -si ARGUMENTS` in a directory, and returns what it prints; it must succeed.
#[track_caller]
pub(crate) fn curl_to<S: AsRef<OsStr>>(directory: &Path, arguments: &[S]) -> Vec<u8> {
    let mut command = without_settings();
    command.args(["--path-as-is", "-si"]).args(arguments);
    command.current_dir(directory);
    run(command, b"")
}

/// A curl that takes no settings from this machine.
fn without_settings() -> Command {
    let mut command = Command::new("curl");
    // --disable comes first: it keeps ~/.curlrc away.
    command.args(["--disable", "--noproxy", "*"]);
    command
}

#[track_caller]
fn run(command: Command, input: &[u8]) -> Vec<u8> {
    let output = finish(command, input);
    assert!(output.status.success(), "curl: {output:?}");
    output.stdout
}
