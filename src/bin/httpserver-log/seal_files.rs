//! The path of a log's seal: the log's name and `.seal`, followed by the suffix of a renamed log.

use crate::failure::Failure;
use crate::text;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// The extension of a seal.
const SEAL: &[u8] = b".seal";

/// The seal of the log at `path`, if there is one.
pub(crate) fn seal_of(path: &Path) -> Option<PathBuf> {
    let found = candidates(path).into_iter().find(|seal| seal.is_file());
    // The seal is beside the target of a symlink.
    found.or_else(|| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|found| found.is_symlink());
        let target = fs::canonicalize(path).ok().filter(|_| is_link)?;
        candidates(&target).into_iter().find(|seal| seal.is_file())
    })
}

/// `FILE.SUFFIX.seal`, and `FILE.seal.SUFFIX` for each possible suffix, the shortest first.
fn candidates(path: &Path) -> Vec<PathBuf> {
    let Some(name) = path.file_name().map(OsStrExt::as_bytes) else {
        return Vec::new();
    };
    let dots = name.iter().enumerate().rev();
    let dots = dots.filter(|&(at, &byte)| byte == b'.' && at > 0);
    [name.len()]
        .into_iter()
        .chain(dots.map(|(at, _)| at))
        .map(|at| {
            let (file, suffix) = name.split_at(at);
            path.with_file_name(OsString::from_vec([file, SEAL, suffix].concat()))
        })
        .collect()
}

/// The seal of the log at `path`, or an error.
pub(crate) fn require_seal(path: &Path) -> Result<PathBuf, Failure> {
    seal_of(path).ok_or_else(|| Failure::NoSeal {
        log: text::path(path),
        seal: expected(path),
    })
}

/// A hint for a person who finds no seal.
pub(crate) fn expected(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    let first = candidates(path).into_iter().next();
    first.map_or_else(String::new, |path| text::path(&path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suffix_stands_behind_that_of_the_seal() {
        for (log, expected) in [
            ("log", &["log.seal"][..]),
            ("a/log.txt", &["a/log.txt.seal", "a/log.seal.txt"]),
            (
                "log.txt.1.gz",
                &[
                    "log.txt.1.gz.seal",
                    "log.txt.1.seal.gz",
                    "log.txt.seal.1.gz",
                    "log.seal.txt.1.gz",
                ],
            ),
            (".log", &[".log.seal"]),
            ("/", &[]),
        ] {
            let found = candidates(Path::new(log));
            assert_eq!(
                found,
                expected.iter().map(PathBuf::from).collect::<Vec<_>>()
            );
        }
    }
}
