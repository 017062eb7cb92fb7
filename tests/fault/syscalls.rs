//! Each system call of a request fails in turn: a table with the expected results.
//!
//! The path of a small PUT that replaces a file, on the thread that serves it: recvfrom, statx, openat, write,
//! renameat, pwrite64, close, sendto; of one that makes a file the same with linkat in place of renameat. On a file
//! system without `O_TMPFILE`: recvfrom, statx, openat, flock, fstat, write, renameat, and so on. A larger one adds
//! recvfrom and write, linkat before renameat, and fallocate, pread64 and pwrite64 for the rows of its entry;
//! `--durable` adds linkat before renameat, fdatasync of the file, fdatasync of the log, and fsync of the root. A GET:
//! recvfrom, statx, openat2, statx, pread64, statx, close, pwrite64, sendto; of a large file recvfrom, statx, openat2,
//! statx, pwrite64, sendto, sendfile, close.

use crate::fault::carrier::Carrier;
use crate::fault::failing::Outcome::{
    self, Closed, ClosedRefused, Cut, Refused, ServedUnrecorded, Success, Unrecorded, Unsynced,
};
use crate::fault::failing::{Attempt, Fault, Fresh, Request, Row, call, same, try_all};
use crate::support::bytes::noise;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::journal::JournalEntry;
use crate::support::message::{get, name, put};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::strace;

/// A request that the rows are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// Replaces a file by one of so many bytes.
    Put(usize),
    /// The same on a file system without `O_TMPFILE`.
    PutNamed(usize),
    /// Makes a file of so many bytes.
    Make(usize),
    /// Replaces a file on a server with `--durable`.
    DurablePut(usize),
    /// Gets a file of so many bytes.
    Get(usize),
}

const SMALL: usize = 100;
/// Its entry is longer than the space that the log has secured ahead.
const LARGE: usize = 600_000;

