//! Each system call on the path of a request fails in turn: a table of what must come of it.
//!
//! The path of a small PUT that replaces a file, on the thread that serves it: recvfrom, statx, openat, write,
//! renameat, pwrite64, close, sendto. A larger one adds recvfrom and write, and fallocate, pread64 and pwrite64 for
//! the rows of its entry; `--durable` adds fdatasync of the file, fdatasync of the log, and fsync of the root. A GET:
//! recvfrom, statx, openat2, statx, pread64, statx, close, pwrite64, sendto; of a large file recvfrom, statx, openat2,
//! statx, pwrite64, sendto, sendfile, close.

use std::thread;

use crate::fault::client::{get, put};
use crate::fault::server::Place;
use crate::fault::{content, name};
use crate::support::journal::Entry;
use crate::support::requirements::skip;
use crate::support::strace::{Tampering, missing};

/// What a client must be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Status(u16),
    /// The connection is closed without a whole answer.
    Nothing,
}

/// What the file must hold in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Old,
    New,
}

/// What the log must hold in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Logged {
    /// An entry that agrees with the answer.
    Answer,
    /// An entry for a success that nobody was told of.
    Success,
    /// An entry for this status.
    Failure(u16),
    /// An entry that is not whole, since the log could not be written.
    Torn,
    /// Nothing.
    Nothing,
}

/// How a system call fails, and which one of its name since the request came.
type Fault = (&'static str, &'static str, &'static [&'static str]);

/// A row: what fails, and what must come of it.
type Row = (Fault, Told, Holds, Logged);

/// A request that the rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// Replaces a file by one of so many bytes.
    Put(usize),
    /// Gets a file of so many bytes.
    Get(usize),
}

const SMALL: usize = 100;
/// Its entry is longer than the space that the log has secured ahead.
const LARGE: usize = 600_000;

use Holds::{New, Old};
use Told::{Nothing, Status};

