//! `--access-log`: one line for each request with any result, without a delay for requests.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Command;

use rustix::fs::{CWD, Mode, OFlags, mkfifoat};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::access::{ACCESS_LOG, lines, objects, path};
use crate::support::bytes::noise;
use crate::support::curl::curl;
use crate::support::home::Home;
use crate::support::message::{get, name, put};
use crate::support::process::{finish, run};
use crate::support::requirements::is_there;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

const JSON: [&str; 4] = ["--access-log", ACCESS_LOG, "--access-log-format", "json"];

fn combined() -> Server {
    Setup::new(&["-N", "1", "--access-log", ACCESS_LOG]).start()
}

fn json() -> Server {
    Setup::new(&JSON).start()
}

/// The values of these keys of an object, in this order.
fn picked(object: &Value, keys: &[&str]) -> Vec<Value> {
    keys.iter().map(|key| object[key].clone()).collect()
}

/// The bytes of the request log at the place that an object names as its entry.
#[track_caller]
fn entry(server: &Server, object: &Value) -> String {
    let at = |key: &str| usize::try_from(object["entry"][key].as_u64().unwrap()).unwrap();
    server.log()[at("offset")..][..at("length")].to_owned()
}

#[test]
fn each_request_has_an_object_with_its_outcome() {
    let server = json();
    let (name, absent) = (name("a"), name("absent"));
    let mut client = server.connect();
    let peer = client.address();
    let upload = put(&name, b"content");
    let requests = [
        upload.clone(),
        get(&name).into_bytes(),
        format!("GET /{absent} HTTP/1.1\r\nHost: a\r\nReferer: http://b/\r\nUser-Agent: c\r\n\r\n")
            .into_bytes(),
        b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
    ];
    client.send(requests.concat());
    let responses: Vec<_> = requests.iter().map(|_| client.response()).collect();
    let objects = objects(&server, 4);
    let line = [
        "connection",
        "request",
        "method",
        "target",
        "version",
        "status",
    ];
    let (stored, missing) = (format!("/{name}"), format!("/{absent}"));
    for (number, method, target, status) in [
        (1, "PUT", &*stored, 201),
        (2, "GET", &*stored, 200),
        (3, "GET", &*missing, 404),
        (4, "HEAD", "/", 500),
    ] {
        let object = &objects[number - 1];
        let expected = json!([1, number, method, target, "HTTP/1.1", status]);
        assert_eq!(json!(picked(object, &line)), expected);
        let bytes = json!([requests[number - 1].len(), responses[number - 1].len()]);
        assert_eq!(
            json!(picked(object, &["bytes_in", "bytes_out"])),
            bytes,
            "{object}"
        );
        let address = json!([peer.ip().to_string(), peer.port(), peer.ip().to_string()]);
        assert_eq!(json!(picked(object, &["peer", "port", "client"])), address);
        let nulls = picked(object, &["proxy", "user", "tls"]);
        assert!(nulls.iter().all(Value::is_null), "{object}");
        assert!(object["duration_us"].is_u64());
        let entry = entry(&server, object);
        assert!(
            entry.starts_with(if status < 400 { method } else { "FAIL: " }),
            "{entry}"
        );
        assert!(entry.ends_with("\n========\n"), "{entry}");
    }
    assert_eq!(
        json!(picked(&objects[2], &["referer", "agent"])),
        json!(["http://b/", "c"])
    );
    let errors: Vec<_> = objects
        .iter()
        .map(|object| object["error"].as_str())
        .collect();
    let method = "this dialect has the methods GET and PUT only";
    assert_eq!(errors, [None, None, Some("no such file"), Some(method)]);
    // Entries follow each other without a gap.
    let ends = objects.iter().map(|object| {
        object["entry"]["offset"].as_u64().unwrap() + object["entry"]["length"].as_u64().unwrap()
    });
    assert_eq!(ends.max(), Some(server.log().len() as u64));
}