/// A PUT that fits one segment.
#[rustfmt::skip]
const PUT: &[Row] = &[
    call("recvfrom", "1").failing(&["EIO", "ECONNRESET", "ENOMEM"], Closed),
    call("recvfrom", "1").failing(&["EINTR"], Success),
    call("statx", "1").failing(&["ENOSPC"], Refused(507)),
    call("statx", "1").failing(&["EIO"], Refused(500)),
    call("statx", "1").failing(&["EMFILE", "ENOMEM"], Refused(503)),
    call("statx", "1").failing(&["EACCES"], Refused(403)),
    call("statx", "1").failing(&["EINTR"], Success),
    call("openat", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("openat", "1").failing(&["EIO"], Refused(500)),
    call("openat", "1").failing(&["EMFILE", "ENFILE", "ENOMEM"], Refused(503)),
    call("openat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("openat", "1").failing(&["EINTR", "EEXIST"], Success),
    call("openat", "1+").failing(&["EEXIST"], Refused(503)),
    // Another machine has replaced a file or a directory: it is tried once more.
    call("statx", "1").failing(&["ESTALE"], Success),
    call("openat", "1").failing(&["ESTALE"], Success),
    call("renameat", "1").failing(&["ESTALE"], Success),
    call("statx", "1+").failing(&["ESTALE"], Refused(503)),
    call("renameat", "1+").failing(&["ESTALE"], Refused(503)),
    // The storage of the file system is gone.
    call("statx", "1").failing(&["ENOTCONN", "ECONNABORTED", "ESHUTDOWN", "EHOSTDOWN"], Refused(503)),
    call("openat", "1").failing(&["ENOTCONN"], Refused(503)),
    call("write", "1").failing(&["ENOTCONN", "ECONNABORTED"], Refused(503)),
    call("renameat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("statx", "1").failing(&["EROFS"], Refused(403)),
    call("write", "1").failing(&["EROFS"], Refused(403)),
    call("write", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("write", "1").failing(&["EIO"], Refused(500)),
    call("write", "1").failing(&["EFBIG"], Refused(413)),
    call("write", "1").failing(&["EINTR"], Success),
    call("renameat", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("renameat", "1").failing(&["EIO"], Refused(500)),
    call("renameat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    // Something is mounted on it.
    call("renameat", "1").failing(&["EBUSY"], Refused(403)),
    call("renameat", "1").failing(&["ENOMEM"], Refused(503)),
    // The root was removed, or what was staged.
    call("openat", "1").failing(&["ENOENT"], Refused(503)),
    call("openat", "1+").failing(&["ENOENT", "ESTALE"], Refused(503)),
    call("write", "1").failing(&["ENOENT", "ESTALE"], Refused(503)),
    // What was staged is made again, once.
    call("renameat", "1").failing(&["ENOENT"], Success),
    call("renameat", "1+").failing(&["ENOENT"], Refused(503)),
    // It has taken effect; the response says that the server failed, and the log that it was not written.
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], Unrecorded),
    call("pwrite64", "1").failing(&["EINTR"], Success),
    call("close", "1").failing(&["EIO", "EINTR"], Success),
    call("sendto", "1").failing(&["EIO", "EPIPE", "ECONNRESET"], Cut),
    call("sendto", "1").failing(&["EINTR"], Success),
];

/// The same on a file system without `O_TMPFILE`.
#[rustfmt::skip]
const PUT_NAMED: &[Row] = &[
    call("openat", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("openat", "1").failing(&["EIO"], Refused(500)),
    call("openat", "1").failing(&["EMFILE", "ENFILE", "ENOMEM"], Refused(503)),
    call("openat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("openat", "1").failing(&["EINTR", "EEXIST", "ESTALE"], Success),
    call("openat", "1").failing(&["ENOENT", "ENOTCONN"], Refused(503)),
    call("openat", "1+").failing(&["ESTALE"], Refused(503)),
    call("openat", "1+").failing(&["EEXIST"], Refused(503)),
    // Another server has found it as it cleaned up.
    call("flock", "1").failing(&["EAGAIN", "EINTR"], Success),
    call("flock", "1+").failing(&["EAGAIN"], Refused(503)),
    // There are no locks.
    call("flock", "1").failing(&["ENOLCK", "EOPNOTSUPP", "ENOSYS", "EINVAL"], Success),
    call("fstat", "1").failing(&["EIO"], Refused(500)),
    call("fstat", "1").failing(&["ESTALE"], Success),
    call("fstat", "1").failing(&["ENOTCONN"], Refused(503)),
    call("write", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("write", "1").failing(&["ENOENT", "ESTALE", "ENOTCONN"], Refused(503)),
    call("renameat", "1").failing(&["EIO"], Refused(500)),
    call("renameat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("renameat", "1").failing(&["ENOENT"], Refused(503)),
    call("renameat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("renameat", "1").failing(&["ESTALE"], Success),
    call("renameat", "1+").failing(&["ESTALE"], Refused(503)),
];

/// A PUT that makes a file.
#[rustfmt::skip]
const MAKE: &[Row] = &[
    call("openat", "1").failing(&["EOPNOTSUPP", "EISDIR", "EINVAL", "ENOENT"], Success),
    call("linkat", "1").failing(&["ENOSPC", "EDQUOT", "EMLINK"], Refused(507)),
    call("linkat", "1").failing(&["EIO"], Refused(500)),
    call("linkat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("linkat", "1").failing(&["ENOENT"], Refused(503)),
    call("linkat", "1").failing(&["ENOTCONN"], Refused(500)),
    call("linkat", "1").failing(&["ESTALE"], Success),
    call("linkat", "1+").failing(&["ESTALE"], Refused(503)),
    // Of the root, into which the file comes.
    call("fstat", "1").failing(&["ESTALE"], Success),
    call("fstat", "1").failing(&["ENOTCONN"], Refused(503)),
    // Another program has made one at this moment, which is replaced.
    call("linkat", "1").failing(&["EEXIST"], Success),
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], Unrecorded),
];

/// A PUT in many segments.
#[rustfmt::skip]
const PUT_LARGE: &[Row] = &[
    call("recvfrom", "2..5").failing(&["EINTR"], Success),
    call("write", "2+").failing(&["ENOSPC"], Refused(507)),
    call("write", "2+").failing(&["EIO"], Refused(500)),
    call("fallocate", "1+").failing(&["ENOSPC", "EIO", "EDQUOT"], Refused(507)),
    call("fallocate", "1").failing(&["ENOSPC", "EINTR"], Success),
    call("pread64", "1").failing(&["EIO"], Unrecorded),
    call("pread64", "3").failing(&["EIO"], Unrecorded),
    call("pread64", "2").failing(&["EINTR"], Success),
    call("pwrite64", "2").failing(&["EIO", "ENOSPC"], Unrecorded),
    call("pwrite64", "2").failing(&["EINTR"], Success),
];

/// The same while its content comes.
const PUT_LARGE_RECEIVED: &[Row] =
    &[call("recvfrom", "2").failing(&["EIO", "ECONNRESET"], ClosedRefused(400))];

/// A PUT with `--durable`, which is staged without a name.
#[rustfmt::skip]
const PUT_DURABLE: &[Row] = &[
    // There are no files without names, so it is made with one.
    call("openat", "1").failing(&["EOPNOTSUPP", "EISDIR", "EINVAL", "ENOENT"], Success),
    call("linkat", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("linkat", "1").failing(&["EIO"], Refused(500)),
    call("linkat", "1").failing(&["EACCES", "EPERM", "EROFS"], Refused(403)),
    call("linkat", "1").failing(&["ENOMEM"], Refused(503)),
    call("linkat", "1").failing(&["ENOENT", "ENOTCONN"], Refused(503)),
    call("linkat", "1").failing(&["ESTALE", "EEXIST"], Success),
    call("linkat", "1+").failing(&["ESTALE"], Refused(503)),
    call("renameat", "1").failing(&["ESTALE"], Success),
    call("renameat", "1").failing(&["ENOENT"], Refused(503)),
    call("fdatasync", "1").failing(&["ENOSPC", "EDQUOT"], Refused(507)),
    call("fdatasync", "1").failing(&["EIO"], Refused(500)),
    call("fdatasync", "1").failing(&["EINTR", "ESTALE"], Success),
    call("fdatasync", "1").failing(&["ENOTCONN"], Refused(503)),
    call("fdatasync", "1").failing(&["EROFS"], Refused(403)),
    // The entry is in the file, but perhaps not on the disk.
    call("fdatasync", "2").failing(&["EIO", "ENOSPC"], Unsynced),
    call("fdatasync", "2").failing(&["EINTR"], Success),
    // The syncs of the file, which has its name, and of the root.
    call("fsync", "1").failing(&["EIO", "ENOSPC"], Unsynced),
    call("fsync", "2").failing(&["EIO", "ENOSPC"], Unsynced),
    call("fsync", "1..2").failing(&["EINTR"], Success),
];

/// A GET of a file that is read into memory.
#[rustfmt::skip]
const GET: &[Row] = &[
    call("recvfrom", "1").failing(&["EIO"], Closed),
    call("recvfrom", "1").failing(&["EINTR"], Success),
    call("statx", "1").failing(&["EIO"], Refused(500)),
    call("statx", "1").failing(&["EACCES"], Refused(403)),
    call("statx", "1").failing(&["EMFILE", "ENOMEM"], Refused(503)),
    call("statx", "1").failing(&["ENOENT", "ENOTDIR"], Refused(404)),
    call("statx", "1").failing(&["EINTR"], Success),
    call("openat2", "1").failing(&["EIO"], Refused(500)),
    call("openat2", "1").failing(&["EACCES", "EPERM", "ELOOP", "EXDEV"], Refused(403)),
    call("openat2", "1").failing(&["EMFILE", "ENFILE", "ENOMEM"], Refused(503)),
    call("openat2", "1").failing(&["ENOENT"], Refused(404)),
    call("openat2", "1").failing(&["EINTR", "EAGAIN"], Success),
    call("statx", "2").failing(&["EIO"], Refused(500)),
    call("pread64", "1").failing(&["EIO"], Refused(500)),
    call("pread64", "1").failing(&["EINTR"], Success),
    call("statx", "3").failing(&["EIO"], Refused(500)),
    call("close", "1").failing(&["EIO"], Success),
    // Another machine has replaced the file: it is looked up once more.
    call("statx", "1").failing(&["ESTALE"], Success),
    call("openat2", "1").failing(&["ESTALE"], Success),
    call("statx", "2").failing(&["ESTALE"], Success),
    call("pread64", "1").failing(&["ESTALE"], Success),
    call("statx", "3").failing(&["ESTALE"], Success),
    call("statx", "1+").failing(&["ESTALE"], Refused(503)),
    call("openat2", "1+").failing(&["ESTALE"], Refused(503)),
    call("pread64", "1+").failing(&["ESTALE"], Refused(503)),
    // The storage of the file system is gone.
    call("statx", "1").failing(&["ENOTCONN", "ECONNABORTED", "ESHUTDOWN", "EHOSTDOWN"], Refused(503)),
    call("openat2", "1").failing(&["ENOTCONN"], Refused(503)),
    call("statx", "2").failing(&["ENOTCONN"], Refused(503)),
    call("pread64", "1").failing(&["ENOTCONN"], Refused(503)),
    call("statx", "3").failing(&["ENOTCONN"], Refused(503)),
    call("openat2", "1").failing(&["EROFS"], Refused(403)),
    // A log that cannot be written does not keep files from being read.
    call("pwrite64", "1").failing(&["EIO", "ENOSPC"], ServedUnrecorded),
    call("pwrite64", "1").failing(&["EINTR"], Success),
    call("sendto", "1").failing(&["EIO", "EPIPE"], Cut),
];

/// A GET of a file that is sent from the disk.
#[rustfmt::skip]
const GET_LARGE: &[Row] = &[
    call("openat2", "1").failing(&["EMFILE"], Refused(503)),
    call("sendto", "1").failing(&["EIO"], Cut),
    call("sendto", "1").failing(&["EAGAIN", "EINTR"], Success),
    call("sendfile", "1").failing(&["EIO", "EINVAL", "ENOMEM", "ESTALE", "ENOTCONN"], Cut),
    call("sendfile", "1").failing(&["EINTR", "EAGAIN"], Success),
];

#[test]
fn faults_of_a_put_have_their_outcomes() {
    try_all(Ask::Put(SMALL), PUT, over_tcp);
}

#[test]
fn faults_of_a_put_without_unnamed_files_have_their_outcomes() {
    try_all(Ask::PutNamed(SMALL), PUT_NAMED, over_tcp);
}

#[test]
fn faults_of_a_put_that_makes_a_file_have_their_outcomes() {
    try_all(Ask::Make(SMALL), MAKE, over_tcp);
}

#[test]
fn faults_of_a_large_put_have_their_outcomes() {
    try_all(Ask::Put(LARGE), PUT_LARGE, over_tcp);
    try_all(Ask::Put(LARGE), PUT_LARGE_RECEIVED, over_tcp);
}

#[test]
fn faults_of_a_durable_put_have_their_outcomes() {
    try_all(Ask::DurablePut(SMALL), PUT_DURABLE, over_tcp);
}

#[test]
fn faults_of_a_get_have_their_outcomes() {
    try_all(Ask::Get(SMALL), GET, over_tcp);
}

#[test]
fn faults_of_a_large_get_have_their_outcomes() {
    try_all(Ask::Get(LARGE), GET_LARGE, over_tcp);
}

/// The same inside TLS, where the records of files are made of what pread64 reads.
#[cfg(feature = "tls")]
mod inside_tls {
    use super::*;

    #[rustfmt::skip]
    const GET_LARGE: &[Row] = &[
        call("openat2", "1").failing(&["EMFILE"], Refused(503)),
        call("pread64", "1").failing(&["EIO", "ENOMEM"], Cut),
        call("pread64", "3").failing(&["EIO"], Cut),
        call("pread64", "1..3").failing(&["EINTR"], Success),
        call("sendto", "1").failing(&["EIO"], Cut),
        call("sendto", "1").failing(&["EAGAIN", "EINTR"], Success),
        call("sendto", "3").failing(&["EIO", "EPIPE"], Cut),
        call("sendto", "2").failing(&["EAGAIN"], Success),
        call("sendto", "2..4").failing(&["EINTR"], Success),
    ];

    /// Nothing of a record is known before all of it has come, and it takes some calls until the first has.
    #[rustfmt::skip]
    const PUT_LARGE_RECEIVED: &[Row] = &[
        call("recvfrom", "2").failing(&["EIO", "ECONNRESET"], Closed),
        // From then on, since an error that comes with bytes is reported by the next call.
        call("recvfrom", "12+").failing(&["EIO", "ECONNRESET"], ClosedRefused(400)),
    ];

    fn inside_tls(ask: Ask, fault: Fault) -> Result<Attempt, String> {
        attempt(Carrier::Tls, ask, fault)
    }

    #[test]
    fn faults_of_a_put_have_their_outcomes() {
        try_all(Ask::Put(SMALL), PUT, inside_tls);
    }

    #[test]
    fn faults_of_a_put_without_unnamed_files_have_their_outcomes() {
        try_all(Ask::PutNamed(SMALL), PUT_NAMED, inside_tls);
    }

    #[test]
    fn faults_of_a_put_that_makes_a_file_have_their_outcomes() {
        try_all(Ask::Make(SMALL), MAKE, inside_tls);
    }

    #[test]
    fn faults_of_a_large_put_have_their_outcomes() {
        try_all(Ask::Put(LARGE), PUT_LARGE, inside_tls);
        // So large that the twelfth call is in the middle of it, however much each of them returns.
        try_all(Ask::Put(8 * LARGE), PUT_LARGE_RECEIVED, inside_tls);
    }

    #[test]
    fn faults_of_a_durable_put_have_their_outcomes() {
        try_all(Ask::DurablePut(SMALL), PUT_DURABLE, inside_tls);
    }

    #[test]
    fn faults_of_a_get_have_their_outcomes() {
        try_all(Ask::Get(SMALL), GET, inside_tls);
    }

    #[test]
    fn faults_of_a_large_get_have_their_outcomes() {
        try_all(Ask::Get(LARGE), GET_LARGE, inside_tls);
    }
}

impl Ask {
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Put(_) | Self::PutNamed(_) | Self::Make(_) | Self::Get(_) => &["-N", "1"],
            Self::DurablePut(_) => &["-N", "1", "--durable"],
        }
    }

    /// The content of the file at first; `None` if it is not there.
    fn content_before(self) -> Option<Vec<u8>> {
        match self {
            Self::Put(_) | Self::PutNamed(_) | Self::DurablePut(_) => Some(noise(1, SMALL)),
            Self::Make(_) => None,
            Self::Get(length) => Some(noise(1, length)),
        }
    }

    /// The content of the file once the request has taken effect.
    fn content_after(self) -> Option<Vec<u8>> {
        self.content_sent().or_else(|| self.content_before())
    }

    /// The content of the request.
    fn content_sent(self) -> Option<Vec<u8>> {
        match self {
            Self::Put(length)
            | Self::PutNamed(length)
            | Self::Make(length)
            | Self::DurablePut(length) => Some(noise(2, length)),
            Self::Get(_) => None,
        }
    }

    fn request(self) -> Vec<u8> {
        match self.content_sent() {
            Some(content) => put(&name(1), &content),
            None => get(&name(1)).into_bytes(),
        }
    }
}

impl Request for Ask {
    fn success_status(self) -> u16 {
        match self.content_sent() {
            Some(_) => 201,
            None => 200,
        }
    }

    fn success_entry(self) -> JournalEntry {
        match self.content_sent() {
            Some(content) => JournalEntry::Put(name(1), content),
            None => JournalEntry::Get(name(1)),
        }
    }
}

fn over_tcp(ask: Ask, fault: Fault) -> Result<Attempt, String> {
    attempt(Carrier::Tcp, ask, fault)
}

/// Tries one fault; returns the difference, if there is one.
fn attempt(carrier: Carrier, ask: Ask, fault: Fault) -> Result<Attempt, String> {
    let home = Home::new();
    let server = carrier.setup(&home, ask.options()).start();
    let mut client = carrier.connect(&server);
    // So that the connection waits like any other, and everything that is done once is done: the first upload finds out
    // whether there are files without names.
    let first = client.get(&name(9)).ok_or("no first response")?;
    same("first status", first.status, 404)?;
    server.wait_until_asleep(server.only_worker());
    let refusal = matches!(ask, Ask::PutNamed(_))
        .then(|| server.inject(server.only_worker(), "openat", "error=EOPNOTSUPP:when=1"));
    let first = client
        .put(&name(2), b"first")
        .ok_or("no response to the first PUT")?;
    same("status of the first PUT", first.status, 201)?;
    if let Some(refusal) = refusal {
        same("refused", refusal.end(), 1)?;
    }
    server.wait_until_asleep(server.only_worker());

    let injection = server.inject(server.only_worker(), fault.syscall, &fault.how());
    let fresh = Fresh::now();
    if let Some(content) = ask.content_before() {
        home.place(&name(1), &content);
    }
    // The server may have closed by then.
    let _ = client.try_send(ask.request());
    let response = client.final_response();
    if !fresh.is_still() {
        return Ok(Attempt::TooLate);
    }
    if injection.hit_waker() {
        return Ok(Attempt::Missed);
    }
    if injection.end() == 0 {
        return Err("the call was never made".to_owned());
    }
    let status = response.as_ref().map(|response| response.status);
    same("status", status, fault.outcome.status(ask))?;
    if let (Ask::Get(_), Some(response)) = (ask, &response) {
        let expected = match response.status {
            200 => ask.content_before(),
            _ => None,
        };
        same("content", &response.body, &expected.unwrap_or_default())?;
    }
    check_next(&home, server, (carrier, client), ask, fault.outcome)?;
    Ok(Attempt::Shown)
}

/// The server is alive, and serves the next client as before.
fn check_next(
    home: &Home,
    mut server: Server,
    (carrier, client): (Carrier, Client),
    ask: Ask,
    outcome: Outcome,
) -> Result<(), String> {
    let expected = if outcome.has_effect() {
        ask.content_after()
    } else {
        ask.content_before()
    };
    let mut other = carrier.connect(&server);
    let next = other.get(&name(1)).ok_or("no response afterwards")?;
    let (next_entry, names) = match &expected {
        Some(_) => (JournalEntry::Get(name(1)), vec![name(1), name(2)]),
        None => (JournalEntry::Failure(404), vec![name(2)]),
    };
    same(
        "content afterwards",
        (next.status == 200).then_some(next.body),
        expected,
    )?;
    let next = other
        .put(&name(2), b"next")
        .ok_or("no response to the next PUT")?;
    same("next PUT", next.status, 201)?;
    drop((client, other));
    server.stop();
    same("files", home.names(), names)?;
    let put = |content: &[u8]| JournalEntry::Put(name(2), content.to_vec());
    let before = vec![JournalEntry::Failure(404), put(b"first")];
    let after = vec![next_entry, put(b"next")];
    outcome.check_log(ask, home.journal(), before, after)
}

#[test]
fn a_connection_that_cannot_be_watched_is_closed() {
    if !strace::is_usable() {
        return;
    }
    for error in ["ENOMEM", "ENOSPC"] {
        let home = Home::new();
        let server = Setup::at(&home, &["-N", "1"]).start();
        let how = format!("error={error}:when=1");
        let injection = server.inject(server.only_worker(), "epoll_ctl", &how);
        let mut client = server.connect();
        assert_eq!(client.final_response(), None);
        assert_eq!(injection.end(), 1);
        assert_eq!(server.connect().get("").unwrap().status, 200);
    }
}

#[test]
fn an_interrupted_wait_goes_on() {
    if !strace::is_usable() {
        return;
    }
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"]).start();
    let how = "error=EINTR:when=1..20";
    let worker = server.inject(server.only_worker(), "epoll_pwait", how);
    let main = server.inject(server.main_thread(), "ppoll", "error=EINTR:when=1..20");
    for _ in 0..10 {
        assert_eq!(server.connect().get("").unwrap().status, 200);
    }
    assert!(worker.end() > 0 && main.end() > 0);
}

/// After any error of accept(2), the connection that waits in the backlog is served in the end.
#[test]
fn accepting_continues_after_an_error() {
    if !strace::is_usable() {
        return;
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
        let home = Home::new();
        let server = Setup::at(&home, &["-N", "1"]).start();
        let how = format!("error={error}:when=1..3");
        let injection = server.inject(server.main_thread(), "accept4", &how);
        assert_eq!(server.connect().get("").unwrap().status, 200, "{error}");
        assert!(injection.end() > 0, "{error}");
    }
}

/// A read that returns less than was asked for is followed by another.
#[test]
fn short_reads_are_continued() {
    if !strace::is_usable() {
        return;
    }
    for length in [SMALL, LARGE] {
        let home = Home::new();
        let mut old = noise(1, SMALL);
        let new = noise(2, length);
        old[..3].copy_from_slice(&new[..3]);
        home.place(&name(1), &old);
        let mut server = Setup::at(&home, &["-N", "1"]).start();
        let mut client = server.connect();
        assert_eq!(client.get(&name(9)).unwrap().status, 404);
        server.wait_until_asleep(server.only_worker());
        // The kernel says that it has read three bytes, and these are the first three.
        let [one, two, three] = [new[0], new[1], new[2]];
        let first = format!("{one:02x}{two:02x}{three:02x}");
        let how = format!("retval=3:poke_exit=@arg2={first}:when=1");
        let injection = server.inject(server.only_worker(), "pread64", &how);
        if length == SMALL {
            assert_eq!(client.get(&name(1)).unwrap().body, old);
        } else {
            assert_eq!(client.put(&name(1), &new).unwrap().status, 201);
        }
        assert_eq!(injection.end(), 1);
        drop(client);
        server.stop();
        let journal = home.journal();
        assert_eq!(journal.torn, 0);
        if length == LARGE {
            assert_eq!(journal.replay(), home.files());
        }
    }
}
