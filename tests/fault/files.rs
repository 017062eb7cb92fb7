//! Files, root and log that change behind the server's back.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::process::Command;

use rustix::process::Signal;

use crate::fault::client::{Answer, get};
use crate::fault::server::{Place, Server, until};
use crate::fault::{content, name};
use crate::support::journal::{self, Entry};

/// Bytes of a file that no socket buffers take whole.
const HUGE: usize = 64 * 1024 * 1024;

/// A server that is in the middle of sending a huge file of NUL bytes.
fn sending(place: &Place) -> (Server, crate::fault::client::Client) {
    let file = File::create(place.root().join(name(1))).unwrap();
    file.set_len(HUGE as u64).unwrap();
    let server = place.serve(&["-N", "2"]);
    let mut client = server.connect();
    client.send(get(&name(1)).as_bytes()).unwrap();
    client.peek();
    (server, client)
}

fn whole() -> Answer {
    Answer {
        status: 200,
        content: vec![0; HUGE],
    }
}

#[test]
fn a_file_that_shrinks_ends_the_connection() {
    let place = Place::new();
    let (server, mut client) = sending(&place);
    let file = OpenOptions::new()
        .write(true)
        .open(place.root().join(name(1)));
    file.unwrap().set_len(HUGE as u64 / 2).unwrap();
    // Not padded, and not mistaken for a whole one.
    assert_eq!(client.answer(), None);
    assert!(client.rest().len() <= HUGE / 2 && !client.rest().is_empty());
    assert_eq!(
        server.connect().get(&name(1)).unwrap().content.len(),
        HUGE / 2
    );
}

#[test]
fn a_file_that_grows_is_sent_as_announced() {
    let place = Place::new();
    let (_server, mut client) = sending(&place);
    let file = OpenOptions::new()
        .append(true)
        .open(place.root().join(name(1)));
    file.unwrap().write_all(b"more").unwrap();
    assert!(client.answer() == Some(whole()));
    assert_eq!(client.get("").unwrap().status, 200);
    assert_eq!(client.get(&name(1)).unwrap().content.len(), HUGE + 4);
}

#[test]
fn a_file_that_vanishes_is_sent_to_its_end() {
    let place = Place::new();
    let (_server, mut client) = sending(&place);
    fs::remove_file(place.root().join(name(1))).unwrap();
    assert!(client.answer() == Some(whole()));
    assert_eq!(client.get(&name(1)).unwrap().status, 404);
}

#[test]
fn a_file_that_is_replaced_is_sent_as_it_was() {
    let place = Place::new();
    let (server, mut client) = sending(&place);
    assert_eq!(server.connect().put(&name(1), b"new").unwrap().status, 201);
    assert!(client.answer() == Some(whole()));
    assert_eq!(client.get(&name(1)).unwrap().content, b"new");
}

#[test]
fn a_small_file_that_changes_is_never_sent_stale() {
    let place = Place::new();
    let server = place.serve(&["-N", "1"]);
    let mut client = server.connect();
    for round in 0..200_u64 {
        // In place, as an editor might: the inode stays the same, and often the time stamp, too.
        let now = content(round, 10);
        place.store(&name(1), &now);
        assert_eq!(client.get(&name(1)).unwrap().content, now, "{round}");
    }
}

#[test]
fn the_root_is_removed() {
    let place = Place::new();
    place.store(&name(1), b"old");
    let server = place.serve(&["-N", "1"]);
    let mut client = server.connect();
    assert_eq!(client.get(&name(1)).unwrap().status, 200);
    fs::remove_dir_all(place.root()).unwrap();
    assert_eq!(client.get(&name(1)).unwrap().status, 404);
    assert_eq!(client.put(&name(2), b"new").unwrap().status, 403);
    assert_eq!(client.get("").unwrap().status, 200);
    // Another directory of that name is another directory.
    fs::create_dir(place.root()).unwrap();
    place.store(&name(1), b"other");
    assert_eq!(client.get(&name(1)).unwrap().status, 404);
    assert_eq!(server.stop().0.code(), Some(0));
    assert_eq!(place.journal().torn, 0);
}

