//! System calls that fail at will, by strace(1). (The server makes its own without libc, so a preloaded library would
//! not see them.)

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

/// A thread whose system calls are tampered with, until this is dropped.
pub(crate) struct Tampering {
    strace: Child,
    trace: PathBuf,
}

/// Why system calls cannot be made to fail here; `None` if they can.
pub(crate) fn missing() -> Option<String> {
    if !crate::support::requirements::has("strace") {
        return Some("strace is not installed".to_owned());
    }
    let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
    let attached = Tampering::attach(
        sleeper.id(),
        "getpid",
        "retval=1",
        PathBuf::from("/dev/null"),
    );
    let why = attached.err();
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    why.map(|why| format!("strace cannot attach to a process, which kernel.yama.ptrace_scope=0 or root allows: {why}"))
}

impl Tampering {
    /// Attaches to a thread. From now on `how` is done to its calls of `syscall`, as strace's `--inject` takes it; what
    /// it calls is written to `trace`.
    pub(crate) fn attach(
        thread: u32,
        syscall: &str,
        how: &str,
        trace: PathBuf,
    ) -> Result<Self, String> {
        let mut strace = Command::new("strace")
            .arg("-o")
            .arg(&trace)
            .args(["-e", &format!("trace={syscall}")])
            .args(["-e", &format!("inject={syscall}:{how}")])
            .args(["-p", &thread.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?;
        let mut said = String::new();
        let mut stderr = BufReader::new(strace.stderr.take().ok_or("no stderr")?);
        while !said.contains("attached") {
            if stderr
                .read_line(&mut said)
                .map_err(|error| error.to_string())?
                == 0
            {
                let _ = strace.wait();
                return Err(said);
            }
        }
        Ok(Self { strace, trace })
    }

    /// Detaches; how many calls were tampered with.
    pub(crate) fn end(mut self) -> usize {
        self.detach();
        self.count()
    }

    /// How many calls were tampered with so far.
    pub(crate) fn count(&self) -> usize {
        let trace = fs::read_to_string(&self.trace).unwrap();
        trace
            .lines()
            .filter(|line| line.contains("(INJECTED"))
            .count()
    }

    fn detach(&mut self) {
        let pid = i32::try_from(self.strace.id()).ok().and_then(Pid::from_raw);
        // SIGINT lets strace detach; killed, it would leave its thread stopped.
        let _ = kill_process(pid.unwrap(), Signal::INT);
        let _ = self.strace.wait();
    }
}

impl Drop for Tampering {
    fn drop(&mut self) {
        self.detach();
    }
}
