//! The server as a unit of systemd, with a stand-in that speaks the protocols of systemd.

use std::fs;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};

use crate::support::client::Client;
use crate::support::message::{get, name, response};
use crate::support::process::finish;
use crate::support::requirements::is_there;
use crate::support::strace;
use crate::support::systemd::Systemd;
use crate::support::wait::eventually;

#[test]
fn service_manager_is_told_of_start_reload_and_stop() {
    let systemd = Systemd::new();
    let mut server = systemd.start(&["127.0.0.1", "0"]);
    let address = server.address();
    assert_eq!(
        systemd.message(),
        format!("READY=1\nSTATUS=Serving on http://{address}")
    );
    for signal in [Signal::HUP, Signal::USR1] {
        let microseconds = || {
            let now = clock_gettime(ClockId::Monotonic);
            now.tv_sec * 1_000_000 + now.tv_nsec / 1000
        };
        let before = microseconds();
        server.signal(signal);
        let message = systemd.message();
        let at = message
            .strip_prefix("RELOADING=1\nMONOTONIC_USEC=")
            .and_then(|rest| rest.split_once('\n'))
            .map(|(at, _)| at.parse().unwrap());
        let at: i64 = at.unwrap_or_else(|| panic!("{message}"));
        assert!((before..=microseconds()).contains(&at), "{before} {at}");
        assert!(systemd.message().starts_with("READY=1\n"));
    }
    server.stop();
    let message = systemd.message();
    assert!(
        message.starts_with("STOPPING=1\nEXTEND_TIMEOUT_USEC=15000000\n"),
        "{message}"
    );
}

