//! Directories and the files in them: laid out before a test, and read back after it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

/// Writes a file, and makes the directories on the way to it.
#[track_caller]
pub(crate) fn write(root: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Makes a symlink.
#[track_caller]
pub(crate) fn link(root: &Path, path: &str, target: impl AsRef<Path>) {
    symlink(target, root.join(path)).unwrap();
}

/// Gives a file a modification time of so many seconds after the epoch.
#[track_caller]
pub(crate) fn date(root: &Path, path: &str, seconds: u64) {
    let file = fs::File::options().write(true).open(root.join(path));
    let time = UNIX_EPOCH + Duration::from_secs(seconds);
    file.unwrap().set_modified(time).unwrap();
}

/// All regular files below a directory with what they hold, by their paths from there. An upload that was left behind
/// is among them.
#[track_caller]
pub(crate) fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_path_buf()];
    while let Some(next) = left.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_file() {
                let path = entry.path();
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap();
                found.insert(name.to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
