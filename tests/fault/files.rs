//! Files, root and log that other programs change while the server runs.

use std::fs::{self, File, OpenOptions};
use std::io::Write;

use rustix::process::Signal;

use crate::support::bytes::noise;
use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::journal::{self, JournalEntry};
use crate::support::message::{get, name};
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::strace::is_usable;
use crate::support::wait::eventually;

/// Bytes of a file that no socket buffers take whole.
const HUGE: usize = 64 * 1024 * 1024;

/// A server that is in the middle of sending a huge file of NUL bytes.
fn sending(home: &Home) -> (Server, Client) {
    let file = File::create(home.root().join(name(1))).unwrap();
    file.set_len(HUGE as u64).unwrap();
    let server = Setup::at(home, &["-N", "2"]).start();
    let mut client = server.connect();
    client.send(get(&name(1)));
    client.wait_readable();
    (server, client)
}

/// Whether the next response is the whole file as it was at first.
fn is_whole(client: &mut Client) -> bool {
    let response = client.final_response().unwrap();
    response.status == 200 && response.body == vec![0; HUGE]
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    let home = Home::new();
    let (server, mut client) = sending(&home);
    let file = OpenOptions::new()
        .write(true)
        .open(home.root().join(name(1)));
    file.unwrap().set_len(HUGE as u64 / 2).unwrap();
    // Not padded, and not mistaken for a whole one.
    assert!(client.final_response().is_none());
    assert!(client.unread().len() <= HUGE / 2 + 100 && client.unread().len() > 100);
    assert_eq!(server.connect().get(&name(1)).unwrap().body.len(), HUGE / 2);
}

#[test]
fn a_file_that_grows_is_sent_as_announced() {
    let home = Home::new();
    let (_server, mut client) = sending(&home);
    let file = OpenOptions::new()
        .append(true)
        .open(home.root().join(name(1)));
    file.unwrap().write_all(b"more").unwrap();
    assert!(is_whole(&mut client));
    assert_eq!(client.get("").unwrap().status, 200);
    assert_eq!(client.get(&name(1)).unwrap().body.len(), HUGE + 4);
}

#[test]
fn a_file_that_vanishes_is_sent_to_its_end() {
    let home = Home::new();
    let (_server, mut client) = sending(&home);
    fs::remove_file(home.root().join(name(1))).unwrap();
    assert!(is_whole(&mut client));
    assert_eq!(client.get(&name(1)).unwrap().status, 404);
}

#[test]
fn a_file_that_is_replaced_is_sent_as_it_was() {
    let home = Home::new();
    let (server, mut client) = sending(&home);
    assert_eq!(server.connect().put(&name(1), b"new").unwrap().status, 201);
    assert!(is_whole(&mut client));
    assert_eq!(client.get(&name(1)).unwrap().body, b"new");
}

#[test]
fn a_small_file_that_changes_is_never_sent_stale() {
    let home = Home::new();
    let server = Setup::at(&home, &["-N", "1"]).start();
    let mut client = server.connect();
    for round in 0..200_u64 {
        // In place, as an editor might: the inode stays the same, and often the time stamp, too.
        let now = noise(round, 10);
        home.place(&name(1), &now);
        assert_eq!(client.get(&name(1)).unwrap().body, now, "{round}");
    }
}

#[test]
fn removed_root_is_503_until_it_exists_again() {
    let home = Home::new();
    home.place(&name(1), b"old");
    let mut server = Setup::at(&home, &["-N", "1"]).start();
    let mut client = server.connect();
    assert_eq!(client.get(&name(1)).unwrap().status, 200);
    fs::remove_dir_all(home.root()).unwrap();
    assert_eq!(client.get(&name(1)).unwrap().status, 503);
    assert_eq!(client.put(&name(2), b"new").unwrap().status, 503);
    assert_eq!(client.get("").unwrap().status, 200);
    fs::create_dir(home.root()).unwrap();
    home.place(&name(1), b"other");
    // Its name is looked at once a second.
    eventually("another directory is the root", || {
        let response = client.get(&name(1)).unwrap();
        assert!(matches!(response.status, 200 | 503), "{}", response.status);
        response.body == b"other"
    });
    assert_eq!(client.put(&name(2), b"new").unwrap().status, 201);
    assert_eq!(home.content(&name(2)), b"new");
    assert_eq!(client.get(&name(3)).unwrap().status, 404);
    assert_eq!(server.stderr().matches("was removed").count(), 2);
    server.stop();
    assert_eq!(home.journal().torn, 0);
}

#[test]
fn a_root_that_is_made_again_is_served_at_once() {
    let home = Home::new();
    home.place("file", b"old");
    let server = Setup::at(&home, &["--web", "--writable"]).start();
    assert_eq!(server.get("/file").text(), "old");
    fs::remove_dir_all(home.root()).unwrap();
    fs::create_dir(home.root()).unwrap();
    assert_eq!(server.put("/a/b/new", "", b"new").status, 201);
    assert_eq!(home.content("a/b/new"), b"new");
    home.place("file", b"young");
    assert_eq!(server.get("/file").text(), "young");
}