#[test]
fn times_are_those_of_the_requests() {
    let server = json();
    let before = jiff::Timestamp::now();
    server.request(get(&name("a")));
    let after = jiff::Timestamp::now();
    let object = &objects(&server, 1)[0];
    let text = object["time"].as_str().unwrap();
    let time: jiff::Timestamp = text.parse().unwrap();
    assert_eq!(text.len(), "2026-11-27T12:00:00.000000Z".len(), "{text}");
    let microsecond = jiff::SignedDuration::from_micros(1);
    assert!(
        before - microsecond <= time && time <= after,
        "{before} {time} {after}"
    );
    // The clock of the request may stop after the client has the response, but not after the line is written.
    let read = jiff::Timestamp::now();
    let duration = object["duration_us"].as_i64().unwrap();
    assert!(duration <= read.duration_since(before).as_micros().try_into().unwrap());
}

#[test]
fn combined_lines_have_the_form_of_other_servers() {
    let server = combined();
    server.place(&name("a"), b"content");
    let arguments = ["-A", "agent \"1\"", "-e", "http://b/"];
    curl(&server, &arguments, &name("a"));
    curl(&server, &["-X", "BREW", "-A", ""], "pot");
    let lines = lines(&server, 2);
    let (head, rest) = lines[0].split_once(" [").unwrap();
    let (time, rest) = rest.split_once("] ").unwrap();
    assert_eq!(head, "127.0.0.1 - -");
    jiff::Zoned::strptime("%d/%b/%Y:%H:%M:%S %z", time).unwrap();
    let request = format!("\"GET /{} HTTP/1.1\"", name("a"));
    assert_eq!(
        rest,
        format!("{request} 200 7 \"http://b/\" \"agent \\x221\\x22\"")
    );
    assert!(
        lines[1].ends_with("] \"BREW /pot HTTP/1.1\" 500 0 \"-\" \"-\""),
        "{}",
        lines[1]
    );
}

#[test]
fn lines_of_uploads_have_what_was_stored() {
    let server = json();
    let content = noise(1, 300_000);
    let chunked: Vec<u8> = content
        .chunks(1000)
        .flat_map(|chunk| [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat())
        .chain(*b"0\r\n\r\n")
        .collect();
    let head = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
        name("a")
    );
    let request = [head.as_bytes(), &chunked].concat();
    server.request(&request);
    let object = &objects(&server, 1)[0];
    assert_eq!(
        json!(picked(object, &["status", "bytes_in"])),
        json!([201, request.len()])
    );
    let first = format!("PUT {} length 300000\n", name("a"));
    assert!(entry(&server, object).starts_with(&first));
}

#[test]
fn early_response_and_its_content_are_one_line() {
    let server = json();
    let head = format!("PUT /{} HTTP/1.1\r\nHost: a\r\n\r\n", name("a"));
    let mut client = server.connect();
    client.send(&head);
    let response = client.response();
    client.send(b"content");
    client.end_sending();
    client.rest();
    let object = &objects(&server, 1)[0];
    let bytes = json!([201, head.len() + 7, response.len()]);
    assert_eq!(
        json!(picked(object, &["status", "bytes_in", "bytes_out"])),
        bytes
    );
    assert!(entry(&server, object).starts_with(&format!("PUT {} length 7\n", name("a"))));
}

#[test]
fn unwanted_content_is_counted() {
    let server = json();
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n";
    let request = [head.as_bytes(), &noise(1, 5000)].concat();
    let mut client = server.connect();
    client.send(&request);
    client.response();
    client.send(get(&name("a")));
    client.response();
    let objects = objects(&server, 2);
    let next = get(&name("a")).len();
    let lengths: Vec<_> = objects
        .iter()
        .map(|object| object["bytes_in"].clone())
        .collect();
    assert_eq!(json!(lengths), json!([request.len(), next]));
}

