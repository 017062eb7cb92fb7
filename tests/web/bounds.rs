//! No connection can delay others, whatever it sends: the cost of each turn, in units that are the same on every
//! machine, and the order of responses.

use std::fs::{self, File};
use std::process::Command;
use std::thread;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::write;
use crate::support::wait::eventually;

/// Entries of the directory that is listed.
const ENTRIES: usize = 2_000;

/// Bytes of the file of which ranges are asked for.
const LARGE: u64 = 64 * 1024 * 1024;

/// Names on the way to a file, as many as a path may have.
const DEEP: usize = 2_030;

/// The most that one turn may cost: a budget for each of the two steps, and the piece of work that is begun last.
const MOST: Turn = Turn {
    requests: 32,
    bytes: 2 * 1024 * 1024 + 256 * 1024,
    portions: 130,
    operations: 256 + 160,
};

/// The server's report on one turn.
#[derive(Debug, Clone, Copy)]
struct Turn {
    requests: u64,
    bytes: u64,
    portions: u64,
    operations: u64,
}

impl Turn {
    fn parse(line: &str) -> Option<Self> {
        let (_, units) = line.split_once("a turn of ")?;
        let value = |name: &str| {
            let (_, rest) = units.split_once(&format!("{name}: "))?;
            rest.split(',').next()?.trim_end().parse().ok()
        };
        Some(Self {
            requests: value("requests")?,
            bytes: value("bytes")?,
            portions: value("portions")?,
            operations: value("file operations")?,
        })
    }
}

/// A server with one worker that reports the cost of each turn.
fn site() -> Server {
    let mut env = Command::new("env");
    env.arg("RUST_LOG=httpserver::connection::turn=trace");
    Setup::web(&["--writable", "--listing", "-N", "1"])
        .under(env)
        .files(|root| {
            for number in 0..ENTRIES {
                write(root, &format!("list/entry-{number:05}"), "");
            }
            for number in 0..300 {
                write(root, &format!("gone/{number}"), "x");
            }
            write(root, "small", "x");
            File::create(root.join("large"))
                .unwrap()
                .set_len(LARGE)
                .unwrap();
        })
        .start()
}

fn request(line: &str, fields: &str) -> String {
    format!("{line} HTTP/1.1\r\nHost: a\r\n{fields}\r\n")
}

/// Sixteen ranges that together are nearly all of the large file.
fn ranges() -> String {
    let part = LARGE / 16;
    let ranges: Vec<_> = (0..16)
        .map(|number| format!("{}-{}", number * part, (number + 1) * part - 100))
        .collect();
    format!("Range: bytes={}\r\n", ranges.join(","))
}

/// A PUT of so many bytes, one in each chunk.
fn one_byte_chunks(count: usize) -> Vec<u8> {
    let head = request("PUT /chunks", "Transfer-Encoding: chunked\r\n");
    [head.as_bytes(), &b"1\r\nx\r\n".repeat(count), b"0\r\n\r\n"].concat()
}

/// Sends all of it from a thread of its own, and reads the responses to their end.
fn send_all(site: &Server, stream: Vec<u8>) {
    let (mut sending, mut receiving) = site.connect().split();
    let sender = thread::spawn(move || {
        sending.send(stream);
        sending.end_sending();
    });
    receiving.rest();
    sender.join().unwrap();
}

#[test]
fn no_turn_costs_more_than_its_budget() {
    let list = request("GET /list/", "").repeat(8);
    let deep = "/d".repeat(DEEP);
    let put = |path: &str| request(&format!("PUT {path}"), "Content-Length: 1\r\n") + "x";
    let puts: String = (0..100)
        .map(|number| put(&format!("/new/{number}/f")))
        .collect();
    let deletes: String = (0..300)
        .map(|number| request(&format!("DELETE /gone/{number}"), ""))
        .collect();
    // Each with the fewest turns that it can take.
    let content = vec![b'x'; 16 << 20];
    let upload = request(
        "PUT /upload",
        &format!("Content-Length: {}\r\n", content.len()),
    );
    let upload = [upload.as_bytes(), &content].concat();
    let cases: [(&str, Vec<u8>, usize); 9] = [
        ("an upload and its entry", upload, 20),
        ("listings", list.into_bytes(), 8 * ENTRIES / 256),
        ("one-byte chunks", one_byte_chunks(400_000), 2),
        ("ranges", request("GET /large", &ranges()).into_bytes(), 64),
        (
            "directories",
            put(&format!("{deep}/f")).into_bytes(),
            DEEP / 128,
        ),
        ("PUTs", puts.into_bytes(), 100 * 8 / 256),
        ("DELETEs", deletes.into_bytes(), 300 / 32),
        (
            "refusals",
            request("TRACE /", "").repeat(200).into_bytes(),
            200 / 32,
        ),
        (
            "heads",
            request("GET /small", &format!("X: {}\r\n", "y".repeat(15_000)))
                .repeat(100)
                .into_bytes(),
            100 / 32,
        ),
    ];
    for (name, stream, fewest) in cases {
        let site = site();
        send_all(&site, stream);
        eventually("its connection is closed", || site.connections() == 0);
        let stderr = site.stderr();
        let turns: Vec<_> = stderr.lines().filter_map(Turn::parse).collect();
        assert!(turns.len() >= fewest, "{name}: {} turns", turns.len());
        for turn in turns {
            let is_bounded = turn.requests <= MOST.requests
                && turn.bytes <= MOST.bytes
                && turn.portions <= MOST.portions
                && turn.operations <= MOST.operations;
            assert!(is_bounded, "{name}: {turn:?}");
        }
    }
}

