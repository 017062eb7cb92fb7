//! The resources of a server in a control group with limits below those of the machine.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::thread::sched_getaffinity;

use crate::support::home::Home;
use crate::support::process::PROCESSORS;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

/// A control group of version 1 or 2 for one test; removed when the processes in it are gone.
struct ControlGroup(PathBuf);

impl ControlGroup {
    /// Creates one with these limits if the kernel permits it: a file of version 2 and one of version 1, each with its
    /// content.
    fn new(controller: &str, v2: &[(&str, &str)], v1: &[(&str, &str)]) -> Option<Self> {
        let top = Path::new("/sys/fs/cgroup");
        for (directory, limits) in [(top.join(controller), v1), (top.to_path_buf(), v2)] {
            let name = format!("httpserver-test-{}-{controller}", std::process::id());
            let group = directory.join(name);
            if !directory.join("cgroup.procs").exists() || fs::create_dir(&group).is_err() {
                continue;
            }
            let group = Self(group);
            let mut limits = limits.iter();
            if limits.all(|(file, limit)| fs::write(group.0.join(file), limit).is_ok()) {
                return Some(group);
            }
        }
        // No package provides this: the administrator of the machine permits groups or not. The unit tests cover the
        // same limits with files of their own.
        eprintln!("skipped: no control group with '{controller}' can be made");
        None
    }

    /// A line for a shell with which it joins the group.
    fn join(&self) -> String {
        format!("echo $$ > {}", self.0.join("cgroup.procs").display())
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        // Processes leave a moment after they were waited for.
        for _ in 0..1000 {
            if fs::remove_dir(&self.0).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    }
}

/// The line of `-v` with the server's resources.
#[track_caller]
fn resources(server: &Server) -> String {
    let mut line = None;
    eventually("it says what it may use", || {
        let stderr = server.stderr();
        let mut lines = stderr.lines();
        line = lines.find_map(|line| Some(line.strip_prefix("resources: ")?.to_owned()));
        line.is_some()
    });
    line.unwrap()
}

/// Waits until its threads have their names.
#[track_caller]
fn assert_has_workers(server: &Server, count: usize) {
    eventually("it has its workers", || server.workers() == count);
}

#[test]
fn server_uses_the_processors_of_its_quota() {
    let Some(group) = ControlGroup::new(
        "cpu",
        &[("cpu.max", "50000 100000")],
        &[
            ("cpu.cfs_period_us", "100000"),
            ("cpu.cfs_quota_us", "50000"),
        ],
    ) else {
        return;
    };
    for (options, workers) in [
        (&["-v"][..], 4),
        (&["-v", "--web"], 4),
        (&["-v", "-N", "auto"], 4),
        (&["-v", "--web", "-N", "1"], 1),
    ] {
        let line = format!("unset {PROCESSORS} && {}", group.join());
        let server = Setup::new(options).before(&line).start();
        let said = resources(&server);
        if sched_getaffinity(None).unwrap().count() > 1 {
            let start = "1 processor (quota 0.50), ";
            assert!(said.starts_with(start), "{said}");
        }
        let end = format!("; {workers} worker{}", if workers == 1 { "" } else { "s" });
        assert!(said.ends_with(&end), "{said}");
        assert_has_workers(&server, workers);
    }
}

#[test]
fn server_without_quota_has_a_worker_for_each_processor_and_at_least_4() {
    let processors = match std::env::var(PROCESSORS) {
        Ok(number) => number.parse().unwrap(),
        Err(_) => usize::try_from(sched_getaffinity(None).unwrap().count()).unwrap(),
    };
    for (options, expected) in [
        (&["-v"][..], 4),
        (&["-v", "-N", "auto"], processors.clamp(4, 256)),
        (&["-v", "--web"], processors.clamp(4, 256)),
        (&["-v", "-N", "3"], 3),
    ] {
        let server = Setup::new(options).start();
        assert_has_workers(&server, expected);
        let said = resources(&server);
        assert!(said.ends_with(&format!("; {expected} workers")), "{said}");
    }
}

#[test]
fn number_of_processors_that_is_given_decides() {
    for (processors, workers) in [("1", 4), ("16", 16), ("64", 64), ("8192", 256)] {
        let options = ["-v", "-N", "auto", "--processors", processors];
        let server = Setup::new(&options).start();
        let said = resources(&server);
        let plural = if processors == "1" { "" } else { "s" };
        let start = format!("{processors} processor{plural}, ");
        assert!(said.starts_with(&start), "{said}");
        assert!(said.ends_with(&format!("; {workers} workers")), "{said}");
        assert_has_workers(&server, workers);
    }
}

/// The value of a metric of a server whose status is on the socket `status`.
fn metric(server: &Server, name: &str) -> u64 {
    let mut status = UnixStream::connect(server.path().join("status")).unwrap();
    let request = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    status.write_all(request).unwrap();
    let mut response = String::new();
    status.read_to_string(&mut response).unwrap();
    let mut lines = response.lines();
    let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value
        .unwrap_or_else(|| panic!("{response}"))
        .parse()
        .unwrap()
}

#[test]
fn file_cache_holds_a_sixteenth_of_the_memory_of_the_group() {
    let limit = ["33554432"; 2];
    let Some(group) = ControlGroup::new(
        "memory",
        &[("memory.max", limit[0])],
        &[("memory.limit_in_bytes", limit[1])],
    ) else {
        return;
    };
    let home = Home::new();
    let names: Vec<_> = (0..300).map(|number| format!("{number}.bin")).collect();
    for name in &names {
        home.place(name, &[b'x'; 16 * 1024]);
    }
    let options = ["--web", "-v", "--status", "unix:status"];
    let bytes = |server: &Server| {
        home.wait_until_stable(names.last().unwrap());
        for name in &names {
            assert_eq!(server.get(&format!("/{name}")).status, 200);
        }
        metric(server, "httpserver_cache_bytes")
    };
    let server = Setup::at(&home, &options).before(&group.join()).start();
    let said = resources(&server);
    let memory = ", 32 MiB of memory (limit of the control group)";
    assert!(said.contains(memory), "{said}");
    let held = bytes(&server);
    assert!((1 << 20..=2 << 20).contains(&held), "{held}");
    drop(server);
    let free = Setup::at(&home, &options).start();
    assert!(bytes(&free) > 2 << 20);
}
