//! `kill -9` in the middle of uploads: every answered upload is stored.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use httpserver::request_log::verify::{Finding, LogFault, SealFault, SealReport, TornEntry};
use rustix::process::Signal;

use crate::support::bytes::noise;
use crate::support::home::Home;
use crate::support::journal::{self, JournalEntry};
use crate::support::message::name;
use crate::support::seal::{key, key_state, report, seal_path};
use crate::support::setup::Setup;

/// Clients that upload at once.
const CLIENTS: u64 = 32;

/// Files that each client writes in turn.
const FILES: u64 = 3;

/// A client's record of one of its files.
#[derive(Debug, Default)]
struct Known {
    /// The upload that was answered last.
    answered: Option<u64>,
    /// The upload that was begun last.
    begun: Option<u64>,
}

/// How often the server is killed: `FAULT_ROUNDS`, or a few times.
fn rounds(few: u32) -> u32 {
    let rounds = std::env::var("FAULT_ROUNDS");
    rounds.map_or(few, |text| text.parse().expect("FAULT_ROUNDS: a number"))
}

/// The content of an upload: sizes of one row and of many blocks.
fn upload(client: u64, number: u64) -> Vec<u8> {
    let lengths = [0, 1, 20, 777, 5_000, 70_000, 200_000];
    let index = (client * 5 + number) % 7;
    noise(
        client << 32 | number,
        lengths[usize::try_from(index).unwrap()],
    )
}

/// Kills the server so often, after another time in each round: how far the clients come by then is up to the machine.
fn in_rounds(rounds: u32, round: impl Fn(Duration)) {
    let start = Instant::now();
    for number in 0..rounds {
        let delay = Duration::from_millis(u64::from(start.elapsed().subsec_nanos() % 150));
        round(delay);
        eprintln!("round {number}: killed after {delay:?}");
    }
}

#[test]
fn answered_uploads_survive_a_kill() {
    in_rounds(rounds(6), |delay| {
        let home = Home::new();
        let known = kill_amid_uploads(&home, &[], delay);
        check(&home, &known);
        check_next_start(&home);
    });
}

/// Every answered request is sealed and authenticated, before the next start and after it.
#[test]
fn answered_uploads_of_a_sealed_log_verify() {
    in_rounds(rounds(10), |delay| {
        let home = Home::new();
        key_state(&home);
        let options = ["--seal", "--seal-key", "key"];
        let known = kill_amid_uploads(&home, &options, delay);
        check(&home, &known);
        let (log, seal) = (home.log_path(), seal_path(&home.log_path()));
        let before = report(&log, &seal, Some(key()));
        check_report(&before, &known);

        let mut server = Setup::at(&home, &[&options[..], &["--log-append"]].concat()).start();
        server.connect().put(&name(0), b"again").unwrap();
        server.stop();
        let after = report(&log, &seal, Some(key()));
        assert_eq!(after.findings, []);
        assert_eq!(after.entries, before.entries + 1);
        assert_eq!(
            (after.verified_codes, after.lines_after_code),
            (after.codes, 0)
        );
        let is_named = |torn: &TornEntry| torn.place.is_some();
        assert!(after.torn.iter().all(is_named), "{:?}", after.torn);
        // No answered entry is torn, and the log agrees with the stored files.
        check(&home, &BTreeMap::new());
        assert_eq!(home.content(&name(0)), b"again");
    });
}

/// The seal of a server that was killed: entries in flight may be torn, and nothing else is wrong.
fn check_report(report: &SealReport, known: &BTreeMap<String, (u64, Known)>) {
    let mut torn = report.torn.len() as u64;
    for finding in &report.findings {
        match finding {
            Finding::Log(LogFault::MissingAtEnd { from, to }) => {
                torn += to.number - from.number + 1;
            }
            Finding::Seal(SealFault::TornLine { .. }) => {}
            other => panic!("{other}"),
        }
    }
    assert!(torn <= CLIENTS, "{torn}");
    assert_eq!(report.verified_codes, report.codes);
    let answered: u64 = known
        .values()
        .map(|(_, known)| known.answered.map_or(0, |number| number / FILES + 1))
        .sum();
    assert!(
        report.entries >= answered + torn,
        "{} < {answered}",
        report.entries
    );
}

