//! A soak: mixed load on a server for as long as you like, and what the server holds over time.
//!
//! ```text
//! cargo build --release && cargo run --release --example soak -- 600
//! ```
//!
//! It starts the `httpserver` that was built beside it, lets clients of all kinds at it (see `clients`), prints
//! descriptors, threads and resident memory, and at the end asks `httpserver-log` whether the log is whole and tells
//! what is stored. It fails if the server costs more in the end than at the first checkpoint (see [`judge`]), or if a
//! client that keeps the rules was not served.

mod clients;
mod gauge;
mod wire;

use std::env;
use std::error::Error;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use self::clients::Load;
use self::gauge::Sample;

/// Seconds of a run, unless the command line says otherwise.
const SECONDS: u64 = 60;

/// The first checkpoint is after a fifth of the run, but not later than this: by then everything is warm.
const FIRST_CHECKPOINT: Duration = Duration::from_secs(60);

/// Lines that are printed in a run.
const LINES: u32 = 20;

/// Descriptors by which the end may exceed the first checkpoint: clients come and go as they like.
const MORE_DESCRIPTORS: usize = 64;

/// Bytes of memory by which the end may exceed the first checkpoint: what the allocator may keep.
const MORE_MEMORY: u64 = 16 * 1024 * 1024;

/// Descriptors that may be open after the load besides those that were before: files in the cache.
const MORE_WHEN_QUIET: usize = 8;

/// The time that the server has to close what the clients have left: its longest time-out here, and some.
const QUIET: Duration = Duration::from_secs(15);

fn main() -> ExitCode {
    let seconds = match env::args().nth(1).map(|typed| typed.parse::<u64>()) {
        None => SECONDS,
        Some(Ok(seconds @ 1..)) => seconds,
        Some(_) => {
            eprintln!("usage: soak [SECONDS]");
            return ExitCode::FAILURE;
        }
    };
    match run(Duration::from_secs(seconds)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("soak: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(length: Duration) -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?;
    let root = directory.path().join("root");
    let log = directory.path().join("log");
    fs::create_dir(&root)?;
    clients::store_files(&root)?;
    let mut server = Server::start(&root, &log)?;
    // Once it answers, all its threads are there.
    clients::get_once(server.address)?;
    let before = Sample::take(server.child.id())?;
    println!("{:>9} {}", "seconds", Sample::HEADING);

    let load = Load::start(server.address);
    let start = Instant::now();
    let first_at = FIRST_CHECKPOINT.min(length / 5);
    let mut first = None;
    let mut last = before;
    while start.elapsed() < length {
        thread::sleep(length / LINES);
        last = Sample::take(server.child.id())?;
        println!("{:>9.1} {last}", start.elapsed().as_secs_f64());
        if first.is_none() && start.elapsed() >= first_at {
            first = Some(last);
        }
    }
    let answers = load.stop()?;
    let quiet = wait_until_quiet(server.child.id(), before)?;
    println!("{:>9} {quiet}", "quiet");
    println!("{answers} requests were answered as they should be");

    let stopped = server.stop();
    check_log(&log, &root)?;
    stopped?;
    judge(before, first.unwrap_or(last), last, quiet)
}

/// Waits until the server has closed what the clients have left, or has had the time for it.
fn wait_until_quiet(pid: u32, before: Sample) -> io::Result<Sample> {
    let start = Instant::now();
    loop {
        let now = Sample::take(pid)?;
        let is_quiet = now.descriptors <= before.descriptors + MORE_WHEN_QUIET;
        if is_quiet || start.elapsed() > QUIET {
            return Ok(now);
        }
        thread::sleep(Duration::from_millis(100));
    }
}

/// At the end the server uses no more than at first, except for the margins above.
fn judge(before: Sample, first: Sample, last: Sample, quiet: Sample) -> Result<(), Box<dyn Error>> {
    let mut wrong = Vec::new();
    if last.threads != before.threads {
        wrong.push(format!(
            "{} threads, {} at the start",
            last.threads, before.threads
        ));
    }
    if last.descriptors > first.descriptors + first.descriptors / 4 + MORE_DESCRIPTORS {
        wrong.push(format!(
            "{} descriptors, {} at first",
            last.descriptors, first.descriptors
        ));
    }
    if last.resident > first.resident + (first.resident / 4).max(MORE_MEMORY) {
        wrong.push(format!(
            "{} bytes resident, {} at first",
            last.resident, first.resident
        ));
    }
    if quiet.descriptors > before.descriptors + MORE_WHEN_QUIET {
        wrong.push(format!(
            "{} descriptors when all have gone, {} at the start",
            quiet.descriptors, before.descriptors
        ));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("; ").into())
}

/// The log must be whole, and agree with the stored files.
fn check_log(log: &Path, root: &Path) -> Result<(), Box<dyn Error>> {
    let status = Command::new(beside("httpserver-log")?)
        .arg("check")
        .arg(log)
        .arg("--against")
        .arg(root)
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("httpserver-log check: {status}").into())
}

/// A program that was built with this one.
fn beside(program: &str) -> Result<PathBuf, Box<dyn Error>> {
    let own = env::current_exe()?;
    let built = own
        .parent()
        .and_then(Path::parent)
        .ok_or("no directory of programs")?;
    let path = built.join(program);
    if path.exists() {
        return Ok(path);
    }
    Err(format!("{} is not built", path.display()).into())
}

/// The server under load; killed when dropped.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(root: &Path, log: &Path) -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(beside("httpserver")?)
            .arg("--root")
            .arg(root)
            .arg("--log")
            .arg(log)
            // Short, so that clients that do nothing come and go often.
            .args([
                "--head-timeout",
                "2",
                "--body-timeout",
                "2",
                "--idle-timeout",
                "3",
            ])
            .args(["--write-timeout", "3", "--linger-timeout", "1"])
            .args(["-N", "4", "127.0.0.1", "0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line.trim().strip_prefix("listening on http://");
        let address = address.ok_or("the server did not start")?.parse()?;
        Ok(Self { child, address })
    }

    /// Stops it as SIGTERM does.
    fn stop(&mut self) -> Result<(), Box<dyn Error>> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.ok_or("no process")?, Signal::TERM)?;
        let status = self.child.wait()?;
        if status.success() {
            return Ok(());
        }
        Err(format!("the server ended with {status}").into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only if it is gone.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
