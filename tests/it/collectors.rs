//! rsyslog collects the access log and the entries of the request log with the configuration in `examples/rsyslog`.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::home::Home;
use crate::support::message::{get, name, put};
use crate::support::process::finish;
use crate::support::requirements::is_there;
use crate::support::running::Running;
use crate::support::setup::Setup;
use crate::support::wait::eventually;

/// The example with the directory of the home in place of `/var/log/httpserver`, and a directory for its state.
fn configuration(home: &Home) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/rsyslog/httpserver.conf");
    let directory = home.path().to_str().unwrap();
    let text = fs::read_to_string(example).unwrap();
    let text = text.replace("/var/log/httpserver", directory);
    format!("global(workDirectory=\"{directory}\")\n{text}")
}

/// The complete lines of a file.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(str::to_owned).collect()
}

#[test]
fn rsyslog_collects_the_access_log_and_the_entries() {
    if !is_there("rsyslogd") {
        return;
    }
    let home = Home::new();
    fs::write(home.path().join("rsyslog.conf"), configuration(&home)).unwrap();
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

    let options = [
        "--seal",
        "--server-id",
        "web-1",
        "--access-log",
        "access.log",
        "--access-log-format",
        "json",
    ];
    let server = Setup::at(&home, &options).start();
    let mut collector = rsyslogd();
    collector.args(["-n", "-i", "rsyslog.pid"]);
    collector.stdout(Stdio::null()).stderr(Stdio::null());
    let _collector = Running::start(collector);
    let mut entries = Command::new(env!("CARGO_BIN_EXE_httpserver-log"));
    entries
        .args(["list", "log.txt", "--follow", "--json"])
        .current_dir(home.path());
    entries.stdout(File::create(home.path().join("entries.json")).unwrap());
    let _entries = Running::start(entries);

    server.request(put(&name("a"), b"content"));
    server.request(get(&name("a")));
    server.request(get("\"},{%0A\\"));
    let collected = home.path().join("collected.json");
    eventually("three requests and three entries are collected", || {
        lines(&collected).len() >= 6
    });
    let objects = lines(&collected).into_iter();
    let objects: Vec<Value> = objects
        .map(|line| serde_json::from_str(&line).unwrap())
        .collect();
    let of = |key: &str| {
        objects
            .iter()
            .filter(|object| !object[key].is_null())
            .count()
    };
    assert_eq!((objects.len(), of("client"), of("seal_number")), (6, 3, 3));
    assert!(
        objects.iter().all(|object| object["server"] == "web-1"),
        "{objects:?}"
    );
    let stored = objects
        .iter()
        .find(|object| object["sha256"].is_string())
        .unwrap();
    assert_eq!(stored["name"], name("a"));
    let refused = home.path().join("refused.log");
    eventually("the refused one is among them", || {
        !lines(&refused).is_empty()
    });
    assert_eq!(lines(&refused), ["web-1 127.0.0.1 GET /\"},{%0A\\ 400"]);
    assert!(!home.path().join("unread.log").exists());
}
