//! curl, as a person would call it.

use std::ffi::OsStr;
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
    // --disable comes first: it keeps ~/.curlrc away.
    let mut command = Command::new("curl");
    command.args(["--disable", "--noproxy", "*", "--path-as-is", "-si"]);
    command.args(arguments);
    command.arg(format!("http://{}/{target}", server.address()));
    let output = finish(command, input);
    assert!(output.status.success(), "curl: {output:?}");
    output.stdout
}
