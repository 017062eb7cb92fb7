//! The output on stderr: a line per upload and a summary on a terminal, a line per request with `-v`, connections with
//! `-vv`. A stopped terminal and an unread pipe delay nothing.

use std::io::{self, Read};

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::message::{get, name, put};
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::terminal::Terminal;
use crate::support::wait::eventually;

/// The columns of a terminal, which make no difference.
const COLUMNS: u16 = 80;

/// A server that writes to a terminal, after requests of each kind; what it shows until SIGTERM ends it. `{port}` stands
/// for the port of a client.
fn shown_on_terminal(options: &[&str]) -> String {
    let terminal = Terminal::new(COLUMNS);
    let mut server = Setup::new(options).stderr(terminal.line()).start();
    let screen = terminal.screen();
    send_each_kind(&server);
    server.stop();
    without_ports(&screen.rest().replace("\r\n", "\n"))
}

fn send_each_kind(server: &Server) {
    let mut client = server.connect();
    for request in [
        put(&name("a"), b"content"),
        get(&name("a")).into_bytes(),
        put("\u{e9}\x1b[2J", b"content"),
    ] {
        client.send(request);
        client.response();
    }
}

/// Each port of a client as `{port}`.
fn without_ports(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        text + "127.0.0.1:{port}" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

/// Lines without the time at their start and the milliseconds.
fn without_times(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let line = match line.split_once("Z ") {
            Some((time, rest)) if time.len() == "2026-11-27T12:00:00.123".len() => rest,
            _ => line,
        };
        match line.split_once(" bytes ") {
            Some((before, after)) if after.contains(" ms") => {
                let (milliseconds, rest) = after.split_once(" ms").unwrap();
                assert!(milliseconds.parse::<f64>().is_ok(), "{line}");
                format!("{before} bytes{rest}")
            }
            _ => line.to_owned(),
        }
    });
    lines.collect()
}

#[test]
fn a_terminal_shows_uploads_and_a_summary() {
    let shown = shown_on_terminal(&[]);
    // It overwrites the ^C that a terminal shows for ctrl-C.
    let (stored, summary) = (name("a"), "\r3 requests, 1 failure;");
    let mut lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines.len(), 3, "{shown}");
    // The lines of two workers may come in any order.
    lines[..2].sort_unstable_by(|a, b| b.cmp(a));
    assert_eq!(
        lines[0],
        format!("PUT {stored}: 7 bytes from 127.0.0.1:{{port}}")
    );
    assert!(
        lines[1].starts_with("PUT %C3%A9%1B[2J: 0 bytes from 127.0.0.1:{port}, failed: 400, "),
        "{shown}"
    );
    assert!(
        lines[2].starts_with(summary) && lines[2].ends_with("; 3 log entries"),
        "{shown}"
    );
}

#[test]
fn a_quiet_server_shows_nothing_on_a_terminal() {
    let terminal = Terminal::new(COLUMNS);
    let mut command = std::process::Command::new("sh");
    // It is asked to stop as soon as it can be.
    let line = "\"$0\" -q 127.0.0.1 0 & until grep -q '^SigCgt:.*[4-7c-f]...$' /proc/$!/status; do :; done; kill $!; wait $!";
    command
        .args(["-c", line, env!("CARGO_BIN_EXE_httpserver")])
        .stderr(terminal.line());
    assert_eq!(terminal.run(command), "");
}

#[test]
fn stderr_in_a_file_has_no_uploads_and_no_summary() {
    let mut server = Setup::new(&[]).start();
    send_each_kind(&server);
    server.stop();
    assert_eq!(server.stderr(), "");
}

#[test]
fn verbose_server_shows_each_request_wherever_stderr_goes() {
    let mut server = Setup::new(&["-v"]).start();
    send_each_kind(&server);
    server.stop();
    let terminal = shown_on_terminal(&["-v"]).replace('\r', "");
    let file = without_ports(&server.stderr());
    // Workers hand in their lines at the end of a round, so that the lines of two workers may come in any order.
    let sorted = |text: &str| {
        let mut lines = without_times(text);
        lines.sort_by_key(|line| (line.starts_with("3 requests"), line.clone()));
        lines
    };
    assert_eq!(sorted(&file), sorted(&terminal));
    assert!(file.starts_with("confined: "), "{file}");
    let mut lines = sorted(&file);
    lines.retain(|line| !line.starts_with("confined: ") && !line.starts_with("resources: "));
    let (name, client) = (name("a"), "127.0.0.1:{port}");
    assert_eq!(lines[0], format!("{client} GET /{name} 200 7 bytes"));
    assert!(
        lines[1].starts_with(&format!("{client} PUT /%C3%A9%1B[2J 400 0 bytes, ")),
        "{file}"
    );
    assert_eq!(lines[2], format!("{client} PUT /{name} 201 7 bytes"));
    assert!(lines[3].starts_with("3 requests, 1 failure; "), "{file}");
    assert_eq!(lines.len(), 4, "{file}");
}