#[test]
fn a_root_that_is_renamed_is_kept() {
    let home = Home::new();
    home.place("file", b"old");
    let server = Setup::at(&home, &["--web"]).start();
    fs::rename(home.root(), home.path().join("renamed")).unwrap();
    fs::create_dir(home.root()).unwrap();
    assert_eq!(server.get("/nothing").status, 404);
    assert_eq!(server.get("/file").text(), "old");
}

#[test]
fn removed_log_is_begun_again_after_a_signal() {
    let home = Home::new();
    let mut server = Setup::at(&home, &["-N", "1"]).start();
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"one").unwrap().status, 201);
    fs::remove_file(home.log_path()).unwrap();
    assert_eq!(client.put(&name(1), b"two").unwrap().status, 201);
    server.signal(Signal::HUP);
    eventually("there is a new log", || home.log_path().exists());
    // The server handles the signal at some point, and from then on entries go there.
    eventually("there is an entry in it", || {
        assert_eq!(client.put(&name(1), b"three").unwrap().status, 201);
        !home.journal().entries.is_empty()
    });
    server.stop();
    let journal = home.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), home.files());
}

#[test]
fn a_log_that_was_moved_keeps_what_began_in_it() {
    let home = Home::new();
    let mut server = Setup::at(&home, &["-N", "1"]).start();
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"one").unwrap().status, 201);
    fs::rename(home.log_path(), home.path().join("moved")).unwrap();
    assert_eq!(client.put(&name(2), b"two").unwrap().status, 201);
    server.signal(Signal::USR1);
    eventually("there is a new log", || home.log_path().exists());
    server.stop();
    let moved = journal::read(&home.path().join("moved"));
    let expected = [
        JournalEntry::Put(name(1), b"one".to_vec()),
        JournalEntry::Put(name(2), b"two".to_vec()),
    ];
    assert_eq!(moved.entries, expected);
}

/// A server whose files, its log among them, can be 100 or 200 KiB long, as the shell counts blocks.
fn with_short_files(home: &Home, options: &[&str]) -> Server {
    Setup::at(home, options).before("ulimit -f 200").start()
}

/// A limit on the length of files (ulimit -f) is a limit like any other, not the end of the server.
#[test]
fn upload_beyond_the_file_size_limit_is_refused() {
    let home = Home::new();
    let mut server = with_short_files(&home, &[]);
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"old").unwrap().status, 201);
    assert_eq!(
        client.put(&name(1), &noise(1, 300_000)).unwrap().status,
        413
    );
    let mut client = server.connect();
    // The file is short enough, its entry is not.
    assert_eq!(client.put(&name(1), &noise(1, 80_000)).unwrap().status, 507);
    let mut client = server.connect();
    assert_eq!(client.get(&name(1)).unwrap().body, b"old");
    assert_eq!(client.put(&name(2), b"new").unwrap().status, 201);
    assert!(server.is_alive());
    server.stop();
    let journal = home.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), home.files());
}

/// A removal that cannot be recorded is refused.
#[test]
fn a_full_log_keeps_files_from_being_removed() {
    let home = Home::new();
    // Its entry is longer than that of the uploads that fill the log.
    let kept = "x".repeat(200);
    home.place(&kept, b"kept");
    let mut server = with_short_files(&home, &["--web", "--writable"]);
    let ask = |request: String| Response::parse(&server.exchange(request)).status;
    let close = "Host: a\r\nConnection: close\r\n";
    let put = |length| {
        let content = "y".repeat(length);
        let put = format!("PUT /f HTTP/1.1\r\n{close}Content-Length: {length}\r\n\r\n");
        ask(put + &content)
    };
    let delete = || ask(format!("DELETE /{kept} HTTP/1.1\r\n{close}\r\n"));
    for length in [5_000, 1] {
        assert!((0..10_000).any(|_| put(length) == 507));
    }
    assert_eq!(delete(), 507);
    assert_eq!(home.files()[&kept], b"kept");
    assert_eq!(ask(format!("GET /{kept} HTTP/1.1\r\n{close}\r\n")), 200);
    server.stop();
    let journal = home.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.entries.last(), Some(&JournalEntry::Get(kept)));
    assert_eq!(journal.failures(507), 3);
}

/// The worker cannot read the file, but the kernel can send it.
#[test]
fn file_that_cannot_be_compressed_is_sent_as_it_is() {
    if !is_usable() {
        return;
    }
    let server = Setup::web(&["--compress", "-N", "1"])
        .files(|root| fs::write(root.join("a.txt"), "a line\n".repeat(20_000)).unwrap())
        .start();
    let ask = || server.ask("GET /a.txt", "Accept-Encoding: gzip\r\n", b"");
    server.wait_until_stable("a.txt");
    let injection = server.inject(server.only_worker(), "pread64", "error=EIO");
    for _ in 0..3 {
        let response = ask();
        assert_eq!((response.status, response.body.len()), (200, 140_000));
        assert_eq!(response.field("Content-Encoding"), None);
    }
    drop(injection);
    eventually("the text is compressed", || {
        ask().field("Content-Encoding") == Some("gzip")
    });
}
