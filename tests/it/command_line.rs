//! The start of a server: the effect of its command line, and failures caused by the system.
//!
//! `messages` has the errors of command lines, and `help` the texts of help.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::process::{Command, Output, Stdio};

use rustix::fs::{FileType, Mode};
use rustix::process::{Pid, Signal};

use crate::support::bytes::assert_bytes;
use crate::support::client::Client;
use crate::support::home::{Home, NOBODY};
use crate::support::message::{get, name, response};
use crate::support::process::{finish, run};
use crate::support::running::Running;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::strace;
use crate::support::wait::eventually;

/// A server started with exactly these words, in the root of its home.
#[track_caller]
fn started(home: &Home, words: &[&str]) -> Server {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.args(words).current_dir(home.root());
    Server::start(home.clone(), command)
}

#[test]
fn options_stand_before_between_and_after_the_positionals() {
    for words in [
        "-N 3 -l ../log.txt 127.0.0.1 0",
        "127.0.0.1 -N 3 0 -l ../log.txt",
        "127.0.0.1 0 --threads 3 --log ../log.txt",
        "--log=../log.txt 127.0.0.1 0 --threads=3",
        "-l../log.txt 0 -N3",
        "-N=3 localhost -l=../log.txt 0",
    ] {
        let home = Home::new();
        home.place(&name("here"), b"served");
        let words: Vec<_> = words.split(' ').collect();
        let mut server = started(&home, &words);
        assert_eq!(server.address().ip().to_string(), "127.0.0.1", "{words:?}");
        assert_bytes(
            &server.request(get(&name("here"))),
            &response("200 OK", b"served"),
            &words.join(" "),
        );
        eventually("there are three workers", || server.workers() == 3);
        server.stop();
        let expected = format!("GET {} length 0\n========\n", name("here"));
        assert_eq!(home.log(), expected, "{words:?}");
    }
}

#[test]
fn four_workers_and_no_log_by_default() {
    let home = Home::new();
    let server = started(&home, &["0"]);
    server.request(get(""));
    eventually("each worker has its name", || {
        server.thread_names()
            == [
                "httpserver",
                "line-writer",
                "worker-0",
                "worker-1",
                "worker-2",
                "worker-3",
            ]
    });
    assert_eq!(home.names(), [""; 0]);
    assert!(!home.log_path().exists());
}

#[test]
fn addresses_are_numbers_or_names() {
    let home = Home::new();
    for (words, expected) in [
        (&["localhost", "0"][..], "127.0.0.1"),
        (&["LOCALHOST", "0"], "127.0.0.1"),
        // No address in the usual notation: getaddrinfo(3) knows it.
        (&["127.1", "0"], "127.0.0.1"),
        (&["127.0.0.2", "0"], "127.0.0.2"),
        (&["0.0.0.0", "0"], "0.0.0.0"),
        (&["0"], "127.0.0.1"),
        (&["00"], "127.0.0.1"),
    ] {
        let server = started(&home, words);
        assert_eq!(server.address().ip().to_string(), expected, "{words:?}");
        assert_ne!(server.address().port(), 0);
    }
}

#[test]
fn server_listens_on_ipv6() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        eprintln!("this machine has no IPv6");
        return;
    }
    let server = Setup::new(&[]).on(Ipv6Addr::LOCALHOST).start();
    assert_bytes(&server.request(get("")), &response("200 OK", b""), "::1");
    let server = started(&Home::new(), &["[::1]", "0"]);
    assert!(server.address().is_ipv6());
}

#[test]
fn a_port_that_was_chosen_before_is_listened_on_again() {
    let home = Home::new();
    let mut server = started(&home, &["0"]);
    // A connection that the server closes first leaves its port in TIME_WAIT, which must not prevent a restart.
    server.exchange("GET / HTTP/1.0\r\n\r\n");
    let address = server.address();
    server.stop();
    drop(server);
    let again = started(&home, &["127.0.0.1", &address.port().to_string()]);
    assert_eq!(again.address(), address);
}

#[test]
fn root_option_names_another_directory() {
    let home = Home::new();
    fs::create_dir(home.file("other")).unwrap();
    fs::write(home.file("other").join(name("there")), "there").unwrap();
    home.place(&name("here"), b"here");
    let server = started(&home, &["--root", "other", "0"]);
    let there = server.request(get(&name("there")));
    assert_bytes(&there, &response("200 OK", b"there"), "in the root");
    let here = server.request(get(&name("here")));
    assert_bytes(&here, &response("404 Not Found", b""), "beside the root");
}

