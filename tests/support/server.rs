//! A running `httpserver`: started, watched, and ended by its own handle.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Deref;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::client::Client;
use crate::support::home::{Home, NOBODY};
use crate::support::process::isolate;
use crate::support::wait::{GUARD, eventually};

/// How a server is to be started.
pub(crate) struct Setup {
    home: Home,
    options: Vec<OsString>,
    address: IpAddr,
    records: Records,
    account: Account,
    /// What a shell does before it becomes the server.
    before: Option<String>,
}

/// Whether there is a log.
#[derive(PartialEq, Eq)]
enum Records {
    Log,
    Nothing,
}

/// Who the server runs as.
#[derive(PartialEq, Eq)]
enum Account {
    Ours,
    Nobody,
}

impl Setup {
    /// A server with these options, an empty root of its own, and a log.
    pub(crate) fn new(options: &[&str]) -> Self {
        Self::at(&Home::new(), options)
    }

    /// The same, on a directory that is there already.
    pub(crate) fn at(home: &Home, options: &[&str]) -> Self {
        Self {
            home: home.clone(),
            options: options.iter().map(OsString::from).collect(),
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            records: Records::Log,
            account: Account::Ours,
            before: None,
        }
    }

    /// One that is not root even where the test is, so that permissions count.
    pub(crate) fn nobody(options: &[&str]) -> Self {
        Self {
            account: Account::Nobody,
            ..Self::at(&Home::of_nobody(), options)
        }
    }

    /// Without a log.
    pub(crate) fn unrecorded(self) -> Self {
        Self {
            records: Records::Nothing,
            ..self
        }
    }

    /// On this address.
    pub(crate) fn on(self, address: impl Into<IpAddr>) -> Self {
        let address = address.into();
        Self { address, ..self }
    }

    /// With so many descriptors, and no way to have more.
    pub(crate) fn descriptors(self, limit: u32) -> Self {
        Self {
            before: Some(format!("ulimit -n {limit}")),
            ..self
        }
    }

    /// With so many descriptors, unless the server raises its limit.
    pub(crate) fn descriptors_at_first(self, limit: u32) -> Self {
        Self {
            before: Some(format!("ulimit -S -n {limit}")),
            ..self
        }
    }

    /// Starts it, and returns when it has said where it listens.
    #[track_caller]
    pub(crate) fn start(mut self) -> Server {
        let mut arguments: Vec<OsString> = vec!["--root".into(), self.home.root().into()];
        if self.records == Records::Log {
            arguments.extend(["--log".into(), self.home.log_path().into()]);
        }
        arguments.append(&mut self.options);
        arguments.extend([self.address.to_string().into(), "0".into()]);
        let mut command = match &self.before {
            None => Command::new(self.program()),
            Some(before) => {
                let mut shell = Command::new("sh");
                let line = format!("{before} && exec \"$0\" \"$@\"");
                shell.args(["-c", &line]).arg(self.program());
                shell
            }
        };
        command.args(arguments);
        if self.account == Account::Nobody && rustix::process::geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        Server::start(self.home, command)
    }

    /// The program; a copy where it could not be reached by another user.
    fn program(&self) -> PathBuf {
        match self.account {
            Account::Ours => PathBuf::from(env!("CARGO_BIN_EXE_httpserver")),
            Account::Nobody => self.home.program(),
        }
    }
}

/// A server that accepts connections, until it is dropped.
pub(crate) struct Server {
    home: Home,
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
    /// Sockets it has while nobody is connected.
    own_sockets: usize,
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
    pub(crate) fn start(home: Home, mut command: Command) -> Self {
        isolate(&mut command);
        let stderr = File::options()
            .create(true)
            .append(true)
            .open(home.path().join("stderr"))
            .unwrap();
        command.stdout(Stdio::piped()).stderr(stderr);
        let mut child = command.spawn().unwrap();
        let mut server = Self {
            stdout: BufReader::new(child.stdout.take().unwrap()),
            address: SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            own_sockets: 0,
            home,
            child,
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
            .and_then(|rest| rest.strip_suffix('\n')?.parse().ok());
        server.address = address.unwrap_or_else(|| panic!("the server's first line is {line:?}"));
        server.own_sockets = server.sockets();
        server
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
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

    /// The answer to one request on a connection of its own.
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

    /// Sends a signal to it.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    /// Waits until it has ended; returns with what status, and what it wrote to stdout after its first line.
    #[track_caller]
    pub(crate) fn wait(&mut self) -> (ExitStatus, String) {
        let mut status = None;
        eventually("the server has ended", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        (status.unwrap(), rest)
    }

    /// Ends it by SIGTERM, and sees to it that it ended well.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.signal(Signal::TERM);
        let (status, rest) = self.wait();
        assert!(status.success(), "{status}");
        assert_eq!(rest, "", "stdout after the first line");
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// What it has written to stderr.
    pub(crate) fn stderr(&self) -> String {
        fs::read_to_string(self.home.path().join("stderr")).unwrap()
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        self.count("fd")
    }

    /// How many connections it has open, by its descriptors.
    pub(crate) fn connections(&self) -> usize {
        self.sockets().saturating_sub(self.own_sockets)
    }

    fn sockets(&self) -> usize {
        let entries = fs::read_dir(self.process_file("fd")).unwrap();
        entries
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .filter(|target| {
                target
                    .as_os_str()
                    .as_encoded_bytes()
                    .starts_with(b"socket:")
            })
            .count()
    }

    /// How many threads it has.
    pub(crate) fn threads(&self) -> usize {
        self.count("task")
    }

    fn count(&self, what: &str) -> usize {
        fs::read_dir(self.process_file(what)).unwrap().count()
    }

    /// The names of its threads, sorted.
    pub(crate) fn thread_names(&self) -> Vec<String> {
        let tasks = fs::read_dir(self.process_file("task")).unwrap();
        let name = |path: PathBuf| fs::read_to_string(path.join("comm")).unwrap();
        let mut names: Vec<_> = tasks
            .map(|task| name(task.unwrap().path()).trim_end().to_owned())
            .collect();
        names.sort();
        names
    }

    /// A figure of `/proc/PID/status` in KiB, such as `VmRSS` and `VmHWM`. See `proc_pid_status(5)`.
    pub(crate) fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(self.process_file("status")).unwrap();
        let line = status.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name == what).then(|| value.trim().trim_end_matches(" kB").parse())
        });
        line.unwrap().unwrap()
    }

    /// What processor time it has used, in ticks of 10 ms. See `proc_pid_stat(5)`.
    pub(crate) fn processor_ticks(&self) -> u64 {
        let stat = fs::read_to_string(self.process_file("stat")).unwrap();
        let (_, after_name) = stat.rsplit_once(") ").unwrap();
        let ticks = |field: usize| {
            let value = after_name.split(' ').nth(field - 3).unwrap();
            value.parse::<u64>().unwrap()
        };
        ticks(14) + ticks(15)
    }

    fn process_file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.child.id()))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let stderr = self.stderr();
        if std::thread::panicking() {
            eprintln!("--- the server's stderr\n{stderr}---");
        } else {
            assert!(!stderr.contains("panicked"), "{stderr}");
        }
    }
}