/// A PUT that fits one segment.
#[rustfmt::skip]
const PUT: &[Row] = &[
    (("recvfrom", "1", &["EIO", "ECONNRESET", "ENOMEM"]), Nothing, Old, Logged::Nothing),
    (("recvfrom", "1", &["EINTR"]), Status(201), New, Logged::Answer),
    (("statx", "1", &["ENOSPC"]), Status(507), Old, Logged::Answer),
    (("statx", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("statx", "1", &["EMFILE", "ENOMEM"]), Status(503), Old, Logged::Answer),
    (("statx", "1", &["EACCES"]), Status(403), Old, Logged::Answer),
    (("statx", "1", &["EINTR"]), Status(201), New, Logged::Answer),
    (("openat", "1", &["ENOSPC", "EDQUOT"]), Status(507), Old, Logged::Answer),
    (("openat", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("openat", "1", &["EMFILE", "ENFILE", "ENOMEM"]), Status(503), Old, Logged::Answer),
    (("openat", "1", &["EACCES", "EPERM", "EROFS"]), Status(403), Old, Logged::Answer),
    (("openat", "1", &["EINTR", "EEXIST"]), Status(201), New, Logged::Answer),
    (("write", "1", &["ENOSPC", "EDQUOT"]), Status(507), Old, Logged::Answer),
    (("write", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("write", "1", &["EFBIG"]), Status(413), Old, Logged::Answer),
    (("write", "1", &["EINTR"]), Status(201), New, Logged::Answer),
    (("renameat", "1", &["ENOSPC", "EDQUOT"]), Status(507), Old, Logged::Answer),
    (("renameat", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("renameat", "1", &["EACCES", "EPERM", "EROFS"]), Status(403), Old, Logged::Answer),
    (("renameat", "1", &["ENOMEM"]), Status(503), Old, Logged::Answer),
    // It has taken effect; the answer says that the server failed, and the log that it was not written.
    (("pwrite64", "1", &["EIO", "ENOSPC"]), Status(500), New, Logged::Torn),
    (("pwrite64", "1", &["EINTR"]), Status(201), New, Logged::Answer),
    (("close", "1", &["EIO", "EINTR"]), Status(201), New, Logged::Answer),
    (("sendto", "1", &["EIO", "EPIPE", "ECONNRESET"]), Nothing, New, Logged::Success),
    (("sendto", "1", &["EINTR"]), Status(201), New, Logged::Answer),
];

/// A PUT in many segments.
#[rustfmt::skip]
const PUT_LARGE: &[Row] = &[
    (("recvfrom", "2", &["EIO", "ECONNRESET"]), Nothing, Old, Logged::Failure(400)),
    (("recvfrom", "2..5", &["EINTR"]), Status(201), New, Logged::Answer),
    (("write", "2+", &["ENOSPC"]), Status(507), Old, Logged::Answer),
    (("write", "2+", &["EIO"]), Status(500), Old, Logged::Answer),
    (("fallocate", "1+", &["ENOSPC", "EIO", "EDQUOT"]), Status(507), Old, Logged::Answer),
    (("fallocate", "1", &["ENOSPC", "EINTR"]), Status(201), New, Logged::Answer),
    (("pread64", "1", &["EIO"]), Status(500), New, Logged::Torn),
    (("pread64", "3", &["EIO"]), Status(500), New, Logged::Torn),
    (("pread64", "2", &["EINTR"]), Status(201), New, Logged::Answer),
    (("pwrite64", "2", &["EIO", "ENOSPC"]), Status(500), New, Logged::Torn),
    (("pwrite64", "2", &["EINTR"]), Status(201), New, Logged::Answer),
];

/// A PUT with `--durable`.
#[rustfmt::skip]
const PUT_DURABLE: &[Row] = &[
    (("fdatasync", "1", &["ENOSPC", "EDQUOT"]), Status(507), Old, Logged::Answer),
    (("fdatasync", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("fdatasync", "1", &["EINTR"]), Status(201), New, Logged::Answer),
    // In the file it is, but nobody knows whether on the disk.
    (("fdatasync", "2", &["EIO", "ENOSPC"]), Status(500), New, Logged::Success),
    (("fdatasync", "2", &["EINTR"]), Status(201), New, Logged::Answer),
    (("fsync", "1", &["EIO", "ENOSPC"]), Status(500), New, Logged::Success),
    (("fsync", "1", &["EINTR"]), Status(201), New, Logged::Answer),
];

/// A GET of a file that is read into memory.
#[rustfmt::skip]
const GET: &[Row] = &[
    (("recvfrom", "1", &["EIO"]), Nothing, Old, Logged::Nothing),
    (("recvfrom", "1", &["EINTR"]), Status(200), Old, Logged::Answer),
    (("statx", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("statx", "1", &["EACCES"]), Status(403), Old, Logged::Answer),
    (("statx", "1", &["EMFILE", "ENOMEM"]), Status(503), Old, Logged::Answer),
    (("statx", "1", &["ENOENT", "ENOTDIR"]), Status(404), Old, Logged::Answer),
    (("statx", "1", &["EINTR"]), Status(200), Old, Logged::Answer),
    (("openat2", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("openat2", "1", &["EACCES", "EPERM", "ELOOP", "EXDEV"]), Status(403), Old, Logged::Answer),
    (("openat2", "1", &["EMFILE", "ENFILE", "ENOMEM"]), Status(503), Old, Logged::Answer),
    (("openat2", "1", &["ENOENT"]), Status(404), Old, Logged::Answer),
    (("openat2", "1", &["EINTR", "EAGAIN"]), Status(200), Old, Logged::Answer),
    (("statx", "2", &["EIO"]), Status(500), Old, Logged::Answer),
    (("pread64", "1", &["EIO"]), Status(500), Old, Logged::Answer),
    (("pread64", "1", &["EINTR"]), Status(200), Old, Logged::Answer),
    (("statx", "3", &["EIO"]), Status(500), Old, Logged::Answer),
    (("close", "1", &["EIO"]), Status(200), Old, Logged::Answer),
    // A log that cannot be written does not keep files from being read.
    (("pwrite64", "1", &["EIO", "ENOSPC"]), Status(200), Old, Logged::Torn),
    (("pwrite64", "1", &["EINTR"]), Status(200), Old, Logged::Answer),
    (("sendto", "1", &["EIO", "EPIPE"]), Nothing, Old, Logged::Success),
];

/// A GET of a file that is sent from the disk.
#[rustfmt::skip]
const GET_LARGE: &[Row] = &[
    (("openat2", "1", &["EMFILE"]), Status(503), Old, Logged::Answer),
    (("sendto", "1", &["EIO"]), Nothing, Old, Logged::Success),
    (("sendto", "1", &["EAGAIN", "EINTR"]), Status(200), Old, Logged::Answer),
    (("sendfile", "1", &["EIO", "EINVAL", "ENOMEM"]), Nothing, Old, Logged::Success),
    (("sendfile", "1", &["EINTR", "EAGAIN"]), Status(200), Old, Logged::Answer),
];

#[test]
fn a_put() {
    run(Ask::Put(SMALL), &[], PUT);
}

#[test]
fn a_large_put() {
    run(Ask::Put(LARGE), &[], PUT_LARGE);
}

#[test]
fn a_durable_put() {
    run(Ask::Put(SMALL), &["--durable"], PUT_DURABLE);
}

#[test]
fn a_get() {
    run(Ask::Get(SMALL), &[], GET);
}

#[test]
fn a_large_get() {
    run(Ask::Get(LARGE), &[], GET_LARGE);
}

/// Runs every row with each of its errors, each on a server of its own.
fn run(ask: Ask, options: &[&str], rows: &[Row]) {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let mut wrong = Vec::new();
    for &((syscall, when, errors), told, holds, logged) in rows {
        for error in errors {
            let how = format!("error={error}:when={when}");
            if let Err(why) = case(ask, options, (syscall, &how), told, holds, logged) {
                wrong.push(format!("{ask:?} {syscall}:{how}: {why}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Runs one row with one error; what is wrong, if anything is.
fn case(
    ask: Ask,
    options: &[&str],
    (syscall, how): (&str, &str),
    told: Told,
    holds: Holds,
    logged: Logged,
) -> Result<(), String> {
    let place = Place::new();
    let (old, new, request) = match ask {
        Ask::Put(length) => {
            let new = content(2, length);
            (content(1, SMALL), new.clone(), put(&name(1), &new))
        }
        Ask::Get(length) => (content(1, length), Vec::new(), get(&name(1)).into_bytes()),
    };
    place.store(&name(1), &old);
    let server = place.serve(&[&["-N", "1"], options].concat());
    let mut client = server.connect();
    // So that the connection waits like any other, and everything that is done once is done.
    let answer = client
        .get(&name(9))
        .ok_or("no answer to the first request")?;
    same("first status", answer.status, 404)?;
    server.rest(server.only_worker());

    let trace = place.path("trace");
    let tampering = Tampering::attach(server.only_worker(), syscall, how, trace)?;
    // The server may have closed by then.
    let _ = client.send(&request);
    let answer = client.answer();
    let injected = tampering.end();
    if injected == 0 {
        return Err("the call was never made".to_owned());
    }
    let found = answer
        .as_ref()
        .map_or(Nothing, |answer| Status(answer.status));
    same("answer", found, told)?;
    if let (Ask::Get(_), Some(answer)) = (ask, &answer) {
        let expected = if answer.status == 200 { &old[..] } else { &[] };
        same("content", &answer.content[..], expected)?;
    }

    // The server is alive, and serves the next as if nothing had been.
    let expected = match holds {
        Old => &old,
        New => &new,
    };
    let mut other = server.connect();
    let answer = other.get(&name(1)).ok_or("no answer afterwards")?;
    same("content afterwards", &answer.content, expected)?;
    let answer = other
        .put(&name(2), b"next")
        .ok_or("no answer to the next PUT")?;
    same("next PUT", answer.status, 201)?;
    drop((client, other));
    let (status, said) = server.stop();
    same("exit status", status.code(), Some(0))?;
    if said.contains("panicked") {
        return Err(said);
    }
    let files = place.files();
    same(
        "files",
        files.keys().cloned().collect(),
        vec![name(1), name(2)],
    )?;
    check_log(&place, ask, found, logged, &new)
}

/// Checks the whole log: before and after the request stand entries that are known.
fn check_log(
    place: &Place,
    ask: Ask,
    told: Told,
    logged: Logged,
    new: &[u8],
) -> Result<(), String> {
    let journal = place.journal();
    let success = match ask {
        Ask::Put(_) => Entry::Put(name(1), new.to_vec()),
        Ask::Get(_) => Entry::Get(name(1)),
    };
    let own = match (logged, told) {
        (Logged::Success, _) | (Logged::Answer, Status(200 | 201)) => Some(success),
        (Logged::Failure(status), _) | (Logged::Answer, Status(status)) => {
            Some(Entry::Failure(status))
        }
        (Logged::Torn | Logged::Nothing, _) | (Logged::Answer, Nothing) => None,
    };
    let before = [Entry::Failure(404)];
    let after = [Entry::Get(name(1)), Entry::Put(name(2), b"next".to_vec())];
    let expected: Vec<Entry> = before.into_iter().chain(own).chain(after).collect();
    same(
        "torn entries",
        journal.torn,
        usize::from(logged == Logged::Torn),
    )?;
    same("entries", journal.entries, expected)
}

/// Complains of what is not as expected.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    found: T,
    expected: T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let shown = |value: T| {
        let mut text = format!("{value:?}");
        text.truncate(300);
        text
    };
    Err(format!(
        "{what}: {}, expected {}",
        shown(found),
        shown(expected)
    ))
}

#[test]
fn a_connection_that_cannot_be_watched_is_closed() {
    if let Some(why) = missing() {
        return skip(&why);
    }
    for error in ["ENOMEM", "ENOSPC"] {
        let place = Place::new();
        let server = place.serve(&["-N", "1"]);
        let how = format!("error={error}:when=1");
        let tampering =
            Tampering::attach(server.only_worker(), "epoll_ctl", &how, place.path("trace"))
                .unwrap();
        let mut client = server.connect();
        assert_eq!(client.answer(), None);
        assert_eq!(tampering.end(), 1);
        assert_eq!(server.connect().get("").unwrap().status, 200);
    }
}

#[test]
fn an_interrupted_wait_goes_on() {
    if let Some(why) = missing() {
        return skip(&why);
    }
    let place = Place::new();
    let server = place.serve(&["-N", "1"]);
    let how = "error=EINTR:when=1..20";
    let worker = Tampering::attach(
        server.only_worker(),
        "epoll_pwait",
        how,
        place.path("trace"),
    )
    .unwrap();
    let main = Tampering::attach(
        server.pid(),
        "ppoll",
        "error=EINTR:when=1..20",
        place.path("trace-main"),
    )
    .unwrap();
    for _ in 0..10 {
        assert_eq!(server.connect().get("").unwrap().status, 200);
    }
    assert!(worker.end() > 0 && main.end() > 0);
}

/// Whatever accept(2) says, the connection that waits in the backlog is served in the end.
#[test]
fn accepting_goes_on() {
    if let Some(why) = missing() {
        return skip(&why);
    }
    for error in [
        "EMFILE",
        "ENFILE",
        "ENOMEM",
        "ENOBUFS",
        "ECONNABORTED",
        "EPROTO",
        "EPERM",
        "EINTR",
    ] {
        let place = Place::new();
        let server = place.serve(&["-N", "1"]);
        let how = format!("error={error}:when=1..3");
        let tampering =
            Tampering::attach(server.pid(), "accept4", &how, place.path("trace")).unwrap();
        thread::scope(|scope| {
            let client = scope.spawn(|| server.connect().get("").unwrap().status);
            assert_eq!(client.join().unwrap(), 200, "{error}");
        });
        assert!(tampering.end() > 0, "{error}");
    }
}

/// A read that returns less than was asked for is followed by another.
#[test]
fn short_reads() {
    if let Some(why) = missing() {
        return skip(&why);
    }
    for length in [SMALL, LARGE] {
        let place = Place::new();
        let mut old = content(1, SMALL);
        let new = content(2, length);
        old[..3].copy_from_slice(&new[..3]);
        place.store(&name(1), &old);
        let server = place.serve(&["-N", "1"]);
        let mut client = server.connect();
        assert_eq!(client.get(&name(9)).unwrap().status, 404);
        server.rest(server.only_worker());
        // The kernel says that it has read three bytes, and these are the first three.
        let [one, two, three] = [new[0], new[1], new[2]];
        let first = format!("{one:02x}{two:02x}{three:02x}");
        let how = format!("retval=3:poke_exit=@arg2={first}:when=1");
        let tampering =
            Tampering::attach(server.only_worker(), "pread64", &how, place.path("trace")).unwrap();
        if length == SMALL {
            assert_eq!(client.get(&name(1)).unwrap().content, old);
        } else {
            assert_eq!(client.put(&name(1), &new).unwrap().status, 201);
        }
        assert_eq!(tampering.end(), 1);
        drop(client);
        server.stop();
        let journal = place.journal();
        assert_eq!(journal.torn, 0);
        if length == LARGE {
            assert_eq!(journal.replay(), place.files());
        }
    }
}
