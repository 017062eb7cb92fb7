//! A stand-in for systemd: it starts the server as a unit would, passes sockets, and receives its notifications.
//!
//! The protocols are those of `sd_listen_fds(3)`, `sd_notify(3)` and `sd_watchdog_enabled(3)`.

use std::io;
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use rustix::io::{FdFlags, fcntl_dupfd_cloexec, fcntl_setfd};

use crate::support::home::Home;
use crate::support::server::Server;
use crate::support::wait::GUARD;

/// How bash becomes the server: descriptors from 3 are those whose numbers come first, and variables have its process id.
const BECOME_SERVER: &str = r#"
    count=$1; shift
    for ((at = 0; at < count; at++)); do
        eval "exec $((3 + at))<&$1 $1<&-"; shift
    done
    export LISTEN_PID=$$ LISTEN_FDS=$count WATCHDOG_PID=$$
    exec "$@"
"#;

/// The service manager, and what it passes to the unit.
pub(crate) struct Systemd {
    home: Home,
    notified: UnixDatagram,
    sockets: Vec<(String, OwnedFd)>,
    variables: Vec<(String, String)>,
}

impl Systemd {
    pub(crate) fn new() -> Self {
        let home = Home::new();
        let path = home.path().join("notify");
        let notified = UnixDatagram::bind(&path).unwrap();
        notified.set_read_timeout(Some(GUARD)).unwrap();
        let path = path.to_str().unwrap().to_owned();
        Self {
            home,
            notified,
            sockets: Vec::new(),
            variables: vec![("NOTIFY_SOCKET".to_owned(), path)],
        }
    }

    /// The directory of the unit.
    pub(crate) fn home(&self) -> &Home {
        &self.home
    }

    /// Sets a variable of the unit.
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Passes a socket with this name.
    pub(crate) fn pass(mut self, name: &str, socket: impl Into<OwnedFd>) -> Self {
        // Its number is none of those that the server gets.
        let socket = fcntl_dupfd_cloexec(socket.into(), 200).unwrap();
        self.sockets.push((name.to_owned(), socket));
        self
    }

    /// Passes a socket on a free port.
    pub(crate) fn pass_port(self, name: &str) -> Self {
        self.pass(name, TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The command that becomes the server.
    pub(crate) fn command(&self, options: &[&str]) -> Command {
        let names: Vec<_> = self.sockets.iter().map(|(name, _)| name.as_str()).collect();
        let names = ("LISTEN_FDNAMES", names.join(":"));
        let mut command = Command::new("env");
        let set = self
            .variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.clone()));
        command.args(
            set.chain([names])
                .map(|(name, value)| format!("{name}={value}")),
        );
        command.args([
            "bash",
            "-c",
            BECOME_SERVER,
            "bash",
            &self.sockets.len().to_string(),
        ]);
        for (_, socket) in &self.sockets {
            command.arg(socket.as_raw_fd().to_string());
        }
        command.arg(env!("CARGO_BIN_EXE_httpserver")).args(options);
        command.current_dir(self.home.path());
        command
    }

    /// Runs `start` while children inherit the sockets.
    pub(crate) fn while_inherited<T>(&self, start: impl FnOnce() -> T) -> T {
        let set = |flags| {
            for (_, socket) in &self.sockets {
                fcntl_setfd(socket.as_fd(), flags).unwrap();
            }
        };
        set(FdFlags::empty());
        let started = start();
        set(FdFlags::CLOEXEC);
        started
    }

    /// Starts the server of a root and a log with these options.
    #[track_caller]
    pub(crate) fn start(&self, options: &[&str]) -> Server {
        let log: &[&str] = if options.contains(&"-l") {
            &[]
        } else {
            &["-l", "log.txt"]
        };
        let command = self.command(&[&["--root", "root"], log, options].concat());
        self.while_inherited(|| Server::start(self.home.clone(), command))
    }

    /// The next message.
    #[track_caller]
    pub(crate) fn message(&self) -> String {
        let mut message = [0; 4096];
        // A socket with a timeout is not read again after a signal, such as a stop for a tracer.
        let length = loop {
            match self.notified.recv(&mut message) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                received => break received,
            }
        };
        let length = length.expect("the service manager is told something");
        String::from_utf8(message[..length].to_vec()).unwrap()
    }

    /// Waits for the first message that has this line, and returns it.
    #[track_caller]
    pub(crate) fn told(&self, line: &str) -> String {
        loop {
            let message = self.message();
            if message.lines().any(|told| told == line) {
                return message;
            }
        }
    }
}
