//! The log as a journal: the last entry of a file is its stored content, with any order of threads and after a kill.
//!
//! `httpserver-log` verifies the logs; its own tests are elsewhere.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::support::bytes::{assert_bytes, noise};
use crate::support::client::Client;
use crate::support::deep::DeepTree;
use crate::support::home::Home;
use crate::support::message::{name, put};
use crate::support::process::log_tool;
use crate::support::setup::Setup;
use crate::support::tree::files;
use crate::support::wait::eventually;
use crate::support::{entries, message};

/// The report of `httpserver-log` on a log, which must be sound.
#[track_caller]
fn assert_sound(arguments: &[&str]) {
    let output = log_tool(Path::new("."), arguments, b"");
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn the_last_entry_of_a_name_is_what_is_stored() {
    let mut server = Setup::at(&Home::fast(), &["-N", "8"]).start();
    thread::scope(|scope| {
        for client in 0..32_u64 {
            let server = &server;
            scope.spawn(move || {
                let mut connection = server.connect();
                for round in 0..160 {
                    let seed = client * 1000 + round;
                    let length = usize::try_from(seed * 2_654_435_761 % 5000).unwrap();
                    connection.send(put(&name(seed % 3), &noise(seed, length)));
                    assert_bytes(
                        &connection.response(),
                        &message::response("201 Created", b""),
                        "a PUT",
                    );
                }
            });
        }
    });
    let (log, root) = (server.log_path(), server.root());
    assert_sound(&["check", text(&log), "--against", text(&root)]);
    let rebuilt = server.path().join("rebuilt");
    assert_sound(&["replay", text(&log), text(&rebuilt)]);
    assert!(files(&rebuilt) == files(&root), "the replay differs");
    assert_eq!(files(&root).len(), 3);
    assert_eq!(entries::parse(&server.log()).len(), 32 * 160);
    server.stop();
}

#[test]
fn a_kill_costs_no_upload_that_was_answered() {
    for round in 0..8 {
        let home = Home::fast();
        let answered = put_until_killed(&home, 20 + round * 37);
        assert_answered_is_kept(&home, &answered);
        let append: &[&str] = if round % 2 == 0 {
            &[]
        } else {
            &["--log-append"]
        };
        let mut next = Setup::at(&home, append).start();
        assert!(
            !home.names().iter().any(|name| name.starts_with('.')),
            "an unfinished upload is left: {:?}",
            home.names()
        );
        next.request(put(&name("next"), b"after the kill"));
        next.stop();
        if append.is_empty() {
            assert_sound(&["check", text(&home.log_path())]);
            assert_eq!(home.kept_logs().len(), 1);
        } else {
            assert!(home.log().ends_with(" 65 20 6b 69 6c 6c\n========\n"));
        }
    }
}

/// The clean-up has as many descriptors for a deep tree as for any other, and needs no path that is too long.
#[test]
fn unfinished_upload_is_removed_from_any_depth() {
    const UNFINISHED: &str = ".httpserver-0123456789abcdef";
    let home = Home::new();
    let deep = DeepTree::new(&home.root());
    deep.place(UNFINISHED);
    deep.place("finished");
    let mut server = Setup::at(&home, &["--web", "--writable"])
        .descriptors(200)
        .start();
    assert!(!deep.has(UNFINISHED));
    assert!(deep.has("finished"));
    let stderr = server.stderr();
    assert!(
        stderr.contains("INFO ] removed the unfinished upload d/d/") && !stderr.contains("WARN"),
        "{stderr}"
    );
    server.stop();
}

/// For each client, the uploads that were answered, in their order.
type Answered = Vec<(String, Vec<Vec<u8>>)>;

/// Lets 16 clients put files until this many uploads are answered, then kills the server.
fn put_until_killed(home: &Home, uploads: usize) -> Answered {
    let mut server = Setup::at(home, &["-N", "4"]).start();
    let (count, all) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for client in 0..16 {
            let (count, all) = (&count, &all);
            let connection = server.connect();
            scope.spawn(move || {
                let name = name(client);
                let contents = put_in_a_row(connection, &name, client, count);
                all.lock().unwrap().push((name, contents));
            });
        }
        eventually("enough is stored", || {
            count.load(Ordering::SeqCst) >= uploads
        });
        server.signal(Signal::KILL);
    });
    server.wait();
    all.into_inner().unwrap()
}

/// Puts one content after the other until the connection breaks; returns those that were answered.
fn put_in_a_row(
    mut connection: Client,
    name: &str,
    seed: u64,
    count: &AtomicUsize,
) -> Vec<Vec<u8>> {
    let mut contents = Vec::new();
    loop {
        let round = contents.len() as u64;
        let length = usize::try_from((seed * 7919 + round * 104_729) % 20_000).unwrap();
        let content = noise(seed * 1000 + round, length);
        if connection.try_send(put(name, &content)).is_err() || connection.try_response().is_err() {
            return contents;
        }
        contents.push(content);
        count.fetch_add(1, Ordering::SeqCst);
    }
}

/// Every answered upload is in the log. The store has the last upload of each name, or one that was in flight.
#[track_caller]
fn assert_answered_is_kept(home: &Home, answered: &Answered) {
    let checked = log_tool(home.path(), ["check", "log.txt"], b"");
    let said = String::from_utf8_lossy(&checked.stdout) + String::from_utf8_lossy(&checked.stderr);
    assert!(!said.contains("corrupt"), "{said}");
    let listed = log_tool(home.path(), ["list", "log.txt", "--json"], b"").stdout;
    let listed = String::from_utf8(listed).unwrap();
    for (name, contents) in answered {
        let recorded = listed
            .lines()
            .filter(|line| line.contains("\"PUT\"") && line.contains(name.as_str()))
            .count();
        assert!(
            recorded >= contents.len(),
            "{name}: {recorded} of {}",
            contents.len()
        );
        let Some(last) = contents.last() else {
            continue;
        };
        let stored = home.content(name);
        let in_flight = noise_after(name, contents.len());
        assert!(
            stored == *last || stored == in_flight,
            "{name} holds something else"
        );
    }
}

/// The upload of a client after this many others.
fn noise_after(name: &str, round: usize) -> Vec<u8> {
    let seed: u64 = name.trim_start_matches('_').parse().unwrap();
    let round = round as u64;
    let length = usize::try_from((seed * 7919 + round * 104_729) % 20_000).unwrap();
    noise(seed * 1000 + round, length)
}