#[test]
fn directories_of_an_upload_are_made_and_removed_between_turns_of_others() {
    let site = site();
    let deep = "/d".repeat(DEEP);
    let mut client = site.connect();
    client.send(request(
        &format!("PUT {deep}/f"),
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ));
    assert_eq!(client.take(25), b"HTTP/1.1 100 Continue\r\n\r\n");
    let turns = site.stderr().lines().filter_map(Turn::parse).count();
    assert!(turns >= DEEP / 128, "{turns}");
    assert!(site.file(&deep[1..]).is_dir());
    drop(client);
    eventually("they are gone", || !site.file("d").exists());
    let log = site.log();
    assert_eq!(log.matches("========\n").count(), 1, "{log}");
}

/// The directories of an upload that was given up are removed in the background, deep ones for many turns.
#[test]
fn upload_is_stored_below_directories_that_are_being_removed() {
    let site = site();
    for number in 0..4 {
        let path = format!("/{number}{}/f", "/d".repeat(DEEP - 1));
        let mut client = site.connect();
        let expecting = "Content-Length: 5\r\nExpect: 100-continue\r\n";
        client.send(request(&format!("PUT {path}"), expecting));
        assert_eq!(client.take(25), b"HTTP/1.1 100 Continue\r\n\r\n");
        drop(client);
        assert_eq!(site.put(&path, "", b"new").status, 201);
        assert_eq!(site.get(&path).body, b"new");
    }
}

#[test]
fn directories_of_an_upload_are_removed_when_the_server_stops() {
    let mut site = site();
    let mut client = site.connect();
    client.send(request(
        &format!("PUT {}/f", "/d".repeat(DEEP)),
        "Content-Length: 5\r\nExpect: 100-continue\r\n",
    ));
    assert_eq!(client.take(25), b"HTTP/1.1 100 Continue\r\n\r\n");
    drop(client);
    site.signal(Signal::TERM);
    let (status, _) = site.wait();
    assert!(status.success(), "{status}");
    assert!(!site.file("d").exists());
}

/// Has another client ask while the server has all that `abuser` sends at once; which entries the log has before its.
fn entries_before_another(site: &Server, stream: &[u8]) -> Vec<String> {
    let mut other = site.connect();
    let (mut sending, mut receiving) = site.connect().split();
    for client in [&mut other, &mut receiving] {
        client.send(request("GET /small", ""));
        client.response();
    }
    let before = site.log_lines().len();
    site.signal(Signal::STOP);
    // Some of it has arrived when the server continues.
    let (first, rest) = stream.split_at(stream.len().min(32 * 1024));
    sending.send(first);
    let rest = rest.to_vec();
    let sender = thread::spawn(move || sending.try_send(rest));
    other.send(request("GET /small?other", ""));
    site.signal(Signal::CONT);
    let reader = thread::spawn(move || receiving.try_rest());
    other.response();
    let lines = site.log_lines();
    drop(sender);
    drop(reader);
    let new = &lines[before..];
    let mine = new.iter().position(|line| line.contains("small"));
    new[..mine.expect("the entry of the other client")]
        .iter()
        .filter(|line| line.contains("length"))
        .cloned()
        .collect()
}

#[test]
fn other_client_is_answered_before_the_second_request_of_a_busy_one() {
    let cases = [
        (
            "listings",
            request("GET /list/", "").repeat(32).into_bytes(),
        ),
        ("one-byte chunks", one_byte_chunks(1_000_000)),
        (
            "ranges",
            request("GET /large", &ranges()).repeat(32).into_bytes(),
        ),
    ];
    for (name, stream) in cases {
        let site = site();
        let before = entries_before_another(&site, &stream);
        assert!(before.len() <= 1, "{name}: {before:?}");
    }
}

/// The space of a large file is freed while others have their turns; the name of the file is gone immediately.
#[test]
fn large_files_are_replaced_and_removed_as_others_are() {
    let site = site();
    for _ in 0..2 {
        assert_eq!(site.put("/large", "", b"new").status, 204);
        assert_eq!(site.get("/large").body, b"new");
        assert_eq!(site.ask("DELETE /large", "", b"").status, 204);
        assert_eq!(site.get("/large").status, 404);
        assert_eq!(site.put("/large", "", &vec![b'x'; 20 << 20]).status, 201);
    }
    let mut client: Client = site.connect();
    client.send(request("PUT /cut", &format!("Content-Length: {LARGE}\r\n")));
    client.send(vec![b'x'; 20 << 20]);
    drop(client);
    eventually("nothing is left of what is cut off", || {
        fs::read_dir(site.root()).unwrap().count() == 4 && !site.file("cut").exists()
    });
}