#[test]
fn server_that_does_not_start_is_not_ready() {
    let systemd = Systemd::new();
    let output = finish(
        systemd.command(&["--root", "absent", "127.0.0.1", "0"]),
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    // The next server sends the first notification.
    let server = systemd.start(&["127.0.0.1", "0"]);
    let address = server.address();
    assert!(systemd.message().ends_with(&address.to_string()));
}

#[test]
fn sockets_that_are_passed_are_served_and_need_no_address() {
    let systemd = Systemd::new().pass_port("web").pass_port("web");
    systemd.home().place(&name("here"), b"served");
    let mut server = systemd.start(&[]);
    let second: SocketAddr = server
        .line()
        .strip_prefix("listening on http://")
        .unwrap()
        .parse()
        .unwrap();
    assert_ne!(server.address(), second);
    for address in [server.address(), second] {
        let mut client = Client::connect(address);
        client.send(get(&name("here")));
        assert_eq!(client.response(), response("200 OK", b"served"));
    }
}

#[test]
fn names_say_what_a_socket_is_for() {
    let systemd = Systemd::new();
    let path = systemd.home().path().join("socket");
    let unix = UnixListener::bind(&path).unwrap();
    let systemd = systemd
        .pass("status", unix)
        .pass_port("other")
        .pass_port("web");
    let options = ["--status", "systemd:status", "--listen", "systemd:web"];
    let mut server = systemd.start(&options);
    assert!(server.line().starts_with("listening on http://"));
    let status = server.line();
    assert_eq!(status, format!("status on unix:{}", path.display()));
    assert!(UnixStream::connect(&path).is_ok());
    server.stop();
    assert!(path.exists(), "the socket is that of the service manager");
}

#[test]
fn sockets_that_cannot_be_used_are_errors() {
    let datagrams = || UdpSocket::bind("127.0.0.1:0").unwrap();
    let connected = || {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap()
    };
    for (systemd, options, message) in [
        (
            Systemd::new().pass_port("a").pass("b", datagrams()),
            &[][..],
            "cannot listen on 'b', descriptor 1 of LISTEN_FDS: it is not a stream socket of TCP or of the Unix domain",
        ),
        (
            Systemd::new().pass("a", connected()),
            &[],
            "cannot listen on 'a', descriptor 0 of LISTEN_FDS: the socket does not listen",
        ),
        (
            Systemd::new().pass_port("a"),
            &["--listen", "systemd:web"],
            "systemd passes no socket 'web': type one of 'a'",
        ),
        (
            Systemd::new(),
            &["--status", "systemd:a", "0"],
            "systemd passes no socket 'a': LISTEN_FDS and LISTEN_PID pass none to this process",
        ),
        (
            Systemd::new().pass_port("a").pass_port("a"),
            &["--status", "systemd:a", "0"],
            "systemd passes several sockets 'a': --status takes one",
        ),
    ] {
        let command = systemd.command(options);
        let output = systemd.while_inherited(|| finish(command, b""));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(stderr, format!("httpserver: {message}\n"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn sockets_of_another_process_are_not_taken() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.envs([("LISTEN_FDS", "1"), ("LISTEN_PID", "1")]);
    let output = finish(command, b"");
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("an address is missing"), "{stderr}");
}

#[test]
fn watchdog_is_notified_except_while_a_worker_is_stuck() {
    if !strace::is_usable() {
        return;
    }
    let systemd = Systemd::new().set("WATCHDOG_USEC", "4000000");
    systemd.home().place(&name("here"), b"served");
    let server = systemd.start(&["-N", "1", "127.0.0.1", "0"]);
    systemd.told("WATCHDOG=1");
    server.wait_until_asleep(server.only_worker());
    let injection = server.inject(
        server.only_worker(),
        "openat2",
        "delay_enter=10000000:when=1",
    );
    let mut client = server.connect();
    client.send(get(&name("here")));
    let stuck = "STATUS=Stuck: worker-0 makes no progress";
    systemd.told(stuck);
    // It is the next notification.
    systemd.told("STATUS=Serving");
    assert_eq!(client.response(), response("200 OK", b"served"));
    drop(injection);
    systemd.told("WATCHDOG=1");
    let stderr = server.stderr();
    assert!(stderr.contains("worker-0 makes no progress"), "{stderr}");
}

#[test]
fn messages_have_levels_where_stderr_is_the_journal() {
    let systemd = Systemd::new();
    let stderr = fs::File::create(systemd.home().path().join("stderr")).unwrap();
    let metadata = stderr.metadata().unwrap();
    let stream = format!("{}:{}", metadata.dev(), metadata.ino());
    let systemd = systemd
        .set("JOURNAL_STREAM", &stream)
        .set("HTTPSERVER_OTHER", "1");
    fs::write(systemd.home().path().join("users"), "*::read\n").unwrap();
    let mut server = systemd.start(&["--users", "users", "127.0.0.1", "0"]);
    server.signal(Signal::HUP);
    let expected = "<4>HTTPSERVER_OTHER is not the variable of an option: 'httpserver --help' explains the names\n\
                    <6>users was read again: 0 users\n";
    eventually("the users are read again", || server.stderr() == expected);
    server.stop();
    // An error that ends the start.
    let mut command = systemd.command(&["--root", "absent", "127.0.0.1", "0"]);
    command.stderr(stderr);
    crate::support::running::Running::start(command).wait();
    let error = "<3>httpserver: cannot serve 'absent': No such file or directory; make it first, or type another\n";
    assert!(server.stderr().ends_with(error), "{}", server.stderr());
}

/// As `LoadCredential` has it: the directory and the file are readable by their owner, and by a group that is the mask of
/// an access control list.
#[cfg(feature = "tls")]
#[test]
fn key_of_tls_may_be_a_credential() {
    use std::os::unix::fs::PermissionsExt;

    use crate::support::tls::Certificate;
    let systemd = Systemd::new();
    let home = systemd.home().path().to_owned();
    Certificate::new(&["localhost"]).place(&home);
    let credentials = home.join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::rename(home.join("key.pem"), credentials.join("tls-key")).unwrap();
    let of = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    of(&credentials.join("tls-key"), 0o440);
    of(&credentials, 0o550);
    let systemd = systemd
        .set("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())
        .set("HTTPSERVER_TLS_CERT", "cert.pem")
        .set(
            "HTTPSERVER_TLS_KEY",
            credentials.join("tls-key").to_str().unwrap(),
        )
        .pass_port("https");
    let mut server = systemd.start(&[]);
    assert!(systemd.message().contains("STATUS=Serving on https://"));
    server.stop();
    assert_eq!(server.stderr(), "");
    of(&credentials, 0o750);
}

fn unit(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging")
        .join(file);
    fs::read_to_string(path).unwrap()
}

/// A directory with the units, whose program is the one that is tested.
fn units() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    for file in ["httpserver.service", "httpserver.socket"] {
        let program = env!("CARGO_BIN_EXE_httpserver");
        let unit = unit(file).replace("/usr/bin/httpserver", program);
        fs::write(directory.path().join(file), unit).unwrap();
    }
    directory
}

#[test]
fn unit_is_sound_and_hardened() {
    if !is_there("systemd-analyze") {
        return;
    }
    let units = units();
    let run = |arguments: &[&str]| {
        let mut command = Command::new("systemd-analyze");
        command.args(arguments).current_dir(units.path());
        command.env("SYSTEMD_UNIT_PATH", format!("{}:", units.path().display()));
        let output = finish(command, b"");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        said
    };
    let verified = run(&[
        "verify",
        "--man=no",
        "./httpserver.service",
        "./httpserver.socket",
    ]);
    assert!(!verified.contains("httpserver"), "{verified}");
    // In tenths.
    run(&[
        "security",
        "--offline=yes",
        "--threshold=20",
        "./httpserver.service",
    ]);
}

/// The variables of the unit are valid, and so is each line of its environment file.
#[test]
fn variables_of_the_unit_are_understood() {
    let text = unit("httpserver.service");
    let set = text
        .lines()
        .filter_map(|line| line.strip_prefix("Environment="));
    let file = unit("httpserver.default");
    let lines = file.lines().map(|line| line.trim_start_matches('#'));
    let lines = lines.filter(|line| line.starts_with("HTTPSERVER_"));
    let all: Vec<_> = set.chain(lines).collect();
    assert!(all.len() > 5, "{all:?}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.arg("--print-config");
    for line in &all {
        let (variable, value) = line.split_once('=').unwrap();
        command.env(variable, value.trim_matches('"'));
    }
    let output = finish(command, b"");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    assert_eq!(stderr, "");
}

/// The file of logrotate as it is, but for the directory and the signal.
#[test]
fn logrotate_keeps_log_and_seal_together() {
    if !is_there("logrotate") {
        return;
    }
    let systemd = Systemd::new();
    let home = systemd.home().path().to_owned();
    let server = systemd.start(&[
        "-l",
        "requests.log",
        "--log-append",
        "--seal",
        "127.0.0.1",
        "0",
    ]);
    let signal = "systemctl kill --signal=HUP httpserver.service";
    let rotation = unit("httpserver.logrotate");
    assert!(rotation.contains(signal), "{rotation}");
    let rotation = rotation
        .replace(
            signal,
            &format!("kill -HUP {}", server.pid().as_raw_nonzero()),
        )
        .replace("/var/log/httpserver", home.to_str().unwrap());
    // logrotate reads no file that others may write.
    let path = home.join("rotation");
    fs::write(&path, rotation).unwrap();
    let rotate = || {
        let mut logrotate = Command::new("logrotate");
        logrotate.args(["--force", "--state", "state", "rotation"]);
        logrotate.current_dir(&home);
        let output = finish(logrotate, b"");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{stderr}");
    };
    for round in 1..=2 {
        server.request(get(&name("absent")));
        rotate();
        for file in ["requests.log", "requests.log.seal"] {
            let kept = home.join(format!("{file}.{round}"));
            eventually("both files are renamed, and new ones there", || {
                kept.exists() && home.join(file).exists()
            });
        }
    }
    server.request(get(&name("absent")));
    let mut check = Command::new(env!("CARGO_BIN_EXE_httpserver-log"));
    check.args(["check", "requests.log.2", "requests.log.1", "requests.log"]);
    check.current_dir(&home);
    let output = finish(check, b"");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    assert_eq!(said.matches(": nothing was altered").count(), 3, "{said}");
}
