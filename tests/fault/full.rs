//! Full disks: small file systems in memory, mounted where only the server sees them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fault::client::{get, put};
use crate::fault::server::{Place, Server, files_in};
use crate::fault::{content, name};
use crate::support::journal::{self, Entry};
use crate::support::requirements::skip;

/// Bytes of the disk that gets full.
const DISK: usize = 4 * 1024 * 1024;

/// A command that runs another where `disk` is a disk of [`DISK`] bytes; it takes the program and its arguments.
fn on_small_disk(disk: &Path) -> Result<Command, String> {
    let mut why = String::new();
    // With the right to mount, or as the root of a user namespace of our own.
    for flags in ["-m", "-rm"] {
        let script = format!("mount -t tmpfs -o size={DISK} none \"$0\" && exec \"$@\"");
        let command = || {
            let mut command = Command::new("unshare");
            command.args([flags, "sh", "-c", &script]).arg(disk);
            command
        };
        match command().arg("true").output() {
            Ok(output) if output.status.success() => return Ok(command()),
            Ok(output) => why = String::from_utf8_lossy(&output.stderr).into_owned(),
            Err(error) => why = error.to_string(),
        }
    }
    Err(format!("cannot mount a small disk: {}", why.trim()))
}

/// A server with its root and its log at these paths, `disk` being small; and where that disk can be seen from here.
fn start(place: &Place, root: &Path, log: &Path) -> Option<(Server, PathBuf)> {
    let disk = place.path("disk");
    fs::create_dir(&disk).unwrap();
    let mut command = match on_small_disk(&disk) {
        Ok(command) => command,
        Err(why) => {
            skip_unless_allowed(&why);
            return None;
        }
    };
    let script = "mkdir -p \"$1\" && exec \"$0\" --root \"$1\" --log \"$2\" -N 4 127.0.0.1 0";
    command.args(["sh", "-c", script]);
    command
        .arg(env!("CARGO_BIN_EXE_httpserver"))
        .arg(root)
        .arg(log);
    let server = Server::start(command, place.path("stderr"));
    let seen = PathBuf::from(format!("/proc/{}/root{}", server.pid(), disk.display()));
    Some((server, seen))
}

/// Many systems let nobody but root mount, so that is no failure even where everything else must run.
fn skip_unless_allowed(why: &str) {
    if rustix::process::geteuid().is_root() {
        skip(why);
    } else {
        eprintln!("skipped: {why}");
    }
}

/// Stores files of `length` bytes until one is refused; how many were stored.
fn fill(server: &Server, length: usize) -> u64 {
    for number in 100.. {
        let answer = server
            .connect()
            .put(&name(number), &content(number, length))
            .unwrap();
        if answer.status != 201 {
            assert_eq!(answer.status, 507);
            return number - 100;
        }
    }
    unreachable!("a disk has an end")
}

#[test]
fn the_disk_of_the_log() {
    let place = Place::new();
    let log = place.path("disk/log");
    let Some((server, disk)) = start(&place, &place.root(), &log) else {
        return;
    };
    fs::write(disk.join("ballast"), vec![0; DISK / 4]).unwrap();
    place.store(&name(1), b"old");
    let mut client = server.connect();

    let count = fill(&server, 40_000);
    assert!(count > 3, "{count}");
    // What is refused is not stored, and what is replaced stays.
    let larger = content(1, 40_000);
    assert_eq!(server.connect().put(&name(1), &larger).unwrap().status, 507);
    assert_eq!(client.get(&name(1)).unwrap().content, b"old");
    assert_eq!(place.files().len() as u64, count + 1);
    let journal = journal::read(&disk.join("log"));
    assert_eq!((journal.torn, journal.failures(507)), (0, 2));

    // An upload that is answered before its content comes is refused, too.
    let mut hasty = server.connect();
    while server.connect().put(&name(2), b"").unwrap().status == 201 {}
    hasty
        .send(format!("PUT /{} HTTP/1.0\r\n\r\n", name(3)).as_bytes())
        .unwrap();
    assert_eq!(hasty.answer().unwrap().status, 507);
    assert!(!place.files().contains_key(&name(3)));

    // That is recorded, and so is who reads: some space is kept for it.
    assert_eq!(client.get(&name(1)).unwrap().content, b"old");
    let journal = journal::read(&disk.join("log"));
    assert_eq!((journal.torn, journal.failures(507)), (0, 4));
    assert_eq!(journal.entries.last(), Some(&Entry::Get(name(1))));

    // Reading goes on when there is no space even for that.
    let entry = format!("GET {} length 0\n========\n", name(1)).len();
    for _ in 0..2 * 64 * 1024 / entry {
        assert_eq!(client.get(&name(1)).unwrap().content, b"old");
    }
    assert_eq!(server.said().matches("entries are missing").count(), 1);
    assert_eq!(journal::read(&disk.join("log")).torn, 0);

    fs::remove_file(disk.join("ballast")).unwrap();
    assert_eq!(client.put(&name(1), &larger).unwrap().status, 201);
    assert_eq!(client.get(&name(1)).unwrap().content, larger);
    let journal = journal::read(&disk.join("log"));
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), place.files());
    let last = [Entry::Put(name(1), larger), Entry::Get(name(1))];
    assert_eq!(journal.entries[journal.entries.len() - 2..], last);
}

