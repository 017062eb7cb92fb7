//! SIGHUP: the server stops when its terminal is closed; otherwise it reopens the log.

use std::fs;
use std::os::fd::{AsFd, OwnedFd};
use std::process::Command;

use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::message::{get, put};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

/// A pseudoterminal, which is closed when this is dropped (pty(7)).
struct Terminal {
    master: OwnedFd,
}

impl Terminal {
    fn open() -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        Self { master }
    }

    /// A command that runs what is appended to it as the leader of a session with this terminal, after this line of
    /// shell. SIGHUP is not ignored there, even if the tests run under nohup(1).
    fn session(&self, line: &str) -> Command {
        let slave = ptsname(self.master.as_fd(), Vec::new()).unwrap();
        let mut shell = Command::new("env");
        let line = format!(
            "{line} exec setsid --ctty \"$0\" \"$@\" < {}",
            slave.to_str().unwrap()
        );
        shell.args(["--default-signal=HUP", "sh", "-c", &line]);
        shell
    }
}

/// Renames the log, and waits until the server has opened a new one.
fn rotate(server: &Server, number: u32, signal: impl FnOnce()) {
    let rotated = server.path().join(format!("rotated.{number}"));
    fs::rename(server.log_path(), rotated).unwrap();
    signal();
    eventually("there is a new log", || server.log_path().exists());
}

fn assert_alive(server: &Server) {
    let answer = server.request(get(""));
    assert!(
        answer.starts_with(b"HTTP/1.1 200 "),
        "{}",
        answer.escape_ascii()
    );
}

#[test]
fn server_ends_with_its_terminal() {
    let terminal = Terminal::open();
    let mut server = Setup::new(&[]).under(terminal.session("")).start();
    // A request in progress is finished first.
    let mut client = server.connect();
    let upload = put("ABCDEFarqdeXYZxyzf012345-ab", b"xyz");
    let (most, last) = upload.split_at(upload.len() - 1);
    client.send(most);
    assert_alive(&server);
    drop(terminal);
    eventually("it accepts no more", || {
        std::net::TcpStream::connect(server.address()).is_err()
    });
    // As a shell does for its jobs, after the signal of the kernel.
    server.signal(Signal::HUP);
    client.send(last);
    assert!(client.response().starts_with(b"HTTP/1.1 201 "));
    drop(client);
    let (status, rest) = server.wait();
    assert!(status.success(), "{status}");
    assert_eq!(rest, "");
    assert_eq!(server.log_lines().len(), 3, "{}", server.log());
}

#[test]
fn server_ends_when_its_shell_passes_the_hang_up_on() {
    let terminal = Terminal::open();
    let mut shell = terminal.session("");
    shell.args([
        "sh",
        "-c",
        "trap 'kill -HUP $server' HUP; \"$0\" \"$@\" & server=$!; wait $server; wait $server",
    ]);
    let mut server = Setup::new(&[]).under(shell).start();
    assert_alive(&server);
    drop(terminal);
    let (status, _) = server.wait();
    assert!(status.success(), "{status}");
    assert_eq!(server.log(), "GET / length 0\n========\n");
}

#[test]
fn server_on_a_terminal_reopens_its_log() {
    let terminal = Terminal::open();
    let mut server = Setup::new(&[]).under(terminal.session("")).start();
    for (number, signal) in [(1, Signal::HUP), (2, Signal::USR1), (3, Signal::HUP)] {
        rotate(&server, number, || server.signal(signal));
        assert_alive(&server);
    }
    server.stop();
}

#[test]
fn server_without_descriptors_still_sees_its_terminal() {
    let terminal = Terminal::open();
    let mut server = Setup::new(&[]).under(terminal.session("")).start();
    server.allow_descriptors(0);
    server.signal(Signal::HUP);
    eventually("the log cannot be opened", || {
        server.stderr().contains("stays in its old file")
    });
    server.allow_descriptors(100);
    assert_alive(&server);
    server.stop();
}

#[test]
fn server_that_ignored_hang_ups_outlives_its_terminal() {
    let terminal = Terminal::open();
    let mut server = Setup::new(&[])
        .under(terminal.session("trap '' HUP;"))
        .start();
    rotate(&server, 1, || drop(terminal)); // the kernel sends SIGHUP
    assert_alive(&server);
    rotate(&server, 2, || server.signal(Signal::HUP));
    assert_alive(&server);
    server.stop();
}

#[test]
fn server_without_a_terminal_reopens_its_log() {
    let mut session = Command::new("setsid");
    session.arg("--wait");
    let mut server = Setup::new(&[]).under(session).start();
    rotate(&server, 1, || server.signal(Signal::HUP));
    assert_alive(&server);
    server.stop();
}
