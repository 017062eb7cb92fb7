//! The files and the log that a connection works on.

use httpserver::durable::Durability;
use httpserver::entry_range::Receipts;
use httpserver::files::Files;
use httpserver::request_log::format::layout::SEPARATOR;
use httpserver::request_log::write::Mode;
use httpserver::store::{Depth, Store, is_staging_name};
use rustix::fs::{CWD, FileType};
use std::collections::BTreeMap;
use std::fs;
use std::num::NonZeroUsize;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use tempfile::TempDir;

/// Bytes of the largest file: more than a connection may send in one turn.
pub(crate) const LARGE: usize = 1_200_000;

/// Names of existing files, and their lengths: empty, small, the largest that is read into memory, one byte more,
/// large.
pub(crate) const FILES: [(&str, usize); 5] = [
    ("a00000000000000000000000000", 0),
    ("a00000000000000000000000001", 100),
    ("a00000000000000000000000002", 16_384),
    ("a00000000000000000000000003", 16_385),
    ("a00000000000000000000000004", LARGE),
];

/// Names of objects other than regular files, and of no object.
pub(crate) const NAMES: [&str; 5] = [
    "d00000000000000000000000000",
    "f00000000000000000000000000",
    "l00000000000000000000000000",
    "n00000000000000000000000000",
    "n00000000000000000000000001",
];

/// The most descriptors that a server with one connection has of its files: the root, the log and its directory, as
/// many files as it may keep open of those above, and two of an upload, whatever its path.
const MOST_DESCRIPTORS: usize = 12;

/// A root and a log in a directory of their own.
pub(crate) struct World {
    directory: TempDir,
}

impl World {
    /// A root with these files by path, and with other objects.
    pub(crate) fn new(files: &BTreeMap<String, Vec<u8>>) -> Self {
        let this = Self {
            directory: scratch(),
        };
        let root = this.root();
        fs::create_dir(&root).expect("the root");
        for (path, content) in files {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
            fs::write(path, content).expect("a file");
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

    /// The files and the log as a server has them.
    pub(crate) fn open(&self) -> Files {
        let durability = Durability::Kernel;
        let workers = const { NonZeroUsize::new(2).unwrap() };
        let store = Store::open(&self.root(), Depth::Tree, durability).expect("the store");
        let mut files = Files::new(store);
        files
            .open_log(&self.log(), Mode::Fresh, durability, workers, None)
            .expect("the log");
        files.make_receipts(Receipts::Made);
        files
    }

    /// Checks the invariants of a connection that waits for its peer.
    pub(crate) fn check_at_rest(&self) {
        self.check_log_is_whole();
        let held = self.descriptors();
        assert!(held <= MOST_DESCRIPTORS, "{held} descriptors are open");
    }

    /// The number of descriptors that this process has of files in the directory.
    fn descriptors(&self) -> usize {
        let all = fs::read_dir("/proc/self/fd").expect("the descriptors");
        // Descriptors of other tests come and go meanwhile.
        all.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
            .filter(|target| target.starts_with(self.directory.path()))
            .count()
    }

    /// Checks that no entry has its place in the log and waits to be written: a connection that waits for its peer must
    /// not leave a hole there.
    fn check_log_is_whole(&self) {
        let log = fs::File::open(self.log()).expect("the log");
        let length = log.metadata().expect("its length").len();
        if let Some(at) = length.checked_sub(SEPARATOR.len() as u64) {
            let mut end = [0; SEPARATOR.len()];
            log.read_exact_at(&mut end, at).expect("its end");
            assert_eq!(end, SEPARATOR, "a hole in the log");
        }
    }

    /// The number of entries in the log.
    pub(crate) fn count_entries(&self) -> usize {
        let log = fs::read(self.log()).expect("the log");
        let lines = log.split_inclusive(|&byte| byte == b'\n');
        lines.filter(|line| *line == SEPARATOR).count()
    }

    /// The bytes of the log, and the regular files by path; no staged upload may remain.
    pub(crate) fn end(self) -> (Vec<u8>, BTreeMap<String, Vec<u8>>) {
        let log = fs::read(self.log()).expect("the log");
        let mut files = BTreeMap::new();
        collect(&self.root(), "", &mut files);
        (log, files)
    }
}

/// The regular files below `directory`, by their path behind `prefix`.
fn collect(directory: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = entry.file_name();
        let path = format!("{prefix}{}", name.to_string_lossy());
        let is_staged = is_staging_name(name.as_encoded_bytes());
        assert!(!is_staged, "{path} is left behind");
        let kind = entry.file_type().expect("its type");
        if kind.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if kind.is_file() {
            files.insert(path, fs::read(entry.path()).expect("a file"));
        }
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

/// `length` bytes in which no two parts are equal.
pub(crate) fn content(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|at| (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56).to_le_bytes()[0])
        .collect()
}

/// A directory where thousands of files a second can be made and removed without load on a disk.
fn scratch() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("a directory")
}
