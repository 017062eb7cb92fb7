//! The files and the log that a connection works on.

use httpserver::classic::Classic;
use httpserver::connection::{Http, Timeouts};
use httpserver::durable::Durability;
use httpserver::request_log::{Mode, Recorder};
use httpserver::store::{Depth, Store};
use httpserver::upload::Files;
use rustix::fs::{CWD, FileType};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use tempfile::TempDir;

/// Bytes of the largest file: more than a connection may send in one turn.
pub(crate) const LARGE: usize = 1_200_000;

/// Names of files that exist, and their lengths: empty, small, as large as is read into memory, one past it, large.
pub(crate) const FILES: [(&str, usize); 5] = [
    ("a00000000000000000000000000", 0),
    ("a00000000000000000000000001", 100),
    ("a00000000000000000000000002", 16_384),
    ("a00000000000000000000000003", 16_385),
    ("a00000000000000000000000004", LARGE),
];

/// Names of things that are not regular files, and of nothing.
pub(crate) const NAMES: [&str; 5] = [
    "d00000000000000000000000000",
    "f00000000000000000000000000",
    "l00000000000000000000000000",
    "n00000000000000000000000000",
    "n00000000000000000000000001",
];

/// A root and a log in a directory of their own.
pub(super) struct World {
    directory: TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let this = Self {
            directory: scratch(),
        };
        let root = this.root();
        fs::create_dir(&root).expect("the root");
        for (name, content) in initial_files() {
            fs::write(root.join(name), content).expect("a file");
        }
        let [dir, fifo, link, ..] = NAMES;
        fs::create_dir(root.join(dir)).expect("a directory");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(CWD, root.join(fifo), FileType::Fifo, mode, 0).expect("a FIFO");
        std::os::unix::fs::symlink("/etc/passwd", root.join(link)).expect("a symlink");
        this
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("root")
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// A server's service over these files.
    pub(super) fn serve(&self, max_body: u64, timeouts: Timeouts) -> Http<Classic> {
        let durability = Durability::Kernel;
        let store = Store::open(&self.root(), Depth::Root, durability).expect("the store");
        let recorder = Recorder::open(&self.log(), Mode::Fresh, durability).expect("the log");
        Http::new(Classic::new(Files { store, recorder }, max_body), timeouts)
    }

    /// The bytes of the log, and the regular files; no upload may have been left behind.
    pub(super) fn end(self) -> (Vec<u8>, BTreeMap<String, Vec<u8>>) {
        let log = fs::read(self.log()).expect("the log");
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(self.root()).expect("the root") {
            let entry = entry.expect("an entry");
            let name = entry.file_name().into_string().expect("a name in UTF-8");
            assert!(!name.starts_with('.'), "{name} is left behind");
            if entry.file_type().expect("its type").is_file() {
                files.insert(name, fs::read(entry.path()).expect("a file"));
            }
        }
        (log, files)
    }
}

/// The files that exist at first.
pub(crate) fn initial_files() -> &'static BTreeMap<String, Vec<u8>> {
    static INITIAL: OnceLock<BTreeMap<String, Vec<u8>>> = OnceLock::new();
    INITIAL.get_or_init(|| {
        FILES
            .iter()
            .map(|&(name, length)| (name.to_owned(), content(length)))
            .collect()
    })
}

/// `length` bytes in which no part looks like another.
fn content(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).to_le_bytes()[0])
        .collect()
}

/// Where files can be made and removed thousands of times a second without a disk being bothered.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}
