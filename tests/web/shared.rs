//! Several servers on one root with `--shared`: conditional requests are atomic across all of them.

use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::journal::JournalEntry;
use crate::support::message::name;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::strace;
use crate::support::wait::eventually;

const WEB: &[&str] = &["--web", "--writable", "--shared", "-N", "1"];

/// Two servers on one root.
fn two_servers(home: &Home, options: &[&str]) -> [Server; 2] {
    ["log.txt", "other.txt"].map(|log| Setup::at(home, options).log(log).start())
}

/// A lock on all names, as another server has it.
struct Lock(OwnedFd);

impl Lock {
    fn take(home: &Home) -> Self {
        let path = home.file(".httpserver-lock");
        let file = OpenOptions::new().read(true).write(true).open(path);
        let lock = Self(file.unwrap().into());
        eventually("it is locked", || lock.set(libc::F_WRLCK));
        lock
    }

    fn set(&self, kind: i32) -> bool {
        let lock = libc::flock {
            l_type: i16::try_from(kind).unwrap(),
            l_whence: 0,
            l_start: 0,
            l_len: 0,
            l_pid: 0,
        };
        fcntl(&self.0, FcntlArg::F_OFD_SETLK(&lock)).is_ok()
    }
}

/// How many pairs of conditional uploads are tried: `SHARED_PAIRS`, or some.
fn pairs() -> u32 {
    let pairs = std::env::var("SHARED_PAIRS");
    pairs.map_or(200, |text| text.parse().expect("SHARED_PAIRS: a number"))
}

/// Sends one request to each server at the same moment.
fn at_once(clients: &mut [Client; 2], request: &str) -> [Response; 2] {
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let asking = clients.each_mut().map(|client| {
            let barrier = &barrier;
            scope.spawn(move || {
                barrier.wait();
                client.send(request);
                Response::parse(&client.response())
            })
        });
        asking.map(|asking| asking.join().unwrap())
    })
}

#[test]
fn of_two_conditional_uploads_through_two_servers_one_succeeds() {
    let home = Home::fast();
    let servers = two_servers(&home, WEB);
    let mut clients = servers.each_ref().map(Server::connect);
    let put = |condition: &str, content: u32| {
        let content = format!("{content:010}");
        format!(
            "PUT /file HTTP/1.1\r\nHost: a\r\n{condition}\r\nContent-Length: 10\r\n\r\n{content}"
        )
    };
    let mut tag = String::new();
    for pair in 0..pairs() {
        // They alternately create the file and replace the same version of it.
        let condition = if pair % 2 == 0 {
            let _ = fs::remove_file(home.file("file"));
            "If-None-Match: *".to_owned()
        } else {
            format!("If-Match: {tag}")
        };
        let mut responses = at_once(&mut clients, &put(&condition, pair));
        responses.sort_unstable_by_key(|response| response.status);
        let [success, failure] = &responses;
        let statuses = (success.status, failure.status);
        assert!(
            matches!(statuses, (201 | 204, 412)),
            "{pair} {condition}: {statuses:?}"
        );
        tag = success.field("ETag").unwrap().to_owned();
    }
}

/// A request that changes a file, and its response's status once it may.
struct Change {
    options: &'static [&'static str],
    line: String,
    length: &'static str,
    content: &'static str,
    status: u16,
}

fn changes() -> Vec<Change> {
    let web = |line: &str, status| Change {
        options: WEB,
        line: line.to_owned(),
        length: "Content-Length: 3\r\n",
        content: "new",
        status,
    };
    let classic = |length, content| Change {
        options: &["--shared", "-N", "1"],
        line: format!("PUT /{}", name(1)),
        length,
        content,
        status: 201,
    };
    vec![
        web("PUT /new", 201),
        web("PUT /a/b/new", 201),
        web("PUT /file", 204),
        Change {
            length: "",
            content: "",
            ..web("DELETE /file", 204)
        },
        Change {
            length: "",
            content: "",
            ..web("DELETE /empty/", 204)
        },
        classic("Content-Length: 3\r\n", "new"),
        classic("", "new"),
    ]
}

/// The request on a connection of its own, whose end follows.
fn begin(server: &Server, change: &Change) -> Client {
    let mut client = server.connect();
    let (line, length, content) = (&change.line, change.length, change.content);
    client.send(format!(
        "{line} HTTP/1.1\r\nHost: a\r\n{length}\r\n{content}"
    ));
    client
}

fn home_with_files() -> Home {
    let home = Home::new();
    home.place("file", b"old");
    fs::create_dir(home.file("empty")).unwrap();
    home
}

