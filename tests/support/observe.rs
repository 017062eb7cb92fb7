//! The kernel's view of a running server, and the limits that a test sets: descriptors, threads, memory, processor
//! time. See `proc(5)`.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

use crate::support::server::Server;
use crate::support::wait::eventually;

impl Server {
    /// How many descriptors it has open.
    pub(crate) fn descriptors(&self) -> usize {
        self.open_descriptors().len()
    }

    /// How many connections it has open, by its descriptors.
    pub(crate) fn connections(&self) -> usize {
        self.sockets().saturating_sub(self.own_sockets)
    }

    pub(super) fn sockets(&self) -> usize {
        self.open_files()
            .filter(|target| target.starts_with("socket:"))
            .count()
    }

    /// The files of its descriptors.
    pub(crate) fn open_files(&self) -> impl Iterator<Item = String> {
        fs::read_dir(self.process_file("fd"))
            .unwrap()
            .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .map(|target| target.to_string_lossy().into_owned())
    }

    /// How many bytes of each upload in progress are staged, under a staging name or without a name.
    pub(crate) fn staged(&self) -> Vec<u64> {
        let root = fs::canonicalize(self.root()).unwrap();
        let staged = |entry: fs::DirEntry| {
            let target = fs::read_link(entry.path()).ok()?;
            let name = target.file_name()?.to_str()?;
            // The kernel calls a file without a name `#` and its inode number.
            let has_no_name = name.starts_with('#') && name.ends_with(" (deleted)");
            let is_staged = has_no_name || name.starts_with(".httpserver-");
            (target.starts_with(&root) && is_staged)
                .then_some(fs::metadata(entry.path()).ok()?.len())
        };
        fs::read_dir(self.process_file("fd"))
            .unwrap()
            .filter_map(|entry| staged(entry.ok()?))
            .collect()
    }

    fn open_descriptors(&self) -> BTreeSet<u64> {
        let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
        fs::read_dir(self.process_file("fd"))
            .unwrap()
            .map(|entry| number(entry.unwrap()).unwrap())
            .collect()
    }

    /// Lets it open `more` descriptors, and no others.
    pub(crate) fn allow_descriptors(&self, more: usize) {
        let open = self.open_descriptors();
        let first_forbidden = (0..).filter(|number| !open.contains(number)).nth(more);
        self.limit(Resource::Nofile, first_forbidden.unwrap());
    }

    /// Sets a soft limit of the running server.
    pub(crate) fn limit(&self, resource: Resource, to: u64) {
        let maximum = getrlimit(resource).maximum; // it has inherited ours
        let limit = Rlimit {
            current: Some(to),
            maximum,
        };
        prlimit(Some(self.pid()), resource, limit).unwrap();
    }

    /// How many workers it has.
    pub(crate) fn workers(&self) -> usize {
        let names = self.thread_names();
        names
            .iter()
            .filter(|name| name.starts_with("worker-"))
            .count()
    }

    /// The names of its threads, sorted.
    pub(crate) fn thread_names(&self) -> Vec<String> {
        let mut names: Vec<_> = self.thread_ids().map(|id| self.thread_name(id)).collect();
        names.sort();
        names
    }

    /// The thread of this name, which may still be starting.
    #[track_caller]
    pub(crate) fn thread(&self, name: &str) -> u32 {
        let mut found = None;
        eventually(&format!("there is a thread {name}"), || {
            found = self.thread_ids().find(|&id| self.thread_name(id) == name);
            found.is_some()
        });
        found.unwrap()
    }

    /// The thread that accepts connections.
    pub(crate) fn main_thread(&self) -> u32 {
        self.pid().as_raw_pid().unsigned_abs()
    }

    /// The thread that does the work of a server with `-N 1`.
    #[track_caller]
    pub(crate) fn only_worker(&self) -> u32 {
        self.thread("worker-0")
    }

    /// Waits until a thread sleeps, as a worker does that has nothing to do.
    #[track_caller]
    pub(crate) fn wait_until_asleep(&self, thread: u32) {
        eventually("the thread sleeps", || {
            let stat = fs::read_to_string(self.process_file(&format!("task/{thread}/stat")));
            stat.unwrap().rsplit_once(')').unwrap().1.starts_with(" S")
        });
    }

    /// Waits until each of its threads has slept, as they do when there is nothing to do.
    #[track_caller]
    pub(crate) fn wait_until_all_sleep(&self) {
        for thread in self.thread_ids() {
            self.wait_until_asleep(thread);
        }
    }

    /// A field of the status of each of its threads, as /proc has it.
    pub(crate) fn of_all_threads(&self, field: &str) -> Vec<String> {
        let value = |id| {
            let status = fs::read_to_string(self.process_file(&format!("task/{id}/status")));
            let status = status.unwrap();
            let prefix = format!("{field}:");
            let value = status.lines().find_map(|line| line.strip_prefix(&prefix));
            let words: Vec<_> = value.unwrap().split_whitespace().collect();
            words.join(" ")
        };
        self.thread_ids().map(value).collect()
    }

    fn thread_ids(&self) -> impl Iterator<Item = u32> {
        fs::read_dir(self.process_file("task"))
            .unwrap()
            .map(|task| task.unwrap().file_name().to_str().unwrap().parse().unwrap())
    }

    fn thread_name(&self, id: u32) -> String {
        let name = fs::read_to_string(self.process_file(&format!("task/{id}/comm")));
        name.unwrap().trim_end().to_owned()
    }

    /// Bytes of memory that it occupies.
    pub(crate) fn resident(&self) -> u64 {
        self.memory("VmRSS")
    }

    /// Bytes of memory that it has occupied at most.
    pub(crate) fn peak_resident(&self) -> u64 {
        self.memory("VmHWM")
    }

    fn memory(&self, what: &str) -> u64 {
        let status = fs::read_to_string(self.process_file("status")).unwrap();
        let kibibytes = status.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name == what).then(|| value.trim().trim_end_matches(" kB").parse::<u64>())
        });
        kibibytes.unwrap().unwrap() * 1024
    }

    /// The processor time that it has used, in user mode and in the kernel; it advances in steps of 10 ms or so.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(self.process_file("stat")).unwrap();
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

    /// Waits until it uses less than a tenth of a processor, which it never does if it spins.
    #[track_caller]
    pub(crate) fn wait_until_idle(&self) {
        eventually("the server does nothing", || {
            let (start, before) = (Instant::now(), self.processor_time());
            thread::sleep(Duration::from_millis(300));
            self.processor_time().saturating_sub(before) < start.elapsed() / 10
        });
    }

    fn process_file(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid()))
    }
}