#[test]
fn the_log_is_removed_and_begun_again() {
    let place = Place::new();
    let server = place.serve(&["-N", "1"]);
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"one").unwrap().status, 201);
    fs::remove_file(place.path("log")).unwrap();
    assert_eq!(client.put(&name(1), b"two").unwrap().status, 201);
    server.signal(Signal::HUP);
    until("a new log", || place.path("log").exists());
    // The signal is heeded at some point, and from then on entries go there.
    until("an entry in it", || {
        assert_eq!(client.put(&name(1), b"three").unwrap().status, 201);
        !place.journal().entries.is_empty()
    });
    server.stop();
    let journal = place.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), place.files());
}

#[test]
fn a_log_that_was_moved_keeps_what_began_in_it() {
    let place = Place::new();
    let server = place.serve(&["-N", "1"]);
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"one").unwrap().status, 201);
    fs::rename(place.path("log"), place.path("moved")).unwrap();
    assert_eq!(client.put(&name(2), b"two").unwrap().status, 201);
    server.signal(Signal::USR1);
    until("a new log", || place.path("log").exists());
    server.stop();
    let moved = journal::read(&place.path("moved"));
    let expected = [
        Entry::Put(name(1), b"one".to_vec()),
        Entry::Put(name(2), b"two".to_vec()),
    ];
    assert_eq!(moved.entries, expected);
}

/// A server whose files, its log among them, can be 100 or 200 KiB long, as the shell counts blocks.
fn with_short_files(place: &Place, options: &[&str]) -> Server {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 200 && exec \"$0\" \"$@\""]);
    let limited = place.command();
    command
        .arg(limited.get_program())
        .args(limited.get_args())
        .args(options)
        .args(["127.0.0.1", "0"]);
    Server::start(command, place.path("stderr"))
}

/// A limit on the length of files (ulimit -f) is a limit like any other, not the end of the server.
#[test]
fn files_may_not_be_long() {
    let place = Place::new();
    let mut server = with_short_files(&place, &[]);
    let mut client = server.connect();
    assert_eq!(client.put(&name(1), b"old").unwrap().status, 201);
    assert_eq!(
        client.put(&name(1), &content(1, 300_000)).unwrap().status,
        413
    );
    let mut client = server.connect();
    // The file is short enough, its entry is not.
    assert_eq!(
        client.put(&name(1), &content(1, 80_000)).unwrap().status,
        507
    );
    let mut client = server.connect();
    assert_eq!(client.get(&name(1)).unwrap().content, b"old");
    assert_eq!(client.put(&name(2), b"new").unwrap().status, 201);
    assert!(server.is_alive());
    server.stop();
    let journal = place.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.replay(), place.files());
}

/// What cannot be recorded is not removed.
#[test]
fn a_full_log_keeps_files_from_being_removed() {
    let place = Place::new();
    // Its entry is longer than that of the uploads that fill the log.
    let kept = "x".repeat(200);
    place.store(&kept, b"kept");
    let server = with_short_files(&place, &["--web", "--writable"]);
    let ask = |request: String| server.exchange(&request)[9..12].to_owned();
    let close = "Host: a\r\nConnection: close\r\n";
    let put = |length| {
        let content = "y".repeat(length);
        let put = format!("PUT /f HTTP/1.1\r\n{close}Content-Length: {length}\r\n\r\n");
        ask(put + &content)
    };
    let delete = || ask(format!("DELETE /{kept} HTTP/1.1\r\n{close}\r\n"));
    for length in [5_000, 1] {
        assert!((0..10_000).any(|_| put(length) == "507"));
    }
    assert_eq!(delete(), "507");
    assert_eq!(place.files()[&kept], b"kept");
    assert_eq!(ask(format!("GET /{kept} HTTP/1.1\r\n{close}\r\n")), "200");
    let (status, _) = server.stop();
    assert!(status.success());
    let journal = place.journal();
    assert_eq!(journal.torn, 0);
    assert_eq!(journal.entries.last(), Some(&Entry::Get(kept)));
    assert_eq!(journal.failures(507), 3);
}