#[test]
fn quiet_server_prints_nothing() {
    for redirection in ["", " >&-", " >/dev/full"] {
        let home = Home::new();
        let files = [home.path().join("out"), home.path().join("err")];
        let line = format!("exec \"$0\" -q 127.0.0.1 0{redirection}");
        let mut command = Command::new("sh");
        command
            .args(["-c", &line, env!("CARGO_BIN_EXE_httpserver")])
            .current_dir(home.root())
            .stdout(fs::File::create(&files[0]).unwrap())
            .stderr(fs::File::create(&files[1]).unwrap());
        let mut program = Running::start(command);
        let mut port = None;
        eventually("it listens", || {
            port = listening_port(program.pid());
            port.is_some() || program.status().is_some()
        });
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap()));
        let mut client = Client::connect(address);
        client.send(get(""));
        assert_bytes(&client.response(), &response("200 OK", b""), redirection);
        program.signal(Signal::TERM);
        let status = program.wait();
        assert!(status.success(), "{redirection}: {status}");
        for file in &files {
            assert_eq!(fs::read_to_string(file).unwrap(), "", "{redirection}");
        }
    }
}

/// The port of the IPv4 socket on which a process listens, if it does. See `proc_pid_net(5)`.
fn listening_port(process: Pid) -> Option<u16> {
    let descriptors = fs::read_dir(format!("/proc/{process}/fd")).ok()?;
    let sockets: Vec<_> = descriptors
        .filter_map(|entry| {
            let target = fs::read_link(entry.ok()?.path()).ok()?;
            let inode = target.to_str()?.strip_prefix("socket:[")?;
            Some(inode.strip_suffix(']')?.to_owned())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{process}/net/tcp")).ok()?;
    table.lines().find_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        let (_, port) = fields.get(1)?.split_once(':')?;
        let listens = *fields.get(3)? == "0A";
        let is_its_own = sockets
            .iter()
            .any(|inode| fields.get(9) == Some(&inode.as_str()));
        (listens && is_its_own).then(|| u16::from_str_radix(port, 16).unwrap())
    })
}

#[test]
fn an_address_without_a_port_is_at_port_80_and_with_web_at_8000() {
    let home = Home::new();
    for (words, address) in [
        (&["--web", "./"][..], "127.0.0.1:8000"),
        (&["--web"], "127.0.0.1:8000"),
        (&["--web", "./", "127.0.0.2"], "127.0.0.2:8000"),
        (&["--web", "./", "http://127.0.0.2"], "127.0.0.2:80"),
        (&["127.0.0.2"], "127.0.0.2:80"),
        (&["http://127.0.0.2"], "127.0.0.2:80"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
        command.args(words).current_dir(home.root());
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stdout = String::new();
        let printed = child.stdout.take().unwrap();
        BufReader::new(printed).read_line(&mut stdout).unwrap();
        // The server exits by itself if the port is in use or needs root; then its error names the port.
        let _ = child.kill();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        let listened = stdout == format!("listening on http://{address}\n");
        let tried = stderr.starts_with(&format!("httpserver: cannot listen on {address}: "));
        assert!(listened || tried, "{words:?}: {stdout}{stderr}");
    }
}

/// A failure to start: one line on stderr with all of `words`, nothing on stdout, exit status 1.
#[track_caller]
fn assert_refused(output: &Output, words: &[&str]) {
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(1), "{line}");
    assert_bytes(&output.stdout, b"", "stdout");
    assert!(
        line.starts_with("httpserver: ") && line.ends_with('\n') && line.lines().count() == 1,
        "not one line: {line:?}"
    );
    for word in words {
        assert!(line.contains(word), "{line:?} does not say {word:?}");
    }
    assert!(!line.contains("panicked"), "{line}");
}

#[test]
fn an_address_that_is_not_ours_is_named() {
    // 192.0.2.0/24 is for documentation (RFC 5737): no machine has it.
    let output = run(&Home::new(), &["192.0.2.1", "0"]);
    assert_refused(&output, &["192.0.2.1", "Cannot assign requested address"]);
}

#[test]
fn a_port_that_is_taken_is_named_and_the_old_log_stays() {
    let server = Setup::new(&[]).start();
    let home = Home::new();
    fs::write(home.log_path(), "GET / length 0\n========\n").unwrap();
    let port = server.address().port().to_string();
    let output = run(&home, &["127.0.0.1", &port, "-l", "log.txt"]);
    assert_refused(&output, &["127.0.0.1", &port, "Address already in use"]);
    assert_eq!(home.log(), "GET / length 0\n========\n");
    assert!(!home.path().join("log.txt.1").exists());
    assert_bytes(
        &server.request(get("")),
        &response("200 OK", b""),
        "the first",
    );
}

#[test]
fn a_fallback_that_is_not_there_is_named_and_the_old_log_stays() {
    let home = Home::new();
    fs::write(home.log_path(), "GET / length 0\n========\n").unwrap();
    let arguments = ["--web", "root/", "--spa", "app.html", "-l", "log.txt", "0"];
    assert_refused(&run(&home, &arguments), &["'app.html'", "'root/'"]);
    assert_eq!(home.log(), "GET / length 0\n========\n");
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), 2);
}

