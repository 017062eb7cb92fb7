//! Each system call of a request to `--web` fails in turn, with the expected results, as in `syscalls`.
//!
//! Only what differs from the classic dialect: paths with directories, directories that are made and listed, removal.

use std::collections::BTreeMap;
use std::fs;

use crate::fault::carrier::Carrier;
use crate::fault::failing::Outcome::{Refused, ServedUnrecorded, Success, Unrecorded};
use crate::fault::failing::{Attempt, Fault, Fresh, Request, Row, call, same, try_all};
use crate::support::home::Home;
use crate::support::journal::JournalEntry;

/// A request that the rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    Get,
    List,
    Replace,
    /// Into directories that are not there.
    Create,
    Delete,
    /// DELETE of a directory in the root.
    RemoveDirectory,
}

impl Ask {
    /// Method and target, and the content.
    fn request(self) -> (&'static str, &'static str) {
        match self {
            Self::Get => ("GET /dir/a.txt", ""),
            Self::List => ("GET /dir/", ""),
            Self::Replace => ("PUT /dir/a.txt", "new"),
            Self::Create => ("PUT /deep/er/b.txt", "new"),
            Self::Delete => ("DELETE /dir/a.txt", ""),
            Self::RemoveDirectory => ("DELETE /empty/", ""),
        }
    }

    /// The files below the root once the request has taken effect.
    fn files(self) -> BTreeMap<String, Vec<u8>> {
        let mut files = before();
        match self {
            Self::Get | Self::List | Self::RemoveDirectory => {}
            Self::Replace => drop(files.insert("dir/a.txt".to_owned(), b"new".to_vec())),
            Self::Create => drop(files.insert("deep/er/b.txt".to_owned(), b"new".to_vec())),
            Self::Delete => drop(files.remove("dir/a.txt")),
        }
        files
    }
}

impl Request for Ask {
    fn success_status(self) -> u16 {
        match self {
            Self::Get | Self::List => 200,
            Self::Create => 201,
            Self::Replace | Self::Delete | Self::RemoveDirectory => 204,
        }
    }

    fn success_entry(self) -> JournalEntry {
        let put = |name: &str| JournalEntry::Put(name.to_owned(), b"new".to_vec());
        match self {
            Self::Get => JournalEntry::Get("dir/a.txt".to_owned()),
            Self::List => JournalEntry::Get("dir/".to_owned()),
            Self::Replace => put("dir/a.txt"),
            Self::Create => put("deep/er/b.txt"),
            Self::Delete => JournalEntry::Delete("dir/a.txt".to_owned()),
            Self::RemoveDirectory => JournalEntry::Delete("empty/".to_owned()),
        }
    }
}

/// A GET of a file in a directory.
#[rustfmt::skip]
const GET: &[Row] = &[
    call("openat2", "1").failing(&["ENOENT", "ENOTDIR", "EXDEV", "ELOOP"], Refused(404)),
    call("openat2", "1").failing(&["EACCES"], Refused(403)),
    call("openat2", "1").failing(&["EMFILE", "ENFILE", "ENOMEM"], Refused(503)),
    call("openat2", "1..3").failing(&["EAGAIN", "EINTR"], Success),
    call("openat2", "2").failing(&["EIO"], Refused(500)),
    call("statx", "1").failing(&["EIO"], Refused(500)),
    call("pread64", "1").failing(&["EIO"], Refused(500)),
    call("openat2", "1").failing(&["ESTALE"], Success),
    call("openat2", "2").failing(&["ESTALE"], Success),
    call("statx", "1").failing(&["ESTALE"], Success),
    call("pread64", "1").failing(&["ESTALE"], Success),
    call("openat2", "1+").failing(&["ESTALE"], Refused(503)),
    call("openat2", "1").failing(&["ENOTCONN", "ECONNABORTED"], Refused(503)),
    call("openat2", "2").failing(&["ENOTCONN"], Refused(503)),
    call("statx", "1").failing(&["ENOTCONN"], Refused(503)),
    call("pread64", "1").failing(&["ENOTCONN"], Refused(503)),
    call("openat2", "1").failing(&["EROFS"], Refused(403)),
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], ServedUnrecorded),
];

