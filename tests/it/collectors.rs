//! Collectors of logs read the access log and the entries of the request log with the configurations in `examples`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::home::Home;
use crate::support::message::{get, name, put};
use crate::support::process::finish;
use crate::support::requirements::{is_there, skip};
use crate::support::running::Running;
use crate::support::server::Server;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

/// A configuration from `examples`, with the directory of the home in place of `/var/log/httpserver`.
fn configuration(home: &Home, example: &str) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples")
        .join(example);
    let text = fs::read_to_string(example).unwrap();
    text.replace("/var/log/httpserver", home.path().to_str().unwrap())
}

/// The complete lines of a file.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(str::to_owned).collect()
}

/// A server with a sealed log and a JSON access log, and `list --follow`, which writes `entries.json`.
struct Logged {
    server: Server,
    _entries: Running,
}

impl Logged {
    fn start(home: &Home) -> Self {
        let options = [
            "--seal",
            "--server-id",
            "web-1",
            "--access-log",
            "access.log",
            "--access-log-format",
            "json",
        ];
        let server = Setup::at(home, &options).start();
        let mut entries = Command::new(env!("CARGO_BIN_EXE_httpserver-log"));
        entries
            .args(["list", "log.txt", "--follow", "--json"])
            .current_dir(home.path());
        entries.stdout(File::create(home.path().join("entries.json")).unwrap());
        Self {
            server,
            _entries: Running::start(entries),
        }
    }

    /// Sends three requests, waits until they and their entries are in `collected.json`, and checks these. The last
    /// one has a target that would break out of a string if it were not escaped.
    fn check_collected(&self, home: &Home) -> Vec<Value> {
        self.server.request(put(&name("a"), b"content"));
        self.server.request(get(&name("a")));
        self.server.request(get("\"},{%0A\\"));
        let collected = home.path().join("collected.json");
        eventually("three requests and three entries are collected", || {
            lines(&collected).len() >= 6
        });
        let objects = lines(&collected).into_iter();
        let objects: Vec<Value> = objects
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect();
        let with = |key: &str| {
            let objects = objects.iter();
            objects.filter(|object| !object[key].is_null()).count()
        };
        assert_eq!(
            (objects.len(), with("client"), with("seal_number")),
            (6, 3, 3)
        );
        assert!(
            objects.iter().all(|object| object["server"] == "web-1"),
            "{objects:?}"
        );
        let stored = objects
            .iter()
            .find(|object| object["sha256"].is_string())
            .unwrap();
        assert_eq!(stored["name"], name("a"));
        let refused = objects.iter().find(|object| object["status"] == 400);
        assert!(refused.is_some(), "{objects:?}");
        objects
    }
}

#[test]
fn rsyslog_collects_the_access_log_and_the_entries() {
    if !is_there("rsyslogd") {
        return;
    }
    let home = Home::new();
    let directory = home.path().to_str().unwrap();
    let text = configuration(&home, "rsyslog/httpserver.conf");
    let text = format!("global(workDirectory=\"{directory}\")\n{text}");
    fs::write(home.path().join("rsyslog.conf"), text).unwrap();
    let rsyslogd = || {
        let mut command = Command::new("rsyslogd");
        command
            .args(["-f", "rsyslog.conf"])
            .current_dir(home.path());
        command
    };
    let mut check = rsyslogd();
    check.arg("-N1");
    let checked = finish(check, b"");
    assert!(checked.status.success(), "{checked:?}");

    let logged = Logged::start(&home);
    let mut collector = rsyslogd();
    collector.args(["-n", "-i", "rsyslog.pid"]);
    collector.stdout(Stdio::null()).stderr(Stdio::null());
    let _collector = Running::start(collector);
    logged.check_collected(&home);
    let refused = home.path().join("refused.log");
    eventually("the refused request is in a file of its own", || {
        !lines(&refused).is_empty()
    });
    assert_eq!(lines(&refused), ["web-1 127.0.0.1 GET /\"},{%0A\\ 400"]);
    assert!(!home.path().join("unread.log").exists());
}

#[test]
fn logagent_collects_the_access_log_and_the_entries() {
    let logagent =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("target/logagent/node_modules/.bin/logagent");
    if !logagent.exists() {
        let prefix = "npm install --no-save --prefix target/logagent";
        return skip(&format!(
            "{} is not there; {prefix} @sematext/logagent installs it",
            logagent.display()
        ));
    }
    let home = Home::new();
    let text = configuration(&home, "logagent/httpserver.yml");
    fs::write(home.path().join("logagent.yml"), text).unwrap();
    let logged = Logged::start(&home);
    let said = home.path().join("logagent.said");
    let mut collector = Command::new(logagent);
    collector
        .args(["--config", "logagent.yml"])
        .env("LOGS_TMP_DIR", home.path())
        .current_dir(home.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&said).unwrap());
    let _collector = Running::start(collector);
    // It begins at the end that a file has then.
    eventually("logagent follows both files", || {
        let said = lines(&said);
        let said = said.iter();
        said.filter(|line| line.contains("Watching file:")).count() == 2
    });
    for object in logged.check_collected(&home) {
        let (Some(time), Some(stamp)) = (object["time"].as_str(), object["@timestamp"].as_str())
        else {
            panic!("{object}");
        };
        assert_eq!(time[..23], stamp[..23], "{object}");
    }
}
