//! The server under test: the real binary with files of its own, and the kernel's view of its process.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::param::clock_ticks_per_second;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::{Failure, Options};

/// A running server; it is killed, and its files are removed, when this is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    directory: TempDir,
}

/// The file that clients ask for, of [`FILE_LEN`] bytes.
pub(crate) const FILE: &str = "a-small-file-of-1024-bytes-";

/// Bytes of a small file.
pub(crate) const FILE_LEN: usize = 1024;

impl Server {
    /// Starts it on a free port with these options, over a root that holds [`FILE`].
    pub(crate) fn start(
        options: &Options,
        directory: TempDir,
        threads: usize,
        more: &[String],
    ) -> Result<Self, Failure> {
        let binary = binary(options)?;
        let root = directory.path().join("root");
        fs::create_dir_all(&root)?;
        fs::write(root.join(FILE), content())?;
        let mut child = Command::new(&binary)
            .arg("-N")
            .arg(threads.to_string())
            .arg("--root")
            .arg(&root)
            .args(more)
            .args(["127.0.0.1", "0"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line
            .trim_end()
            .strip_prefix("listening on http://")
            .or_else(|| line.trim_end().strip_prefix("listening on https://"))
            .ok_or_else(|| format!("{} does not listen: '{line}'", binary.display()))?
            .parse()?;
        Ok(Self {
            child,
            address,
            directory,
        })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The root, or what is beside it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.directory.path().join(relative)
    }

    /// Resident memory in KiB.
    pub(crate) fn resident(&self) -> Result<u64, Failure> {
        let status = fs::read_to_string(self.proc("status"))?;
        let found = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
            .ok_or("no VmRSS in /proc/PID/status")?;
        Ok(found.parse()?)
    }

    /// Open descriptors.
    pub(crate) fn descriptors(&self) -> Result<usize, Failure> {
        Ok(fs::read_dir(self.proc("fd"))?.count())
    }

    /// Processor time it has used, in user mode and in the kernel.
    pub(crate) fn processor_time(&self) -> Result<Duration, Failure> {
        let stat = fs::read_to_string(self.proc("stat"))?;
        // The name of the program is in parentheses and may hold anything; after it utime and stime are the 12th and
        // 13th fields (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/PID/stat")?;
        let mut ticks = 0;
        for field in fields.split_whitespace().skip(11).take(2) {
            ticks += field.parse::<u64>()?;
        }
        Ok(Duration::from_secs(ticks) / u32::try_from(clock_ticks_per_second())?)
    }

    /// Stops it where it is, or continues it.
    pub(crate) fn signal(&self, signal: Signal) -> Result<(), Failure> {
        let pid = i32::try_from(self.child.id())?;
        Ok(kill_process(
            Pid::from_raw(pid).ok_or("no process")?,
            signal,
        )?)
    }

    /// Ends it as SIGTERM does, and waits until it has.
    pub(crate) fn end(&mut self) -> Result<(), Failure> {
        self.signal(Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {status}").into())
        }
    }

    fn proc(&self, file: &str) -> PathBuf {
        Path::new("/proc")
            .join(self.child.id().to_string())
            .join(file)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only for a process that has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's binary.
pub(crate) fn binary(options: &Options) -> Result<PathBuf, Failure> {
    match &options.server {
        Some(path) => Ok(path.clone()),
        None => beside_examples(),
    }
}

/// `target/release/httpserver`, seen from `target/release/examples/crowd`.
fn beside_examples() -> Result<PathBuf, Failure> {
    let own = std::env::current_exe()?;
    let profile = own.parent().and_then(Path::parent);
    Ok(profile
        .ok_or("no directory of binaries")?
        .join("httpserver"))
}

/// A directory in memory if there is one, so that no disk is measured.
pub(crate) fn directory_in_memory(options: &Options) -> Result<TempDir, Failure> {
    let memory = Path::new("/dev/shm");
    match &options.directory {
        Some(chosen) => Ok(tempfile::tempdir_in(chosen)?),
        None if memory.is_dir() => Ok(tempfile::tempdir_in(memory)?),
        None => Ok(tempfile::tempdir()?),
    }
}

/// The content of a small file.
pub(crate) fn content() -> Vec<u8> {
    vec![b'x'; FILE_LEN]
}

/// A GET with these further field lines.
pub(crate) fn get(name: &str, fields: &str) -> Vec<u8> {
    format!("GET /{name} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n").into_bytes()
}

/// A PUT with the first bytes of its content.
pub(crate) fn put(name: &str, length: usize, content: &[u8]) -> Vec<u8> {
    let head =
        format!("PUT /{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), content].concat()
}

/// An answer of the classic dialect.
pub(crate) fn answer(status: &str, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), content].concat()
}