#[test]
fn malformed_request_has_a_line() {
    let server = json();
    for (input, method, target, status, error) in [
        (
            "GARBAGE\r\n\r\n",
            "GARBAGE",
            Value::Null,
            400,
            "the request line",
        ),
        (
            "GET / HTTP/1.1\r\nHo",
            "GET",
            json!("/"),
            400,
            "the stream ends before the head",
        ),
        (
            "GET / HTTP/2.0\r\n\r\n",
            "GET",
            json!("/"),
            505,
            "only HTTP/1.x",
        ),
    ] {
        server.exchange(input);
        let object = objects(&server, 1).pop().unwrap();
        let parts = json!(picked(&object, &["method", "target", "status"]));
        assert_eq!(parts, json!([method, target, status]), "{object}");
        let said = object["error"].as_str().unwrap();
        assert!(said.starts_with(error), "{said}");
        assert_eq!(object["bytes_in"], json!(input.len()), "{object}");
        assert!(entry(&server, &object).starts_with("FAIL: "));
        fs::write(path(&server), "").unwrap(); // as copytruncate does
    }
}

#[test]
fn empty_lines_and_silence_are_not_requests() {
    let mut server = json();
    drop(server.connect());
    let mut client = server.connect();
    client.send(format!("\r\n{}\r\n", get(&name("a"))));
    client.response();
    client.end_sending();
    client.rest();
    server.stop();
    assert_eq!(objects(&server, 1)[0]["status"], json!(404));
}

#[test]
fn broken_connection_ends_its_request() {
    let server = json();
    let mut client = server.connect();
    let head = format!(
        "PUT /{} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n",
        name("a")
    );
    client.send(format!("{head}half"));
    eventually("the content is staged", || server.staged() == [4]);
    client.reset();
    let object = &objects(&server, 1)[0];
    assert_eq!(
        json!(picked(object, &["status", "bytes_out"])),
        json!([null, 0])
    );
    assert_eq!(
        object["error"],
        json!("the connection broke before the content was complete")
    );
    assert!(entry(&server, object).starts_with("FAIL: PUT "));
}

#[test]
fn unread_response_is_counted_as_far_as_it_was_sent() {
    let server = json();
    server.place(&name("a"), &noise(1, 20_000_000));
    let mut client = server.connect();
    client.receive_buffer(4096);
    client.send(get(&name("a")));
    client.take(100_000);
    client.reset();
    let object = &objects(&server, 1)[0];
    assert_eq!(object["status"], json!(200));
    assert_eq!(
        object["error"],
        json!("the connection ended before the response was complete")
    );
    let sent = object["bytes_out"].as_u64().unwrap();
    assert!((100_000..20_000_000).contains(&sent), "{sent}");
}

#[test]
fn no_client_can_forge_a_line() {
    let hostile: Vec<u8> = (1..=255)
        .filter(|byte| !matches!(byte, b'\r' | b'\n' | 0x7f))
        .collect();
    let visible: Vec<u8> = hostile
        .iter()
        .copied()
        .filter(|byte| *byte > b' ' && *byte != b'#')
        .collect();
    let in_field: Vec<u8> = hostile
        .iter()
        .copied()
        .filter(|byte| *byte >= b' ' || *byte == b'\t')
        .collect();
    for (format, quotes) in [("combined", 6), ("json", 0)] {
        let options = [
            "--access-log",
            ACCESS_LOG,
            "--access-log-format",
            format,
            "-v",
        ];
        let server = Setup::new(&options).start();
        let request = [
            b"GET /".as_slice(),
            &visible,
            b" HTTP/1.1\r\nHost: a\r\nUser-Agent: ",
            &in_field,
            b"\r\nReferer: x\" 200 1 \"-\" \"\\\"\r\n\r\n",
        ]
        .concat();
        server.exchange(&request);
        server.exchange([b"\x1b[2J\0\"\\ ".as_slice(), &hostile, b"\n\n"].concat());
        let text = lines(&server, 2);
        for line in &text {
            assert!(
                !line.bytes().any(|byte| byte < b' ' || byte == 0x7f),
                "{line}"
            );
            if quotes > 0 {
                assert_eq!(line.matches('"').count(), quotes, "{line}");
                assert!(line.is_ascii(), "{line}");
            } else {
                serde_json::from_str::<Value>(line).unwrap();
            }
        }
        eventually("stderr has its lines", || {
            server.stderr().lines().count() == 2 + 2
        });
        let stderr = server.stderr();
        assert!(
            stderr
                .bytes()
                .all(|byte| byte == b'\n' || (b' '..0x7f).contains(&byte)),
            "{stderr}"
        );
    }
}

