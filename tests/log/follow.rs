//! `list --follow`: entries as they are written, across rotations.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

use httpserver::seal::line::TornOutcome;
use rustix::process::{Pid, Signal, kill_process};

use super::sealed_log::SealedLog;
use super::{Log, Workdir};
use crate::support::home::Home;
use crate::support::seal::seal_path;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::{GUARD, eventually};

/// A running `list --follow`.
struct Following {
    child: Child,
    lines: Receiver<String>,
}

impl Following {
    fn start(directory: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_httpserver-log"))
            .args(["list", "--follow"])
            .args(arguments)
            .current_dir(directory)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines() {
                if sender.send(line.unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(GUARD).unwrap()
    }

    /// Method and name of the next entry, and its status.
    #[track_caller]
    fn entry(&self) -> String {
        let object: serde_json::Value = serde_json::from_str(&self.line()).unwrap();
        format!(
            "{} {} {}",
            object["method"].as_str().unwrap_or("-"),
            object["name"].as_str().unwrap_or("-"),
            object["status"]
        )
    }

    /// Stops it; returns its exit status and stderr. Nothing else is on stdout.
    #[track_caller]
    fn end(mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let mut stderr = String::new();
        let mut pipe = self.child.stderr.take().unwrap();
        pipe.read_to_string(&mut stderr).unwrap();
        let status = self.child.wait().unwrap().code();
        assert_eq!(
            self.lines.recv_timeout(GUARD),
            Err(RecvTimeoutError::Disconnected)
        );
        (status, stderr)
    }
}

impl Drop for Following {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn append(path: &Path, bytes: &[u8]) {
    let mut file = OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(bytes).unwrap();
}

#[test]
fn entry_is_shown_once_all_of_it_is_there() {
    let workdir = Workdir::new(&Log::default().other("GET", "a"));
    let following = Following::start(workdir.0.path(), &["log.txt", "--json"]);
    assert_eq!(following.entry(), "GET a \"ok\"");
    let path = workdir.path("log.txt");
    let entry = Log::default().put("b", &[7; 100]).0;
    // The tool may see each part, and must not show it.
    for part in entry[..entry.len() - 1].chunks(40) {
        append(&path, part);
    }
    let last = &entry[entry.len() - 1..];
    append(&path, &[last, &Log::default().other("GET", "c").0].concat());
    assert_eq!(following.entry(), "PUT b \"ok\"");
    assert_eq!(following.entry(), "GET c \"ok\"");
    assert_eq!(following.end(), (Some(0), String::new()));
}

/// The place of an entry is reserved, others are written behind it, then it is.
#[test]
fn reserved_entry_is_waited_for() {
    let workdir = Workdir::new(&Log::default().other("GET", "a"));
    let path = workdir.path("log.txt");
    let following = Following::start(workdir.0.path(), &["log.txt", "--json"]);
    assert_eq!(following.entry(), "GET a \"ok\"");
    let reserved = Log::default().put("b", &[7; 100]).0;
    let file = OpenOptions::new().write(true).open(&path).unwrap();
    let start = file.metadata().unwrap().len();
    let behind = Log::default().other("GET", "c").0;
    file.write_all_at(&behind, start + reserved.len() as u64)
        .unwrap();
    file.write_all_at(&reserved, start).unwrap();
    assert_eq!(following.entry(), "PUT b \"ok\"");
    assert_eq!(following.entry(), "GET c \"ok\"");
    assert_eq!(following.end(), (Some(0), String::new()));
}

#[test]
fn torn_entry_with_others_behind_it_is_shown_as_torn() {
    let log = Log::default()
        .raw(b"PUT a length 3\n000")
        .nuls(24)
        .nuls(7)
        .other("GET", "b");
    let workdir = Workdir::new(&log);
    let following = Following::start(workdir.0.path(), &["log.txt", "--json"]);
    assert_eq!(following.entry(), "PUT a \"torn\"");
    assert_eq!(following.entry(), "- - \"torn\"");
    assert_eq!(following.entry(), "GET b \"ok\"");
    assert_eq!(following.end(), (Some(0), String::new()));
}

#[test]
fn sealed_entries_are_followed_with_time_and_peer() {
    let mut sealed =
        SealedLog::new().entry("12:00:00", "192.0.2.7:1", 200, |log| log.other("GET", "a"));
    let workdir = sealed.in_workdir();
    let following = Following::start(workdir.0.path(), &["log.txt"]);
    assert_eq!(
        following.line(),
        "1 2026-11-27T12:00:00Z 192.0.2.7 - 200 0 GET a"
    );
    let (log, seal) = (sealed.log.len(), sealed.seal.len());
    sealed = sealed.entry("12:00:01", "192.0.2.8:1 ann", 304, |log| {
        log.other("GET", "b")
    });
    // The seal's line comes first, in two parts.
    append(&workdir.path("log.txt.seal"), &sealed.seal[seal..seal + 20]);
    append(&workdir.path("log.txt.seal"), &sealed.seal[seal + 20..]);
    append(&workdir.path("log.txt"), &sealed.log.0[log..]);
    assert_eq!(
        following.line(),
        "2 2026-11-27T12:00:01Z 192.0.2.8 ann 304 0 GET b"
    );
    assert_eq!(following.end(), (Some(0), String::new()));
}

/// A server that starts cuts off what is torn, and writes the same entry in its place.
#[test]
fn entry_that_was_cut_off_gives_its_time_to_no_other() {
    let whole = SealedLog::new().entry("12:00:00", "192.0.2.7:1", 200, |log| log.other("GET", "a"));
    let entry = Log::default().other("GET", "b");
    let start = whole.log.len();
    let (mut torn, bytes) = whole.sealed_only("12:00:01", "192.0.2.1:1", 200, None, &entry);
    torn.log = torn.log.raw(&bytes[..10]);
    let workdir = torn.in_workdir();
    let following = Following::start(workdir.0.path(), &["log.txt"]);
    assert_eq!(
        following.line(),
        "1 2026-11-27T12:00:00Z 192.0.2.7 - 200 0 GET a"
    );
    let seal = torn.seal.len();
    torn.log.0.truncate(start);
    let torn =
        torn.torn(2, "13:00:00", TornOutcome::Cut)
            .entry("13:00:01", "192.0.2.2:1", 200, |log| log.other("GET", "b"));
    File::options()
        .write(true)
        .open(workdir.path("log.txt"))
        .unwrap()
        .set_len(start as u64)
        .unwrap();
    append(&workdir.path("log.txt.seal"), &torn.seal[seal..]);
    append(&workdir.path("log.txt"), &torn.log.0[start..]);
    assert_eq!(
        following.line(),
        "2 2026-11-27T13:00:01Z 192.0.2.2 - 200 0 GET b"
    );
    assert_eq!(following.end(), (Some(0), String::new()));
}

#[test]
fn log_that_lost_whole_entries_is_an_error() {
    let workdir = Workdir::new(&Log::default().other("GET", "a").other("GET", "b"));
    let mut following = Following::start(workdir.0.path(), &["log.txt", "--json"]);
    assert_eq!(following.entry(), "GET a \"ok\"");
    assert_eq!(following.entry(), "GET b \"ok\"");
    let file = File::options()
        .write(true)
        .open(workdir.path("log.txt"))
        .unwrap();
    file.set_len(24).unwrap();
    let mut stderr = String::new();
    let mut pipe = following.child.stderr.take().unwrap();
    pipe.read_to_string(&mut stderr).unwrap();
    assert_eq!(following.child.wait().unwrap().code(), Some(1));
    assert_eq!(
        stderr,
        "httpserver-log: log.txt: it was cut to 24 bytes after 48 had been read: no server cuts a log\n"
    );
}

#[test]
fn log_of_a_server_is_followed_across_rotations_and_restarts() {
    for seal in [&["--seal"][..], &[]] {
        let home = Home::new();
        let options = [&["--web", "--writable"], seal].concat();
        let mut server = Setup::at(&home, &options).start();
        let log = server.log_path();
        let name = log.file_name().unwrap().to_str().unwrap().to_owned();
        let following = Following::start(log.parent().unwrap(), &[&name, "--json"]);
        let put = |server: &mut Server, name: &str| {
            server.ask(&format!("PUT /{name}"), "Content-Length: 3\r\n", b"abc");
            let found = following.entry();
            assert_eq!(found.rsplit_once(' ').unwrap().0, format!("PUT {name}"));
        };
        put(&mut server, "before");
        for suffix in ["1", "2"] {
            if !seal.is_empty() {
                let old = format!("{}.{suffix}", seal_path(&log).display());
                fs::rename(seal_path(&log), old).unwrap();
            }
            fs::rename(&log, format!("{}.{suffix}", log.display())).unwrap();
            server.signal(Signal::HUP);
            let newest = if seal.is_empty() {
                log.clone()
            } else {
                seal_path(&log)
            };
            eventually("there is a new log", || {
                let found = fs::metadata(&newest);
                found.is_ok_and(|found| seal.is_empty() || found.len() > 0)
            });
            put(&mut server, &format!("after-{suffix}"));
        }
        server.stop();
        let mut server = Setup::at(&home, &options).start();
        put(&mut server, "restarted");
        server.stop();
        let (status, stderr) = following.end();
        let lines = stderr.lines().count();
        assert_eq!((status, lines), (Some(0), 3), "{stderr}");
    }
}

#[test]
fn follower_ends_when_its_output_is_closed() {
    let workdir = Workdir::new(&Log::default().other("GET", "a"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_httpserver-log"))
        .args(["list", "--follow", "log.txt"])
        .current_dir(workdir.0.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn only_plain_files_are_followed() {
    let workdir = Workdir::new(&Log::default());
    let reason =
        "only a plain file can be followed, not a compressed one, a pipe or standard input";
    workdir
        .run_with(["list", "-", "--follow"], b"")
        .refuses(&format!("-: {reason}"));
    fs::write(workdir.path("log.gz"), b"\x1f\x8b\x08\0\0\0\0\0").unwrap();
    workdir
        .run(["list", "log.gz", "--follow"])
        .refuses(&format!("log.gz: {reason}"));
}

#[test]
fn follower_ends_when_until_has_passed() {
    let sealed = SealedLog::new()
        .entry("12:00:00", "192.0.2.7:1", 200, |log| log.other("GET", "a"))
        .entry("12:00:02", "192.0.2.7:1", 200, |log| log.other("GET", "b"));
    let run = sealed.in_workdir().run([
        "list",
        "log.txt",
        "--follow",
        "--until",
        "2026-11-27T12:00:01",
    ]);
    run.says("1 2026-11-27T12:00:00Z 192.0.2.7 - 200 0 GET a\n");
}
