//! Each system call on the path of a request to `--web` fails in turn: what must come of it, as in `syscalls`.
//!
//! Only what differs from the classic dialect: paths with directories, directories that are made and listed, removal.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::fault::server::Place;
use crate::fault::syscalls::same;
use crate::support::journal::Entry;
use crate::support::requirements::skip;
use crate::support::strace::{Tampering, missing};

/// A request, and what the site is changed to if it succeeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Get,
    List,
    Replace,
    /// Into directories that are not there.
    Create,
    Delete,
}

impl Ask {
    fn request(self) -> String {
        let (line, content) = match self {
            Self::Get => return get("dir/a.txt"),
            Self::List => return get("dir/"),
            Self::Replace => ("PUT /dir/a.txt", "new"),
            Self::Create => ("PUT /deep/er/b.txt", "new"),
            Self::Delete => ("DELETE /dir/a.txt", ""),
        };
        let length = content.len();
        format!(
            "{line} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{content}"
        )
    }

    fn success(self) -> (u16, Entry) {
        let put = |name: &str| Entry::Put(name.to_owned(), b"new".to_vec());
        match self {
            Self::Get => (200, Entry::Get("dir/a.txt".to_owned())),
            Self::List => (200, Entry::Get("dir/".to_owned())),
            Self::Replace => (204, put("dir/a.txt")),
            Self::Create => (201, put("deep/er/b.txt")),
            Self::Delete => (204, Entry::Delete("dir/a.txt".to_owned())),
        }
    }

    /// The files below the root after success.
    fn files(self) -> BTreeMap<String, Vec<u8>> {
        let mut files = before();
        match self {
            Self::Get | Self::List => {}
            Self::Replace => drop(files.insert("dir/a.txt".to_owned(), b"new".to_vec())),
            Self::Create => drop(files.insert("deep/er/b.txt".to_owned(), b"new".to_vec())),
            Self::Delete => drop(files.remove("dir/a.txt")),
        }
        files
    }
}

/// What the request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// As if nothing had failed.
    Success,
    /// Refused with this status, and nothing is changed.
    Refused(u16),
    /// It takes effect; the answer is 500, since the log could not be written.
    Unrecorded,
    /// As a success, but the log could not be written.
    SuccessUnrecorded,
}

use Ask::{Create, Delete, Get, List, Replace};
use Outcome::{Refused, Success, SuccessUnrecorded, Unrecorded};

/// The request, the system call, which one of its name, how it fails, and what comes of it.
type Row = (
    Ask,
    &'static str,
    &'static str,
    &'static [&'static str],
    Outcome,
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (Get, "openat2", "1", &["ENOENT", "ENOTDIR", "EXDEV", "ELOOP"], Refused(404)),
    (Get, "openat2", "1", &["EACCES"], Refused(403)),
    (Get, "openat2", "1", &["EMFILE", "ENFILE", "ENOMEM"], Refused(503)),
    (Get, "openat2", "1..3", &["EAGAIN", "EINTR"], Success),
    (Get, "openat2", "2", &["EIO"], Refused(500)),
    (Get, "statx", "1", &["EIO"], Refused(500)),
    (Get, "pread64", "1", &["EIO"], Refused(500)),
    (Get, "pwrite64", "1", &["EIO", "ENOSPC"], SuccessUnrecorded),

    // The first is the index.
    (List, "openat2", "2", &["EMFILE", "ENOMEM"], Refused(503)),
    (List, "openat2", "2", &["EACCES"], Refused(403)),
    (List, "openat", "1", &["EMFILE", "ENOMEM"], Refused(503)),
    (List, "getdents64", "1", &["EIO"], Refused(500)),
    (List, "getdents64", "1..3", &["EINTR"], Success),

    (Replace, "openat2", "1", &["EIO"], Refused(500)),
    (Replace, "openat", "1", &["ENOSPC", "EDQUOT"], Refused(507)),
    (Replace, "openat", "1", &["EACCES", "EPERM", "EROFS"], Refused(403)),
    (Replace, "write", "1", &["ENOSPC"], Refused(507)),
    (Replace, "statx", "3", &["EIO"], Refused(500)),
    (Replace, "renameat", "1", &["EIO"], Refused(500)),
    (Replace, "renameat", "1", &["ENOSPC"], Refused(507)),
    (Replace, "pwrite64", "1", &["EIO", "ENOSPC"], Unrecorded),

    (Create, "mkdirat", "1", &["ENOSPC", "EDQUOT"], Refused(507)),
    (Create, "mkdirat", "2", &["ENOSPC"], Refused(507)),
    (Create, "mkdirat", "1", &["EACCES", "EROFS"], Refused(403)),
    (Create, "mkdirat", "2", &["EIO"], Refused(500)),
    (Create, "openat", "1", &["ENOSPC"], Refused(507)),
    (Create, "write", "1", &["EIO"], Refused(500)),
    (Create, "renameat", "1", &["EIO"], Refused(500)),

    (Delete, "openat2", "1", &["EIO"], Refused(500)),
    (Delete, "unlinkat", "1", &["EACCES", "EPERM", "EROFS"], Refused(403)),
    (Delete, "unlinkat", "1", &["EIO"], Refused(500)),
    (Delete, "unlinkat", "1", &["ENOENT"], Refused(404)),
    (Delete, "pwrite64", "1", &["EIO", "ENOSPC"], Unrecorded),
];

