//! Two servers with `--shared` on one root, each with a sealed log: merged, these replay to the directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::home::Home;
use crate::support::process::log_tool;
use crate::support::seal::seal_path;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::files;
use crate::support::wait::eventually;

/// Clients of each server, and how many changes each makes.
const CLIENTS: u64 = 3;
const CHANGES: u64 = 250;

const SERVERS: [&str; 2] = ["web-1", "web-2"];

/// A server of this name, which continues its log.
fn server(home: &Home, name: &str) -> Server {
    let options = [
        "--web",
        "--writable",
        "--shared",
        "--seal",
        "--log-append",
        "-N",
        "2",
        "--server-id",
        name,
    ];
    Setup::at(home, &options).log(format!("{name}.txt")).start()
}

/// Pseudo-random numbers (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Makes changes of a few names, some of which are below a directory that is removed now and then, until the connection
/// ends. Returns how many succeeded.
fn change(mut client: Client, seed: u64) -> u64 {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut succeeded = 0;
    for number in 0..CHANGES {
        let name = match random.below(6) {
            0 => "a".to_owned(),
            1 => "b".to_owned(),
            2 => "c".to_owned(),
            other => format!("d/{other}"),
        };
        let request = match random.below(8) {
            0 => "DELETE /d/ HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            1 | 2 => format!("DELETE /{name} HTTP/1.1\r\nHost: a\r\n\r\n"),
            3 => format!("GET /{name} HTTP/1.1\r\nHost: a\r\n\r\n"),
            _ => {
                let content =
                    format!("{seed} {number}\n").repeat(usize::try_from(1 + number % 30).unwrap());
                let length = content.len();
                format!(
                    "PUT /{name} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{content}"
                )
            }
        };
        if client.try_send(request).is_err() {
            break;
        }
        let Some(response) = client.try_response().ok().filter(|bytes| !bytes.is_empty()) else {
            break;
        };
        succeeded += u64::from(response.starts_with(b"HTTP/1.1 2"));
    }
    succeeded
}

/// Runs the tool in the home; returns its status and its output.
fn tool(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let output = log_tool(home.path(), arguments, b"");
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    said.push_str(&String::from_utf8_lossy(&output.stdout));
    (output.status.code(), said)
}

/// Renames a log and its seal, and makes the server begin new ones.
fn rotate(server: &Server, log: &Path) {
    let seal = seal_path(log);
    let kept = |path: &Path| PathBuf::from(format!("{}.1", path.display()));
    fs::rename(log, kept(log)).unwrap();
    fs::rename(&seal, kept(&seal)).unwrap();
    server.signal(Signal::HUP);
    eventually("there is a new seal", || {
        fs::metadata(&seal).is_ok_and(|seal| seal.len() > 0)
    });
}

/// The files of the root without the server's own.
fn root_files(home: &Home) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut found = files(&home.root());
    found.retain(|name, _| !name.split('/').any(|part| part.starts_with(".httpserver-")));
    found
}

#[test]
fn merged_logs_of_two_servers_replay_to_the_directory() {
    let home = Home::fast();
    let mut servers = SERVERS.map(|name| server(&home, name));
    let rotated = home.path().join("web-1.txt");
    let succeeded: u64 = thread::scope(|scope| {
        let mut clients = Vec::new();
        for (index, server) in (0..).zip(&servers) {
            for client in 0..CLIENTS {
                let connection = server.connect();
                clients.push(scope.spawn(move || change(connection, 1 + index * CLIENTS + client)));
            }
        }
        eventually("it has written something", || {
            fs::metadata(&rotated).is_ok_and(|log| log.len() > 20_000)
        });
        rotate(&servers[0], &rotated);
        clients
            .into_iter()
            .map(|client| client.join().unwrap())
            .sum()
    });
    assert!(succeeded > CHANGES, "{succeeded}");
    for server in &mut servers {
        server.stop();
    }
    let logs = ["web-2.txt", "web-1.txt.1", "web-1.txt"];
    let with = |before: &[&'static str], after: &[&'static str]| {
        tool(&home, &[before, &logs, after].concat())
    };
    let (status, said) = with(&["merge"], &["-o", "all.txt"]);
    assert_eq!(status, Some(0), "{said}");
    let (status, said) = tool(&home, &["replay", "all.txt", "rebuilt"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(files(&home.path().join("rebuilt")), root_files(&home));
    let (status, said) = with(&["replay"], &["again"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(files(&home.path().join("again")), root_files(&home));
    let root = home.root();
    let root = root.to_str().unwrap();
    let (status, said) = tool(
        &home,
        &[&["check"], &logs[..], &["--against", root]].concat(),
    );
    assert_eq!(status, Some(0), "{said}");
    // Without one of the logs, missing versions are reported.
    let (status, said) = tool(
        &home,
        &["merge", "web-2.txt", "web-1.txt", "-o", "some.txt"],
    );
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("missing between entry "), "{said}");
}

#[test]
fn merged_logs_replay_to_the_directory_after_kills_of_one_server() {
    let home = Home::fast();
    let mut stays = server(&home, SERVERS[1]);
    for round in 0..3 {
        let killed = server(&home, SERVERS[0]);
        thread::scope(|scope| {
            for (index, server) in (0..).zip([&killed, &stays]) {
                for client in 0..CLIENTS {
                    let connection = server.connect();
                    let seed = 100 + round * 10 + index * CLIENTS + client;
                    scope.spawn(move || change(connection, seed));
                }
            }
            eventually("it has written something", || {
                fs::metadata(home.path().join("web-1.txt")).is_ok_and(|log| log.len() > 20_000)
            });
            killed.signal(Signal::KILL);
        });
    }
    // The last change of each name gets a response, so the result does not depend on what a killed server has recorded.
    let mut last = server(&home, SERVERS[0]);
    for (index, name) in ["a", "b", "c", "d/3", "d/4", "d/5"].into_iter().enumerate() {
        let server = if index % 2 == 0 { &last } else { &stays };
        let status = server.put(&format!("/{name}"), "", name.as_bytes()).status;
        assert!(matches!(status, 201 | 204), "{name}: {status}");
    }
    last.stop();
    stays.stop();
    let logs = ["web-1.txt", "web-2.txt"];
    let (status, said) = tool(&home, &[&["replay"], &logs[..], &["rebuilt"]].concat());
    // A change that was in progress at a kill may have taken a version without leaving an entry.
    assert!(
        status == Some(0) || said.contains("missing between entry "),
        "{said}"
    );
    assert_eq!(
        files(&home.path().join("rebuilt")),
        root_files(&home),
        "{said}"
    );
    let (_, said) = tool(&home, &[&["merge"], &logs[..], &["-o", "all.txt"]].concat());
    let (status, checked) = tool(&home, &["check", "all.txt"]);
    assert_eq!(status, Some(0), "{said}{checked}");
}