#[test]
fn the_disk_of_the_root() {
    let place = Place::new();
    let log = place.path("log");
    let Some((server, disk)) = start(&place, &place.path("disk"), &log) else {
        return;
    };
    assert_eq!(server.connect().put(&name(1), b"old").unwrap().status, 201);

    let count = fill(&server, 300_000);
    assert!(count > 3, "{count}");
    let files = files_in(&disk);
    assert_eq!(files.len() as u64, count + 1, "{:?}", files.keys());
    // A replacement needs its space beside the old file.
    assert_eq!(
        server
            .connect()
            .put(&name(1), &content(1, 1_000_000))
            .unwrap()
            .status,
        507
    );
    assert_eq!(server.connect().get(&name(1)).unwrap().content, b"old");
    // Whoever asks beforehand is told beforehand.
    let mut patient = server.connect();
    patient.send(&put_expecting(&name(2), DISK)).unwrap();
    patient.send(&vec![0; DISK]).ok();
    assert_eq!(patient.answer().unwrap().status, 507);

    fs::remove_file(disk.join(name(100))).unwrap();
    let larger = content(1, 200_000);
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), &larger).unwrap().status, 201);
    assert_eq!(client.get(&name(1)).unwrap().content, larger);
    let mut expected = place.journal().replay();
    expected.remove(&name(100)); // by us
    assert_eq!(expected, files_in(&disk));
    assert_eq!(
        (place.journal().torn, place.journal().failures(507)),
        (0, 3)
    );
}

fn put_expecting(name: &str, length: usize) -> Vec<u8> {
    format!("PUT /{name} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

/// Root and log on one disk, many clients at once: whatever is answered 201 is stored and logged, all else is neither.
#[test]
fn one_disk_for_both() {
    let place = Place::new();
    let (root, log) = (place.path("disk/root"), place.path("disk/log"));
    let Some((server, disk)) = start(&place, &root, &log) else {
        return;
    };
    std::thread::scope(|scope| {
        for (client, length) in (0..8_u64).zip((5_000..).step_by(997)) {
            let server = &server;
            scope.spawn(move || {
                let mut full = 0;
                for round in 0.. {
                    let (name, content) = (name(1000 + client), content(round, length));
                    let answer = server.connect().put(&name, &content).unwrap();
                    match answer.status {
                        201 => {}
                        507 => full += 1,
                        other => panic!("{other}"),
                    }
                    if full == 5 {
                        break;
                    }
                }
            });
        }
    });
    let journal = journal::read(&disk.join("log"));
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.failures(507), 8 * 5);
    assert_eq!(journal.replay(), files_in(&disk.join("root")));
    let mut client = server.connect();
    client.send(get("").as_bytes()).unwrap();
    client.send(&put(&name(1), &content(1, 3_000_000))).ok();
    assert_eq!(client.answer().unwrap().status, 200);
    assert_eq!(client.answer().unwrap().status, 507);
}
