//! System calls that fail, hang or return wrong results, by strace(1). (The server makes its own without libc, so a
//! preloaded library would not see them.)

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::requirements::{has, skip};
use crate::support::running::Running;
use crate::support::server::Server;

/// A thread into whose system calls something is injected, until this is dropped.
pub(crate) struct Injection {
    strace: Child,
    trace: PathBuf,
}

/// Whether strace can be used here; if not, the test reports that it is skipped.
#[track_caller]
pub(crate) fn is_usable() -> bool {
    static WHY_NOT: OnceLock<Option<String>> = OnceLock::new();
    let why_not = WHY_NOT.get_or_init(why_not);
    if let Some(why) = why_not {
        skip(why);
    }
    why_not.is_none()
}

/// Why strace cannot be used here; `None` if it can.
fn why_not() -> Option<String> {
    if !has("strace") {
        return Some("strace is not installed".to_owned());
    }
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let sleeper = Running::start(sleep);
    let attached = Injection::attach(
        sleeper.pid().as_raw_pid().unsigned_abs(),
        "getpid",
        "retval=1",
        PathBuf::from("/dev/null"),
    );
    attached.err().map(|why| format!("strace cannot attach to a process, which kernel.yama.ptrace_scope=0 or root allows: {why}"))
}

impl Server {
    /// Injects something into one thread's calls of `syscall` from now on; `how` is what strace's `--inject` takes.
    #[track_caller]
    pub(crate) fn inject(&self, thread: u32, syscall: &str, how: &str) -> Injection {
        let trace = self.path().join(format!("trace-{thread}"));
        Injection::attach(thread, syscall, how, trace).unwrap_or_else(|why| panic!("{why}"))
    }
}

impl Injection {
    fn attach(thread: u32, syscall: &str, how: &str, trace: PathBuf) -> Result<Self, String> {
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

    /// Detaches; returns into how many calls it was injected.
    pub(crate) fn end(mut self) -> usize {
        self.detach();
        self.count()
    }

    /// Into how many calls it was injected so far.
    pub(crate) fn count(&self) -> usize {
        self.calls().len()
    }

    /// Whether it was injected into a write that wakes another thread (eventfd(2)): a thread makes such writes when
    /// others are slow, and no test can foresee them.
    pub(crate) fn hit_waker(&self) -> bool {
        let one = r#""\1\0\0\0\0\0\0\0", 8)"#;
        self.calls().iter().any(|line| line.contains(one))
    }

    /// The calls into which it was injected so far, a line each.
    fn calls(&self) -> Vec<String> {
        let trace = fs::read_to_string(&self.trace).unwrap();
        let lines = trace.lines().filter(|line| line.contains("(INJECTED"));
        lines.map(str::to_owned).collect()
    }

    fn detach(&mut self) {
        // SIGINT lets strace detach; killed, it would leave its thread stopped.
        let _ = kill_process(Pid::from_child(&self.strace), Signal::INT);
        let _ = self.strace.wait();
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        self.detach();
    }
}