fn before() -> BTreeMap<String, Vec<u8>> {
    [("dir/a.txt", "old"), ("dir/other.txt", "other")]
        .map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()))
        .into()
}

/// All regular files below `directory`, under their paths from the root.
fn files_below(directory: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for entry in fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if entry.file_type().unwrap().is_dir() {
            files_below(&entry.path(), &format!("{name}/"), files);
        } else {
            files.insert(name, fs::read(entry.path()).unwrap());
        }
    }
}

#[test]
fn a_site() {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let mut wrong = Vec::new();
    for &(ask, syscall, when, errors, outcome) in ROWS {
        for error in errors {
            let how = format!("error={error}:when={when}");
            if let Err(why) = case(ask, syscall, &how, outcome) {
                wrong.push(format!("{ask:?} {syscall}:{how}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs one row with one error; what is wrong, if anything is.
fn case(ask: Ask, syscall: &str, how: &str, outcome: Outcome) -> Result<(), String> {
    let place = Place::new();
    fs::create_dir(place.root().join("dir")).unwrap();
    for (name, content) in before() {
        place.store(&name, &content);
    }
    let server = place.serve(&["--web", "--listing", "--writable", "-N", "1"]);
    let first = server.exchange(&get("dir/nothing"));
    same("first status", status(&first), Some("404"))?;
    server.rest(server.only_worker());

    let trace = place.path("trace");
    let tampering = Tampering::attach(server.only_worker(), syscall, how, trace)?;
    let answer = server.exchange(&ask.request());
    if tampering.end() == 0 {
        return Err("the call was never made".to_owned());
    }
    let (success, entry) = ask.success();
    let (told, changed, own) = match outcome {
        Success => (success, true, Some(entry)),
        SuccessUnrecorded => (success, true, None),
        Unrecorded => (500, true, None),
        Refused(status) => (status, false, Some(Entry::Failure(status))),
    };
    same("status", status(&answer), Some(&*told.to_string()))?;

    let after = server.exchange(&get("dir/other.txt"));
    same("the next", after.ends_with("\r\n\r\nother"), true)?;
    let (exit, said) = server.stop();
    same("exit status", exit.code(), Some(0))?;
    if said.contains("panicked") {
        return Err(said);
    }
    let mut files = BTreeMap::new();
    files_below(&place.root(), "", &mut files);
    let expected = if changed { ask.files() } else { before() };
    same("files", files, expected)?;
    if !changed {
        same("directories", place.root().join("deep").exists(), false)?;
    }
    let journal = place.journal();
    let torn = matches!(outcome, Unrecorded | SuccessUnrecorded);
    same("torn entries", journal.torn, usize::from(torn))?;
    let entries: Vec<_> = [Entry::Failure(404)]
        .into_iter()
        .chain(own)
        .chain([Entry::Get("dir/other.txt".to_owned())])
        .collect();
    same("entries", journal.entries, entries)
}

fn get(path: &str) -> String {
    format!("GET /{path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
}

fn status(answer: &str) -> Option<&str> {
    answer.get(9..12)
}