#[test]
fn rotation_loses_no_line() {
    let server = json();
    let rotated = server.path().join("access.log.1");
    let mut client = server.connect();
    for number in 0..200 {
        if number == 100 {
            fs::rename(path(&server), &rotated).unwrap();
            server.signal(Signal::HUP);
        } else if number == 150 {
            eventually("it is opened again", || path(&server).exists());
        }
        client.get(&name(number)).unwrap();
    }
    eventually("all lines are there", || {
        let texts = [
            fs::read_to_string(&rotated),
            fs::read_to_string(path(&server)),
        ];
        let texts = texts.map(Result::unwrap_or_default);
        texts.iter().map(|text| text.lines().count()).sum::<usize>() == 200
    });
    let objects = |path| -> Vec<u64> {
        let text = fs::read_to_string(path).unwrap();
        let objects = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        objects
            .map(|object| object["request"].as_u64().unwrap())
            .collect()
    };
    let (before, after) = (objects(rotated), objects(path(&server)));
    assert!(before.len() >= 90, "{} {}", before.len(), after.len());
    let all: BTreeSet<_> = before.into_iter().chain(after).collect();
    assert_eq!(all, (1..=200).collect());
}

#[test]
fn last_lines_are_written_at_the_end() {
    let mut server = combined();
    for number in 0..10 {
        server.request(get(&name(number)));
    }
    server.stop();
    let text = fs::read_to_string(path(&server)).unwrap();
    assert_eq!(text.lines().count(), 10);
}

#[test]
fn kill_loses_no_line_that_is_a_second_old() {
    let server = combined();
    server.request(get(&name("a")));
    let before = lines(&server, 1); // without a further request
    server.signal(Signal::KILL);
    let home = server.home();
    drop(server);
    let server = Setup::at(&home, &["--access-log", ACCESS_LOG]).start();
    server.request(get(&name("b")));
    assert_eq!(
        lines(&server, 2)[0],
        before[0],
        "an old access log is continued"
    );
}

#[test]
fn full_disk_costs_lines_only() {
    let mut server = Setup::new(&["--access-log", "/dev/full"]).start();
    for number in 0..20 {
        server.request(get(&name(number)));
        eventually("the loss is said", || {
            server.stderr().contains("lines are lost")
        });
    }
    server.stop();
    let said = "/dev/full: lines are lost from here on: No space left on device";
    assert_eq!(
        server.stderr().matches(said).count(),
        1,
        "{}",
        server.stderr()
    );
    assert_eq!(server.stderr().lines().count(), 1, "{}", server.stderr());
}

/// More bytes of lines than a pipe holds.
const MANY: usize = 3_000;

fn send_many(server: &Server) {
    let mut client = server.connect();
    for _ in 0..MANY / 100 {
        client.send(get(&name("a")).repeat(100));
        (0..100).for_each(|_| drop(client.response()));
    }
}

#[test]
fn unread_pipe_costs_lines_only() {
    let home = Home::new();
    let pipe = home.path().join("pipe");
    mkfifoat(CWD, &pipe, Mode::RUSR | Mode::WUSR).unwrap();
    // Opened both ways, so that neither side waits for the other.
    let mut options = File::options();
    options.read(true).write(true);
    options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    let mut reader = options.open(&pipe).unwrap();
    let mut server = Setup::at(&home, &["-N", "1", "--access-log", "pipe"]).start();
    send_many(&server);
    eventually("the loss is said", || {
        server.stderr().contains("pipe: lines are lost")
    });
    send_many(&server);
    // When it is read again, lines are whole again, and the number of lost lines is reported.
    let mut read = vec![0; 65_536];
    let count = reader.read(&mut read).unwrap();
    assert!(read[..count].starts_with(b"127.0.0.1 - - ["));
    // Lines that were still to be written may fill it again.
    eventually("the end of the loss is said", || {
        let _ = reader.read(&mut read);
        server.request(get(&name("a")));
        server.stderr().contains(" were lost")
    });
    server.stop();
    assert_eq!(server.stderr().lines().count(), 2, "{}", server.stderr());
}

