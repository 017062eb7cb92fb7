//! The files of `packaging/cluster`: they are sound, and with them `haproxy` stops using a server whose storage is gone,
//! and uses it again later.

use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::client::Client;
use crate::support::process::finish;
use crate::support::proxy::Proxy;
use crate::support::requirements::is_there;
use crate::support::response::Response;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::status::ask;
use crate::support::wait::eventually;

fn packaged(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("packaging")
        .join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A server as behind the proxy, with a file that has its name, and where its status is.
fn start(name: &str) -> (Server, SocketAddr) {
    let options = [
        "--writable",
        "--drain-timeout",
        "5m",
        "--allow-host",
        "a",
        "--trust-proxy",
        "127.0.0.1",
        "--proxy-protocol",
        "--status",
        "127.0.0.1:0",
    ];
    let mut server = Setup::web(&options).start();
    server.place("file", name.as_bytes());
    let line = server.line();
    let status = line.strip_prefix("status on http://").unwrap();
    (server, status.parse().unwrap())
}

/// The configuration that is shipped, with these servers.
fn configuration(
    servers: &[(SocketAddr, SocketAddr); 2],
    listen: SocketAddr,
    directory: &Path,
) -> String {
    let socket = directory.join("admin.sock");
    let [first, second] =
        servers.map(|(address, status)| format!("{address} port {}", status.port()));
    let mut text = packaged("cluster/haproxy.cfg");
    for (shipped, ours) in [
        ("    log /dev/log local0\n", ""),
        ("    user haproxy\n", ""),
        ("    group haproxy\n", ""),
        ("maxconn 10000", "maxconn 64\n    nbthread 1"),
        ("/run/haproxy/admin.sock", socket.to_str().unwrap()),
        ("bind :80\n", &format!("bind {listen}\n")),
        ("198.51.100.11:8080", &first),
        ("198.51.100.12:8080", &second),
    ] {
        assert!(text.contains(shipped), "{shipped}");
        text = text.replace(shipped, ours);
    }
    text
}

/// Server `a` as `haproxy` sees it.
struct Checked {
    state: String,
    failed_checks: u32,
    /// Whether the last checks have passed: at first a server is up without any, and one failure ends that.
    has_passed: bool,
}

fn server_a(proxy: &Proxy) -> Checked {
    let path = proxy.directory().join("admin.sock");
    // It accepts clients before it has this socket.
    eventually("haproxy has its socket", || path.exists());
    let mut socket = UnixStream::connect(path).unwrap();
    socket.write_all(b"show stat\n").unwrap();
    let mut table = String::new();
    socket.read_to_string(&mut table).unwrap();
    let names: Vec<_> = table.lines().next().unwrap().split(',').collect();
    let line = table.lines().find(|line| line.starts_with("servers,a,"));
    let fields: Vec<_> = line.unwrap().split(',').collect();
    let field = |name| fields[names.iter().position(|field| *field == name).unwrap()];
    let number = |name| field(name).parse::<u32>().unwrap();
    Checked {
        // "UP 1/2" is one that has failed a check.
        state: field("status").split(' ').next().unwrap().to_owned(),
        failed_checks: number("chkfail"),
        has_passed: number("check_health") == number("check_rise") + number("check_fall") - 1,
    }
}

fn through(proxy: &Proxy) -> Response {
    proxy.connect().ask("GET /file", "", b"")
}

#[test]
fn server_that_loses_its_root_is_out_after_two_checks_and_comes_back() {
    let (first, second) = (start("first"), start("second"));
    let servers = [(first.0.address(), first.1), (second.0.address(), second.1)];
    let Some(proxy) =
        Proxy::haproxy(|listen, directory| configuration(&servers, listen, directory))
    else {
        return;
    };
    eventually("both serve", || {
        let seen = [(), ()].map(|()| through(&proxy).text().to_owned());
        seen[0] != seen[1]
    });
    eventually("its checks have passed", || server_a(&proxy).has_passed);
    let before = server_a(&proxy);
    assert_eq!(before.state, "UP");

    fs::remove_dir_all(first.0.home().root()).unwrap();
    eventually("it is out", || {
        // A GET that it refuses with 503 goes to the other.
        assert_eq!(through(&proxy).text(), "second");
        server_a(&proxy).state == "DOWN"
    });
    assert_eq!(server_a(&proxy).failed_checks, before.failed_checks + 2);
    let health = ask(first.1, "/healthz", "*/*");
    assert_eq!(
        (health.status, health.text()),
        (503, "the root was removed\n")
    );

    fs::create_dir(first.0.home().root()).unwrap();
    first.0.place("file", b"again");
    eventually("it is back", || server_a(&proxy).state == "UP");
    eventually("it serves", || through(&proxy).text() == "again");
    for server in [&first.0, &second.0] {
        let log = server.log();
        assert!(
            !log.contains("healthz") && log.contains("GET file"),
            "{log}"
        );
        assert!(
            log.lines()
                .all(|line| line.contains("file") || line == "========"),
            "{log}"
        );
    }
}

#[test]
fn server_that_stops_is_out_while_it_finishes_an_upload() {
    let (mut first, second) = (start("first"), start("second"));
    let servers = [(first.0.address(), first.1), (second.0.address(), second.1)];
    let Some(proxy) =
        Proxy::haproxy(|listen, directory| configuration(&servers, listen, directory))
    else {
        return;
    };
    eventually("it is there", || server_a(&proxy).state == "UP");
    let mut upload = Client::connect(first.0.address());
    upload
        .send("PROXY UNKNOWN\r\nPUT /new HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nExpect: 100-continue\r\n\r\n");
    assert_eq!(Response::parse(&upload.response()).status, 100);
    upload.send("abc");
    first.0.signal(Signal::TERM);
    eventually("it is out", || {
        assert_eq!(through(&proxy).status, 200);
        server_a(&proxy).state == "DOWN"
    });
    upload.send("def");
    assert_eq!(upload.final_response().unwrap().status, 201);
    let (status, stderr) = first.0.wait();
    assert!(status.success(), "{stderr}");
    assert_eq!(first.0.content("new"), b"abcdef");
}

#[test]
fn shipped_configuration_of_haproxy_is_sound() {
    if !is_there("haproxy") {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/cluster/haproxy.cfg");
    let mut haproxy = Command::new("haproxy");
    haproxy.args(["-c", "-f", path]);
    let output = finish(haproxy, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success() && !said.contains("WARNING"),
        "{said}"
    );
}

/// The unit of the server with its drop-in, and the mount that both need.
#[test]
fn units_of_a_cluster_are_sound() {
    if !is_there("systemd-analyze") {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let place = |file: &str, text: String| {
        let path = directory.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let program = env!("CARGO_BIN_EXE_httpserver");
    let unit = packaged("httpserver.service").replace("/usr/bin/httpserver", program);
    place("httpserver.service", unit);
    place(
        "httpserver.service.d/cluster.conf",
        packaged("cluster/cluster.conf"),
    );
    let mount = "srv-httpserver-files.mount";
    place(mount, packaged(&format!("cluster/{mount}")));
    let mut command = Command::new("systemd-analyze");
    command
        .args(["verify", "--man=no", "./httpserver.service"])
        .arg(format!("./{mount}"));
    command.current_dir(directory.path());
    command.env(
        "SYSTEMD_UNIT_PATH",
        format!("{}:", directory.path().display()),
    );
    let output = finish(command, b"");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && !said.contains("httpserver"),
        "{said}"
    );
}

/// The variables of the drop-in are understood together with those of the unit.
#[test]
fn variables_of_a_cluster_are_understood() {
    let units = [
        packaged("httpserver.service"),
        packaged("cluster/cluster.conf"),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_httpserver"));
    command.arg("--print-config").env_clear();
    let lines = units.iter().flat_map(|unit| unit.lines());
    for set in lines.filter_map(|line| line.strip_prefix("Environment=")) {
        let (name, value) = set.split_once('=').unwrap();
        // systemd puts the host name there.
        command.env(name, value.replace("%H", "web-1"));
    }
    let output = finish(command, b"");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    for (option, value, variable) in [
        ("listen", "0.0.0.0:8080,proxy", "HTTPSERVER_LISTEN"),
        ("root", "/srv/httpserver/files", "HTTPSERVER_ROOT"),
        ("shared", "true", "HTTPSERVER_SHARED"),
        ("seal", "true", "HTTPSERVER_SEAL"),
        ("server-id", "web-1", "HTTPSERVER_SERVER_ID"),
        ("trust-proxy", "198.51.100.10", "HTTPSERVER_TRUST_PROXY"),
        ("allow-host", "files.example.net", "HTTPSERVER_ALLOW_HOST"),
        ("status", "0.0.0.0:9100", "HTTPSERVER_STATUS"),
    ] {
        let row = [option, value, variable];
        let is_there = said.lines().any(|line| line.split_whitespace().eq(row));
        assert!(is_there, "{option}: {said}");
    }
}
