//! Programs that run to their end.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::home::Home;
use crate::support::wait::GUARD;

/// Runs `httpserver` with exactly these arguments until it ends by itself, which must be immediately.
#[track_caller]
pub(crate) fn run<S: AsRef<OsStr>>(home: &Home, arguments: &[S]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.args(arguments).current_dir(home.path());
    finish(command, b"")
}

/// Runs `httpserver-log` in a directory, with this on its stdin.
#[track_caller]
pub(crate) fn log_tool<S: AsRef<OsStr>>(
    directory: &Path,
    arguments: impl IntoIterator<Item = S>,
    input: &[u8],
) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver-log"));
    command.args(arguments).current_dir(directory);
    finish(command, input)
}

/// Runs `httpserver-log` in a directory, within what a ulimit of the shell leaves it.
#[track_caller]
pub(crate) fn limited_log_tool(directory: &Path, arguments: &[&str], ulimit: &str) -> Output {
    let mut command = Command::new("sh");
    let line = format!("{ulimit} && exec \"$0\" \"$@\"");
    command.args(["-c", &line, env!("CARGO_BIN_EXE_httpserver-log")]);
    command.args(arguments).current_dir(directory);
    finish(command, b"")
}

/// Runs a command with this on its stdin, a pipe, to its end, which must be soon.
#[track_caller]
pub(crate) fn finish(mut command: Command, input: &[u8]) -> Output {
    isolate(&mut command);
    let (stdout, stderr) = (tempfile::tempfile().unwrap(), tempfile::tempfile().unwrap());
    command.stdin(Stdio::piped());
    command.stdout(stdout.try_clone().unwrap());
    command.stderr(stderr.try_clone().unwrap());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let status = thread::scope(|scope| {
        // A program that ends before it has read everything closes the pipe, which is not this thread's business.
        scope.spawn(move || drop(stdin.write_all(input)));
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if start.elapsed() > GUARD {
                let _ = child.kill();
                let _ = child.wait();
                break None;
            }
            thread::sleep(Duration::from_millis(1));
        }
    });
    let (stdout, stderr) = (content(stdout), content(stderr));
    let Some(status) = status else {
        panic!(
            "it does not end: {command:?}\n{}{}",
            stdout.escape_ascii(),
            String::from_utf8_lossy(&stderr)
        );
    };
    Output {
        status,
        stdout,
        stderr,
    }
}

/// The content of a file, from its first byte.
fn content(mut file: File) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.rewind().unwrap();
    file.read_to_end(&mut bytes).unwrap();
    bytes
}

/// The number of processors for which all servers of the tests are made, if it is set.
pub(crate) const PROCESSORS: &str = "HTTPSERVER_PROCESSORS";

/// Keeps the environment of the test away from a command, but for [`PROCESSORS`].
pub(crate) fn isolate(command: &mut Command) {
    command.stdin(Stdio::null());
    for variable in ["RUST_LOG", "RUST_BACKTRACE", "http_proxy", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    for (variable, _) in std::env::vars_os() {
        let name = variable.to_string_lossy();
        let is_ours = ["HTTPSERVER_", "LISTEN_", "NOTIFY_", "WATCHDOG_", "JOURNAL_"];
        if name != PROCESSORS && is_ours.iter().any(|start| name.starts_with(start)) {
            command.env_remove(variable);
        }
    }
}