/// Lets the clients upload until the server is killed; returns their records.
fn kill_amid_uploads(
    home: &Home,
    options: &[&str],
    delay: Duration,
) -> BTreeMap<String, (u64, Known)> {
    // Dropped at the end, which waits until it is gone.
    let server = Setup::at(home, &[&["-N", "4"], options].concat()).start();
    let ready = Barrier::new(usize::try_from(CLIENTS).unwrap() + 1);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (server, ready) = (&server, &ready);
                scope.spawn(move || {
                    let mut connection = server.connect();
                    let mut known: Vec<Known> = (0..FILES).map(|_| Known::default()).collect();
                    ready.wait();
                    for number in 0.. {
                        let file = number % FILES;
                        let known = &mut known[usize::try_from(file).unwrap()];
                        known.begun = Some(number);
                        let name = name(client * FILES + file);
                        match connection.put(&name, &upload(client, number)) {
                            Some(response) => assert_eq!(response.status, 201),
                            None => break,
                        }
                        known.answered = Some(number);
                    }
                    known
                })
            })
            .collect();
        ready.wait();
        thread::sleep(delay);
        server.signal(Signal::KILL);
        let mut all = BTreeMap::new();
        for (client, thread) in (0..).zip(clients) {
            for (file, known) in (0..).zip(thread.join().unwrap()) {
                all.insert(name(client * FILES + file), (client, known));
            }
        }
        all
    })
}

/// Every file has the last answered content, or one that was begun after it; and the log agrees.
fn check(home: &Home, known: &BTreeMap<String, (u64, Known)>) {
    let files = home.files();
    let journal = home.journal();
    assert!(
        journal.torn <= usize::try_from(CLIENTS).unwrap(),
        "{}",
        journal.torn
    );
    for (name, (client, known)) in known {
        let answered = known.answered.map(|number| upload(*client, number));
        let begun = known.begun.map(|number| upload(*client, number));
        let stored = files.get(name);
        assert!(
            stored == answered.as_ref() || stored == begun.as_ref(),
            "{name}: {known:?}"
        );
        let Some(answered) = answered else { continue };
        let of_this =
            |entry: &&JournalEntry| matches!(entry, JournalEntry::Put(other, _) if other == name);
        let entries: Vec<_> = journal.entries.iter().filter(of_this).collect();
        let is_answered = |entry: &&&JournalEntry| matches!(entry, JournalEntry::Put(_, content) if *content == answered);
        let at = entries.iter().rposition(|entry| is_answered(&entry));
        // Behind it stands at most the one that was begun.
        assert!(
            at.is_some_and(|at| at + 2 >= entries.len()),
            "{name}: {known:?}"
        );
    }
}

/// The next server finds no leftovers, and keeps the old log.
fn check_next_start(home: &Home) {
    let log = fs::read(home.log_path()).unwrap();
    let mut server = Setup::at(home, &["-N", "1"]).start();
    let leftovers = |name: &String| name.starts_with('.');
    assert!(!home.files().keys().any(leftovers));
    assert_eq!(
        server.connect().put(&name(0), b"again").unwrap().status,
        201
    );
    server.stop();
    assert_eq!(
        home.journal().entries,
        [JournalEntry::Put(name(0), b"again".to_vec())]
    );
    if log.is_empty() {
        return;
    }
    let kept = home.kept_logs();
    let [suffix] = kept.keys().collect::<Vec<_>>()[..] else {
        panic!("one is kept: {kept:?}")
    };
    let kept = home.path().join(format!("log.txt.{suffix}"));
    assert!(fs::read(&kept).unwrap() == log, "the old log has changed");
    assert!(journal::read(&kept).torn <= usize::try_from(CLIENTS).unwrap());
}
