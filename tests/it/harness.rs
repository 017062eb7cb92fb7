//! The interface for programs that start the server: readiness, automatic shutdown, and the summary.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::home::Home;
use crate::support::message::{get, name, put, response};
use crate::support::process::{finish, run};
use crate::support::requirements::is_there;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::tree::link;
use crate::support::wait::eventually;

/// The one line of a file, as JSON.
#[track_caller]
fn line(path: &Path) -> Value {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.ends_with('\n') && text.lines().count() == 1, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// Checks a server's report of readiness.
#[track_caller]
fn assert_ready(said: &Value, server: &Server) {
    assert_eq!(said["pid"], server.pid().as_raw_nonzero().get());
    let address = format!("http://{}", server.address());
    assert_eq!(said["addresses"], serde_json::json!([address]));
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    let started: jiff::Timestamp = said["started"].as_str().unwrap().parse().unwrap();
    assert!(jiff::Timestamp::now().duration_since(started).as_secs() < 3600);
    assert_eq!(said.as_object().unwrap().len(), 4, "{said}");
}

/// Waits for a server that ends by itself.
#[track_caller]
fn assert_ends(server: &mut Server) {
    let (status, rest) = server.wait();
    assert!(status.success(), "{status}");
    assert_eq!(rest, "", "stdout after the first line");
}

/// The names beside the root.
fn names(home: &Home) -> Vec<String> {
    let entries = fs::read_dir(home.path()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| !matches!(name.as_str(), "root" | "log.txt" | "stderr"))
        .collect();
    names.sort();
    names
}

#[test]
fn ready_file_is_there_while_the_server_listens() {
    let home = Home::new();
    let ready = home.path().join("ready");
    fs::write(&ready, "stale").unwrap();
    let mut server = Setup::at(&home, &["--ready-file", "ready"]).start();
    eventually("it says that it is ready", || ready.exists());
    assert_ready(&line(&ready), &server);
    server.stop();
    assert_eq!(names(&home), [""; 0]);
}

#[test]
fn every_listener_is_in_the_ready_file() {
    let home = Home::new();
    let options = ["--ready-file", "ready", "--listen", "unix:socket"];
    let server = Setup::at(&home, &options).start();
    let ready = home.path().join("ready");
    eventually("it says that it is ready", || ready.exists());
    let tcp = format!("http://{}", server.address());
    let expected = serde_json::json!([tcp, "unix:socket"]);
    assert_eq!(line(&ready)["addresses"], expected);
}

#[test]
fn stale_ready_file_is_gone_before_the_server_listens() {
    let home = Home::new();
    let ready = home.path().join("ready");
    fs::write(&ready, "stale").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    let arguments = ["--ready-file", "ready", "127.0.0.1", &port];
    let output = run(&home, &arguments);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(names(&home), [""; 0]);
}

#[test]
fn ready_file_of_another_server_stays() {
    let home = Home::new();
    let ready = home.path().join("ready");
    let mut first = Setup::at(&home, &["--ready-file", "ready"])
        .unrecorded()
        .start();
    eventually("it says that it is ready", || ready.exists());
    let second = Setup::at(&home, &["--ready-file", "ready"])
        .unrecorded()
        .start();
    let is_second = || {
        let said = fs::read_to_string(&ready).unwrap_or_default();
        said.contains(&format!("{}", second.address()))
    };
    eventually("the second is ready", is_second);
    first.stop();
    assert_ready(&line(&ready), &second);
}

/// The reader of a pipe gets the line and the end, while the server runs.
#[test]
fn ready_descriptor_gets_one_line_and_is_closed() {
    let home = Home::new();
    let pipe = home.path().join("pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let reader = std::thread::spawn(move || line(&pipe));
    let server = Setup::at(&home, &["--ready-fd", "9"])
        .before("exec 9>pipe")
        .start();
    assert_ready(&reader.join().unwrap(), &server);
    // A file keeps what it has.
    let home = Home::new();
    let file = home.path().join("file");
    fs::write(&file, "before\n").unwrap();
    let server = Setup::at(&home, &["--ready-fd", "3"])
        .before("exec 3>>file")
        .start();
    let said = || fs::read_to_string(&file).unwrap();
    eventually("it says that it is ready", || said().lines().count() == 2);
    let said = said();
    let said = said.strip_prefix("before\n").unwrap();
    assert_ready(&serde_json::from_str(said).unwrap(), &server);
}

#[test]
fn unwritable_file_is_one_line_and_no_start() {
    let home = Home::new();
    fs::create_dir(home.path().join("directory")).unwrap();
    link(home.path(), "dangling", "absent/file");
    for (arguments, message) in [
        (
            &["--ready-fd", "77"][..],
            "cannot use descriptor 77 of --ready-fd: it is not open: open it for the server, as in \
             'httpserver --ready-fd 3 3>file'",
        ),
        (
            &["--ready-file", "directory"],
            "cannot use directory of --ready-file: it is a directory; type the name of a file",
        ),
        (
            &["--ready-file", "absent/ready"],
            "cannot use absent/ready of --ready-file: No such file or directory",
        ),
        (
            &["--summary", "dangling"],
            "cannot use dangling of --summary: No such file or directory",
        ),
        (
            &["--summary", "log.txt", "-l", "log.txt"],
            "--log and --summary both name log.txt: type different names",
        ),
        (
            &["--summary", "log.txt.seal", "-l", "log.txt"],
            "--summary names log.txt.seal, which may be a file of --log: type another name",
        ),
        (
            &["--ready-file", "one", "--summary", "./one"],
            "--ready-file and --summary both name ./one: type different names",
        ),
        (
            &["--ready-fd", "2"],
            "'2' is not a value for --ready-fd: it must be the number of a descriptor from 3 to 2147483647; stdin, \
             stdout and stderr have those below",
        ),
        (
            &["--summary", "-"],
            "'-' is not a value for --summary: it must be a file, and cannot be standard output; type './-' for a \
             file of this name",
        ),
        (
            &["--exit-after", "0"],
            "'0' is not a value for --exit-after: it must be at least 1",
        ),
    ] {
        fs::write(home.path().join("log.txt"), "a log").unwrap();
        let output = run(&home, &[arguments, &["127.0.0.1", "0"]].concat());
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("httpserver: {message}\n"));
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(names(&home), ["dangling", "directory"], "{arguments:?}");
        assert_eq!(home.log(), "a log", "{arguments:?}");
    }
}

/// The file of the descriptor stays as it is, although its owner may write it.
#[test]
fn socket_and_file_open_for_reading_are_no_ready_descriptors() {
    let home = Home::new();
    fs::write(home.path().join("read"), "kept\n").unwrap();
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = other.local_addr().unwrap().port().to_string();
    for (redirection, cause) in [
        ("5<>/dev/tcp/127.0.0.1/$1", "No such device or address"),
        ("5<read", "Bad file descriptor"),
    ] {
        let mut command = Command::new("bash");
        let line = format!("exec {redirection} && exec \"$0\" --ready-fd 5 127.0.0.1 0");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_httpserver"), &port]);
        command.current_dir(home.path());
        let output = finish(command, b"");
        let stderr = String::from_utf8(output.stderr).unwrap();
        let expected = format!(
            "httpserver: cannot use descriptor 5 of --ready-fd: {cause}; it must be a pipe or a file that is open for \
             writing\n"
        );
        assert_eq!(stderr, expected);
    }
    let kept = fs::read_to_string(home.path().join("read")).unwrap();
    assert_eq!(kept, "kept\n");
}

#[test]
fn server_ends_after_so_many_answers_whatever_they_are() {
    for threads in ["1", "3"] {
        let options = ["-N", threads, "--exit-after", "4"];
        let mut server = Setup::new(&options).start();
        let mut client = server.connect();
        for (request, status) in [
            (put(&name("a"), b"x"), "201 Created"),
            (get("short").into(), "400 Bad Request"),
            (get(&name("none")).into(), "404 Not Found"),
        ] {
            client.send(request);
            assert_eq!(client.response(), response(status, b""));
        }
        // A connection without a request does not count, nor does a client that leaves before the response.
        drop(server.connect());
        let mut half = server.connect();
        half.send("GET /");
        half.reset();
        assert!(server.is_alive());
        client.send(get(&name("a")));
        assert_eq!(client.response(), response("200 OK", b"x"));
        assert_eq!(client.rest(), b"");
        assert_ends(&mut server);
    }
}

/// As after SIGTERM: an upload that has begun is stored, and requests that have arrived together are answered together.
#[test]
fn requests_in_progress_are_finished_before_the_end() {
    let mut server = Setup::new(&["-N", "2", "--exit-after", "2"]).start();
    let mut uploading = server.connect();
    let whole = put(&name("upload"), b"0123456789");
    let (first, rest) = whole.split_at(whole.len() - 5);
    uploading.send(first);
    eventually("the upload has begun", || server.staged() == [5]);
    let mut pipelining = server.connect();
    pipelining.send(get("x").repeat(5));
    let answers = pipelining.rest();
    let count = String::from_utf8(answers)
        .unwrap()
        .matches("400 Bad")
        .count();
    assert!((2..=5).contains(&count), "{count}");
    assert!(server.is_alive());
    uploading.send(rest);
    assert_eq!(uploading.response(), response("201 Created", b""));
    assert_ends(&mut server);
    assert_eq!(server.content(&name("upload")), b"0123456789");
    let entries = server.log_lines();
    let refused = entries
        .iter()
        .filter(|line| line.starts_with("FAIL: GET x"));
    assert_eq!(refused.count(), count, "{entries:?}");
}

#[test]
fn server_ends_after_its_time() {
    let mut server = Setup::new(&["--max-time", "300ms"]).start();
    let _idle = server.connect();
    assert_ends(&mut server);
}

#[test]
fn summary_has_what_was_done() {
    let home = Home::new();
    let summary = home.path().join("summary");
    fs::write(&summary, "stale").unwrap();
    let options = ["-N", "2", "--summary", "summary", "--exit-after", "3"];
    let mut server = Setup::at(&home, &options).start();
    assert!(!summary.exists());
    let mut half = server.connect();
    half.send("GET /");
    let mut client = server.connect();
    let (mut sent, mut received) = (0, 0);
    for request in [
        put(&name("a"), b"abc"),
        get(&name("a")).into(),
        get("x").into(),
    ] {
        sent += request.len();
        client.send(request);
        received += client.response().len();
    }
    assert_ends(&mut server);
    let said = line(&summary);
    assert_eq!(said["pid"], server.pid().as_raw_nonzero().get());
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    let time = |key: &str| -> jiff::Timestamp { said[key].as_str().unwrap().parse().unwrap() };
    assert!(time("started") <= time("ended"));
    let by_status = serde_json::json!({"200": 1, "201": 1, "400": 1});
    assert_eq!(said["by_status"], by_status);
    assert_eq!(said["without_response"], 1);
    assert_eq!(said["requests"], 4);
    assert_eq!(said["bytes_in"], sent + "GET /".len());
    assert_eq!(said["bytes_out"], received);
    assert_eq!(
        said["log_entries"], 3,
        "a head that is not whole has no entry"
    );
    let longest = said["longest_turn_us"].as_u64().unwrap();
    assert!(longest > 0);
    assert!(said["longest_turn_processor_us"].as_u64().is_some());
    assert_eq!(said.as_object().unwrap().len(), 12, "{said}");
    assert_eq!(names(&home), ["summary"]);
    assert_eq!(server.stderr(), "", "no lines were requested");
}

/// A server that cannot write its summary fails, but has finished its work.
#[test]
fn summary_that_cannot_be_written_at_the_end_is_an_error() {
    let home = Home::new();
    let directory = home.path().join("gone");
    fs::create_dir(&directory).unwrap();
    let mut server = Setup::at(&home, &["--summary", "gone/summary"]).start();
    fs::remove_dir(&directory).unwrap();
    let stored = server.request(put(&name("a"), b"abc"));
    assert_eq!(stored, response("201 Created", b""));
    server.signal(rustix::process::Signal::TERM);
    let (status, _) = server.wait();
    assert_eq!((status.code(), status.signal()), (Some(1), None));
    let expected = "httpserver: cannot use the summary gone/summary: No such file or directory\n";
    assert_eq!(server.stderr(), expected);
    assert_eq!(server.content(&name("a")), b"abc");
}

#[test]
fn files_for_the_harness_are_concealed_in_the_root() {
    let (ready, summary) = (name("ready"), name("summary"));
    let in_root = |name: &str| format!("root/{name}");
    let (ready_path, summary_path) = (in_root(&ready), in_root(&summary));
    let options = ["--ready-file", &ready_path, "--summary", &summary_path];
    let forbidden = response("403 Forbidden", b"");
    let mut server = Setup::new(&options).start();
    eventually("it is ready", || server.file(&ready).exists());
    let before = server.content(&ready);
    for _ in 0..2 {
        assert_eq!(server.request(get(&ready)), forbidden);
        for name in [&ready, &summary] {
            assert_eq!(server.request(put(name, b"mine")), forbidden, "{name}");
        }
        // The rules are made again with the new log.
        fs::remove_file(server.log_path()).unwrap();
        server.signal(rustix::process::Signal::HUP);
        eventually("there is a new log", || server.log_path().exists());
    }
    assert_eq!(server.content(&ready), before);
    server.stop();
    assert_eq!(server.names(), [summary.as_str()]);

    let options = [
        "--writable",
        "--listing",
        "--ready-file",
        "root/ready",
        "--summary",
        "root/summary",
    ];
    let server = Setup::web(&options).start();
    eventually("it is ready", || server.file("ready").exists());
    for name in ["ready", "ready.1.new", "summary", "summary.old"] {
        let target = format!("/{name}");
        assert_eq!(server.get(&target).status, 404, "{name}");
        let status = server.put(&target, "", b"mine").status;
        assert!(matches!(status, 403 | 404), "{name}: {status}");
    }
    let listing = server.ask("GET /", "Accept: application/json\r\n", b"");
    assert!(!listing.text().contains("ready"), "{}", listing.text());
}

/// Runs a program with the server's directory in front of its PATH.
#[track_caller]
fn assert_succeeds(mut command: Command) -> String {
    let home = Home::new();
    let program = PathBuf::from(env!("CARGO_BIN_EXE_httpserver"));
    let paths = std::env::var("PATH").unwrap();
    let paths = format!("{}:{paths}", program.parent().unwrap().display());
    command.env("PATH", paths).env("TMPDIR", home.root());
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    let output = finish(command, b"");
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stdout}{stderr}");
    stdout
}

#[test]
fn harnesses_of_the_examples_succeed() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/harness");
    if is_there("curl") {
        let said = assert_succeeds(Command::new(examples.join("harness.sh")));
        assert_eq!(said, "ok\n");
    }
    if is_there("pytest") {
        let mut command = Command::new("pytest");
        command.args(["-q", "-p", "no:cacheprovider"]);
        command.arg(examples.join("test_uploads.py"));
        let said = assert_succeeds(command);
        assert!(said.contains("2 passed"), "{said}");
    }
}

/// It sends what it reads, and stays until the server closes.
#[test]
fn plain_nc_ends_with_the_idle_timeout() {
    let mut nc = Command::new("sh");
    if !is_there("nc") {
        return;
    }
    let server = Setup::new(&["--idle-timeout", "1"]).start();
    nc.args(["-c", "nc \"$0\" \"$1\""]);
    let address = server.address();
    nc.args([address.ip().to_string(), address.port().to_string()]);
    let output = finish(nc, get(&name("none")).as_bytes());
    assert_eq!(output.stdout, response("404 Not Found", b""));
}