/// A listing of a directory. The first openat2 is that of its index.
#[rustfmt::skip]
const LIST: &[Row] = &[
    call("openat2", "2").failing(&["EMFILE", "ENOMEM"], Refused(503)),
    call("openat2", "2").failing(&["EACCES"], Refused(403)),
    call("openat", "1").failing(&["EMFILE", "ENOMEM"], Refused(503)),
    call("getdents64", "1").failing(&["EIO"], Refused(500)),
    call("openat2", "1").failing(&["ESTALE"], Success),
    call("openat2", "2").failing(&["ESTALE"], Success),
    call("openat", "1").failing(&["ESTALE"], Success),
    call("statx", "1").failing(&["ESTALE"], Success),
    call("openat2", "1").failing(&["ENOTCONN"], Refused(503)),
    call("openat2", "2").failing(&["ENOTCONN", "ECONNABORTED"], Refused(503)),
    call("openat", "1").failing(&["ENOTCONN"], Refused(503)),
    // Not an empty listing, nor one without some of the files.
    call("getdents64", "1").failing(&["ESTALE", "ENOTCONN"], Refused(503)),
    call("statx", "1+").failing(&["ENOTCONN"], Refused(503)),
    call("getdents64", "1..3").failing(&["EINTR"], Success),
];

/// A PUT that replaces a file.
#[rustfmt::skip]
const REPLACE: &[Row] = &[
    call("openat2", "1").failing(&["EIO"], Refused(500)),
    call("openat", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("openat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("write", "1").failing(&["ENOSPC"], Refused(507)),
    call("statx", "3").failing(&["EIO"], Refused(500)),
    call("openat", "1").failing(&["ENOENT"], Success),
    call("openat", "1+").failing(&["ENOENT"], Refused(503)),
    call("utimensat", "1").failing(&["ENOSPC"], Refused(507)),
    call("utimensat", "1").failing(&["EINTR"], Success),
    call("renameat", "1").failing(&["EIO"], Refused(500)),
    call("renameat", "1").failing(&["ENOSPC"], Refused(507)),
    call("renameat", "1").failing(&["EBUSY"], Refused(409)),
    call("renameat", "1").failing(&["ENOENT"], Refused(503)),
    call("renameat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("linkat", "1").failing(&["ENOENT", "ENOTCONN"], Refused(503)),
    call("linkat", "1").failing(&["EIO"], Refused(500)),
    call("linkat", "1").failing(&["EEXIST"], Success),
    call("openat2", "1").failing(&["ESTALE"], Success),
    call("openat", "1").failing(&["ESTALE"], Success),
    call("statx", "3").failing(&["ESTALE"], Success),
    call("utimensat", "1").failing(&["ESTALE"], Success),
    call("linkat", "1").failing(&["ESTALE"], Success),
    call("renameat", "1").failing(&["ESTALE"], Success),
    call("renameat", "1+").failing(&["ESTALE"], Refused(503)),
    call("openat2", "1").failing(&["ENOTCONN"], Refused(503)),
    call("openat", "1").failing(&["ENOTCONN"], Refused(503)),
    call("statx", "3").failing(&["ENOTCONN"], Refused(503)),
    call("utimensat", "1").failing(&["ENOTCONN"], Refused(503)),
    call("write", "1").failing(&["ESTALE", "ENOTCONN"], Refused(503)),
    call("utimensat", "1").failing(&["EROFS"], Refused(403)),
    call("openat", "1").failing(&["EOPNOTSUPP", "EISDIR", "EINVAL"], Success),
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], Unrecorded),
];

/// A PUT into directories that are not there.
#[rustfmt::skip]
const CREATE: &[Row] = &[
    call("mkdirat", "1").failing(&["ENOSPC", "EDQUOT", "EMLINK"], Refused(507)),
    // The directory above was removed at this moment.
    call("mkdirat", "2").failing(&["ENOENT"], Success),
    call("mkdirat", "2+").failing(&["ENOENT"], Refused(503)),
    call("openat", "2").failing(&["ENOENT"], Success),
    call("openat", "2+").failing(&["ENOENT"], Refused(503)),
    // The directory itself cannot be opened, or nothing in it.
    call("openat", "1+").failing(&["EMFILE"], Refused(503)),
    call("openat", "3").failing(&["ENOSPC"], Refused(507)),
    call("openat", "3+").failing(&["EMFILE"], Refused(503)),
    call("mkdirat", "2").failing(&["ENOSPC"], Refused(507)),
    call("mkdirat", "1").failing(&["EACCES", "EROFS"], Refused(403)),
    call("mkdirat", "2").failing(&["EIO"], Refused(500)),
    call("write", "1").failing(&["EIO"], Refused(500)),
    call("linkat", "1").failing(&["EIO"], Refused(500)),
    call("linkat", "1").failing(&["ENOSPC"], Refused(507)),
    call("linkat", "1").failing(&["ENOENT"], Refused(503)),
    call("linkat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("linkat", "1").failing(&["EEXIST"], Success),
    call("mkdirat", "1").failing(&["ESTALE"], Success),
    call("mkdirat", "2").failing(&["ESTALE"], Success),
    call("openat", "2").failing(&["ESTALE"], Success),
    call("linkat", "1").failing(&["ESTALE"], Success),
    call("mkdirat", "1+").failing(&["ESTALE"], Refused(503)),
    call("mkdirat", "1").failing(&["ENOTCONN"], Refused(503)),
    call("mkdirat", "2").failing(&["ENOTCONN"], Refused(503)),
];

/// A DELETE of a file.
#[rustfmt::skip]
const DELETE: &[Row] = &[
    call("openat2", "1").failing(&["EIO"], Refused(500)),
    call("unlinkat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("unlinkat", "1").failing(&["EIO"], Refused(500)),
    call("unlinkat", "1").failing(&["EBUSY"], Refused(409)),
    call("unlinkat", "1").failing(&["ENOENT"], Refused(404)),
    call("openat2", "1").failing(&["ESTALE"], Success),
    call("statx", "1").failing(&["ESTALE"], Success),
    call("unlinkat", "1").failing(&["ESTALE"], Success),
    call("unlinkat", "1+").failing(&["ESTALE"], Refused(503)),
    call("openat2", "1").failing(&["ENOTCONN"], Refused(503)),
    call("statx", "1").failing(&["ENOTCONN"], Refused(503)),
    call("unlinkat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], Unrecorded),
];

/// A DELETE of an empty directory.
#[rustfmt::skip]
const REMOVE_DIRECTORY: &[Row] = &[
    call("openat2", "1").failing(&["EIO"], Refused(500)),
    call("unlinkat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("unlinkat", "1").failing(&["EIO"], Refused(500)),
    call("unlinkat", "1").failing(&["EBUSY", "ENOTEMPTY", "EEXIST"], Refused(409)),
    call("unlinkat", "1").failing(&["ENOENT", "ENOTDIR"], Refused(404)),
    call("openat2", "1").failing(&["ESTALE"], Success),
    call("unlinkat", "1").failing(&["ESTALE"], Success),
    call("unlinkat", "1+").failing(&["ESTALE"], Refused(503)),
    call("openat2", "1").failing(&["ENOTCONN"], Refused(503)),
    call("unlinkat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], Unrecorded),
];

#[test]
fn faults_of_a_get_have_their_outcomes() {
    try_all(Ask::Get, GET, over_tcp);
}

#[test]
fn faults_of_a_listing_have_their_outcomes() {
    try_all(Ask::List, LIST, over_tcp);
}

#[test]
fn faults_of_a_replacing_put_have_their_outcomes() {
    try_all(Ask::Replace, REPLACE, over_tcp);
}

#[test]
fn faults_of_a_creating_put_have_their_outcomes() {
    try_all(Ask::Create, CREATE, over_tcp);
}

#[test]
fn faults_of_a_delete_have_their_outcomes() {
    try_all(Ask::Delete, DELETE, over_tcp);
}

#[test]
fn faults_of_the_removal_of_a_directory_have_their_outcomes() {
    try_all(Ask::RemoveDirectory, REMOVE_DIRECTORY, over_tcp);
}

/// The same inside TLS.
#[cfg(feature = "tls")]
#[test]
fn failing_calls_have_the_same_outcome_inside_tls() {
    let inside_tls = |ask, fault| attempt(Carrier::Tls, ask, fault);
    for (ask, rows) in [
        (Ask::Get, GET),
        (Ask::List, LIST),
        (Ask::Replace, REPLACE),
        (Ask::Create, CREATE),
        (Ask::Delete, DELETE),
        (Ask::RemoveDirectory, REMOVE_DIRECTORY),
    ] {
        try_all(ask, rows, inside_tls);
    }
}

fn before() -> BTreeMap<String, Vec<u8>> {
    [("dir/a.txt", "old"), ("dir/other.txt", "other")]
        .map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()))
        .into()
}

fn over_tcp(ask: Ask, fault: Fault) -> Result<Attempt, String> {
    attempt(Carrier::Tcp, ask, fault)
}

/// Tries one fault; returns the difference, if there is one.
fn attempt(carrier: Carrier, ask: Ask, fault: Fault) -> Result<Attempt, String> {
    let home = Home::new();
    for directory in ["dir", "empty"] {
        fs::create_dir(home.file(directory)).unwrap();
    }
    let options = ["--web", "--listing", "--writable", "-N", "1"];
    let mut server = carrier.setup(&home, &options).start();
    let connect = || carrier.connect(&server);
    let get = |target: &str| connect().ask(&format!("GET {target}"), "", b"");
    same("first status", get("/dir/nothing").status, 404)?;
    // The first upload finds out whether there are files without names.
    let first = connect().ask("PUT /dir/other.txt", "Content-Length: 5\r\n", b"first");
    same("status of the first PUT", first.status, 201)?;
    server.wait_until_asleep(server.only_worker());

    let injection = server.inject(server.only_worker(), fault.syscall, &fault.how());
    let fresh = Fresh::now();
    for (name, content) in before() {
        home.place(&name, &content);
    }
    let (line, content) = ask.request();
    let length = format!("Content-Length: {}\r\n", content.len());
    let response = connect().ask(line, &length, content.as_bytes());
    if !fresh.is_still() {
        return Ok(Attempt::TooLate);
    }
    if injection.hit_waker() {
        return Ok(Attempt::Missed);
    }
    if injection.end() == 0 {
        return Err("the call was never made".to_owned());
    }
    same("status", Some(response.status), fault.outcome.status(ask))?;

    same("the next", get("/dir/other.txt").text(), "other")?;
    server.stop();
    if fault.outcome.has_effect() {
        same("files", home.files(), ask.files())?;
        let is_removed = matches!(ask, Ask::RemoveDirectory);
        same("empty", home.file("empty").exists(), !is_removed)?;
    } else {
        same("files", home.files(), before())?;
        same(
            "directories",
            home.names(),
            vec!["dir".to_owned(), "empty".to_owned()],
        )?;
    }
    let first = JournalEntry::Put("dir/other.txt".to_owned(), b"first".to_vec());
    let before = vec![JournalEntry::Failure(404), first];
    let after = vec![JournalEntry::Get("dir/other.txt".to_owned())];
    fault
        .outcome
        .check_log(ask, home.journal(), before, after)?;
    Ok(Attempt::Shown)
}
