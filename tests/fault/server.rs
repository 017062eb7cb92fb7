//! The real server in a directory of its own, with a root and a log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit};
use tempfile::TempDir;

use crate::fault::client::Client;
use crate::support::journal::{self, Journal};

/// A directory for a root and a log.
pub(crate) struct Place {
    directory: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::in_directory(tempfile::tempdir().unwrap())
    }

    /// One in memory, where there is such a directory.
    pub(crate) fn in_memory() -> Option<Self> {
        tempfile::tempdir_in("/dev/shm")
            .ok()
            .map(Self::in_directory)
    }

    fn in_directory(directory: TempDir) -> Self {
        fs::create_dir(directory.path().join("root")).unwrap();
        Self { directory }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.path("root")
    }

    /// Puts a file into the root, as somebody else than the server would.
    pub(crate) fn store(&self, name: &str, content: &[u8]) {
        fs::write(self.root().join(name), content).unwrap();
    }

    /// The regular files in the root by name; an upload that was left behind is among them.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files_in(&self.root())
    }

    pub(crate) fn journal(&self) -> Journal {
        journal::read(&self.path("log"))
    }

    /// The command that serves this place.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
        command.arg("--root").arg(self.root());
        command.arg("--log").arg(self.path("log"));
        command
    }

    /// Starts a server here with `options`.
    pub(crate) fn serve(&self, options: &[&str]) -> Server {
        let mut command = self.command();
        command.args(options).args(["127.0.0.1", "0"]);
        Server::start(command, self.path("stderr"))
    }
}

/// The regular files in `root` by name.
pub(crate) fn files_in(root: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(root)
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    stderr: PathBuf,
}

impl Server {
    /// Runs a command that becomes the server.
    pub(crate) fn start(mut command: Command, stderr: PathBuf) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&stderr).unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            panic!("no start: {}", fs::read_to_string(&stderr).unwrap());
        };
        Self {
            address: address.parse().unwrap(),
            child,
            stderr,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::new(self.socket())
    }

    pub(crate) fn socket(&self) -> TcpStream {
        let socket = TcpStream::connect(self.address).unwrap();
        let patience = Some(Duration::from_secs(30));
        socket.set_read_timeout(patience).unwrap();
        socket.set_write_timeout(patience).unwrap();
        socket
    }

    /// Sends a request that asks for the close, and receives all that comes.
    pub(crate) fn exchange(&self, request: &str) -> String {
        let mut socket = self.socket();
        socket.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    }

    /// The thread that does the work of a server with `-N 1`.
    pub(crate) fn only_worker(&self) -> u32 {
        self.thread("worker-0")
    }

    /// The thread of this name; it may still be starting.
    pub(crate) fn thread(&self, name: &str) -> u32 {
        let mut found = None;
        until(name, || {
            let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
            found = tasks
                .filter_map(|task| task.ok()?.file_name().into_string().ok())
                .find(|task| {
                    let comm = format!("/proc/{}/task/{task}/comm", self.pid());
                    fs::read_to_string(comm).is_ok_and(|comm| comm.trim() == name)
                });
            found.is_some()
        });
        found.unwrap().parse().unwrap()
    }

    /// Waits until a thread waits for something to happen.
    pub(crate) fn rest(&self, thread: u32) {
        until("a thread at rest", || {
            let stat =
                fs::read_to_string(format!("/proc/{}/task/{thread}/stat", self.pid())).unwrap();
            stat.rsplit_once(')').unwrap().1.trim().starts_with('S')
        });
    }

    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        self.open_descriptors().len()
    }

    fn open_descriptors(&self) -> BTreeSet<u64> {
        let all = fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        all.map(|entry| {
            entry
                .unwrap()
                .file_name()
                .to_str()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
    }

    /// Lets it open `more` descriptors, and no others.
    pub(crate) fn allow_descriptors(&self, more: usize) {
        let open = self.open_descriptors();
        let first_forbidden = (0..).filter(|number| !open.contains(number)).nth(more);
        self.limit(Resource::Nofile, first_forbidden.unwrap());
    }

    /// Bytes of memory that it occupies.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim()
            .strip_suffix(" kB")
            .unwrap()
            .parse::<u64>()
            .unwrap()
            * 1024
    }

    /// The processor time that it has used.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields = stat.rsplit_once(')').unwrap().1;
        // utime and stime are the fields 14 and 15, the third being the first behind the name.
        let ticks: u64 = fields
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum();
        Duration::from_millis(ticks * 1000 / rustix::param::clock_ticks_per_second())
    }

    /// Sets a soft limit of the running server.
    pub(crate) fn limit(&self, resource: Resource, to: u64) {
        let maximum = getrlimit(resource).maximum; // it has inherited ours
        let limit = Rlimit {
            current: Some(to),
            maximum,
        };
        prlimit(Some(self.as_pid()), resource, limit).unwrap();
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.as_pid(), signal).unwrap();
    }

    fn as_pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap()
    }

    /// Kills it, without waiting until it is gone.
    pub(crate) fn kill_now(&self) {
        self.signal(Signal::KILL);
    }

    /// Stops it as SIGTERM does, and waits; its exit status and what it said on stderr.
    pub(crate) fn stop(mut self) -> (ExitStatus, String) {
        self.signal(Signal::TERM);
        let status = self.child.wait().unwrap();
        (status, self.said())
    }

    /// What it has said on stderr so far.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.stderr).unwrap()
    }

    /// Whether it still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("the server said:\n{}", self.said());
        }
    }
}

/// Waits until something holds, which it must within half a minute.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(
            start.elapsed() < Duration::from_secs(30),
            "waited in vain: {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}
