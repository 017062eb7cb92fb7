//! Full disks: small file systems in memory, mounted where only the server sees them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::bytes::noise;
use crate::support::home::Home;
use crate::support::journal::{self, JournalEntry};
use crate::support::message::{get, name, put};
use crate::support::namespace::in_mount_namespace;
use crate::support::seal::{key, key_state, report};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree;

/// Bytes of the disk that gets full.
const DISK: usize = 4 * 1024 * 1024;

/// A command that runs another where `disk` is a disk of [`DISK`] bytes, and where there is a directory `root`.
fn on_small_disk(disk: &Path, root: &Path) -> Option<Command> {
    let script = format!(
        "mount -t tmpfs -o size={DISK} none \"$0\" && mkdir -p \"$1\" && shift && exec \"$@\""
    );
    in_mount_namespace(&script, &[disk.to_str().unwrap(), root.to_str().unwrap()])
}

/// A server with its root and its log at these paths, `disk` being small; and where that disk can be seen from here.
fn start(home: &Home, root: &Path, log: &Path) -> Option<(Server, PathBuf)> {
    start_with(home, root, log, &[])
}

/// The same with more options.
fn start_with(home: &Home, root: &Path, log: &Path, options: &[&str]) -> Option<(Server, PathBuf)> {
    let disk = home.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let on_disk = on_small_disk(&disk, root)?;
    let server = Setup::at(home, &[&["-N", "4"], options].concat())
        .root(root.to_owned())
        .log(log)
        .under(on_disk)
        .start();
    let seen = PathBuf::from(format!("/proc/{}/root{}", server.pid(), disk.display()));
    Some((server, seen))
}

/// Stores files of `length` bytes until one is refused; how many were stored.
fn fill(server: &Server, length: usize) -> u64 {
    for number in 100.. {
        let response = server
            .connect()
            .put(&name(number), &noise(number, length))
            .unwrap();
        if response.status != 201 {
            assert_eq!(response.status, 507);
            return number - 100;
        }
    }
    unreachable!("a disk has an end")
}

#[test]
fn full_disk_of_the_log_refuses_uploads() {
    let home = Home::new();
    let log = home.path().join("disk/log");
    let Some((server, disk)) = start(&home, &home.root(), &log) else {
        return;
    };
    fs::write(disk.join("ballast"), vec![0; DISK / 4]).unwrap();
    home.place(&name(1), b"old");
    let mut client = server.connect();

    let count = fill(&server, 40_000);
    assert!(count > 3, "{count}");
    // A refused upload is not stored, and the old file stays.
    let larger = noise(1, 40_000);
    assert_eq!(server.connect().put(&name(1), &larger).unwrap().status, 507);
    assert_eq!(client.get(&name(1)).unwrap().body, b"old");
    assert_eq!(home.files().len() as u64, count + 1);
    let journal = journal::read(&disk.join("log"));
    assert_eq!((journal.torn, journal.failures(507)), (0, 2));

    // An upload that is answered before its content comes is refused, too.
    let mut hasty = server.connect();
    while server.connect().put(&name(2), b"").unwrap().status == 201 {}
    hasty.send(format!("PUT /{} HTTP/1.0\r\n\r\n", name(3)));
    let refused = hasty.final_response().unwrap();
    assert_eq!(
        (refused.status, refused.field("Connection")),
        (507, Some("close"))
    );
    assert!(!home.files().contains_key(&name(3)));

    // That is recorded, and so are GETs: some space is kept for their entries.
    assert_eq!(client.get(&name(1)).unwrap().body, b"old");
    let journal = journal::read(&disk.join("log"));
    assert_eq!((journal.torn, journal.failures(507)), (0, 4));
    assert_eq!(journal.entries.last(), Some(&JournalEntry::Get(name(1))));

    // GETs are served also when there is no space even for their entries.
    let entry = format!("GET {} length 0\n========\n", name(1)).len();
    for _ in 0..2 * 64 * 1024 / entry {
        assert_eq!(client.get(&name(1)).unwrap().body, b"old");
    }
    assert_eq!(server.stderr().matches("entries are missing").count(), 1);
    assert_eq!(journal::read(&disk.join("log")).torn, 0);

    fs::remove_file(disk.join("ballast")).unwrap();
    assert_eq!(client.put(&name(1), &larger).unwrap().status, 201);
    assert_eq!(client.get(&name(1)).unwrap().body, larger);
    let journal = journal::read(&disk.join("log"));
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), home.files());
    let last = [
        JournalEntry::Put(name(1), larger),
        JournalEntry::Get(name(1)),
    ];
    assert_eq!(journal.entries[journal.entries.len() - 2..], last);
}