/// The reason why a connection was closed, according to `-vv`.
#[track_caller]
fn closed_because(options: &[&str], end: impl FnOnce(&mut Server, Client)) -> String {
    let mut server = Setup::new(&[&["-vv", "-N", "1"], options].concat()).start();
    let client = server.connect();
    let peer = client.address();
    end(&mut server, client);
    let opened = format!(" {peer} connection 1 opened\n");
    let closed = format!(" {peer} connection 1 closed after ");
    let mut why = String::new();
    eventually("the close is shown", || {
        let stderr = server.stderr();
        let line = stderr.lines().find_map(|line| line.split_once(&closed));
        why = line.map(|(_, why)| why.to_owned()).unwrap_or_default();
        !why.is_empty()
    });
    assert!(server.stderr().contains(&opened));
    why
}

#[test]
fn connections_are_shown_with_the_reason_of_their_end() {
    let get = || get(&name("a"));
    let ask = |client: &mut Client| {
        client.send(get());
        client.response();
    };
    let why = closed_because(&[], |_, client| drop(client));
    assert_eq!(why, "0 requests: the client closed it");
    let why = closed_because(&[], |_, mut client| ask(&mut client));
    assert_eq!(why, "1 request: the client closed it");
    let why = closed_because(&[], |_, mut client| {
        client.send("GET / HTTP/1.0\r\n\r\n");
        client.rest();
    });
    assert_eq!(why, "1 request: its last response was sent");
    let why = closed_because(&[], |_, mut client| {
        ask(&mut client);
        client.reset();
    });
    assert_eq!(why, "1 request: the connection broke");
    let why = closed_because(&["--idle-timeout", "10ms"], |_, mut client| {
        ask(&mut client);
        client.rest();
    });
    assert_eq!(why, "1 request: no further request arrived in time");
    let why = closed_because(&["--head-timeout", "10ms"], |_, mut client| {
        client.rest();
    });
    assert_eq!(why, "0 requests: no request arrived in time");
    let why = closed_because(&["--max-connections", "1"], |server, mut client| {
        ask(&mut client);
        server.request(get());
        client.rest();
    });
    assert_eq!(
        why,
        "1 request: it was idle, and a new connection needed its place"
    );
    let why = closed_because(&[], |server, mut client| {
        ask(&mut client);
        server.stop();
    });
    assert_eq!(why, "1 request: the server stops");
}

/// More bytes of lines than a terminal or a pipe holds.
const MANY: usize = 3_000;

fn send_many(server: &Server) {
    let mut client = server.connect();
    for _ in 0..MANY / 100 {
        client.send(get("x").repeat(100));
        (0..100).for_each(|_| drop(client.response()));
    }
}

#[test]
fn stopped_terminal_costs_lines_only() {
    for options in [&["-N", "1", "-vv"][..], &["-N", "1"]] {
        let terminal = Terminal::new(COLUMNS);
        let mut server = Setup::new(options).debug().stderr(terminal.line()).start();
        let screen = terminal.screen(); // that is not read
        send_many(&server);
        server.stop();
        let shown = screen.rest();
        assert!(
            !shown.is_empty() && shown.lines().count() < 2 * MANY,
            "{}",
            shown.len()
        );
    }
}

#[test]
fn unread_pipe_costs_lines_only() {
    let (mut reader, writer) = io::pipe().unwrap();
    let mut server = Setup::new(&["-N", "1", "-v"])
        .debug()
        .stderr(writer)
        .start();
    send_many(&server);
    server.stop();
    let mut read = String::new();
    reader.read_to_string(&mut read).unwrap();
    assert!(!read.is_empty());
}

#[test]
fn lines_of_a_running_server_are_on_the_terminal_at_once() {
    let terminal = Terminal::new(COLUMNS);
    let mut server = Setup::new(&[]).stderr(terminal.line()).start();
    let mut screen = terminal.screen();
    for number in 0..3 {
        server.request(put(&name(number), b"content"));
        screen.wait_for(&[&format!("PUT {}: 7 bytes from 127.0.0.1:", name(number))]);
    }
    server.signal(Signal::INT);
    assert!(server.wait().0.success());
    assert!(screen.rest().contains("3 requests, 0 failures; "));
}