#[test]
fn a_server_whose_threads_cannot_start_does_not_say_that_it_listens() {
    if !strace::is_usable() {
        return;
    }
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=clone,clone3"]);
    command.args(["-e", "inject=clone,clone3:error=EAGAIN:when=4"]);
    command.args([env!("CARGO_BIN_EXE_httpserver"), "-N", "4", "0"]);
    let output = finish(command, b"");
    let words = ["worker 2 of 4", "Resource temporarily unavailable"];
    assert_refused(&output, &words);
}

#[test]
fn a_port_that_only_root_may_have_is_named() {
    let home = Home::of_nobody();
    let first = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if first.trim().parse::<u16>().unwrap() <= 80 {
        eprintln!("anybody may listen on port 80 here");
        return;
    }
    let output = run_as_nobody(&home, &["127.0.0.1"]);
    assert_refused(&output, &["127.0.0.1", "80", "Permission denied"]);
}

#[test]
fn a_root_that_cannot_be_served_is_named() {
    let home = Home::new();
    home.place("file", b"");
    for (root, cause) in [
        ("root/absent", "No such file or directory"),
        ("root/file", "Not a directory"),
    ] {
        assert_refused(&run(&home, &["0", "--root", root]), &[root, cause]);
    }
    let home = Home::of_nobody();
    home.permit_root(0o000);
    let output = run_as_nobody(&home, &["0", "--root", "root"]);
    home.permit_root(0o700);
    assert_refused(&output, &["root", "Permission denied"]);
}

#[test]
fn a_log_that_cannot_be_written_is_named() {
    let home = Home::new();
    let fifo = home.path().join("fifo");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )
    .unwrap();
    for (log, cause) in [
        ("absent/log.txt", "No such file or directory"),
        (
            "root",
            "it is a directory; type the name of a file in it, such as root/log.txt",
        ),
        ("fifo", "not a regular file"),
        ("/dev/null", "not a regular file"),
    ] {
        assert_refused(&run(&home, &["0", "-l", log]), &[log, cause]);
        assert_refused(
            &run(&home, &["0", "--log-append", "-l", log]),
            &[log, cause],
        );
    }
    let home = Home::of_nobody();
    fs::write(home.log_path(), "").unwrap();
    fs::set_permissions(
        home.log_path(),
        std::os::unix::fs::PermissionsExt::from_mode(0o400),
    )
    .unwrap();
    let output = run_as_nobody(&home, &["0", "-l", "log.txt"]);
    assert_refused(&output, &["log.txt", "Permission denied"]);
}

#[test]
fn a_log_of_another_server_is_left_alone() {
    let server = Setup::new(&[]).start();
    server.request(get(""));
    let log = server.log_path();
    let log = log.to_str().unwrap();
    for arguments in [&["0", "-l", log][..], &["0", "-l", log, "--log-append"]] {
        assert_refused(&run(&Home::new(), arguments), &[log, "another server"]);
    }
    server.request(get(""));
    assert_eq!(server.log(), "GET / length 0\n========\n".repeat(2));
    assert!(!server.path().join("log.txt.1").exists());
}

#[test]
fn a_closed_stdout_is_a_failure_to_start_or_none_at_all() {
    // No program can read the port from stdout, but a typed port is known.
    let home = Home::new();
    let mut command = Command::new("sh");
    let line = "\"$0\" 127.0.0.1 0 >/dev/full";
    command.args(["-c", line, env!("CARGO_BIN_EXE_httpserver")]);
    command.current_dir(home.root());
    assert_refused(&finish(command, b""), &["No space left on device"]);
}

/// Runs the program to its end as a user other than root.
#[track_caller]
fn run_as_nobody(home: &Home, arguments: &[&str]) -> Output {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return run(home, arguments);
    }
    let mut command = Command::new(home.program());
    command.args(arguments).current_dir(home.path());
    command.uid(NOBODY).gid(NOBODY);
    finish(command, b"")
}

#[test]
fn two_servers_share_a_root() {
    let home = Home::new();
    let one = Setup::at(&home, &[]).unrecorded().start();
    let other = Setup::at(&home, &[]).unrecorded().start();
    let addresses: [SocketAddr; 2] = [one.address(), other.address()];
    assert_ne!(addresses[0], addresses[1]);
    let name = name("shared");
    let stored = one.request(crate::support::message::put(&name, b"by one"));
    assert_bytes(&stored, &response("201 Created", b""), "PUT");
    assert_bytes(
        &other.request(get(&name)),
        &response("200 OK", b"by one"),
        "GET",
    );
}
