//! The real `httpserver-log` on logs made by the crate's own entry code.

mod check;
mod compressed;
mod extract;
mod follow;
mod list;
mod list_sealed;
mod merge;
mod past;
mod progress;
mod replay;
mod seal;
mod seal_vectors;
mod sealed_log;
mod selection;
mod specification;
mod usage;

use httpserver::request_log::format::hex::push_rows;
use httpserver::request_log::format::layout::{SEPARATOR, push_failure, push_header};
use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tempfile::TempDir;

use crate::support::process::log_tool;

/// A log being put together, as bytes.
#[derive(Default)]
struct Log(Vec<u8>);

impl Log {
    fn put(mut self, name: &str, content: &[u8]) -> Self {
        push_header(&mut self.0, "PUT", name.as_bytes(), content.len() as u64);
        push_rows(&mut self.0, 0, content);
        self.0.extend_from_slice(SEPARATOR);
        self
    }

    fn other(mut self, method: &str, name: &str) -> Self {
        push_header(&mut self.0, method, name.as_bytes(), 0);
        self.0.extend_from_slice(SEPARATOR);
        self
    }

    fn failed(mut self, method: &str, name: &str, status: u16) -> Self {
        push_failure(
            &mut self.0,
            Some(method.as_bytes()),
            Some(name.as_bytes()),
            Some(b"HTTP/1.1"),
            status,
        );
        self.0.extend_from_slice(SEPARATOR);
        self
    }

    /// Space that was reserved and never written.
    fn nuls(mut self, count: usize) -> Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// A directory of its own for a test, with `log.txt` in it.
struct Workdir(TempDir);

impl Workdir {
    fn new(log: &Log) -> Self {
        let workdir = Self(tempfile::tempdir().unwrap());
        fs::write(workdir.path("log.txt"), &log.0).unwrap();
        workdir
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the tool in the directory.
    fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Run {
        self.run_with(arguments, &[])
    }

    fn run_with<A: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: &[u8],
    ) -> Run {
        let output = log_tool(self.0.path(), arguments, input);
        Run {
            status: output.status.code(),
            bytes: output.stdout,
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// How a run ended.
#[derive(Debug)]
struct Run {
    status: Option<i32>,
    bytes: Vec<u8>,
    stderr: String,
}

impl Run {
    fn stdout(&self) -> &str {
        std::str::from_utf8(&self.bytes).unwrap()
    }

    /// Exit status 0, nothing on stderr, and this on stdout.
    #[track_caller]
    fn says(&self, stdout: &str) {
        assert_eq!(
            (self.status, self.stdout(), &self.stderr[..]),
            (Some(0), stdout, "")
        );
    }

    /// Exit status 1, nothing on stdout, and this one line on stderr.
    #[track_caller]
    fn refuses(&self, stderr: &str) {
        assert_eq!(
            (self.status, self.stdout(), &self.stderr[..]),
            (Some(1), "", &format!("httpserver-log: {stderr}\n")[..])
        );
    }
}

#[test]
fn every_summary_fits_a_screen_of_24_rows() {
    let subcommands = [
        "check",
        "list",
        "extract",
        "replay",
        "history",
        "stats",
        "seal-key",
        "checkpoint",
        "sign-key",
    ];
    let rows_above_the_prompt = 23;
    for subcommand in subcommands.map(Some).into_iter().chain([None]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver-log"));
        command.args(subcommand).arg("-h").env("COLUMNS", "80");
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert!(text.lines().count() <= rows_above_the_prompt, "{text}");
        assert!(
            text.lines().all(|line| line.chars().count() <= 80),
            "{text}"
        );
    }
}

#[test]
fn help_shows_examples() {
    let workdir = Workdir::new(&Log::default());
    for subcommand in ["check", "list", "history", "extract", "replay", "stats"] {
        let help = workdir.run([subcommand, "--help"]);
        assert_eq!(help.status, Some(0));
        assert!(
            help.stdout()
                .contains(&format!("httpserver-log {subcommand} log.txt")),
            "{}",
            help.stdout()
        );
    }
    assert!(workdir.run(["--help"]).stdout().contains("Examples:"));
    for subcommand in ["list", "stats"] {
        let help = workdir.run([subcommand, "--help"]);
        assert!(help.stdout().contains("\nSelection:\n      --since "));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let workdir = Workdir::new(&Log::default());
    for arguments in [
        &["check", "absent"][..],
        &["list", "absent"],
        &["extract", "absent", "1"],
        &["replay", "absent", "d"],
        &["stats", "absent"],
    ] {
        workdir
            .run(arguments)
            .refuses("absent: No such file or directory");
    }
    for arguments in [&["check", "."][..], &["replay", ".", "d"]] {
        workdir.run(arguments).refuses(".: is a directory");
    }
}

#[test]
fn other_files_than_logs_are_named_as_such() {
    for (content, reason) in [
        (
            &b"\x7fELF\x02\x01\x01\0"[..],
            "it begins with `\\x7fELF\\x02\\x01\\x01\\x00`",
        ),
        (b"shopping list\n", "it begins with `shopping`"),
        (b"\n", "it begins with `\\n`"),
    ] {
        let workdir = Workdir::new(&Log::default().raw(content));
        for arguments in [
            &["check", "log.txt"][..],
            &["check", "log.txt", "--against", "."],
            &["list", "log.txt"],
            &["extract", "log.txt", "1"],
            &["replay", "log.txt", "d"],
            &["stats", "log.txt"],
        ] {
            workdir
                .run(arguments)
                .refuses(&format!("log.txt: not an httpserver log: {reason}"));
        }
        workdir
            .run_with(["check", "-"], content)
            .refuses(&format!("-: not an httpserver log: {reason}"));
        assert!(!workdir.path("d").exists());
    }
}

/// Every command line that writes to standard output.
const PRINTING: &[&[&str]] = &[
    &["check", "log.txt"],
    &["check", "log.txt", "--against", "."],
    &["list", "log.txt"],
    &["list", "log.txt", "--json"],
    &["extract", "log.txt", "1"],
    &["replay", "log.txt", "rebuilt"],
    &["stats", "log.txt"],
    &["stats", "log.txt", "--json"],
    &["--help"],
    &["list", "--help"],
    &["--version"],
];

/// Runs the tool in `workdir` with another standard output.
fn run_into(
    workdir: &Workdir,
    arguments: &[&str],
    stdout: impl Into<Stdio>,
) -> (Option<i32>, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_httpserver-log"))
        .args(arguments)
        .current_dir(workdir.0.path())
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8(output.stderr).unwrap(),
    )
}

/// `list | head` must not end in an error, and must not hide one.
#[test]
fn closed_output_ends_without_an_error() {
    let log = (0..20_000).fold(Log::default().put("a", b"content"), |log, _| {
        log.other("GET", "ABCDEFarqdeXYZxyzf012345-ab")
    });
    let workdir = Workdir::new(&log);
    for arguments in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let ended = run_into(&workdir, arguments, writer);
        assert_eq!(ended, (Some(0), String::new()), "{arguments:?}");
        let _ = fs::remove_dir_all(workdir.path("rebuilt"));
    }
}

#[test]
fn a_full_output_is_an_error() {
    let workdir = Workdir::new(&Log::default().put("a", b"content"));
    for arguments in PRINTING {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let (status, stderr) = run_into(&workdir, arguments, full);
        let expected = "httpserver-log: standard output: No space left on device\n";
        assert_eq!((status, &*stderr), (Some(1), expected), "{arguments:?}");
        let _ = fs::remove_dir_all(workdir.path("rebuilt"));
    }
}
