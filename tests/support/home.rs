//! The directory in which one server works: its root, and beside that its log and its stderr.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use crate::support::journal::{self, Journal};
use crate::support::tree;
use crate::support::wait::eventually;

/// The user and group `nobody`, by number.
pub(crate) const NOBODY: u32 = 65534;

/// A temporary directory; removed when the last server and the last test that uses it are gone.
#[derive(Clone)]
pub(crate) struct Home(Arc<TempDir>);

impl Home {
    /// An empty root and no log.
    pub(crate) fn new() -> Self {
        Self::below(&std::env::temp_dir()).unwrap()
    }

    /// The same in memory, where there is such a place.
    pub(crate) fn in_memory() -> Option<Self> {
        Self::below(Path::new("/dev/shm")).ok()
    }

    /// The same in memory if possible: for thousands of small writes, which a busy disk makes wait.
    pub(crate) fn fast() -> Self {
        Self::in_memory().unwrap_or_else(Self::new)
    }

    fn below(directory: &Path) -> io::Result<Self> {
        let made = tempfile::Builder::new()
            .prefix("httpserver-")
            .tempdir_in(directory)?;
        let home = Self(Arc::new(made));
        fs::create_dir(home.root())?;
        Ok(home)
    }

    /// The same, for a server that is not root even where the test is.
    pub(crate) fn of_nobody() -> Self {
        let home = Self::new();
        if rustix::process::geteuid().is_root() {
            for directory in [home.path(), &home.root()] {
                chown(directory, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        home
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// The directory of the files that are served.
    pub(crate) fn root(&self) -> PathBuf {
        self.path().join("root")
    }

    /// The log, which is outside the root.
    pub(crate) fn log_path(&self) -> PathBuf {
        self.path().join("log.txt")
    }

    /// The current content of the log.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    /// The lines of the log, without those between its entries.
    pub(crate) fn log_lines(&self) -> Vec<String> {
        let lines = self.log();
        let lines = lines.lines().filter(|line| *line != "========");
        lines.map(str::to_owned).collect()
    }

    /// The log, read with the program's own reader.
    #[track_caller]
    pub(crate) fn journal(&self) -> Journal {
        journal::read(&self.log_path())
    }

    /// The files beside the log that have its name, a dot and a suffix, such as older logs, by their suffixes.
    #[track_caller]
    pub(crate) fn kept_logs(&self) -> BTreeMap<String, String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let kept = entries.filter_map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let suffix = name.strip_prefix("log.txt.")?.to_owned();
            let content = fs::read(entry.path()).ok()?;
            Some((suffix, String::from_utf8_lossy(&content).into_owned()))
        });
        kept.collect()
    }

    /// All files below the root with what they hold.
    #[track_caller]
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        tree::files(&self.root())
    }

    /// Waits until a file of the root changed so long ago that the server keeps it, which is a second.
    #[track_caller]
    pub(crate) fn wait_until_stable(&self, name: &str) {
        eventually("the file is stable", || {
            let found = fs::metadata(self.file(name)).unwrap();
            let changed = Duration::new(
                found.ctime().try_into().unwrap(),
                found.ctime_nsec().try_into().unwrap(),
            );
            let age = SystemTime::now().duration_since(UNIX_EPOCH + changed);
            age.is_ok_and(|age| age > Duration::from_millis(1100))
        });
    }

    /// A file of the root.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// The current content of a file of the root.
    #[track_caller]
    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        fs::read(self.file(name)).unwrap()
    }

    /// Puts a file into the root, without the server.
    pub(crate) fn place(&self, name: &str, content: &[u8]) {
        fs::write(self.file(name), content).unwrap();
    }

    /// Sets the permissions of a file of the root.
    pub(crate) fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.file(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Sets the permissions of the root.
    pub(crate) fn permit_root(&self, mode: u32) {
        fs::set_permissions(self.root(), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// A copy of the program where any user can reach it.
    pub(crate) fn program(&self) -> PathBuf {
        let copy = self.path().join("httpserver");
        if !copy.exists() {
            // By another process: one that another test starts at this moment would inherit our descriptor, and what
            // is open for writing cannot be executed.
            let done = Command::new("cp")
                .args([OsStr::new(env!("CARGO_BIN_EXE_httpserver")), copy.as_ref()])
                .status();
            assert!(done.unwrap().success(), "cp");
        }
        copy
    }

    /// The permissions of a file of the root.
    pub(crate) fn permissions(&self, name: &str) -> u32 {
        fs::metadata(self.file(name)).unwrap().permissions().mode() & 0o7777
    }

    /// All names in the root, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.root()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}
