//! A running `httpserver`: spoken to, signalled, and killed at the end of the test at the latest.
//!
//! `setup` starts it; `observe` has the kernel's view of its process.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::os::fd::OwnedFd;
use std::process::{ChildStdout, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal};

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::process::isolate;
use crate::support::response::Response;
use crate::support::running::Running;
use crate::support::wait::GUARD;

/// A server that accepts connections, until it is dropped.
pub(crate) struct Server {
    home: Home,
    program: Running,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    /// Sockets it has while no client is connected.
    pub(super) own_sockets: usize,
}

impl Deref for Server {
    type Target = Home;

    fn deref(&self) -> &Home {
        &self.home
    }
}

impl Server {
    /// Starts `command`, which must say as its first line where it listens.
    #[track_caller]
    pub(crate) fn start(home: Home, command: Command) -> Self {
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(home.path().join("stderr"))
            .unwrap();
        Self::start_with(home, command, stderr.into())
    }

    /// The same with another stderr; [`Server::stderr`] has nothing of it.
    #[track_caller]
    pub(crate) fn start_with(home: Home, mut command: Command, stderr: OwnedFd) -> Self {
        isolate(&mut command);
        command.stdout(Stdio::piped()).stderr(stderr);
        let mut program = Running::start(command);
        let mut server = Self {
            stdout: BufReader::new(program.stdout().unwrap()),
            address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            own_sockets: 0,
            home,
            program,
        };
        let timeout = Timespec::try_from(GUARD).unwrap();
        let readable = PollFd::new(server.stdout.get_ref(), PollFlags::IN);
        assert_eq!(
            poll(&mut [readable], Some(&timeout)),
            Ok(1),
            "the server says nothing"
        );
        let mut line = String::new();
        server.stdout.read_line(&mut line).unwrap();
        let address = line
            .strip_prefix("listening on http://")
            .or_else(|| line.strip_prefix("listening on https://"))
            .and_then(|rest| rest.strip_suffix('\n')?.parse().ok());
        server.address = address.unwrap_or_else(|| panic!("the server's first line is {line:?}"));
        server.own_sockets = server.sockets();
        server
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its next line on stdout, without the line end.
    #[track_caller]
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Its directory, which outlives it.
    pub(crate) fn home(&self) -> Home {
        self.home.clone()
    }

    /// A new connection.
    #[track_caller]
    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// The bytes of the response to one request on a connection of its own.
    #[track_caller]
    pub(crate) fn request(&self, request: impl AsRef<[u8]>) -> Vec<u8> {
        let mut client = self.connect();
        client.send(request);
        client.response()
    }

    /// All that comes back for `input` and the end of stream after it.
    #[track_caller]
    pub(crate) fn exchange(&self, input: impl AsRef<[u8]>) -> Vec<u8> {
        let mut client = self.connect();
        client.send(input);
        client.end_sending();
        client.rest()
    }

    /// Sends `line` (method and target) with these fields, each ended by CRLF, and this content, and asks for the
    /// connection to be closed.
    #[track_caller]
    pub(crate) fn ask(&self, line: &str, fields: &str, content: &[u8]) -> Response {
        self.connect().ask(line, fields, content)
    }

    /// A GET without further fields.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Response {
        self.ask(&format!("GET {target}"), "", b"")
    }

    /// A PUT with its `Content-Length` and these further fields.
    #[track_caller]
    pub(crate) fn put(&self, target: &str, fields: &str, content: &[u8]) -> Response {
        let fields = format!("Content-Length: {}\r\n{fields}", content.len());
        self.ask(&format!("PUT {target}"), &fields, content)
    }

    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: Signal) {
        self.program.signal(signal);
    }

    /// Waits until it has ended; returns with what status, and what it wrote to stdout after its first line.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let status = self.program.wait();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status, rest)
    }

    /// Ends it by SIGTERM, and sees to it that it ended well.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        let (status, rest) = self.wait();
        assert!(status.success(), "{status}");
        assert_eq!(rest, "", "stdout after the first line");
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.program.status().is_none()
    }

    pub(crate) fn pid(&self) -> Pid {
        self.program.pid()
    }

    /// Its output on stderr.
    pub(crate) fn stderr(&self) -> String {
        let read = fs::read_to_string(self.home.path().join("stderr"));
        read.unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.program.kill();
        let stderr = self.stderr();
        if std::thread::panicking() {
            eprintln!("--- the server's stderr\n{stderr}---");
        } else {
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
    }
}
