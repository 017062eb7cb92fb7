//! The clock of the system is set back while a sealed log grows. libfaketime fakes the server's clock, and reads its offset
//! from a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use httpserver::seal::line::LineContent;
use httpserver::seal::read::SealReader;
use httpserver::seal::time::Moment;

use crate::support::home::Home;
use crate::support::message::name;
use crate::support::process::{finish, log_tool};
use crate::support::requirements::is_there;
use crate::support::seal::{key_state, seal_path};
use crate::support::server::Server;
use crate::support::setup::Setup;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The most time between two readings of a clock.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A file with the offset of the server's clock.
struct FakedClock {
    path: PathBuf,
}

impl FakedClock {
    fn new(home: &Home) -> Self {
        let path = home.path().join("clock");
        Self { path }
    }

    /// Sets the clock this many days ahead. The file is replaced, so that it is never read half-written.
    fn set(&self, days: u64) {
        let new = self.path.with_extension("new");
        fs::write(&new, format!("+{days}d\n")).unwrap();
        fs::rename(new, &self.path).unwrap();
    }

    /// A server with this clock that continues the existing log.
    fn start(&self, home: &Home) -> Server {
        let mut preload = Command::new("faketime");
        preload.args(["-f", "+0d", "printenv", "LD_PRELOAD"]);
        let library = String::from_utf8(finish(preload, b"").stdout).unwrap();
        let mut env = Command::new("env");
        env.arg(format!("LD_PRELOAD={}", library.trim_end()))
            .arg(format!("FAKETIME_TIMESTAMP_FILE={}", self.path.display()))
            .args(["FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1"]);
        // The library reads its file at each reading of the clock, so the server must not confine itself.
        let options = [
            "--seal",
            "--seal-key",
            "key",
            "--log-append",
            "--no-sandbox",
        ];
        Setup::at(home, &options).under(env).start()
    }
}

/// The times of all entries; and for each `clock` line the times of the seal and of the system.
fn times(log: &Path) -> (Vec<Moment>, Vec<(Moment, Moment)>) {
    let (mut entries, mut set_back) = (Vec::new(), Vec::new());
    let mut reader = SealReader::new(fs::File::open(seal_path(log)).unwrap());
    while let Some(line) = reader.next_line().unwrap() {
        match line.line {
            LineContent::Entry(entry) => entries.push(entry.time.moment),
            LineContent::Clock { time, system } => set_back.push((time, system)),
            _ => {}
        }
    }
    (entries, set_back)
}

/// The time from one moment to a later one.
#[track_caller]
fn between(early: Moment, late: Moment) -> Duration {
    let difference = late.microseconds().checked_sub(early.microseconds());
    Duration::from_micros(difference.expect("in order"))
}

#[test]
fn entries_stay_in_order_when_the_clock_is_set_back() {
    if !is_there("faketime") {
        return;
    }
    let home = Home::new();
    key_state(&home);
    let clock = FakedClock::new(&home);
    let record = |server: &Server| {
        let response = server.ask(&format!("GET /{}", name(1)), "", b"");
        assert_eq!(response.status, 404);
    };

    clock.set(20);
    let mut server = clock.start(&home);
    record(&server);
    clock.set(10);
    record(&server);
    record(&server);
    server.stop();
    // Set back while no server runs.
    clock.set(5);
    let mut server = clock.start(&home);
    record(&server);
    // Set forward, it is as far ahead of the system as before.
    clock.set(30);
    record(&server);
    server.stop();

    let log = home.log_path();
    let (entries, set_back) = times(&log);
    assert_eq!(entries.len(), 5, "{entries:?}");
    for pair in entries[..4].windows(2) {
        assert!(between(pair[0], pair[1]) < HOUR, "{entries:?}");
    }
    let forward = between(entries[3], entries[4]);
    assert!(
        (25 * DAY..25 * DAY + HOUR).contains(&forward),
        "{entries:?}"
    );
    let ahead: Vec<_> = set_back
        .iter()
        .map(|&(time, system)| between(system, time).as_secs().div_ceil(HOUR.as_secs()))
        .collect();
    assert_eq!(ahead, [10 * 24, 15 * 24], "{set_back:?}");

    let check = log_tool(home.path(), ["check", "log.txt", "--state", "key"], b"");
    let said = String::from_utf8(check.stdout).unwrap();
    assert_eq!(check.status.code(), Some(0), "{said}");
    assert!(said.contains(": nothing was altered\n"), "{said}");
}