#[test]
fn lock_of_another_server_is_waited_for_by_no_worker() {
    for change in changes() {
        let home = home_with_files();
        let server = Setup::at(&home, change.options).start();
        let lock = Lock::take(&home);
        let mut client = begin(&server, &change);
        if change.length.is_empty() && !change.content.is_empty() {
            client.end_sending();
        }
        server.wait_until_asleep(server.only_worker());
        // The only worker serves others meanwhile.
        for _ in 0..3 {
            assert_eq!(server.get("/absent").status / 100, 4, "{}", change.line);
        }
        assert_eq!(home.content("file"), b"old", "{}", change.line);
        drop(lock);
        let response = client.final_response().unwrap();
        assert_eq!(response.status, change.status, "{}", change.line);
        assert_eq!(home.journal().torn, 0);
    }
}

#[test]
fn name_that_stays_locked_is_503_and_nothing_is_changed() {
    thread::scope(|scope| {
        for change in changes() {
            scope.spawn(move || {
                let home = home_with_files();
                let mut server = Setup::at(&home, change.options).start();
                let lock = Lock::take(&home);
                let begun = Instant::now();
                let mut client = begin(&server, &change);
                if change.length.is_empty() && !change.content.is_empty() {
                    client.end_sending();
                }
                let response = client.final_response().unwrap();
                assert_eq!(response.status, 503, "{}", change.line);
                assert!(begun.elapsed() >= Duration::from_secs(5), "{}", change.line);
                assert_eq!(home.content("file"), b"old");
                assert!(home.file("empty").is_dir());
                assert!(!home.file("new").exists());
                // On a slow machine a part of them is removed after the response.
                eventually("its directories are gone", || !home.file("a").exists());
                assert!(!home.file(&name(1)).exists());
                drop((client, lock));
                server.stop();
                let journal = home.journal();
                assert_eq!(
                    journal.entries,
                    [JournalEntry::Failure(503)],
                    "{}",
                    change.line
                );
            });
        }
    });
}

#[test]
fn killed_server_leaves_no_name_locked() {
    if !strace::is_usable() {
        return;
    }
    let home = Home::new();
    let [first, second] = two_servers(&home, WEB);
    // Completes one-time initialisation.
    assert_eq!(first.put("/file", "", b"one").status, 201);
    first.wait_until_asleep(first.only_worker());
    let _held = first.inject(first.only_worker(), "renameat", "delay_enter=60000000");
    let mut client = first.connect();
    client.send("PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\ntwo");
    let lock = Lock(File::open(home.file(".httpserver-lock")).unwrap().into());
    eventually("the first server holds the lock", || {
        // A lock for reading conflicts with it.
        let is_locked = !lock.set(libc::F_RDLCK);
        lock.set(libc::F_UNLCK);
        is_locked
    });
    let mut waiting = second.connect();
    waiting.send("PUT /file HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nthree");
    second.wait_until_asleep(second.only_worker());
    first.signal(Signal::KILL);
    assert_eq!(waiting.final_response().unwrap().status, 204);
    assert_eq!(home.content("file"), b"three");
}

#[test]
fn no_client_sees_or_replaces_the_file_of_the_locks() {
    let web = [WEB, &["--listing", "--hidden"]].concat();
    let home = Home::new();
    let server = Setup::at(&home, &web).start();
    assert!(home.file(".httpserver-lock").exists());
    for line in ["GET", "PUT", "DELETE"].map(|method| format!("{method} /.httpserver-lock")) {
        let status = server.ask(&line, "Content-Length: 0\r\n", b"").status;
        assert_eq!(status, 404, "{line}");
    }
    assert!(!server.get("/").text().contains("httpserver-lock"));
    // A server that changes nothing needs none.
    let home = Home::new();
    let _server = Setup::at(&home, &["--web", "--shared"]).start();
    assert_eq!(home.names(), [""; 0]);
}

#[test]
fn root_that_is_made_again_is_shared_again() {
    let home = Home::new();
    let server = Setup::at(&home, WEB).start();
    fs::remove_dir_all(home.root()).unwrap();
    fs::create_dir(home.root()).unwrap();
    eventually("the new root is found", || {
        server.put("/file", "", b"one").status == 201
    });
    let lock = Lock::take(&home);
    let mut client = server.connect();
    client.send("DELETE /file HTTP/1.1\r\nHost: a\r\n\r\n");
    server.wait_until_asleep(server.only_worker());
    assert!(home.file("file").exists());
    drop(lock);
    assert_eq!(client.final_response().unwrap().status, 204);
}