#[test]
fn stdout_takes_lines() {
    let mut server = Setup::new(&["--access-log", "-", "-N", "1"]).start();
    server.request(get(&name("a")));
    server.signal(Signal::TERM);
    let (status, stdout) = server.wait();
    assert!(status.success());
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
    assert!(stdout.contains(" 404 0 "), "{stdout}");
}

#[test]
fn unread_stdout_costs_lines_only() {
    let mut server = Setup::new(&["--access-log", "-", "-N", "1"]).start();
    send_many(&server);
    server.signal(Signal::TERM);
    let (status, stdout) = server.wait();
    assert!(status.success());
    assert!(stdout.lines().count() < MANY);
    assert!(
        stdout
            .lines()
            .all(|line| line.starts_with("127.0.0.1 - - ["))
    );
}

#[test]
fn unusable_access_log_is_refused() {
    for (options, expected) in [
        (
            &["--access-log", "absent/x"][..],
            "cannot use absent/x of --access-log: No such file or directory",
        ),
        (
            &["--access-log", "root"],
            "cannot use root of --access-log: it is a directory; type the name of a file",
        ),
        (
            &["--access-log", "pipe"],
            "cannot open the access log pipe: no program reads from this pipe",
        ),
        (
            &["--access-log", "8080"],
            "'8080' is not a value for --access-log: it is an address or a port; type './8080' if a file is to have this name",
        ),
        (
            &["--access-log", "x", "-l", "./x"],
            "--log and --access-log both name x: type different names",
        ),
        (
            &["--access-log", "x", "--access-log-format", "xml"],
            "'xml' is not a value for --access-log-format: it must be combined or json",
        ),
        (
            &["--access-log-format", "json"],
            "--access-log-format needs --access-log: type both",
        ),
    ] {
        let home = Home::new();
        mkfifoat(CWD, home.path().join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        let output = run(&home, &[options, &["127.0.0.1", "0"]].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("httpserver: {expected}\n"));
        assert_eq!(output.status.code(), Some(1), "{options:?}");
    }
}

#[test]
fn goaccess_reads_combined_lines() {
    if !is_there("goaccess") {
        return;
    }
    let server = combined();
    for number in 0..20 {
        server.request(put(&name(number), b"content"));
        server.request(get(&name(number)));
        server.exchange(format!("GET /\" 200 1 {number}\r\n\r\n"));
    }
    lines(&server, 60);
    let mut goaccess = Command::new("goaccess");
    goaccess
        .arg(path(&server))
        .args(["--log-format=COMBINED", "--no-global-config", "-o", "json"]);
    let output = finish(goaccess, b"");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let general = &report["general"];
    let counts = picked(
        general,
        &["total_requests", "valid_requests", "failed_requests"],
    );
    assert_eq!(json!(counts), json!([60, 60, 0]), "{general}");
}

#[test]
fn fail2ban_finds_clients_whose_requests_are_refused() {
    if !is_there("fail2ban-regex") {
        return;
    }
    let server = combined();
    server.place(&name("a"), b"content");
    for number in 0..3 {
        server.request(get(&name("a")));
        server.request(get(&name("absent")));
        server.request(get("not-a-name"));
        server.exchange(format!("GET /\" 200 1 \"-\" {number}\r\n\r\n"));
    }
    lines(&server, 12);
    let filter =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/fail2ban/filter.d/httpserver.conf");
    let mut fail2ban = Command::new("fail2ban-regex");
    fail2ban
        .arg("--print-all-matched")
        .arg(path(&server))
        .arg(filter);
    let output = finish(fail2ban, b"");
    let found = String::from_utf8(output.stdout).unwrap();
    assert!(
        found.contains("12 lines, 0 ignored, 6 matched, 6 missed"),
        "{found}"
    );
    let (_, matched) = found.split_once("Matched line(s):").unwrap();
    let (matched, _) = matched.split_once("Missed line(s):").unwrap();
    assert_eq!(matched.matches("\" 400 0 \"").count(), 6, "{found}");
}