#[test]
fn full_disk_of_the_root_refuses_uploads() {
    let home = Home::new();
    let log = home.log_path();
    let Some((server, disk)) = start(&home, &home.path().join("disk"), &log) else {
        return;
    };
    assert_eq!(server.connect().put(&name(1), b"old").unwrap().status, 201);

    let count = fill(&server, 300_000);
    assert!(count > 3, "{count}");
    let files = tree::files(&disk);
    assert_eq!(files.len() as u64, count + 1, "{:?}", files.keys());
    // A replacement needs its space beside the old file.
    assert_eq!(
        server
            .connect()
            .put(&name(1), &noise(1, 1_000_000))
            .unwrap()
            .status,
        507
    );
    assert_eq!(server.connect().get(&name(1)).unwrap().body, b"old");
    // A client that sends `Expect: 100-continue` gets the refusal before it sends content.
    let mut asking = server.connect();
    asking.send(put_expecting(&name(2), DISK));
    let _ = asking.try_send(vec![0; DISK]);
    assert_eq!(asking.final_response().unwrap().status, 507);

    fs::remove_file(disk.join(name(100))).unwrap();
    let larger = noise(1, 200_000);
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), &larger).unwrap().status, 201);
    assert_eq!(client.get(&name(1)).unwrap().body, larger);
    let mut expected = home.journal().replay();
    expected.remove(&name(100)); // by us
    assert_eq!(expected, tree::files(&disk));
    assert_eq!((home.journal().torn, home.journal().failures(507)), (0, 3));
}

/// Log and seal on one disk: no upload is stored without its line, and no entry is torn for lack of space.
#[test]
fn full_disk_of_a_sealed_log_refuses_uploads() {
    let home = Home::new();
    let log = home.path().join("disk/log");
    let key_path = key_state(&home);
    let options = ["--seal", "--seal-key", key_path.to_str().unwrap()];
    let Some((server, disk)) = start_with(&home, &home.root(), &log, &options) else {
        return;
    };
    let count = fill(&server, 3_000);
    assert!(count > 100, "{count}");
    assert_eq!(home.files().len() as u64, count);
    let sealed = || {
        let report = report(&disk.join("log"), &disk.join("log.seal"), Some(key()));
        assert_eq!((report.findings, report.torn), (vec![], vec![]));
        assert_eq!(report.verified_codes, report.codes);
        report.entries
    };
    let refused = sealed();
    assert_eq!(refused, count + 1);
    // GETs and refusals are recorded for a while, and then they are not. The lines go with the entries.
    let mut client = server.connect();
    let mut recorded = refused;
    for _ in 0..20 {
        for _ in 0..500 {
            assert_eq!(client.get(&name(100)).unwrap().status, 200);
        }
        let now = sealed();
        if now == recorded {
            break;
        }
        assert!(now > recorded);
        recorded = now;
    }
    assert!(server.stderr().contains("entries are missing"));
    assert!(recorded > refused);
}

fn put_expecting(name: &str, length: usize) -> Vec<u8> {
    format!("PUT /{name} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

/// Root and log on one disk, many clients at once: an upload with 201 is stored and logged, any other is neither.
#[test]
fn full_disk_of_log_and_root_refuses_uploads() {
    let home = Home::new();
    let (root, log) = (home.path().join("disk/root"), home.path().join("disk/log"));
    let Some((server, disk)) = start(&home, &root, &log) else {
        return;
    };
    std::thread::scope(|scope| {
        for (client, length) in (0..8_u64).zip((5_000..).step_by(997)) {
            let server = &server;
            scope.spawn(move || {
                let mut full = 0;
                for round in 0.. {
                    let (name, content) = (name(1000 + client), noise(round, length));
                    let response = server.connect().put(&name, &content).unwrap();
                    match response.status {
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
    assert_eq!(journal.replay(), tree::files(&disk.join("root")));
    let mut client = server.connect();
    client.send(get(""));
    let _ = client.try_send(put(&name(1), &noise(1, 3_000_000)));
    assert_eq!(client.final_response().unwrap().status, 200);
    assert_eq!(client.final_response().unwrap().status, 507);
}
